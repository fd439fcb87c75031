"""How long the annotation of every feature takes, against the author's procedure and libraries.

    python -m benchmarks.annotation [--scale small|paper] [--threads 2] [--features N]
        [--baseline COMMIT]

The paper's size is 56,714 cells x 13,431 genes, 5,318 live features of 10,000 with 190 active in a
cell, 2,500 terms; data are synthetic (``annotation_data``). What is timed is what the workflow does
with a bundle: expression decoded and laid out, genes tested and written, terms tested and written,
for both conventions, and one permutation of the complete null. Baselines run on a few features
(``annotation_baselines``) and are compared by processor time, which other work on the machine
disturbs less than it disturbs a clock. A baseline is an earlier commit in the same run
(``annotation_before``); beside one, shares are compared as they are (``composition: raw``), because
earlier commits knew nothing else.
"""

import argparse
import importlib
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.annotation_baselines import author_feature, decoupler_features, gseapy_lists
from benchmarks.annotation_before import against, run_baseline
from benchmarks.annotation_data import SCALES, Data, Scale, make
from featurelens.conventions import CONVENTIONS, Convention
from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import iter_feature_tables, write_feature_tables
from featurelens.dge.layout import PreparedExpression, prepare_parts
from featurelens.dge.tables import iter_tests
from featurelens.enrichment.annotate import annotate
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.exchange import Cells
from featurelens.enrichment.nulls import Experiment
from featurelens.enrichment.term_tests import GeneTables
from featurelens.io import write_tables
from featurelens.means import Means

RESULTS = Path(__file__).parent / "results"
GIB = 2**30
SHOWN = {
    "corrected_minutes": ("minutes, corrected convention", "10"),
    "both_minutes": ("minutes, both conventions", ""),
    "peak_gib": ("peak memory, GiB", "3"),
    "permutation_minutes": ("minutes of one permutation of the complete null", "5"),
    "over_author": ("times the author's procedure, per feature", "500"),
}
"""What is shown of a result, and what is to be reached at the paper's size on 2 cores."""
PACKAGES = ("numpy", "scipy", "numba", "pandas", "pyarrow", "gseapy", "decoupler")


ONE_BY_ONE, AT_ONCE = 10, 64
"""Features that packages are timed on: those that take one list, and those that take a matrix."""


class Clock:
    """Seconds of the clock and of the processor, by the name of what was done."""

    def __init__(self) -> None:
        self.seconds: dict[str, dict[str, float]] = {}

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Time a block."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = {
            "wall": round(time.perf_counter() - wall, 2),
            "processor": round(time.process_time() - processor, 2),
        }
        print(f"{name}: {self.seconds[name]}, peak {peak_gib():.2f} GiB", flush=True)

    def total(self, kind: str, *names: str) -> float:
        """Sum over things that were done."""
        return sum(self.seconds[name][kind] for name in names)


def peak_gib() -> float:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def experiment_of(
    data: Data, path: Path, convention: Convention, n_live: int, threads: int
) -> Experiment:
    """An annotation without nulls, of gene tests that were written before."""
    return Experiment(
        statistics=GeneTables(path, data.membership),
        membership=data.membership,
        cells=None,
        n_live=n_live,
        dge_config=DgeConfig(),
        config=EnrichmentConfig(n_permutations=0),
        convention=convention,
        means=Means(threads),
    )


def run_ours(
    data: Data, scale: Scale, folder: Path, threads: int, clock: Clock, config: DgeConfig
) -> tuple[PreparedExpression, float]:
    """The whole annotation in both conventions; expression as it was laid out, and peak GiB."""
    shape = (scale.n_cells, scale.n_genes)
    with clock.time("decode and lay out"):
        prepared = prepare_parts(data.expression(), shape, threads=threads)
    for convention in CONVENTIONS:
        path = folder / f"dge_{convention}.parquet"
        with clock.time(f"genes, {convention}"):
            tables = iter_tests(
                data.activations,
                prepared,
                data.genes,
                config=config,
                convention=convention,
                means=Means(threads),
            )
            write_feature_tables(tables, path)
        with clock.time(f"terms, {convention}"):
            annotation = annotate(experiment_of(data, path, convention, scale.n_live, threads))
            write_tables(annotation.tables(), folder / f"enrichment_{convention}.parquet")
        print(annotation.summary.T.to_string(), flush=True)
        del annotation, tables  # before the next ones are made, as in the workflow
    return prepared, peak_gib()


def run_permutation(
    data: Data, prepared: PreparedExpression, folder: Path, threads: int, clock: Clock
) -> None:
    """One draw of the complete null under the corrected convention."""
    sets = split_cells(data.activations, config=DgeConfig(), convention="corrected")
    experiment = replace(
        experiment_of(data, folder / "dge_corrected.parquet", "corrected", 1, threads),
        cells=Cells(sets, prepared, data.batch, data.cell_type),
        config=EnrichmentConfig(n_permutations=2),
    )
    with clock.time("one permutation"):
        next(experiment.draws("complete", len(sets.columns)))


def run_author(data: Data, prepared: PreparedExpression, n_features: int, clock: Clock) -> None:
    """The author's procedure on a few features of middling size."""
    n_active = np.diff(data.activations.tocsc().indptr)
    live = np.flatnonzero(n_active)
    chosen = live[np.argsort(n_active[live])][len(live) // 2 :][:n_features]
    width = prepared.blocks.shape[2]
    bounds = data.membership.matrix.indptr
    terms = np.split(data.membership.matrix.indices, bounds[1:-1])
    with clock.time("author"):
        for feature in chosen:
            found, n_selected = author_feature(
                data.activations[:, feature].toarray().ravel(),
                lambda gene: prepared.blocks[gene // width][:, gene % width],
                prepared.n_genes,
                terms,
            )
            print(f"author, feature {feature}: {n_selected} genes, {len(found)} terms", flush=True)


def run_libraries(data: Data, path: Path, clock: Clock) -> dict[str, float]:
    """Processor seconds a feature of other packages on the same lists, as far as installed."""
    table = next(iter_feature_tables(path))
    columns = {name: table[name].to_numpy(dtype=float) for name in ("t", "q", "log2_fold")}
    t, q, fold = (values.reshape(-1, len(data.genes))[:AT_ONCE] for values in columns.values())
    genes = np.array(data.genes)
    bounds = data.membership.matrix.indptr
    members = np.split(genes[data.membership.matrix.indices], bounds[1:-1])
    sets = {term: list(m) for term, m in zip(data.membership.terms, members, strict=True)}
    lists = [list(genes[row]) for row in (q < 1e-5) & (fold >= 1) if row.any()][:ONE_BY_ONE]
    with clock.time("other packages"):
        seconds = {f"gseapy.enrich, {len(lists)} lists": gseapy_lists(lists, sets, data.genes)}
        others = decoupler_features(np.nan_to_num(t), data.genes, sets) or {}
    return seconds | {f"decoupler {n}, {len(t)} features": s for n, s in others.items()}


def page(result: dict) -> str:
    """The results as a page for people."""
    scale = result["scale"]
    lines = [
        "# Speed of annotation",
        "",
        f"{result['date']}, {result['machine']}, {result['threads']} threads "
        f"(load {result['load']} at the start); {result['versions']}.",
        "",
        f"Synthetic data, {scale['n_cells']:,} cells x {scale['n_genes']:,} genes, "
        f"{scale['n_live']:,} live features of {scale['d_sae']:,} with "
        f"{scale['active_per_cell']:g} active in a cell, {scale['n_terms']:,} terms "
        f"(`benchmarks/annotation_data.py`); `composition: {result['composition']}`.",
        "",
        "| step | seconds | processor seconds |",
        "|---|---|---|",
        *(
            f"| {name} | {seconds['wall']:,} | {seconds['processor']:,} |"
            for name, seconds in result["seconds"].items()
            if name not in ("author", "other packages")
        ),
        "",
        "| whole annotation, without nulls but where it says so | measured | to reach |",
        "|---|---|---|",
        *(f"| {name} | {result[key]:,} | {target} |" for key, (name, target) in SHOWN.items()),
        "",
        *against(result),
        f"The author's procedure ran on {result['n_author']} features, "
        f"{result['author_seconds']:,} processor seconds each in one process; ours takes "
        f"{result['our_seconds']:.4f} for one of all features (published convention, expression "
        "laid out and tables written included).",
        "",
        f"Terms alone, {result['term_seconds']:.5f} processor seconds a feature (every test of "
        "the corrected convention, table written), against packages on the same features:",
        "",
        "| package | seconds a feature | times ours |",
        "|---|---|---|",
        *(
            f"| {name} | {seconds:.4f} | {seconds / result['term_seconds']:,.0f} |"
            for name, seconds in result["libraries"].items()
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scale", choices=sorted(SCALES), default="paper")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--features", type=int, help="live features, fewer than the scale has")
    parser.add_argument("--baseline-features", type=int, default=2)
    parser.add_argument("--baseline", help="commit to compare with")
    options = parser.parse_args()
    scale = SCALES[options.scale]
    if options.features:
        share = options.features / scale.n_live
        active = scale.active_per_cell * share
        scale = replace(scale, n_live=options.features, active_per_cell=active)
    load, clock = round(os.getloadavg()[0], 1), Clock()
    dge_config = DgeConfig(composition="raw") if options.baseline else DgeConfig()
    data = make(scale)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared, peak = run_ours(data, scale, folder, options.threads, clock, dge_config)
        run_permutation(data, prepared, folder, options.threads, clock)
        run_author(data, prepared, options.baseline_features, clock)
        libraries = run_libraries(data, folder / "dge_corrected.parquet", clock)
        baseline = {}
        if options.baseline:
            baseline["baseline"] = run_baseline(
                options.baseline, options.scale, options.threads, folder
            )
    both = ["decode and lay out", *(f"{s}, {c}" for c in CONVENTIONS for s in ("genes", "terms"))]
    ours = {c: [both[0], f"genes, {c}", f"terms, {c}"] for c in CONVENTIONS}
    author = clock.total("processor", "author") / options.baseline_features
    our_seconds = clock.total("processor", *ours["published"]) / scale.n_live
    result = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": options.threads,
        "load": load,
        "composition": dge_config.composition,
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{p} {version(p)}" for p in PACKAGES if importlib.util.find_spec(p)),
        "scale": vars(scale),
        "seconds": clock.seconds,
        "corrected_minutes": round(clock.total("wall", *ours["corrected"]) / 60, 2),
        "both_minutes": round(clock.total("wall", *both) / 60, 2),
        "both_processor_minutes": round(clock.total("processor", *both) / 60, 2),
        "permutation_minutes": round(clock.total("wall", "one permutation") / 60, 2),
        "peak_gib": round(peak, 2),
        "n_author": options.baseline_features,
        "author_seconds": round(author, 2),
        "our_seconds": our_seconds,
        "over_author": round(author / our_seconds),
        "term_seconds": clock.total("processor", "terms, corrected") / scale.n_live,
        "libraries": libraries,
        **baseline,
    }
    print(page(result))
    if options.scale == "paper" and not options.features:
        RESULTS.mkdir(exist_ok=True)
        for suffix, text in (("json", json.dumps(result, indent=2) + "\n"), ("md", page(result))):
            (RESULTS / f"annotation.{suffix}").write_text(text)


if __name__ == "__main__":
    main()
