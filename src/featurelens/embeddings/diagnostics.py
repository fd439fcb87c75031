"""What an embedding is like: dimension, spread, separation of cell types, fit of its decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from featurelens.embeddings.expression import iter_expression

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


FOLDS = 5
MOST_CELLS = 10_000
"""Cells on which the probe of cell types is fitted and judged."""
NORMS = {"min": 0, "05": 0.05, "25": 0.25, "median": 0.5, "75": 0.75, "95": 0.95, "max": 1}
SOURCES: tuple[Literal["decoded", "measured"], ...] = ("decoded", "measured")


def diagnose(bundle: Bundle, *, seed: int) -> dict[str, Any]:
    """Diagnostics of one bundle, as one row of a table over bundles.

    Returns
    -------
    dict
        model, n_cells, n_genes, d; effective_rank; gamma; norm_min, norm_05, norm_25, norm_median,
        norm_75, norm_95 and norm_max (quantiles of the cells' Euclidean norms); probe_accuracy,
        probe_chance, probe_n_types, probe_n_left_out, probe_n_cells (:func:`probe_cell_types`);
        decoder; surrogate (whether the decoder was fitted afterwards and is no part of the model);
        decoder_mean_correlation (over genes, of log1p of mean
        decoded and mean measured expression), decoder_gene_correlation (median over genes of the
        correlation over cells of log1p decoded and measured), decoder_share_clipped. NaN where
        there is no decoder.
    """
    norms = np.linalg.norm(bundle.embedding.astype(np.float64), axis=1)
    quantiles = np.quantile(norms, list(NORMS.values()))
    labels = bundle.cells.obs["cell_type"].astype(str).to_numpy()
    return {
        "model": bundle.info["model"],
        "n_cells": bundle.cells.n_obs,
        "n_genes": bundle.cells.n_vars,
        "d": bundle.embedding.shape[1],
        "effective_rank": effective_rank(bundle.embedding),
        "gamma": gamma(bundle.embedding),
        **{f"norm_{name}": float(norm) for name, norm in zip(NORMS, quantiles, strict=True)},
        **probe_cell_types(bundle.embedding, labels, seed=seed),
        "decoder": bundle.decoder.type,
        "surrogate": bundle.decoder.type == "surrogate",
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
    fewer cells than folds are left out and counted. Of many cells, :data:`MOST_CELLS` are drawn.

    Parameters
    ----------
    embedding
        (n_cells, d).
    labels
        Cell types, (n_cells,).
    seed
        Seed of the folds and of the cells drawn.

    Returns
    -------
    dict
        probe_accuracy (NaN with fewer than two types), probe_chance (one over the number of
        types), probe_n_types, probe_n_left_out (types), probe_n_cells.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(labels) > MOST_CELLS:
        drawn = np.random.default_rng(seed).choice(len(labels), MOST_CELLS, replace=False)
        embedding, labels = embedding[drawn], labels[drawn]
    types, sizes = np.unique(labels, return_counts=True)
    kept = types[sizes >= FOLDS]
    result = {
        "probe_accuracy": float("nan"),
        "probe_chance": 1 / len(kept) if len(kept) else float("nan"),
        "probe_n_types": len(kept),
        "probe_n_left_out": len(types) - len(kept),
        "probe_n_cells": int(sizes[sizes >= FOLDS].sum()),
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
    """Decoded against measured expression, in chunks of cells: both together take gigabytes."""
    names = ("decoder_mean_correlation", "decoder_gene_correlation", "decoder_share_clipped")
    if bundle.decoder.shape is None:
        return dict.fromkeys(names, float("nan"))
    both = (iter_expression(bundle, source=source, n_rows=1024) for source in SOURCES)
    means = np.zeros((2, bundle.cells.n_vars))
    moments = _Moments(bundle.cells.n_vars)
    for (_, decoded), (_, measured) in zip(*both, strict=True):
        means += [decoded.sum(axis=0, dtype=np.float64), measured.sum(axis=0, dtype=np.float64)]
        moments.update(np.log1p(decoded), np.log1p(measured))
    by_gene = moments.correlations()
    values = (
        float(np.corrcoef(np.log1p(means / bundle.cells.n_obs))[0, 1]),
        float(np.nanmedian(by_gene)) if np.isfinite(by_gene).any() else float("nan"),
        bundle.decoder.share_clipped(bundle.embedding),
    )
    return dict(zip(names, values, strict=True))


class _Moments:
    """Sums for the correlations of the columns of two matrices that come in parts.

    Values are taken relative to the first part's means, so that the sums stay small.
    """

    def __init__(self, n_columns: int) -> None:
        self._n = 0
        self._shift = np.zeros((2, n_columns))
        self._sums = np.zeros((2, n_columns))
        self._squares = np.zeros((2, n_columns))
        self._products = np.zeros(n_columns)

    def update(self, left: np.ndarray, right: np.ndarray) -> None:
        """Add rows of both matrices, (n, n_columns) each."""
        if not self._n:
            self._shift[:] = [side.mean(axis=0, dtype=np.float64) for side in (left, right)]
        one, other = left - self._shift[0], right - self._shift[1]
        self._n += len(left)
        self._sums += [one.sum(axis=0), other.sum(axis=0)]
        self._squares += [np.square(one).sum(axis=0), np.square(other).sum(axis=0)]
        self._products += (one * other).sum(axis=0)

    def correlations(self) -> np.ndarray:
        """Pearson correlation of each pair of columns; NaN if one is flat."""
        scatter = np.clip(self._squares - np.square(self._sums) / self._n, 0, None)
        flat = scatter < 1e-12 * np.maximum(self._squares, 1e-300) + 1e-20
        product = self._products - self._sums.prod(axis=0) / self._n
        scale = np.sqrt(scatter.prod(axis=0))
        fine = (scale > 0) & ~flat.any(axis=0)
        return np.divide(product, scale, out=np.full(product.shape, np.nan), where=fine)
