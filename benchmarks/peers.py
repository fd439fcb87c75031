"""Tests of groups and of gene sets beside other packages, in one run, one thread each.

    python -m benchmarks.peers [--cells 4000] [--genes 1000] [--groups 40]

Groups are disjoint here, because the other packages want them so; features overlap. Where the test
is the same, the largest difference of log10 p is stated. Packages that are not installed are left
out and named (``make bench-peers`` installs them apart).
"""

import argparse
import importlib
import json
import os
import platform
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.dge.cell_sets import CellSets, ones
from featurelens.dge.chosen import rank_sum_genes
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes
from featurelens.dge.layout import prepare_expression
from featurelens.enrichment.term_tests import GeneStatistics, test_terms_corrected
from featurelens.genesets.sets import GeneSets
from featurelens.stats.counts import log_hypergeometric

RESULTS = Path(__file__).parent / "results"
TIMES = 3
"""What is to be reached: the fastest peer's seconds over ours."""
SMALLEST = 1e-300
"""P below it are left out of comparisons: float64 ends there."""
PACKAGES = ("scanpy", "illico", "gseapy", "decoupler", "rsfgseapy")


def timed(function: Callable, *arguments: object) -> tuple[object, float]:
    """Result and seconds, the faster of two calls: the first may compile."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        result = function(*arguments)
        seconds.append(time.perf_counter() - began)
    return result, min(seconds)


def installed(name: str) -> object | None:
    """The module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference of log10 p where both are known and above what float64 holds."""
    known = (ours > SMALLEST) & (theirs > SMALLEST)
    return float(np.abs(np.log10(ours[known]) - np.log10(theirs[known])).max())


def make_cells(n_cells: int, n_genes: int, n_groups: int) -> anndata.AnnData:
    """Counts of cells in groups, one in twenty of their genes higher, as log1p; CSR in X."""
    rng = np.random.default_rng(0)
    group = rng.integers(n_groups, size=n_cells)
    rate = rng.lognormal(-1.5, 1.2, size=n_genes)
    higher = np.where(rng.random((n_groups, n_genes)) < 0.05, 3.0, 1.0)
    values = np.log1p(rng.poisson(rate * higher[group])).astype(np.float32)
    names = pd.Categorical.from_codes(group, [f"g{number:03}" for number in range(n_groups)])
    return anndata.AnnData(
        X=sparse.csr_matrix(values),
        obs=pd.DataFrame({"group": names}, index=[f"c{number}" for number in range(n_cells)]),
        var=pd.DataFrame(index=[f"GENE{number}" for number in range(n_genes)]),
    )


def sets_of(cells: anndata.AnnData) -> CellSets:
    """Each group against all other cells."""
    codes = cells.obs["group"].cat.codes.to_numpy()
    members = [np.flatnonzero(codes == code).astype(np.int32) for code in range(codes.max() + 1)]
    n_groups, nobody = len(members), np.empty(0, np.int32)
    sizes = np.array([len(cells) for cells in members])
    return CellSets(
        columns=np.arange(n_groups),
        high=ones(members, cells.n_obs),
        other=ones([nobody] * n_groups, cells.n_obs),
        complement=np.ones(n_groups, dtype=bool),
        n_high=sizes,
        n_low=cells.n_obs - sizes,
        low_rule=np.full(n_groups, "zeros"),
    )


def of_scanpy(cells: anndata.AnnData, method: str) -> np.ndarray:
    """P of every group and gene, (n_groups, n_genes)."""
    import scanpy

    ties = {"tie_correct": True} if method == "wilcoxon" else {}
    scanpy.tl.rank_genes_groups(cells, "group", method=method, key_added=method, **ties)
    found = cells.uns[method]
    return np.stack(
        [
            pd.Series(found["pvals"][name], index=found["names"][name])[cells.var_names]
            for name in cells.obs["group"].cat.categories
        ]
    )


def group_rows(cells: anndata.AnnData) -> list[dict]:
    """Tests of groups of cells."""
    sets, dense = sets_of(cells), cells.X.toarray()
    config = DgeConfig(composition="raw")

    def ours_t() -> np.ndarray:
        prepared = prepare_expression(dense)
        return test_genes(sets, prepared, config=config, convention="corrected").p

    def ours_ranks() -> np.ndarray:
        return rank_sum_genes(sets, prepare_expression(dense)).p

    t, t_seconds = timed(ours_t)
    ranks, rank_seconds = timed(ours_ranks)
    rows = []
    theirs, seconds = timed(of_scanpy, cells, "t-test")
    rows.append(row("Welch's t", "scanpy, t-test", t_seconds, seconds, apart(t, theirs)))
    theirs, seconds = timed(of_scanpy, cells, "wilcoxon")
    rows.append(row("rank sums", "scanpy, wilcoxon (no continuity)", rank_seconds, seconds, None))
    if illico := installed("illico"):

        def of_illico() -> pd.DataFrame:
            return illico.asymptotic_wilcoxon(
                cells, group_keys="group", reference=None, is_log1p=True, n_threads=1
            )

        table, seconds = timed(of_illico)
        wide = table["p_value"].unstack().loc[cells.obs["group"].cat.categories, cells.var_names]
        difference = apart(ranks, wide.to_numpy())
        rows.append(row("rank sums", "illico", rank_seconds, seconds, difference))
    return rows


def set_rows(n_features: int, n_genes: int, n_terms: int) -> list[dict]:
    """Tests of gene sets, in lists of genes and in statistics of all genes."""
    rng = np.random.default_rng(1)
    genes = [f"GENE{number}" for number in range(n_genes)]
    members = {
        f"SET{number}": [
            genes[g] for g in rng.choice(n_genes, rng.integers(10, 201), replace=False)
        ]
        for number in range(n_terms)
    }
    sets = GeneSets(tuple(members), ("",) * n_terms, tuple(map(tuple, members.values())))
    membership = sets.membership(genes, min_genes=1, max_genes=n_genes)
    lists = [rng.choice(n_genes, 150, replace=False) for _ in range(n_features)]
    chosen = np.zeros((n_features, n_genes), dtype=bool)
    for number, places in enumerate(lists):
        chosen[number, places] = True
    t = rng.standard_t(20, size=(n_features, n_genes))
    nothing = np.full(t.shape, np.nan)
    names = tuple(map(str, range(n_features)))
    statistics = GeneStatistics(names, np.full(n_features, 99), nothing, t, nothing)

    def ours_hits() -> np.ndarray:
        hits = np.asarray((membership.matrix @ chosen.T.astype(float)).T)
        size = membership.sizes.astype(float)
        return np.exp(log_hypergeometric(hits, n_genes, size, chosen.sum(axis=1, keepdims=True)))

    def ours_ranks() -> np.ndarray:
        tests = test_terms_corrected(statistics, membership, deg_p=1e-5, fold=2, hits=False)
        return tests.p_mannwhitney

    p, hit_seconds = timed(ours_hits)
    _, rank_seconds = timed(ours_ranks)
    rows = []
    if gseapy := installed("gseapy"):

        def of_gseapy() -> list[pd.DataFrame]:
            return [
                gseapy.enrich(
                    [genes[g] for g in places],
                    members,
                    background=genes,
                    outdir=None,
                    no_plot=True,
                    cutoff=1.0,
                ).results
                for places in lists
            ]

        tables, seconds = timed(of_gseapy)
        pairs = [
            (p[number, list(members).index(term)], value)
            for number, table in enumerate(tables)
            for term, value in zip(table["Term"], table["P-value"], strict=True)
        ]
        difference = apart(*np.array(pairs, dtype=float).T)
        rows.append(row("over-representation", "gseapy.enrich", hit_seconds, seconds, difference))
    if decoupler := installed("decoupler"):
        net = pd.DataFrame(
            [(term, gene, 1.0) for term, listed in members.items() for gene in listed],
            columns=["source", "target", "weight"],
        )
        table = pd.DataFrame(t, index=names, columns=genes)
        for method, ours, seconds_of_ours in (
            ("ora", "over-representation", hit_seconds),
            ("ulm", "statistics of all genes", rank_seconds),
        ):
            _, seconds = timed(getattr(decoupler.mt, method), table, net)
            name = f"decoupler {method} (another test)"
            rows.append(row(ours, name, seconds_of_ours, seconds, None))
    return rows


def row(test: str, peer: str, ours: float, theirs: float, difference: float | None) -> dict:
    """One comparison."""
    return {
        "test": test,
        "peer": peer,
        "ours_s": ours,
        "theirs_s": theirs,
        "times": theirs / ours,
        "log10_p_apart": difference,
    }


def versions() -> dict[str, str]:
    """Of the packages; what is not there is said."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def report(result: dict) -> str:
    """A page in Markdown."""
    lines = [
        "# Beside other packages",
        "",
        f"{result['date']}, {result['machine']}, load {result['load']} at the start, one thread "
        "each, the faster of two calls; "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        + ".",
        "",
        f"{result['shape']}. Times are those of the other package over ours (to reach: {TIMES}); a "
        "difference of log10 p stands where the test is the same.",
        "",
        "| test | other package | ours, s | theirs, s | times | log10 p apart |",
        "|---|---|---|---|---|---|",
    ]
    for each in result["rows"]:
        difference = each["log10_p_apart"]
        shown = "" if difference is None else f"{difference:.1e}"
        lines.append(
            f"| {each['test']} | {each['peer']} | {each['ours_s']:.3f} | {each['theirs_s']:.3f} "
            f"| {each['times']:.2g} | {shown} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and keep the page and its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--genes", type=int, default=1000)
    parser.add_argument("--groups", type=int, default=40)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--terms", type=int, default=200)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the page")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    load = round(os.getloadavg()[0], 1)
    rows = group_rows(make_cells(asked.cells, asked.genes, asked.groups))
    rows += set_rows(asked.features, asked.genes, asked.terms)
    result = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} threads, {platform.machine()}",
        "load": load,
        "versions": versions(),
        "shape": f"{asked.cells:,} cells x {asked.genes:,} genes in {asked.groups} groups; "
        f"{asked.features} lists of 150 genes, {asked.terms} gene sets",
        "rows": rows,
    }
    print(report(result))
    asked.results.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".json", json.dumps(result, indent=1) + "\n"), (".md", report(result))):
        (asked.results / "peers").with_suffix(suffix).write_text(text)


if __name__ == "__main__":
    main()
