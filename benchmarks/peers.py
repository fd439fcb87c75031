"""Tests of groups and of gene sets beside other packages, in one run, one thread each.

    python -m benchmarks.peers [--cells 4000] [--genes 1000] [--groups 40]

Groups are disjoint here, because the other packages want them so; features overlap. Where the test
is the same, both sides are held to scipy's in float64: the largest difference of log10 p. What
cannot be imported is named with the reason (``make bench-peers`` installs the others apart).
"""

import argparse
import importlib
import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy import sparse, stats

from benchmarks.scale_data import draw_sets
from featurelens.dge.cell_sets import CellSets, ones
from featurelens.dge.chosen import rank_sum_genes
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes
from featurelens.dge.layout import prepare_expression
from featurelens.enrichment.term_tests import GeneStatistics, test_terms_corrected
from featurelens.genesets.sets import GeneSets, Membership
from featurelens.stats.counts import log_hypergeometric

RESULTS = Path(__file__).parent / "results"
TIMES = 3
"""What is to be reached: the fastest peer's seconds over ours."""
SMALLEST = 1e-300
"""P below it are left out of comparisons: float64 ends there."""
PEERS = ("scanpy", "illico", "gseapy", "decoupler", "rsfgseapy")
LISTED = 150
"""Genes of a list."""
REFERRED = 3
"""Groups, lists or rankings that scipy is asked for."""
PERMUTED = 100
"""Random gene sets of GSEA, where it is timed."""


def timed(function: Callable, *arguments: object) -> tuple[object, float]:
    """Result and seconds of the processor, the faster of two calls: the first may compile."""
    seconds = []
    for _ in range(2):
        began = time.process_time()
        result = function(*arguments)
        seconds.append(time.process_time() - began)
    return result, min(seconds)


def absent() -> dict[str, str]:
    """Packages that cannot be imported, and why."""
    found = {}
    for name in PEERS:
        try:
            importlib.import_module(name)
        except ImportError as error:
            found[name] = str(error)
    return found


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


def group_rows(cells: anndata.AnnData, without: Container[str]) -> list[dict]:
    """Tests of groups of cells."""
    sets, dense = sets_of(cells), cells.X.toarray()
    config = DgeConfig(composition="raw")
    wide, codes = dense.astype(np.float64), cells.obs["group"].cat.codes.to_numpy()
    split = [(wide[codes == code], wide[codes != code]) for code in range(REFERRED)]

    def ours_t() -> np.ndarray:
        prepared = prepare_expression(dense)
        return test_genes(sets, prepared, config=config, convention="corrected").p

    def ours_ranks() -> np.ndarray:
        return rank_sum_genes(sets, prepare_expression(dense)).p

    exact_t = np.stack([stats.ttest_ind(*pair, equal_var=False).pvalue for pair in split])
    t = Ours("Welch's t", *timed(ours_t), exact_t)
    exact_ranks = np.stack([stats.mannwhitneyu(*pair, axis=0).pvalue for pair in split])
    ranks = Ours("rank sums", *timed(ours_ranks), exact_ranks)
    rows = [t.beside("scanpy", "t-test", *timed(of_scanpy, cells, "t-test"))]
    in_double = cells.copy()
    in_double.X = in_double.X.astype(np.float64)
    found, seconds = timed(of_scanpy, in_double, "t-test")
    rows.append(t.beside("scanpy", "t-test of float64", found, seconds))
    _, seconds = timed(of_scanpy, cells, "wilcoxon")
    rows.append(ranks.beside("scanpy", "wilcoxon (no continuity)", None, seconds))
    if "illico" not in without:
        rows.append(ranks.beside("illico", "asymptotic_wilcoxon", *timed(of_illico, cells)))
    return rows


def of_illico(cells: anndata.AnnData) -> np.ndarray:
    """P of every group and gene, (n_groups, n_genes)."""
    import illico

    table = illico.asymptotic_wilcoxon(
        cells, group_keys="group", reference=None, is_log1p=True, n_threads=1
    )
    wide = table["p_value"].unstack()
    return wide.loc[cells.obs["group"].cat.categories, cells.var_names].to_numpy()


def sets_over(n_genes: int, n_terms: int) -> tuple[dict[str, list[str]], list[str], Membership]:
    """Made gene sets by name, the genes they are drawn from, and which are in which."""
    members = draw_sets(n_genes, n_terms)
    genes = [f"GENE{number}" for number in range(n_genes)]
    sets = GeneSets(tuple(members), ("",) * n_terms, tuple(map(tuple, members.values())))
    return members, genes, sets.membership(genes, min_genes=1, max_genes=n_genes)


def set_rows(n_features: int, n_genes: int, n_terms: int, without: Container[str]) -> list[dict]:
    """Over-representation of gene sets in lists of genes."""
    members, genes, membership = sets_over(n_genes, n_terms)
    rng = np.random.default_rng(1)
    chosen = np.zeros((n_features, n_genes), dtype=bool)
    for row_of_list in chosen:
        row_of_list[rng.choice(n_genes, LISTED, replace=False)] = True

    def ours_hits() -> np.ndarray:
        hits = np.asarray((membership.matrix @ chosen.T.astype(float)).T)
        size = membership.sizes.astype(float)
        return np.exp(log_hypergeometric(hits, n_genes, size, chosen.sum(axis=1, keepdims=True)))

    lists = [[gene for gene, is_in in zip(genes, one, strict=True) if is_in] for one in chosen]
    exact = [
        [
            stats.hypergeom.sf(len({*one} & {*listed}) - 1, n_genes, len(listed), LISTED)
            for listed in members.values()
        ]
        for one in lists[:REFERRED]
    ]
    hits = Ours("over-representation", *timed(ours_hits), np.array(exact))
    rows = []
    if "gseapy" not in without:
        found, seconds = timed(of_gseapy, lists, members, genes)
        rows.append(hits.beside("gseapy", "enrich", found, seconds))
    if "decoupler" not in without:
        _, seconds = timed(of_decoupler, chosen, members, genes)
        name = "mt.ora (two-sided Fisher, adjusted)"
        rows.append(hits.beside("decoupler", name, None, seconds))
    return rows


def of_gseapy(
    lists: list[list[str]], members: dict[str, list[str]], genes: list[str]
) -> np.ndarray:
    """P of every list and set, (n_lists, n_sets); NaN of sets without hits, which it leaves out."""
    import gseapy

    options = {"background": genes, "outdir": None, "no_plot": True, "cutoff": 1.0}
    tables = [gseapy.enrich(one, members, **options).results for one in lists]
    return np.stack([table.set_index("Term")["P-value"].reindex(list(members)) for table in tables])


def of_decoupler(
    chosen: np.ndarray, members: dict[str, list[str]], genes: list[str]
) -> pd.DataFrame:
    """Its over-representation in the same lists against the same genes; P adjusted.

    ``n_up`` counts genes from the lowest: all above it are tested (decoupler 2.2.0, findings/).
    """
    import decoupler

    pairs = [(term, gene) for term, listed in members.items() for gene in listed]
    net = pd.DataFrame(pairs, columns=["source", "target"])
    table = pd.DataFrame(chosen.astype(float), columns=genes)
    return decoupler.mt.ora(table, net, tmin=1, n_up=len(genes) - LISTED, n_bg=None)[1]


def ranking_rows(
    n_rankings: int, n_genes: int, n_terms: int, without: Container[str]
) -> list[dict]:
    """Gene sets along rankings of all genes."""
    members, genes, membership = sets_over(n_genes, n_terms)
    t = np.random.default_rng(2).normal(size=(n_rankings, n_genes))
    names = tuple(f"f{number}" for number in range(n_rankings))
    nothing = np.ones_like(t)
    known = GeneStatistics(names, np.full(n_rankings, 10), nothing, t, nothing)

    def ours_along() -> np.ndarray:
        return test_terms_corrected(
            known, membership, deg_p=1e-5, fold=2.0, hits=False
        ).p_mannwhitney

    def of_scipy() -> np.ndarray:
        compared = membership.in_universe
        inside = membership.matrix.toarray().astype(bool)
        return np.array(
            [
                [
                    stats.mannwhitneyu(values[is_in], values[compared & ~is_in]).pvalue
                    for is_in in inside
                ]
                for values in t
            ]
        )

    exact, seconds = timed(of_scipy)
    along = Ours("ranks of gene sets", *timed(ours_along), exact[:REFERRED])
    rows = [along.beside("scipy", "mannwhitneyu", exact, seconds)]
    table = pd.DataFrame(t, index=names, columns=genes)
    if "decoupler" not in without:
        import decoupler

        pairs = [(term, gene, 1.0) for term, listed in members.items() for gene in listed]
        net = pd.DataFrame(pairs, columns=["source", "target", "weight"])
        _, seconds = timed(lambda: decoupler.mt.ulm(table, net, tmin=1))
        rows.append(along.beside("decoupler", "mt.ulm (a regression)", None, seconds))
        _, seconds = timed(lambda: decoupler.mt.gsea(table, net, tmin=1, times=PERMUTED))
        name = f"mt.gsea ({PERMUTED} random orders)"
        rows.append(along.beside("decoupler", name, None, seconds))
    if "gseapy" not in without:
        _, seconds = timed(of_prerank, table, members)
        name = f"prerank ({PERMUTED} random sets)"
        rows.append(along.beside("gseapy", name, None, seconds))
    return rows


def of_prerank(table: pd.DataFrame, members: dict[str, list[str]]) -> list[pd.DataFrame]:
    """Its preranked GSEA of every row."""
    import gseapy

    options = {"min_size": 1, "permutation_num": PERMUTED, "threads": 1, "seed": 0}
    return [
        gseapy.prerank(row.sort_values(ascending=False), members, outdir=None, **options).res2d
        for _, row in table.iterrows()
    ]


@dataclass(frozen=True, eq=False)
class Ours:
    """A test of ours, beside which others are set."""

    test: str
    p: np.ndarray
    seconds: float
    exact: np.ndarray
    """P by scipy of the first groups or lists."""

    def beside(self, package: str, name: str, p: np.ndarray | None, seconds: float) -> dict:
        """One comparison; without p where theirs is another test."""
        return {
            "test": self.test,
            "package": package,
            "peer": f"{package}, {name}",
            "ours_s": self.seconds,
            "theirs_s": seconds,
            "times": seconds / self.seconds,
            "ours_from_scipy": apart(self.p[:REFERRED], self.exact),
            "theirs_from_scipy": None if p is None else apart(p[:REFERRED], self.exact),
        }


def report(result: dict) -> str:
    """A page in Markdown."""
    lines = [
        "# Beside other packages",
        "",
        f"{result['date']}, {result['machine']}, load {result['load']} at the start, one thread "
        "each, seconds of the processor, the faster of two calls; "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        + ".",
        "",
        *(f"{name} was not run: {why}.\n" for name, why in result["not_run"].items()),
        f"{result['shape']}. Times are those of the other package over ours (to reach: {TIMES}). "
        "The last columns hold the largest difference of log10 p from scipy's on the same values "
        f"in float64 ({REFERRED} groups, lists or rankings), where the test is the same.",
        "",
        "| test | other package | ours, s | theirs, s | times | ours from scipy | theirs |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in result["rows"]:
        theirs = each["theirs_from_scipy"]
        shown = "another test" if theirs is None else f"{theirs:.1e}"
        lines.append(
            f"| {each['test']} | {each['peer']} | {each['ours_s']:.3f} | {each['theirs_s']:.3f} "
            f"| {each['times']:.2g} | {each['ours_from_scipy']:.1e} | {shown} |"
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
    without = absent()
    rows = group_rows(make_cells(asked.cells, asked.genes, asked.groups), without)
    shape = (asked.features, asked.genes, asked.terms)
    rows += set_rows(*shape, without) + ranking_rows(*shape, without)
    result = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} threads, {platform.machine()}",
        "load": load,
        "versions": {name: version(name) for name in dict.fromkeys(r["package"] for r in rows)},
        "not_run": without,
        "shape": f"{asked.cells:,} cells x {asked.genes:,} genes in {asked.groups} groups; "
        f"{asked.features} lists of {LISTED} genes, as many rankings, {asked.terms} gene sets",
        "rows": rows,
    }
    print(report(result))
    asked.results.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".json", json.dumps(result, indent=1) + "\n"), (".md", report(result))):
        (asked.results / "peers").with_suffix(suffix).write_text(text)


if __name__ == "__main__":
    main()
