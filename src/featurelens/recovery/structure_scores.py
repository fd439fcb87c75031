"""How well pseudo-connectivities match true programs, and how well nulls of them do.

A pseudo-connectivity is a binary matrix, neurons by genes. Here stand the scores of one, the
scores of shuffled ones, and those of random neurons at the paper's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from featurelens.stats import margins

SCORES = ("n_covered", "coverage_covered", "coverage_all", "precision", "f1", "best_f1")
"""Numbers of one percentile, see :func:`featurelens.recovery.structure.measure_structure`."""
CHAIN = 15
"""Trades of every row between two draws with the same margins; the first has more."""
_BLOCK = 1_000


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
        As :attr:`featurelens.recovery.structure.Structure.programs`, without the percentile. A
        program without genes is NaN.
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


def count_hits(blocks: Iterator[np.ndarray], edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hits (n_neurons, n_programs) and edges (n_neurons,) of a pseudo-connectivity in blocks.

    Parameters
    ----------
    blocks
        Of some neurons each, (n, n_genes) bool.
    edges : (n_genes, n_programs)
        True edges in float32; counts stay below 2^24 and are exact.
    """
    counted = [(block.astype(np.float32) @ edges, block.sum(axis=1)) for block in blocks]
    return (
        np.concatenate([hits for hits, _ in counted]),
        np.concatenate([n_edges for _, n_edges in counted]),
    )


def score_pseudo(pseudo: Callable[[slice], np.ndarray], n: int, edges: np.ndarray) -> pd.DataFrame:
    """Score a pseudo-connectivity of ``n`` neurons that is made block by block."""
    blocks = (pseudo(slice(start, min(start + _BLOCK, n))) for start in range(0, n, _BLOCK))
    return score_programs(*count_hits(blocks, edges), edges.sum(axis=0))


def density_null(
    similarity: np.ndarray,
    thresholds: np.ndarray,
    edges: np.ndarray,
    *,
    n_draws: int,
    seed: int,
) -> pd.DataFrame:
    """Scores when every neuron's edges go to random genes, as many at every percentile.

    Returns
    -------
    DataFrame
        One row a percentile: ``null_`` and ``null_sd_`` of every score, mean and standard
        deviation over draws.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_draws):
        hits: list[list[np.ndarray]] = [[] for _ in thresholds]
        n_edges: list[list[np.ndarray]] = [[] for _ in thresholds]
        for start in range(0, len(similarity), _BLOCK):
            shuffled = rng.permuted(similarity[start : start + _BLOCK], axis=1)
            for row, threshold in enumerate(thresholds):
                found, counted = count_hits(iter([shuffled >= threshold]), edges)
                hits[row].append(found)
                n_edges[row].append(counted)
        drawn.append(
            [
                summarise(score_programs(np.concatenate(a), np.concatenate(b), edges.sum(axis=0)))
                for a, b in zip(hits, n_edges, strict=True)
            ]
        )
    return _over_draws(drawn, len(thresholds), "null")


def margin_null(
    similarity: np.ndarray,
    thresholds: np.ndarray,
    edges: np.ndarray,
    *,
    n_draws: int,
    seed: int,
) -> pd.DataFrame:
    """Scores when neurons keep their number of edges and genes their number of neurons.

    A gene that every neuron resembles stays one. At each percentile the matrix is shuffled by
    :func:`featurelens.stats.margins.trade`, and shuffled further for every other draw.

    Returns
    -------
    DataFrame
        As :func:`density_null`, with ``margin_`` and ``margin_sd_``.
    """
    n_genes = similarity.shape[1]
    drawn: list[list[dict[str, float]]] = [[] for _ in range(n_draws)]
    for row, threshold in enumerate(thresholds if n_draws else ()):
        rng = np.random.default_rng([seed, row])
        bits = margins.pack(similarity >= threshold)
        for draw in range(n_draws):
            margins.trade(bits, rng, rounds=CHAIN if draw else margins.ROUNDS)
            table = score_pseudo(partial(_unpacked, bits, n_genes), len(bits), edges)
            drawn[draw].append(summarise(table))
    return _over_draws(drawn, len(thresholds), "margin")


def random_neurons(
    connectivity: np.ndarray, percentiles: Sequence[float], *, n_neurons: int, seed: int
) -> pd.DataFrame:
    """Scores of random neurons: independent edges, as dense as each percentile leaves them.

    Parameters
    ----------
    connectivity : (n_genes, n_programs)
        True edges, 0 or 1; genes without any stay in, as they do not matter.
    percentiles
        Of which each leaves the share 1 - percentile / 100 of all edges.
    n_neurons
        The paper's SAE had 11,849 live ones of 15,000.
    seed
        Of the edges. All percentiles cut the same random numbers.

    Returns
    -------
    DataFrame
        n_neurons, percentile, density (share of edges drawn) and the scores.
    """
    rng = np.random.default_rng(seed)
    edges = connectivity.astype(np.float32)
    cuts = [round(2**16 * (1 - percentile / 100)) for percentile in percentiles]
    hits: list[list[np.ndarray]] = [[] for _ in cuts]
    n_edges: list[list[np.ndarray]] = [[] for _ in cuts]
    for start in range(0, n_neurons, _BLOCK):
        shape = (min(_BLOCK, n_neurons - start), len(edges))
        numbers = rng.integers(0, 2**16, shape, dtype=np.uint16)
        for row, cut in enumerate(cuts):
            found, counted = count_hits(iter([numbers < cut]), edges)
            hits[row].append(found)
            n_edges[row].append(counted)
    rows = []
    for row, percentile in enumerate(percentiles):
        n = np.concatenate(n_edges[row])
        summary = summarise(score_programs(np.concatenate(hits[row]), n, edges.sum(axis=0)))
        about = {"n_neurons": n_neurons, "percentile": percentile}
        rows.append(about | {"density": float(n.mean() / len(edges))} | summary)
    return pd.DataFrame(rows)


def _unpacked(bits: np.ndarray, n_genes: int, part: slice) -> np.ndarray:
    return margins.unpack(bits[part], n_genes)


def _over_draws(
    drawn: Sequence[Sequence[dict[str, float]]], n_percentiles: int, prefix: str
) -> pd.DataFrame:
    """Mean and standard deviation (ddof 1; NaN for one draw) of scores over draws."""
    values = np.array([[[row[name] for name in SCORES] for row in rows] for rows in drawn])
    empty = np.full((n_percentiles, len(SCORES)), np.nan)
    return pd.concat(
        [
            pd.DataFrame(
                values.mean(axis=0) if len(drawn) else empty,
                columns=[f"{prefix}_{name}" for name in SCORES],
            ),
            pd.DataFrame(
                values.std(axis=0, ddof=1) if len(drawn) > 1 else empty,
                columns=[f"{prefix}_sd_{name}" for name in SCORES],
            ),
        ],
        axis=1,
    )
