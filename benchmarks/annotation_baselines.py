"""What annotations are measured against: the author's procedure feature by feature, and libraries.

The author's procedure is written anew from its description (Schuster 2025, appendix and public
code): the same loops over genes and terms, the same calls of scipy, the same tests of membership.
It runs in one process, without the start-up and the copies of his worker pool, which favours it.
"""

import importlib
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests


def author_feature(
    activation: np.ndarray,
    column: Callable[[int], np.ndarray],
    n_genes: int,
    terms: list[np.ndarray],
) -> tuple[pd.DataFrame, int]:
    """Annotate one feature as the author does.

    Parameters
    ----------
    activation
        (n_cells,).
    column
        From a gene's number to its expression in all cells.
    terms
        Gene numbers of each term.

    Returns
    -------
    DataFrame, int
        Terms whose two p are both below .05; number of genes selected.
    """
    high = activation > np.percentile(activation, 99)
    low = activation == 0
    fold, p = np.empty(n_genes), np.ones(n_genes)
    for gene in range(n_genes):
        values = column(gene)
        first, second = values[high], values[low]
        fold[gene] = np.mean(first) / np.mean(second)
        if np.std(first) > 0 and np.std(second) > 0:
            p[gene] = stats.ttest_ind(first, second, equal_var=False).pvalue
    q = multipletests(p, method="fdr_bh")[1]
    bound = 1e-5 if q.min() <= 1e-5 else 0.05
    changed = (fold > 2) | (fold < 0.5) if fold.max() >= 2 else np.ones(n_genes, dtype=bool)
    selected = np.flatnonzero((q < bound) & changed)
    table = pd.DataFrame({"gene": np.arange(n_genes), "fold": fold}).sort_values("fold")
    table["rank"] = np.arange(1, n_genes + 1)
    kept = []
    for term, members in enumerate(terms):
        n_hits = len([gene for gene in selected if gene in members])
        binomial = stats.binomtest(n_hits, max(len(selected), 1), len(members) / n_genes).pvalue
        mann_whitney = _mann_whitney(table, members)
        if binomial < 0.05 and mann_whitney < 0.05:
            kept.append((term, n_hits, binomial, mann_whitney))
    columns = ["term", "n_hits", "p_binomial", "p_mannwhitney"]
    return pd.DataFrame(kept, columns=columns), len(selected)


def _mann_whitney(table: pd.DataFrame, members: np.ndarray) -> float:
    """Lower tail of the smaller U, ranks collected one gene after another."""
    genes, ranks = table["gene"].to_numpy(), table["rank"].to_numpy()
    inside = [rank for gene, rank in zip(genes, ranks, strict=True) if gene in members]
    n_in, n_out = len(inside), len(table) - len(inside)
    first = n_in * n_out + n_in * (n_in + 1) / 2 - sum(inside)
    spread = np.sqrt(n_in * n_out * (n_in + n_out + 1) / 12)
    return float(stats.norm.cdf((min(first, n_in * n_out - first) - n_in * n_out / 2) / spread))


def gseapy_lists(lists: list[list[str]], sets: dict[str, list[str]], genes: list[str]) -> float:
    """Processor seconds of over-representation of one list, mean over lists."""
    import gseapy

    began = time.process_time()
    for chosen in lists:
        gseapy.enrich(chosen, sets, background=genes, outdir=None, no_plot=True, cutoff=1.0)
    return (time.process_time() - began) / len(lists)


def decoupler_features(
    t: np.ndarray, genes: list[str], sets: dict[str, list[str]]
) -> dict[str, float] | None:
    """Processor seconds a feature of two of decoupler's methods; None where it is not installed."""
    try:
        decoupler = importlib.import_module("decoupler")
    except ImportError:
        return None
    data = pd.DataFrame(t, index=[f"f{row}" for row in range(len(t))], columns=genes)
    net = pd.DataFrame(
        [(term, gene) for term, members in sets.items() for gene in members],
        columns=["source", "target"],
    ).assign(weight=1.0)
    seconds = {}
    for name in ("ulm", "ora"):
        method = getattr(decoupler.mt, name)
        method(data.iloc[:2], net)  # compiles
        began = time.process_time()
        method(data, net)
        seconds[name] = (time.process_time() - began) / len(t)
    return seconds
