"""Megabytes and minutes of the jobs of sweeps, from the sizes of their SAEs.

``d_in`` are the dimensions of the embedding, ``d_sae`` the features of the widest SAE of a job.
"""

from __future__ import annotations

from featurelens.config.simulation_run import SimulationRun
from featurelens.planning.plan import Plan
from featurelens.planning.sizes import CUDA, FLOAT, LARGE, TORCH

EVALUATED = 5000
"""Of large simulations at most so many cells are compared with neurons."""
MEASURED_AT_ONCE = 50_000
"""Features of all SAEs of a sweep that one job measures in minutes."""
ENOUGH = (4000, 60)
"""Megabytes and minutes that were enough for measures which are not listed below."""


def dimensions(plan: Plan, sweep: str) -> int:
    """Dimensions of the embedding that a sweep is over."""
    config = plan.config.sweeps[sweep]
    if config.embedding in plan.autoencoders:
        return plan.autoencoders[config.embedding].latent
    if config.source in plan.config.simulations:
        return plan.config.simulations[config.source].n_observed
    return 20  # of multiDGD and of most models; known for certain only when it is embedded


def widest(plan: Plan, sweep: str, stack: str | None = None) -> int:
    """Features of the widest SAE of a stack, or of a sweep."""
    points = plan.points(sweep) if stack is None else plan.stacks[sweep][stack]
    return dimensions(plan, sweep) * max(point["expansion"] for point in points)


def widest_compared(plan: Plan, sweep: str) -> int:
    """Features of the widest SAE of a sweep that has several seeds."""
    grids = [grid for grid in plan.config.sweeps[sweep].grids if len(set(grid.seed)) > 1]
    expansion = max((max(grid.expansion) for grid in grids), default=1)
    return dimensions(plan, sweep) * expansion


def widest_structured(plan: Plan, sweep: str) -> int:
    """Features of the widest SAE whose connectivity is recovered."""
    chosen = set(plan.structure_points(sweep))
    expansions = [p["expansion"] for p in plan.points(sweep) if p["id"] in chosen]
    return dimensions(plan, sweep) * max(expansions)


def is_small(plan: Plan, sweep: str) -> bool:
    """Whether all points of a sweep are measured in one job, which starts Python once."""
    n_features = dimensions(plan, sweep) * sum(p["expansion"] for p in plan.points(sweep))
    return n_features <= MEASURED_AT_ONCE


def measuring_memory(plan: Plan, measure: str, sweep: str, stack: str | None = None) -> int:
    """Megabytes of a measure of a sweep, or of one of its stacks."""
    return _measuring(plan, measure, sweep, stack)[0]


def measuring_runtime(plan: Plan, measure: str, sweep: str, stack: str | None = None) -> int:
    """Minutes of a measure of a sweep, or of one of its stacks."""
    return _measuring(plan, measure, sweep, stack)[1]


def stack_memory(d_in: int, d_sae: int) -> int:
    """Weights with their moments, and the features of 4,096 cells at a time in three arrays."""
    cuda = CUDA if d_in * d_sae > LARGE else 0
    return int(TORCH + 1000 + cuda + FLOAT * d_sae * (8 * 2 * d_in + 3 * 4096))


def stack_runtime(d_in: int, d_sae: int) -> int:
    """Finished points are kept when the time is up."""
    return 1440 if d_in * d_sae > LARGE else 240


def evaluated_mb(simulation: SimulationRun, n_columns: int) -> float:
    """Megabytes of a single precision matrix of the cells that are evaluated."""
    return FLOAT * min(simulation.data.n_cells, EVALUATED) * n_columns


def recovery_memory(simulation: SimulationRun, d_sae: int) -> int:
    """Activations, standardised, of neurons and of random directions; Y; blocks of correlations."""
    per_neuron = evaluated_mb(simulation, 1) * 6 + FLOAT * 1000 * 4
    observed = 3 * evaluated_mb(simulation, simulation.n_observed)
    return int(TORCH + 1000 + per_neuron * d_sae + observed)


def recovery_runtime(d_sae: int) -> int:
    """Every neuron is compared with every other and with every variable."""
    return 1440 if d_sae > 10_000 else 120


def comparison_memory(d_sae: int) -> int:
    """Activations of two SAEs and of two random ones, and all pairs of features three times."""
    return int(TORCH + 1000 + FLOAT * d_sae * (8 * EVALUATED + 6 * d_sae))


def comparison_runtime(d_sae: int) -> int:
    """Matching takes minutes from 10,000 features on, for every pair of seeds eight times."""
    return 1440 if d_sae > 5000 else 120


def structure_memory(simulation: SimulationRun, d_sae: int) -> int:
    """Eight arrays of all neurons by all genes: similarities, cut, shuffled, sorted."""
    arrays = 8 * FLOAT * d_sae * simulation.n_observed
    evaluated = 3 * evaluated_mb(simulation, simulation.n_observed + d_sae)
    return int(TORCH + 500 + arrays + evaluated)


def structure_runtime(simulation: SimulationRun, d_sae: int) -> int:
    """Twelve percentiles for each of the shuffles."""
    return 1440 if structure_memory(simulation, d_sae) > 8000 else 120


def _measuring(plan: Plan, measure: str, sweep: str, stack: str | None) -> tuple[int, int]:
    """Megabytes and minutes."""
    source = plan.config.simulations.get(plan.config.sweeps[sweep].source)
    if measure == "recovery" and source is not None:
        d_sae = widest(plan, sweep, stack)
        return recovery_memory(source, d_sae), recovery_runtime(d_sae)
    if measure == "seeds":
        d_sae = widest_compared(plan, sweep)
        return comparison_memory(d_sae), comparison_runtime(d_sae)
    if measure == "structure" and source is not None:
        d_sae = widest_structured(plan, sweep)
        return structure_memory(source, d_sae), structure_runtime(source, d_sae)
    return ENOUGH
