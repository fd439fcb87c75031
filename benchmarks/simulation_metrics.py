"""How fast recovery is measured, against the author's loops on the same data in the same run.

    python -m benchmarks.simulation_metrics

Two measures of the paper's large simulation: the correlation of every live neuron with every
observable, and how many neurons repeat an earlier one. Baselines:

pairs   the author's small-simulation script: two loops, scipy's ``pearsonr`` for every pair
rows    his faster version: one loop, every neuron against all at once, standardised anew

The loops run at a size that they finish, and their time at the paper's size follows from the
number of pairs (or of rows, times the length of each), because every step of a loop costs the same.
Ours runs at both sizes; ``FULL_SIZE=0`` leaves the paper's out. Times are processor time of one
thread, so that other work on the machine slows them less than a wall clock; it shares caches and
memory with them, so read ratios, not seconds.
"""

import json
import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

from featurelens.recovery import neuron_scores
from featurelens.recovery.neurons import ACTIVE
from featurelens.simulation.config import HierarchicalSimulation
from featurelens.simulation.hierarchical import draw_connectivity

RESULTS = Path(__file__).parent / "results"
TARGET = 50
"""Times faster than the author's loops, at least."""


@dataclass(frozen=True)
class Size:
    """How much is compared with how much."""

    n_cells: int
    n_neurons: int
    n_observables: int
    n_redundant: int
    """Neurons that are compared with one another."""


TRIAL = Size(n_cells=4_500, n_neurons=200, n_observables=100, n_redundant=200)
PAPER = Size(n_cells=4_500, n_neurons=15_000, n_observables=20_000, n_redundant=10_000)


def draw(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Activations (n_cells, n_neurons) and observables (n_cells, n_observables), float32."""
    rng = np.random.default_rng(0)
    config = HierarchicalSimulation(n_genes=size.n_observables, n_programs=100, n_cell_types=40)
    connectivity, mask = draw_connectivity(config)
    programs = rng.poisson(1 + 0.1 * np.arange(100), (size.n_cells, 100)).astype(np.float32)
    programs *= mask[rng.integers(0, 40, size.n_cells)]
    directions = rng.normal(size=(100, size.n_neurons)).astype(np.float32)
    activations = np.maximum(programs @ directions - 5, 0)
    return activations, programs @ connectivity.T.astype(np.float32)


def pairs_correlations(activations: np.ndarray, observables: np.ndarray) -> np.ndarray:
    """Correlate every neuron with every observable, one pair after another."""
    return np.array([[stats.pearsonr(z, y)[0] for y in observables.T] for z in activations.T])


def pairs_redundant(activations: np.ndarray) -> int:
    """Count neurons that repeat an earlier one, one pair after another."""
    n = activations.shape[1]
    found = set()
    for i in range(n):
        for j in range(i + 1, n):
            if stats.pearsonr(activations[:, i], activations[:, j])[0] > neuron_scores.STRONG:
                found.add(j)
    return len(found)


def rows_against(columns: np.ndarray, others: np.ndarray) -> list[np.ndarray]:
    """Correlate each column with all others at once, which are standardised for each."""
    found = []
    for column in columns.T:
        centred = others - others.mean(axis=0)
        own = column - column.mean()
        found.append(own @ centred / (np.linalg.norm(own) * np.linalg.norm(centred, axis=0)))
    return found


def our_correlations(activations: np.ndarray, observables: np.ndarray) -> neuron_scores.Association:
    """Standardise, and correlate in blocks of observables."""
    return neuron_scores.associate(_described(activations), observables)


def our_redundant(activations: np.ndarray) -> int:
    """Standardise, and compare blocks of neurons with all earlier ones."""
    return neuron_scores.count_redundant(_described(activations), "earlier")


def _described(activations: np.ndarray) -> neuron_scores.Neurons:
    counts = np.ones(len(activations))
    return neuron_scores.describe_neurons(activations, counts, active=ACTIVE, signed=False)


def timed(run: Callable[[], object]) -> tuple[float, object]:
    """Processor seconds of this thread, and the result."""
    began = time.thread_time()
    result = run()
    return time.thread_time() - began, result


def trial() -> dict:
    """All formulations at the small size: seconds, and proof that they agree."""
    activations, observables = draw(TRIAL)
    copies = activations[:, : TRIAL.n_redundant]
    our_correlations(activations, observables)  # the first product starts the linear algebra
    seconds = {}
    seconds["correlations_pairs"], r = timed(lambda: pairs_correlations(activations, observables))
    seconds["correlations_rows"], by_rows = timed(lambda: rows_against(observables, activations))
    seconds["correlations_ours"], ours = timed(lambda: our_correlations(activations, observables))
    best = np.take_along_axis(r, np.abs(r).argmax(axis=0)[None], axis=0)[0]
    np.testing.assert_allclose(ours.best, best, atol=1e-5)
    np.testing.assert_allclose(np.array(by_rows).T, r, atol=1e-4)
    seconds["redundancy_pairs"], expected = timed(lambda: pairs_redundant(copies))
    seconds["redundancy_rows"], _ = timed(lambda: rows_against(copies, copies))
    seconds["redundancy_ours"], counted = timed(lambda: our_redundant(copies))
    assert counted == expected, (counted, expected)
    return seconds


def extrapolate(seconds: dict) -> dict:
    """Seconds of the loops at the paper's size."""
    wider = PAPER.n_neurons / TRIAL.n_neurons
    longer = PAPER.n_observables / TRIAL.n_observables
    more = (PAPER.n_redundant / TRIAL.n_redundant) ** 2
    return {
        "correlations_pairs": seconds["correlations_pairs"] * wider * longer,
        "correlations_rows": seconds["correlations_rows"] * wider * longer,
        "redundancy_pairs": seconds["redundancy_pairs"] * more,
        "redundancy_rows": seconds["redundancy_rows"] * more,
    }


def full() -> dict:
    """Ours at the paper's size: seconds, and the peak of the process's memory in MB."""
    activations, observables = draw(PAPER)
    before = peak_mb()
    seconds = {}
    seconds["correlations_ours"], _ = timed(lambda: our_correlations(activations, observables))
    print(f"correlations: {seconds['correlations_ours']:.0f} s", flush=True)
    after = peak_mb()
    compared = activations[:, : PAPER.n_redundant]
    seconds["redundancy_ours"], _ = timed(lambda: our_redundant(compared))
    data = (activations.nbytes + observables.nbytes) / 1e6
    return seconds | {"peak_mb": after, "data_mb": round(data), "peak_before_mb": before}


def peak_mb() -> int:
    """Most memory that this process has had so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def write(result: dict) -> None:
    """Write the results as JSON and as a table for people."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "simulation_metrics.json").write_text(json.dumps(result, indent=2) + "\n")
    small, large, ours = result["trial"], result["extrapolated"], result["full"]
    what = {
        "correlations": f"{PAPER.n_neurons:,} neurons x {PAPER.n_observables:,} observables",
        "redundancy": f"{PAPER.n_redundant:,} neurons with one another",
    }
    lines = [
        "# Speed of the measures of recovery",
        "",
        f"{result['date']}, {result['cores']} cores (load {result['load']} at the start: the "
        f"machine was shared), one thread; {result['versions']}. {PAPER.n_cells:,} cells.",
        "Seconds of processor time; the loops (`benchmarks/simulation_metrics.py`) at the paper's "
        f"size are extrapolated from {TRIAL.n_neurons} neurons and {TRIAL.n_observables} "
        "observables, ours is measured.",
        "",
        "| measure | pairs | rows | ours | x pairs | x rows | to reach |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, text in what.items():
        for label, seconds, own in (
            ("small", small, small[f"{name}_ours"]),
            (text, large, (ours or {}).get(f"{name}_ours")),
        ):
            pairs, rows = seconds[f"{name}_pairs"], seconds[f"{name}_rows"]
            shown = f"{name}, small size" if label == "small" else label
            ratios = f"{pairs / own:,.0f} | {rows / own:,.0f}" if own else "- | -"
            mine = f"{own:,.3g}" if own else "-"
            lines.append(f"| {shown} | {pairs:,.3g} | {rows:,.3g} | {mine} | {ratios} | {TARGET} |")
    if ours:
        lines += [
            "",
            f"Memory: the process peaked at {ours['peak_mb']:,} MB, of which activations and "
            f"observables are {ours['data_mb']:,} MB; all correlations at once would be "
            f"{4e-6 * PAPER.n_neurons * PAPER.n_observables:,.0f} MB more.",
        ]
    (RESULTS / "simulation_metrics.md").write_text("\n".join([*lines, ""]))


def main() -> None:
    """Measure everything and write the results."""
    load = round(os.getloadavg()[0], 1)
    seconds = trial()
    print(seconds, flush=True)
    large = full() if os.environ.get("FULL_SIZE", "1") != "0" else None
    write(
        {
            "date": date.today().isoformat(),
            "cores": os.cpu_count(),
            "load": load,
            "versions": f"Python {platform.python_version()}, numpy {np.__version__}, "
            f"scipy {scipy.__version__}",
            "sizes": {"trial": asdict(TRIAL), "paper": asdict(PAPER)},
            "trial": seconds,
            "extrapolated": extrapolate(seconds),
            "full": large,
        }
    )


if __name__ == "__main__":
    main()
