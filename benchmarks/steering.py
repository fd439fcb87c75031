"""How long it takes to steer every feature, against the author's procedure.

    python -m benchmarks.steering [--features 5000] [--cells 1000] [--threads 2]

A decoder of the bone marrow model's shape (20 + 2 inputs, layers of 100, 100, 100 and 116, 13,431
genes) and an SAE of 10,000 features, both with random weights; every cell has a covariate code of
its own. What is timed is :func:`featurelens.steering.screen.screen`: each feature is set to its
mean, and every gene has an effect. The author's procedure goes feature by feature: activations
copied and overwritten, decoded by the SAE, expression of all cells and genes decoded at the cells'
own libraries, one regression a gene. It runs here on a few features, and its regression on a few
genes; the loop without the regression is given too, because effect sizes do not need it. Compared
is processor time, which other work on the machine disturbs less than a clock.
"""

import argparse
import itertools
import json
import os
import platform
import resource
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import statsmodels.api as sm

from featurelens.embeddings.bundle import Bundle
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.sae.model import SAE
from featurelens.steering.screen import screen

RESULTS = Path(__file__).parent / "results"
LAYERS = (22, 100, 100, 100, 116, 13_431)
D, COVARIATES, WIDTH = 20, 2, 10_000
GENES_TESTED = 20
"""Genes on which the author's regression is timed."""


def make(n_cells: int) -> tuple[SAE, Bundle]:
    """An SAE and a bundle of random weights; hidden layers as torch draws them, twice as large."""
    rng = np.random.default_rng(0)

    def uniform(*shape: int, bound: float) -> np.ndarray:
        return rng.uniform(-bound, bound, size=shape).astype(np.float32)

    sizes = list(itertools.pairwise(LAYERS))
    decoder = MLPSoftmaxDecoder(
        weights=tuple(uniform(b, a, bound=2 / np.sqrt(a)) for a, b in sizes),
        biases=tuple(uniform(b, bound=1 / np.sqrt(a)) for a, b in sizes),
        r=np.exp(rng.normal(size=LAYERS[-1])),
        mean_covariate=np.zeros(COVARIATES, dtype=np.float32),
    )
    W_dec = rng.normal(size=(WIDTH, D)).astype(np.float32) / np.sqrt(D)
    sae = SAE(
        "relu", W_dec.T.copy(), uniform(WIDTH, bound=0.2), W_dec, np.zeros(D, dtype=np.float32)
    )
    library = rng.lognormal(8, 0.5, n_cells)
    cells = anndata.AnnData(
        obs=pd.DataFrame({"library": library}, index=[f"cell{row}" for row in range(n_cells)]),
        var=pd.DataFrame(index=[f"gene{gene}" for gene in range(LAYERS[-1])]),
        obsm={
            "X_emb": rng.normal(size=(n_cells, D)).astype(np.float32),
            "X_cov": rng.normal(size=(n_cells, COVARIATES)).astype(np.float32),
        },
    )
    return sae, Bundle(cells=cells, decoder=decoder, info={"n_covariates": COVARIATES})


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What some work gives, and its seconds of the clock and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
    }


def author_means(
    sae: SAE, bundle: Bundle, codes: np.ndarray, feature: int, value: float
) -> np.ndarray:
    """Expression of steered cells as the author has it, (n_cells, n_genes)."""
    changed = codes.copy()
    changed[:, feature] = value
    rows = np.arange(len(codes))
    library = bundle.cells.obs["library"].to_numpy()
    return bundle.decode(sae.decode(changed), rows=rows, library=library)


def author_genes(control: np.ndarray, steered: np.ndarray, size: np.ndarray) -> list[float]:
    """His regression of some genes: condition, and the number of the cell as one covariate."""
    n = len(control)
    design = np.column_stack(
        [np.ones(2 * n), np.tile(np.arange(n, dtype=float), 2), np.repeat([0.0, 1.0], n)]
    )
    found = []
    for gene, alpha in enumerate(size):
        y = np.r_[control[:, gene], steered[:, gene]].astype(float)
        fit = sm.GLM(y, design, family=sm.families.NegativeBinomial(alpha=float(alpha))).fit()
        found.append(float(fit.params[2]) / np.log(2))
    return found


def page(result: dict[str, Any]) -> str:
    """The results as a page for people."""
    ours, seconds = result["seconds"]["screen"], result["per_feature"]
    return "\n".join(
        [
            "# Speed of steering",
            "",
            f"{result['date']}, {result['machine']}, {result['threads']} threads "
            f"(load {result['load']} at the start); {result['versions']}.",
            "",
            f"{result['features']:,} features of {WIDTH:,} set to their mean in "
            f"{result['cells']:,} cells, effects on every gene through a decoder of "
            f"{'-'.join(f'{n:,}' for n in LAYERS)}; random weights.",
            "",
            "| all features | measured | to reach |",
            "|---|---|---|",
            f"| seconds | {ours['wall']:.0f} | 300 |",
            f"| processor seconds | {ours['processor']:.0f} | |",
            f"| peak memory, GiB | {result['peak_gib']:.2f} | 4 |",
            f"| times the author's procedure | {result['over_author']:,.0f} | 20 |",
            f"| times its loop without the regression | {result['over_loop']:,.0f} | 20 |",
            "",
            "| one feature | processor seconds |",
            "|---|---|",
            f"| all at once | {seconds['screen']:.4f} |",
            f"| the author's loop: overwrite, decode, ratio of means | {seconds['loop']:.3f} |",
            f"| his regression of {LAYERS[-1]:,} genes (from {GENES_TESTED}) "
            f"| {seconds['regression']:.1f} |",
            "",
        ]
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--features", type=int, default=5000)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--baseline-features", type=int, default=3)
    options = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    sae, bundle = make(options.cells)
    codes = sae.encode(bundle.embedding)
    values, rows = codes.mean(axis=0), np.arange(options.cells)
    live = np.flatnonzero(codes.any(axis=0))[: options.features]

    def work() -> float:
        total = 0.0
        for block in screen(sae, bundle, rows, values, features=live, threads=options.threads):
            total += float(np.abs(block.log2_fold).sum())  # streamed: nothing is kept
        return total

    seconds: dict[str, dict[str, float]] = {}
    _, seconds["screen"] = timed(work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    library = bundle.cells.obs["library"].to_numpy()
    control = bundle.decode(bundle.embedding, rows=rows, library=library)
    chosen = live[: options.baseline_features]

    def loop() -> np.ndarray:
        for feature in chosen:
            steered = author_means(sae, bundle, codes, feature, values[feature])
            with np.errstate(divide="ignore", invalid="ignore"):  # shares may underflow
                np.log2(steered.mean(axis=0) / control.mean(axis=0))
        return steered

    steered, seconds["loop"] = timed(loop)
    genes = slice(0, GENES_TESTED)
    _, seconds["regression"] = timed(
        lambda: author_genes(control[:, genes], steered[:, genes], bundle.decoder.dispersion[genes])
    )
    per_feature = {
        "screen": seconds["screen"]["processor"] / len(live),
        "loop": seconds["loop"]["processor"] / len(chosen),
        "regression": seconds["regression"]["processor"] / GENES_TESTED * LAYERS[-1],
    }
    result = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": options.threads,
        "load": load,
        "versions": ", ".join(f"{name} {version(name)}" for name in ("numpy", "statsmodels")),
        "features": len(live),
        "cells": options.cells,
        "seconds": seconds,
        "per_feature": per_feature,
        "peak_gib": peak,
        "over_loop": per_feature["loop"] / per_feature["screen"],
        "over_author": (per_feature["loop"] + per_feature["regression"]) / per_feature["screen"],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "steering.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "steering.md").write_text(page(result))
    print(page(result))


if __name__ == "__main__":
    main()
