"""Small invented tables with exactly the columns that the figures, tables and claims read."""

import itertools
from dataclasses import asdict

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.sae.config import SAEConfig

LEVELS = {"Y": 0, "X''": 1, "X'": 2, "X": 3, "A": 2, "B": 3}
SCORES = {"Y": 0.99, "X''": 0.97, "A": 0.84, "B": 0.6, "X'": 0.2, "X": 0.05}
CELL_TYPES = (
    "CD14+ Monocyte", "CD19+ B", "CD4+/CD25 T Reg", "CD56+ NK", "CD8+ Cytotoxic T", "Dendritic",
)  # fmt: skip
PERCENTILES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)


def superposition(n_autoencoders: int = 6, n_variables: int = 4) -> pd.DataFrame:
    """Both simulations; one B of the smallest autoencoder lies far below -1."""
    rng = np.random.default_rng(1)
    rows = []
    for simulation, groups in (("hierarchical", list(LEVELS)), ("small", ["Y", "X", "A", "B"])):
        for run, convention, group in itertools.product(
            range(n_autoencoders), ("published", "corrected"), groups
        ):
            numeric = group not in "AB" or simulation == "small"
            loss = 10.0 ** (1.5 - 0.8 * run) * (0.1 if simulation == "small" else 1.0)
            for variable in range(n_variables if numeric else 1):
                score = SCORES[group] - 0.12 * (n_autoencoders - run) * rng.random()
                if group == "B" and run == 0 and convention == "published":
                    score = -4.1
                rows.append(
                    {
                        "convention": convention,
                        "group": group,
                        "level": LEVELS[group],
                        "kind": "numeric" if numeric else "category",
                        "variable": variable,
                        "metric": "r2" if numeric else "balanced_accuracy",
                        "score": score,
                        "chance": 0.0,
                        "rescaled": score,
                        "correlation": max(score, 0) ** 0.5 if numeric else float("nan"),
                        "simulation": simulation,
                        "autoencoder": f"ae{run}",
                        "latent": 20 * (run + 1),
                        "depth": 2,
                        "width": "narrow",
                        "seed": 0,
                        "training": "corrected",
                        "best_validation_loss": loss,
                        "last_validation_loss": loss * 1.1,
                    }
                )
    return pd.DataFrame(rows)


def ceiling() -> pd.DataFrame:
    """What Y itself, and X'' and A, give of every variable of the hierarchical simulation."""
    rows = superposition(n_autoencoders=1)
    rows = rows[rows["simulation"] == "hierarchical"].assign(chance=0.0)
    level = rows["group"].map(LEVELS)
    return pd.concat(
        rows.assign(source=source, score=1 - gap * level, rescaled=1 - gap * level)
        for source, gap in (("Y", 0.2), ("X'' and A", 0.15))
    )


def sweep(
    seeds: tuple[int, ...] = (0, 1),
    factors: tuple[float, ...] = (2, 5, 20, 100),
    source: str = "small/ae5",
    groups: str | tuple[str, ...] = "YXAB",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Points and recovery of a sweep over three architectures on four dimensions."""
    rng = np.random.default_rng(2)
    points, recovery = [], []
    grid = itertools.product(("vanilla", "relu", "topk"), factors, (1e-3, 1e-4), range(3), seeds)
    for number, (architecture, factor, rate, sparsity, seed) in enumerate(grid):
        width = int(4 * factor)
        loss = 0.05 / width * (4 if architecture == "topk" else 1) * 10 ** (0.3 * sparsity)
        points.append(
            {
                **asdict(SAEConfig(architecture=architecture, expansion=float(factor))),
                "id": f"p{number:04d}", "status": "ok", "message": "", "source": source,
                "architecture": architecture, "expansion": float(factor),
                "l1": 0.0 if architecture == "topk" else (1e-2, 1e-3, 1e-4)[sparsity],
                "k": (5.0, 20.0, 50.0)[sparsity], "learning_rate": rate, "epochs": 100,
                "batch_size": 128, "seed": seed, "convention": "corrected", "trained": "all",
                "d_in": 4, "d_sae": width, "engine": "autograd",
                "seconds": 0.5, "loss": loss * (1 + 0.2 * rng.random()) * (1e-3 / rate) ** 0.3,
                "mse": loss, "l1_loss": 0.1 * loss, "explained_variance": 0.99, "l0": 3.0,
                "n_live": width - 2, "n_dead": 2,
            }
        )  # fmt: skip
        for convention, group in itertools.product(("published", "corrected"), groups):
            best = SCORES[group] * (1 - 1 / width) ** 0.5 + 0.02 * rng.random()
            recovery.append(
                {
                    "id": f"p{number:04d}", "convention": convention, "group": group,
                    "level": LEVELS[group], "best_correlation": best,
                    "max_correlation": min(1.0, best + 0.05),
                    "n_per_variable": 0.02 * width, "matched_correlation": 0.9 * best,
                    "null_best_correlation": 0.8 * best, "null_max_correlation": 0.85 * best,
                    "null_matched_correlation": 0.7 * best, "f1": 0.6, "chance_f1": 0.4,
                    "uniqueness": min(1.0, 4 / width),
                    "n_live": width - 2, "mean_active": 3.0, "n_redundant": 1,
                }
            )  # fmt: skip
    return pd.DataFrame(points), pd.DataFrame(recovery)


def structure() -> pd.DataFrame:
    """Structure recovery whose covered mean flatters and whose null is not far away."""
    percentile = np.array(PERCENTILES, dtype=float)
    covered = 0.95 - 0.85 * (percentile / 100) ** 4
    return pd.DataFrame(
        {
            "percentile": percentile,
            "threshold": np.linspace(0.05, 0.93, len(percentile)),
            "n_covered": np.linspace(7, 20, len(percentile)).astype(int),
            "coverage_covered": covered,
            "coverage_all": covered * np.linspace(0.35, 1, len(percentile)),
            "precision": 0.1 + 0.4 * percentile / 100,
            "f1": 0.15 + 0.3 * percentile / 100 - 0.3 * (percentile / 100) ** 6,
            "null_coverage_covered": covered * 0.8,
            "null_coverage_all": covered * 0.8 * np.linspace(0.3, 1, len(percentile)),
            "null_f1": np.full(len(percentile), 0.14),
            "null_precision": np.full(len(percentile), 0.1),
            "margin_coverage_covered": covered * 0.9,
            "margin_coverage_all": covered * 0.9 * np.linspace(0.3, 1, len(percentile)),
            "margin_f1": np.full(len(percentile), 0.16),
            "margin_precision": np.full(len(percentile), 0.12),
        }
    )


def baselines() -> pd.DataFrame:
    rows = [
        {
            "method": method, "n_components": 20, "rank": 20, "convention": convention,
            "group": group, "level": LEVELS[group], "best_correlation": SCORES[group] - shift,
            "max_correlation": SCORES[group] - shift + 0.05,
            "n_per_variable": 1.0, "matched_correlation": 0.5, "n_live": 20, "mean_active": 20.0,
            "n_redundant": 0,
        }
        for (method, shift), convention, group in itertools.product(
            {"pca": 0.1, "ica": 0.05, "svd": 0.12}.items(), ("published", "corrected"), SCORES
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def features(n_cells: int = 400, n_features: int = 40) -> anndata.AnnData:
    """Cells of six types in a ring; feature 0 grows along it, the others sit in one type."""
    rng = np.random.default_rng(3)
    kind = np.sort(rng.integers(0, len(CELL_TYPES), n_cells))
    angle = 2 * np.pi * (kind + 0.35 * rng.standard_normal(n_cells)) / len(CELL_TYPES)
    place = np.c_[np.cos(angle), np.sin(angle)] + 0.12 * rng.standard_normal((n_cells, 2))
    dense = rng.random((n_cells, n_features)) * (rng.random((n_cells, n_features)) < 0.03)
    dense[:, 0] = np.clip(place[:, 0] + 0.8, 0, None)
    for feature in range(1, n_features):
        dense[:, feature] += (kind == feature % len(CELL_TYPES)) * rng.random(n_cells)
    dense[:, n_features // 2 :: 5] = 0
    adata = anndata.AnnData(
        sparse.csr_matrix(dense.astype(np.float32)),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(np.array(CELL_TYPES)[kind]),
                "batch": pd.Categorical(["all"] * n_cells),
                "library": rng.integers(500, 3000, n_cells).astype(float),
            },
            index=[f"cell{number}" for number in range(n_cells)],
        ),
        var=_feature_table(dense, kind),
    )
    adata.obsm["X_emb"] = np.c_[place, rng.standard_normal((n_cells, 3))].astype(np.float32)
    adata.obsm["X_pca"] = place.astype(np.float32)
    return adata


def _feature_table(dense: np.ndarray, kind: np.ndarray) -> pd.DataFrame:
    n_active = (dense > 0).sum(axis=0)
    means = np.array([dense[kind == code].mean(axis=0) for code in range(len(CELL_TYPES))])
    types = np.where(n_active == 0, "dead", "local").astype(object)
    types[0], types[1] = "global", "regional"
    return pd.DataFrame(
        {
            "n_active": n_active,
            "fraction_active": n_active / len(dense),
            "mean": dense.mean(axis=0),
            "max": dense.max(axis=0),
            "type_published": types,
            "type": np.where(types == "regional", "global", types),
            "type_published_shuffled": np.where(types == "dead", "dead", "global"),
            "type_shuffled": np.where(types == "dead", "dead", "global"),
            "n_types_published": (types == "local").astype(int),
            "n_types": (types == "local").astype(int),
            "top_cell_type": np.array(CELL_TYPES)[means.argmax(axis=0)],
            "share_in_type": 0.6,
            "n_in_type": 20,
            "why_no_type": "",
            "effect": means.max(axis=0),
            "q": 0.01,
        },
        index=[str(number) for number in range(dense.shape[1])],
    )


def selected() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "feature": ["0", "1", "2", "3"],
            "role": ["global", "local", "local", "local"],
            "cell_type": ["CD14+ Monocyte", "CD19+ B", "CD4+/CD25 T Reg", "CD56+ NK"],
            "rank": [1, 1, 2, 3],
            "score": [1.2, 0.9, 0.8, 0.7],
            "rule": "invented",
        }
    )


def trajectories(cells: anndata.AnnData, origin: str = "CD4+/CD25 T Reg") -> anndata.AnnData:
    """Every cell of the origin twice: where it was, and pushed towards positive x."""
    at = np.flatnonzero(cells.obs["cell_type"] == origin)
    place = np.asarray(cells.obsm["X_pca"])[at]
    moved = place + np.array([1.0, 0.5])
    further = np.asarray(cells.obsm["X_emb"])[at, 2:]
    obs = pd.DataFrame(
        {
            "feature": "0",
            "role": "global",
            "cell": np.tile(cells.obs_names[at], 2),
            "condition": np.repeat(["normal", "steered"], len(at)),
            "cell_type": origin,
        },
        index=[f"row{number}" for number in range(2 * len(at))],
    )
    steered = anndata.AnnData(obs=obs)
    steered.obsm["X_pca"] = np.r_[place, moved].astype(np.float32)
    steered.obsm["X_emb"] = np.c_[np.r_[place, moved], np.r_[further, further]].astype(np.float32)
    return steered


TERMS = (
    ("HLA class II", "gene family"), ("chemokine ligands", "gene family"),
    ("granzymes", "gene family"), ("killer-cell receptors", "gene family"),
    ("ribosomal proteins, small subunit", "gene family"),
    ("ribosomal proteins, large subunit", "gene family"),
    ("proteasome subunits", "gene family"), ("S100 proteins", "gene family"),
    ("B cell markers", "lineage marker"), ("NK cell markers", "lineage marker"),
    ("monocyte markers", "lineage marker"), ("T cell receptor complex", "complex"),
    ("interferon-induced", "response"), ("oxidative phosphorylation", "process"),
)  # fmt: skip


def concepts(seed: int = 4, n_features: int = 150, n_categories: int = 4) -> anndata.AnnData:
    """Features x terms with a blob per category."""
    rng = np.random.default_rng(seed)
    terms = pd.DataFrame(TERMS, columns=["term", "category"]).set_index("term")
    if n_categories != 4:
        names = [f"category {number}" for number in range(n_categories)]
        terms = pd.DataFrame({"category": names}, index=[f"term {n}" for n in names])
    categories = terms["category"].to_numpy()
    main = rng.integers(0, len(terms), n_features)
    hits = rng.random((n_features, len(terms))) < 0.06
    hits[np.arange(n_features), main] = True
    code = {name: number for number, name in enumerate(dict.fromkeys(categories))}
    centre = np.array([code[categories[term]] for term in main])
    adata = anndata.AnnData(
        sparse.csr_matrix(hits.astype(np.float32)),
        obs=pd.DataFrame(
            {
                "n_terms": hits.sum(axis=1),
                "label": categories[main],
                "n_active": rng.integers(1, 400, n_features),
                "type": rng.choice(["local", "global"], n_features),
            },
            index=[str(number) for number in range(n_features)],
        ),
        var=terms,
    )
    angle = 2 * np.pi * centre / len(code)
    adata.obsm["X_umap"] = (
        np.c_[12 * np.cos(angle), 12 * np.sin(angle)] + 4 * rng.standard_normal((n_features, 2))
    ).astype(np.float32)
    adata.obsm["X_umap_code"] = adata.obsm["X_umap"][:, ::-1].copy()
    layout = {"min_dist": 1.0, "n_neighbors": 10, "spread": 10.0, "seed": 0}
    code = layout | {"min_dist": 0.5, "n_neighbors": 20}
    adata.uns |= {"layout": "umap", "layout_code": "umap"}
    adata.uns["parameters"] = {"X_umap": layout, "X_umap_code": code}
    return adata


def enrichment(convention: str = "published", seed: int = 5, n_features: int = 30) -> pd.DataFrame:
    """Every feature against every term, as the enrichment stage writes it."""
    rng = np.random.default_rng(seed)
    rows = []
    for feature, (term, category) in itertools.product(range(n_features), TERMS):
        p = float(rng.random() ** 4)
        rows.append(
            {
                "feature": str(feature), "term": term, "category": category,
                "n_hits": int(rng.integers(0, 6)), "n_selected": 30, "n_term": 8,
                "expected": 0.4, "fold": 10 ** rng.normal(0.3, 0.3),
                "direction": "up" if rng.random() < 0.8 else "down", "p_binomial": p,
                "p_hypergeometric": p, "p_mannwhitney": p, "effect": 0.4, "q": min(1.0, 10 * p),
                "kept_published_05": p < 0.05 and convention == "published",
                "kept_published_figures": p < 0.01 and convention == "published",
                "kept_fdr": p < 0.005 and convention == "corrected", "convention": convention,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def dge(seed: int = 6, n_features: int = 30, n_genes: int = 25) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    size = n_features * n_genes
    p = rng.random(size) ** 3
    return pd.DataFrame(
        {
            "feature": np.repeat([str(number) for number in range(n_features)], n_genes),
            "gene": np.tile([f"GENE{number}" for number in range(n_genes)], n_features),
            "log2_fold": rng.normal(0, 1, size),
            "t": rng.normal(0, 2, size),
            "df": 30.0,
            "p": p,
            "q": np.minimum(1, 3 * p),
            "n_high": 20,
            "n_low": 100,
            "low_rule": "zeros",
        }
    )


def controls(repeats: bool = True) -> pd.DataFrame:
    """An SAE, its repeats and one control of every kind, under both conventions."""
    sources = [("topk", "topk", "sae", 2)]
    if repeats:
        sources += [(f"topk.seed{seed}", "topk", "sae", 2) for seed in (1, 2)]
    sources += [(f"topk.{kind}", "topk", kind, 0) for kind in ("random", "untrained", "frozen")]
    sources += [(f"control.{kind}", "", kind, 0) for kind in ("dimensions", "pca", "ica", "nmf")]
    rng = np.random.default_rng(7)
    rows = []
    for (name, sae, kind, n_repeats), (convention, kept) in itertools.product(
        sources,
        (
            ("published", "kept_published_05"),
            ("published", "kept_published_figures"),
            ("corrected", "kept_fdr"),
        ),
    ):
        share = rng.uniform(0.3, 0.8)
        stable = repeats and kind == "sae"
        rows.append(
            {
                "embedding": "cells/model", "collection": "go", "source": name,
                "family": name.split(".seed")[0], "sae": sae or np.nan, "kind": kind,
                "convention": convention, "filter": kept,
                "share": share, "share_low": share - 0.05, "share_high": share + 0.05,
                "share_complete": 0.02 if convention == "corrected" else 0.7, "sd_complete": 0.01,
                "terms_per_feature_mean": rng.uniform(2, 9), "terms_per_feature_sem": 0.4,
                "type_specificity": rng.uniform(0.4, 0.9), "type_specificity_sem": 0.02,
                "n_repeats": n_repeats if stable else 0, "stability": 0.6 if stable else np.nan,
                "stability_chance": 0.2 if stable else np.nan,
                "stability_chance_sd": 0.02 if stable else np.nan,
                "agreement": np.nan if kind == "sae" else 0.3, "agreement_chance": 0.1,
                "agreement_chance_sd": 0.01,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
