"""Can the connectivity be read from which genes a neuron resembles?

The paper's structure recovery (section 4.3, from the author's notebook): cosine similarity of
every live neuron with every gene, cut at a percentile into a pseudo-connectivity, compared with
the true edges program by program. The published number is how much of a program its best neuron
covers, over the programs that some neuron chose. It ignores precision, so a neuron that resembles
every gene covers everything; beside it stand the coverage over all programs, precision, F1, and
the same numbers from neurons whose edges are shuffled over the genes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from featurelens.recovery import ACTIVE

PERCENTILES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)
"""Where the paper cuts."""
_SCORES = ("n_covered", "coverage_covered", "coverage_all", "precision", "f1", "best_f1")


@dataclass(frozen=True)
class Structure:
    """Result of :func:`measure_structure`."""

    summary: pd.DataFrame
    """One row per percentile, see :func:`recover_structure`."""
    programs: pd.DataFrame
    """One row per percentile and program: percentile, program, n_assigned (neurons that chose it),
    coverage, precision, f1 (of the assigned neuron that covers most; 0, NaN, 0 when there is
    none), best_f1 (over all neurons)."""


def recover_structure(
    activations: np.ndarray,
    observables: np.ndarray,
    connectivity: np.ndarray,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    n_permutations: int = 1,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare a pseudo-connectivity with the true one, one row per percentile.

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
    seed
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        percentile, threshold
        n_neurons, n_genes, n_constant_genes
            Neurons that are live and keep an edge; genes compared; genes left out.
        n_covered
            Programs that some neuron chose (its program of most hits, lowest index at ties) and
            covers in part.
        coverage_covered, coverage_all
            Share of a program's genes that the best of its neurons hits: mean over the covered
            programs (the published number) and over all (0 where no neuron chose it).
        precision
            Share of that neuron's edges that are true: mean over the covered programs.
        f1
            2 hits / (edges of the neuron + genes of the program) of that neuron: mean over all
            programs, 0 where no neuron chose it.
        best_f1
            The best F1 of any neuron for each program, whatever it chose: mean over all programs.
        null_...
            The same six numbers, mean over the shuffles.
        null_sd_...
            Their standard deviations over shuffles (ddof 1; NaN for one shuffle).
    """
    return measure_structure(
        activations,
        observables,
        connectivity,
        percentiles=percentiles,
        n_permutations=n_permutations,
        seed=seed,
    ).summary


def measure_structure(
    activations: np.ndarray,
    observables: np.ndarray,
    connectivity: np.ndarray,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    n_permutations: int = 1,
    seed: int = 0,
) -> Structure:
    """As :func:`recover_structure`, with the programs one by one.

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
    programs = [_score(similarity >= threshold, edges) for threshold in thresholds]
    null = _null(similarity, thresholds, edges, n_permutations=n_permutations, seed=seed)
    summary = pd.DataFrame(
        {
            "percentile": percentiles,
            "threshold": thresholds,
            "n_neurons": [int(table["n_assigned"].sum()) for table in programs],
            "n_genes": len(edges),
            "n_constant_genes": int((~has_direction).sum()),
        }
    )
    scores = pd.DataFrame([summarise(table) for table in programs], columns=list(_SCORES))
    long = pd.concat(
        [table.assign(percentile=p) for p, table in zip(percentiles, programs, strict=True)],
        ignore_index=True,
    )
    long.insert(0, "percentile", long.pop("percentile"))
    return Structure(pd.concat([summary, scores, null], axis=1), long)


def cosine(activations: np.ndarray, observables: np.ndarray) -> np.ndarray:
    """Uncentred cosine similarity of columns: (n_neurons, n_genes), float32."""
    return _unit(activations).T @ _unit(observables)


def score_programs(n_hits: np.ndarray, n_edges: np.ndarray, n_genes: np.ndarray) -> pd.DataFrame:
    """Score every program from counts.

    Parameters
    ----------
    n_hits : (n_neurons, n_programs)
        Edges of a neuron that are true edges of a program.
    n_edges : (n_neurons,)
        Edges of a neuron; neurons without any are left out.
    n_genes : (n_programs,)
        Genes of a program.

    Returns
    -------
    pandas.DataFrame
        As :attr:`Structure.programs`, without the percentile. A program without genes is NaN.
    """
    n_hits, n_edges = n_hits[n_edges > 0], n_edges[n_edges > 0]
    n_programs = len(n_genes)
    genes = np.where(n_genes > 0, n_genes, np.nan)
    f1 = 2 * n_hits / (n_edges[:, None] + genes)
    is_chosen = n_hits.argmax(axis=1)[:, None] == np.arange(n_programs)
    assigned_hits = np.where(is_chosen, n_hits, -1)
    columns = np.arange(n_programs)
    if len(n_hits) == 0:
        neuron_hits, neuron_edges, best_f1 = np.zeros(n_programs), np.ones(n_programs), 0 * genes
    else:
        # of the neurons that cover equally much, the most precise one
        neuron = np.lexsort((n_edges[:, None] + 0 * assigned_hits, -assigned_hits), axis=0)[0]
        neuron_hits = assigned_hits[neuron, columns].clip(min=0)
        neuron_edges = n_edges[neuron]
        best_f1 = f1.max(axis=0)
    is_covered = neuron_hits > 0
    return pd.DataFrame(
        {
            "program": columns,
            "n_assigned": is_chosen.sum(axis=0),
            "coverage": neuron_hits / genes,
            "precision": np.where(is_covered, neuron_hits / neuron_edges, np.nan),
            "f1": 2 * neuron_hits / (neuron_edges + genes),
            "best_f1": best_f1,
        }
    )


def summarise(programs: pd.DataFrame) -> dict[str, float]:
    """Average the programs of one percentile; NaN where no program is covered."""
    covered = programs[programs["coverage"] > 0]
    return {
        "n_covered": len(covered),
        "coverage_covered": float(covered["coverage"].mean()),
        "coverage_all": float(programs["coverage"].mean()),
        "precision": float(covered["precision"].mean()),
        "f1": float(programs["f1"].mean()),
        "best_f1": float(programs["best_f1"].mean()),
    }


def _score(pseudo: np.ndarray, edges: np.ndarray) -> pd.DataFrame:
    """Score a pseudo-connectivity (n_neurons, n_genes) bool against edges (n_genes, n_programs)."""
    n_hits = pseudo.astype(np.float32) @ edges  # counts below 2^24, so exact
    return score_programs(n_hits, pseudo.sum(axis=1), edges.sum(axis=0))


def _null(
    similarity: np.ndarray,
    thresholds: np.ndarray,
    edges: np.ndarray,
    *,
    n_permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Mean and standard deviation of the scores when every neuron's genes are shuffled."""
    rng = np.random.default_rng(seed)
    scores = np.full((n_permutations, len(thresholds), len(_SCORES)), np.nan)
    for permutation in range(n_permutations):
        shuffled = rng.permuted(similarity, axis=1)
        for row, threshold in enumerate(thresholds):
            summary = summarise(_score(shuffled >= threshold, edges))
            scores[permutation, row] = [summary[name] for name in _SCORES]
    many = n_permutations > 1
    sd = scores.std(axis=0, ddof=1) if many else np.full(scores.shape[1:], np.nan)
    mean = scores.mean(axis=0) if n_permutations else sd
    return pd.concat(
        [
            pd.DataFrame(mean, columns=[f"null_{name}" for name in _SCORES]),
            pd.DataFrame(sd, columns=[f"null_sd_{name}" for name in _SCORES]),
        ],
        axis=1,
    )


def _unit(columns: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(columns.astype(np.float64), axis=0)
    return (columns / length).astype(np.float32)
