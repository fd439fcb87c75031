"""What an embedding is like: dimension, spread, separation of cell types, fit of its decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from featurelens.decoders import expression

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle

FOLDS = 5


def diagnose(bundle: Bundle, *, seed: int) -> dict[str, Any]:
    """Diagnostics of one bundle, as one row of a table over bundles.

    Returns
    -------
    dict
        model, n_cells, n_genes, d; effective_rank; gamma; norm_median, norm_05 and norm_95 (of
        the cells' Euclidean norms); probe_accuracy, probe_chance, probe_n_types, probe_n_left_out
        (:func:`probe_cell_types`); decoder; decoder_mean_correlation (over genes, of log1p of mean
        decoded and mean measured expression), decoder_gene_correlation (median over genes of the
        correlation over cells of log1p decoded and measured), decoder_share_clipped. NaN where
        there is no decoder.
    """
    norms = np.linalg.norm(bundle.embedding.astype(np.float64), axis=1)
    low, middle, high = np.quantile(norms, [0.05, 0.5, 0.95])
    labels = bundle.cells.obs["cell_type"].astype(str).to_numpy()
    return {
        "model": bundle.info["model"],
        "n_cells": bundle.cells.n_obs,
        "n_genes": bundle.cells.n_vars,
        "d": bundle.embedding.shape[1],
        "effective_rank": effective_rank(bundle.embedding),
        "gamma": gamma(bundle.embedding),
        "norm_05": float(low),
        "norm_median": float(middle),
        "norm_95": float(high),
        **probe_cell_types(bundle.embedding, labels, seed=seed),
        "decoder": bundle.decoder.type,
        **_decoder_fit(bundle),
    }


def effective_rank(embedding: np.ndarray) -> float:
    """Exponential of the entropy of the eigenvalues of the covariance, as shares of their sum.

    Between 1 (one direction) and d (equal variance in all); the form of Roy and Vetterli (2007)
    with variances for singular values. NaN if nothing varies.
    """
    covariance = np.atleast_2d(np.cov(embedding.astype(np.float64), rowvar=False))
    eigenvalues = np.clip(np.linalg.eigvalsh(covariance), 0, None)
    if not eigenvalues.any():
        return float("nan")
    shares = eigenvalues[eigenvalues > 0] / eigenvalues.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def gamma(embedding: np.ndarray) -> float:
    """Distance of the mean from the origin in units of spread, ``|mu| / sqrt(tr Sigma)``.

    Embeddings far from the origin give SAEs with many dead features at first. NaN if nothing
    varies.
    """
    embedding = embedding.astype(np.float64)
    spread = np.sqrt(embedding.var(axis=0, ddof=1).sum())
    return float(np.linalg.norm(embedding.mean(axis=0)) / spread) if spread else float("nan")


def probe_cell_types(embedding: np.ndarray, labels: np.ndarray, *, seed: int) -> dict[str, Any]:
    """How well a linear classifier tells the cell types apart on cells it has not seen.

    Logistic regression on standardised dimensions, classes weighted to equal size, stratified
    five-fold cross-validation; the score is balanced accuracy over all held-out cells. Types with
    fewer cells than folds are left out and counted.

    Parameters
    ----------
    embedding
        (n_cells, d).
    labels
        Cell types, (n_cells,).
    seed
        Seed of the folds.

    Returns
    -------
    dict
        probe_accuracy (NaN with fewer than two types), probe_chance (one over the number of
        types), probe_n_types, probe_n_left_out (types).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    types, sizes = np.unique(labels, return_counts=True)
    kept = types[sizes >= FOLDS]
    result = {
        "probe_accuracy": float("nan"),
        "probe_chance": 1 / len(kept) if len(kept) else float("nan"),
        "probe_n_types": len(kept),
        "probe_n_left_out": len(types) - len(kept),
    }
    if len(kept) < 2:
        return result
    rows = np.isin(labels, kept)
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000)),
        embedding[rows].astype(np.float64),
        labels[rows],
        cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed),
    )
    return result | {"probe_accuracy": float(balanced_accuracy_score(labels[rows], predicted))}


def _decoder_fit(bundle: Bundle) -> dict[str, float]:
    names = ("decoder_mean_correlation", "decoder_gene_correlation", "decoder_share_clipped")
    if bundle.decoder.shape is None:
        return dict.fromkeys(names, float("nan"))
    decoded = expression(bundle, source="decoded")
    measured = expression(bundle, source="measured")
    means = np.log1p([decoded.mean(axis=0), measured.mean(axis=0)])  # (2, n_genes)
    by_gene = _correlations(np.log1p(decoded), np.log1p(measured))
    values = (
        float(np.corrcoef(means)[0, 1]),
        float(np.nanmedian(by_gene)) if np.isfinite(by_gene).any() else float("nan"),
        bundle.decoder.share_clipped(bundle.embedding),
    )
    return dict(zip(names, values, strict=True))


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson correlation of each column of two (n_cells, n_genes) arrays; NaN if one is flat."""
    first = first - first.mean(axis=0, dtype=np.float64)
    second = second - second.mean(axis=0, dtype=np.float64)
    product = (first * second).sum(axis=0)
    scale = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    return np.divide(product, scale, out=np.full(product.shape, np.nan), where=scale > 0)
