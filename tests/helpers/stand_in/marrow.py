"""Cells of the stand-in, in the layout of multiDGD's data files at figshare.

A cell has a type, a site, a place on the erythroid trajectory (0 at stem cells, 1 at normoblasts;
absent elsewhere), and counts of genes (negative binomial) and peaks (Poisson) around means that
these and two factors without a type give. Types have the proportions of the paper's training cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from stand_in.genes import ensembl_ids, programs, symbols

N_TRAIN = {
    "CD8+ T": 9491, "CD14+ Mono": 8881, "NK": 5675, "CD4+ T activated": 4525,
    "Naive CD20+ B": 4138, "Erythroblast": 4026, "CD4+ T naive": 3602, "Transitional B": 2301,
    "Proerythroblast": 1884, "CD16+ Mono": 1552, "B1 B": 1548, "Normoblast": 1458,
    "Lymph prog": 1457, "G/M prog": 986, "pDC": 975, "HSC": 878, "CD8+ T naive": 829,
    "MK/E prog": 724, "cDC2": 703, "ILC": 683, "Plasma cell": 310, "ID2-hi myeloid prog": 88,
}  # fmt: skip
"""Training cells of each type in the paper's bone marrow."""
STAGES = {
    "HSC": (0.0, 0.12), "MK/E prog": (0.12, 0.35), "Proerythroblast": (0.35, 0.6),
    "Erythroblast": (0.6, 0.85), "Normoblast": (0.85, 1.0),
}  # fmt: skip
"""Where the stages of erythropoiesis lie on the trajectory."""
HAS = {
    "CD8+ T": ("t_cell", "cd8", "cytotoxic"), "CD8+ T naive": ("t_cell", "cd8", "lymphoid"),
    "CD4+ T naive": ("t_cell", "cd4", "lymphoid"),
    "CD4+ T activated": ("t_cell", "cd4", "activated"),
    "NK": ("nk", "cytotoxic"), "ILC": ("ilc", "activated"), "Lymph prog": ("lymphoid", "cycle"),
    "Naive CD20+ B": ("b_cell", "antigen"), "Transitional B": ("b_cell", "interferon"),
    "B1 B": ("b_cell", "pattern"), "Plasma cell": ("plasma",),
    "CD14+ Mono": ("myeloid", "monocyte", "cd14", "antigen"),
    "CD16+ Mono": ("myeloid", "monocyte", "cd16", "antigen"),
    "cDC2": ("myeloid", "dendritic", "antigen"), "pDC": ("pdc", "dendritic"),
    "G/M prog": ("myeloid", "granule", "cycle"), "ID2-hi myeloid prog": ("myeloid", "id2"),
    "HSC": ("stem",), "MK/E prog": ("stem", "megakaryocyte"),
    "Proerythroblast": ("cycle",), "Erythroblast": ("cycle",), "Normoblast": (),
}  # fmt: skip
"""Programs that each type has switched on; erythroid ones follow the trajectory instead."""
RISES = {
    "red_cell": (3.0, 0.3),
    "ions": (2.5, 0.45),
    "carriers": (3.5, 0.5),
    "haemoglobin": (7.0, 0.4),
}
"""By how many natural logarithms erythroid programs rise, and from which place on."""
SITES = ("site1", "site2", "site3", "site4")
ON = 2.0
"""By how many natural logarithms a program rises that is switched on."""
DISPERSION = 4.0
"""Size r of the counts: their variance is m + m^2 / r."""
SHARE_TRAIN = 56_714 / 69_249


@dataclass(frozen=True)
class Sizes:
    """How many cells, genes and peaks a data set has, and how many counts a cell, on average."""

    cells: int = 3_000
    genes: int = 2_000
    peaks: int = 3_000
    depth: int = 3_000


@dataclass(frozen=True, eq=False)
class Marrow:
    """Cells drawn, and what was planted in them."""

    cells: anndata.AnnData
    """Genes and peaks in one matrix, as at figshare."""
    place: pd.Series
    """On the erythroid trajectory, (n_cells,); NaN for cells that are on none."""
    in_subgroup: pd.Series
    """Whether a naive B cell belongs to the group that citrullinates histones and is closed."""


def draw(sizes: Sizes, *, seed: int = 0) -> Marrow:
    """Draw a bone marrow.

    Parameters
    ----------
    sizes
        Of the data set; every type has at least four cells that are for training.
    seed
        Of the draw.
    """
    rng = np.random.default_rng(seed)
    types = _types(sizes.cells, rng)
    n = len(types)
    place = np.full(n, np.nan)
    for stage, (first, last) in STAGES.items():
        chosen = types == stage
        place[chosen] = rng.uniform(first, last, chosen.sum())
    subgroup = (types == "Naive CD20+ B") & (rng.random(n) < 0.2)
    site = rng.integers(len(SITES), size=n)
    factors = rng.normal(size=(n, 2))
    genes = _genes(types, place, subgroup, site, factors, sizes, rng)
    peaks = _peaks(types, place, subgroup, site, sizes, rng)
    split = rng.choice(
        ["train", "validation", "test"], n, p=[SHARE_TRAIN, *[(1 - SHARE_TRAIN) / 2] * 2]
    )
    _keep_small_types(types, split)
    counts = sparse.csr_matrix(np.hstack([genes, peaks]).astype(np.float32))
    names = [f"{base}-{number}-{SITES[at]}" for number, (base, at) in enumerate(
        zip(_barcodes(n, rng), site, strict=True))]  # fmt: skip
    obs = pd.DataFrame(
        {
            "GEX_n_counts": genes.sum(axis=1).astype(np.float32),
            "ATAC_nCount_peaks": peaks.sum(axis=1).astype(np.float32),
            "cell_type": pd.Categorical(types),
            "Site": pd.Categorical([SITES[at] for at in site]),
            "observable": pd.Categorical(types),
            "covariate_Site": pd.Categorical([SITES[at] for at in site]),
            "train_val_test": pd.Categorical(split),
        },
        index=names,
    )
    modality = ["GEX"] * sizes.genes + ["ATAC"] * sizes.peaks
    peak_names = [
        f"chr1-{1000 * number + 1}-{1000 * number + 500}" for number in range(sizes.peaks)
    ]
    var = pd.DataFrame(
        {
            "feature_types": pd.Categorical(modality),
            "gene_id": ensembl_ids(sizes.genes) + peak_names,
            "modality": pd.Categorical(modality),
        },
        index=symbols(sizes.genes) + peak_names,
    )
    cells = anndata.AnnData(counts, obs=obs, var=var, layers={"counts": counts.copy()})
    return Marrow(cells, pd.Series(place, index=names), pd.Series(subgroup, index=names))


def _types(n: int, rng: np.random.Generator) -> np.ndarray:
    """Type of each cell, in the paper's proportions, at least six of each."""
    total = sum(N_TRAIN.values())
    numbers = {name: max(6, round(n * count / total)) for name, count in N_TRAIN.items()}
    most = max(numbers, key=numbers.__getitem__)
    numbers[most] += n - sum(numbers.values())
    return rng.permutation(np.repeat(list(numbers), list(numbers.values())))


def _keep_small_types(types: np.ndarray, split: np.ndarray) -> None:
    """Mark cells of the rarest types as train until every type has four, in place."""
    for name in np.unique(types):
        rows = np.flatnonzero(types == name)
        lacking = 4 - (split[rows] == "train").sum()
        if lacking > 0:
            split[rows[split[rows] != "train"][:lacking]] = "train"


def _genes(types, place, subgroup, site, factors, sizes, rng) -> np.ndarray:
    of = {gene: column for column, gene in enumerate(symbols(sizes.genes))}
    columns = {name: [of[gene] for gene in genes] for name, genes in programs().items()}
    base = rng.normal(0, 1.0, sizes.genes)
    for name in programs():
        base[columns[name]] = rng.normal(-0.5, 0.5, len(columns[name]))
    base[columns["haemoglobin"]] = -2.0
    base[columns["ribosome"]] += 2.0
    log_mean = np.tile(base, (len(types), 1))
    for name, switched_on in HAS.items():
        rows = np.flatnonzero(types == name)
        for program in switched_on:
            log_mean[np.ix_(rows, columns[program])] += ON
    log_mean[np.ix_(np.flatnonzero(subgroup), columns["citrullination"])] += 1.5 * ON
    at = np.nan_to_num(place)
    for program, (rise, start) in RISES.items():
        log_mean[:, columns[program]] += (rise * np.clip((at - start) / (1 - start), 0, 1))[:, None]
    # Traces of haemoglobin in cytotoxic cells, and stem-cell genes that fade along the trajectory.
    cytotoxic = np.isin(types, ["NK", "CD8+ T"])
    log_mean[np.ix_(np.flatnonzero(cytotoxic), columns["haemoglobin"])] += 1.0
    log_mean[:, columns["stem"]] -= 2 * at[:, None]
    log_mean += factors @ rng.normal(0, 0.15, (2, sizes.genes))
    log_mean += rng.normal(0, 0.15, (len(SITES), sizes.genes))[site]
    share = np.exp(log_mean)
    share /= share.sum(axis=1, keepdims=True)
    library = sizes.depth * np.exp(rng.normal(-0.05, 0.3, len(types))) * np.where(at > 0.85, 0.6, 1)
    mean = share * library[:, None]
    return rng.poisson(mean * rng.gamma(DISPERSION, 1 / DISPERSION, mean.shape))


def _peaks(types, place, subgroup, site, sizes, rng) -> np.ndarray:
    log_mean = np.tile(rng.normal(-3.6, 0.8, sizes.peaks), (len(types), 1))
    for name in N_TRAIN:
        chosen = rng.choice(sizes.peaks, sizes.peaks // 30, replace=False)
        log_mean[np.ix_(np.flatnonzero(types == name), chosen)] += 1.5
    log_mean += rng.normal(0, 0.1, (len(SITES), sizes.peaks))[site]
    log_mean -= 0.5 * np.nan_to_num(place)[:, None]
    log_mean -= 0.4 * subgroup[:, None]
    return rng.poisson(np.exp(log_mean))


def _barcodes(n: int, rng: np.random.Generator) -> list[str]:
    return ["".join(row) for row in rng.choice(list("ACGT"), (n, 16))]
