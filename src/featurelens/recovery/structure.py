"""Can the connectivity be read from which genes a neuron resembles?

The paper's structure recovery (section 4.3, from the author's notebook): cosine similarity of
every live neuron with every gene, cut at a percentile into a pseudo-connectivity, compared with
the true edges program by program. The published number is how much of a program its best neuron
covers, over the programs that some neuron chose. It ignores precision, so a neuron that resembles
every gene covers everything; beside it stand the coverage over all programs, precision, F1, and
the same numbers from neurons whose edges are shuffled over the genes, freely or so that every gene
keeps its number of neurons, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from featurelens.recovery.config import PERCENTILES
from featurelens.recovery.neurons import ACTIVE
from featurelens.recovery.structure_published import score_published
from featurelens.recovery.structure_scores import (
    SCORES,
    density_null,
    margin_null,
    score_pseudo,
    summarise,
)


@dataclass(frozen=True)
class Structure:
    """Result of :func:`measure_structure`."""

    summary: pd.DataFrame
    """One row per percentile, see :func:`measure_structure`."""
    programs: pd.DataFrame
    """One row per percentile and program: percentile, program, n_assigned (neurons that chose it),
    coverage, precision, f1 (of the assigned neuron that covers most; 0, NaN, 0 when there is
    none), best_f1 (over all neurons)."""


def measure_structure(
    activations: np.ndarray,
    observables: np.ndarray,
    connectivity: np.ndarray,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    n_permutations: int = 1,
    n_margin_draws: int = 0,
    seed: int = 0,
) -> Structure:
    """Compare a pseudo-connectivity with the true one.

    Parameters
    ----------
    activations : (n_cells, n_neurons)
    observables : (n_cells, n_genes)
        Y. Genes that are zero in every cell have no direction; they are left out and counted.
    connectivity : (n_genes, n_programs)
        True edges, 0 or 1.
    percentiles
        Of all similarities; an edge is a similarity at or above the percentile.
    n_permutations
        Shuffles for the null: each keeps every neuron's number of edges at every percentile and
        puts them on random genes, independently per neuron.
    n_margin_draws
        Draws of the stricter null, which also keeps every gene's number of neurons; 0 for none.
    seed
        Of the shuffles.

    Returns
    -------
    Structure
        Its summary has one row per percentile:

        percentile, threshold
        n_neurons, n_genes, n_constant_genes
            Neurons that are live and keep an edge; genes compared; genes left out.
        n_covered
            Programs that some neuron chose (its program of most hits, lowest index at ties) and
            covers in part.
        coverage_covered, coverage_all
            Share of a program's genes that the best of its neurons hits: mean over the covered
            programs (what the paper reports) and over all (0 where no neuron chose it).
        precision
            Share of that neuron's edges that are true: mean over the covered programs.
        f1
            2 hits / (edges of the neuron + genes of the program) of that neuron: mean over all
            programs, 0 where no neuron chose it.
        best_f1
            The best F1 of any neuron for each program, whatever it chose: mean over all programs.
        published_threshold, published_n_covered, published_coverage_covered,
        published_coverage_all
            The author's numbers, who counts genes without direction in the percentiles and in the
            programs (:func:`featurelens.recovery.structure_published.score_published`).
        null_...
            The same six numbers, mean over the shuffles.
        null_sd_...
            Their standard deviations over shuffles (ddof 1; NaN for one shuffle).
        margin_..., margin_sd_...
            The same of the null that keeps both margins; NaN without draws.

    Raises
    ------
    ValueError
        If no neuron is live or a shape does not fit.
    """
    if connectivity.shape[0] != observables.shape[1]:
        raise ValueError(
            f"connectivity has {connectivity.shape[0]} genes and Y {observables.shape[1]}"
        )
    has_direction = (observables != 0).any(axis=0)
    is_live = (activations > ACTIVE).any(axis=0)
    if not is_live.any():
        raise ValueError("no neuron is active on any cell; there is no structure to compare")
    similarity = cosine(activations[:, is_live], observables[:, has_direction])
    edges = connectivity[has_direction].astype(np.float32)
    thresholds = np.percentile(similarity, percentiles).astype(similarity.dtype)
    programs = [
        score_pseudo(partial(_above, similarity, threshold), len(similarity), edges)
        for threshold in thresholds
    ]
    nulls = (
        density_null(similarity, thresholds, edges, n_draws=n_permutations, seed=seed),
        margin_null(similarity, thresholds, edges, n_draws=n_margin_draws, seed=seed),
    )
    theirs = score_published(similarity, connectivity, has_direction, percentiles)
    summary = pd.DataFrame(
        {
            "percentile": percentiles,
            "threshold": thresholds,
            "n_neurons": [int(table["n_assigned"].sum()) for table in programs],
            "n_genes": len(edges),
            "n_constant_genes": int((~has_direction).sum()),
        }
    )
    scores = pd.DataFrame([summarise(table) for table in programs], columns=list(SCORES))
    long = pd.concat(
        [table.assign(percentile=p) for p, table in zip(percentiles, programs, strict=True)],
        ignore_index=True,
    )
    long.insert(0, "percentile", long.pop("percentile"))
    return Structure(pd.concat([summary, scores, theirs, *nulls], axis=1), long)


def cosine(activations: np.ndarray, observables: np.ndarray) -> np.ndarray:
    """Uncentred cosine similarity of columns: (n_neurons, n_genes), float32."""
    return _unit(activations).T @ _unit(observables)


def _above(similarity: np.ndarray, threshold: float, part: slice) -> np.ndarray:
    return similarity[part] >= threshold


def _unit(columns: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(columns.astype(np.float64), axis=0)
    return (columns / length).astype(np.float32)
