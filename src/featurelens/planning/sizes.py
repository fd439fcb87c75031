"""Threads, megabytes and minutes of jobs on simulations and of models, from the configuration.

Constants are peaks of resident memory, measured on 10,000 cells with 5,000 observables and scaled
with the arrays that each job holds. Those of sweeps are in :mod:`.sweep_sizes`, those of what is
made of embeddings in :mod:`.memory`.
"""

from __future__ import annotations

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.layers import count_weights
from featurelens.config.simulation_run import SimulationRun
from featurelens.embeddings.model import Model

TORCH = 1000
"""Megabytes of Python with torch."""
SNAKEMAKE = 300
"""What two processes of Snakemake take in every job of a cluster, beside the script's own."""
CUDA = 3000
"""What a process with a GPU adds."""
LARGE = 2_000_000
"""Weights from which an autoencoder is the business of several threads, better of a GPU."""
FLOAT = 4e-6
"""Megabytes of a number in single precision."""


def observables_mb(simulation: SimulationRun) -> float:
    """Megabytes of Y where it is stored, else of the programs that it is made from."""
    data = simulation.data
    programs = getattr(data, "n_programs", 0)
    width = 5 * programs if simulation.is_implicit else simulation.n_observed
    return FLOAT * data.n_cells * width


def simulate_memory(simulation: SimulationRun) -> int:
    """Y, and once more the chunks that it is joined from."""
    return int(500 + SNAKEMAKE + 2.2 * observables_mb(simulation))


# ---- Autoencoders ----


def is_large(simulation: SimulationRun, autoencoder: AutoencoderConfig) -> bool:
    """Whether an autoencoder takes a machine, or a GPU, for itself."""
    return count_weights(simulation.n_observed, autoencoder) > LARGE


def train_threads(simulation: SimulationRun, autoencoder: AutoencoderConfig) -> int:
    """Many small autoencoders share a machine better with one thread each."""
    return 8 if is_large(simulation, autoencoder) else 1


def train_memory(simulation: SimulationRun, autoencoder: AutoencoderConfig) -> int:
    """Y and its two sides; weights, gradients, two moments, the best, the initial, the result."""
    n_weights = count_weights(simulation.n_observed, autoencoder)
    cuda = CUDA if n_weights > LARGE else 0
    return int(TORCH + cuda + 2.2 * observables_mb(simulation) + 8 * FLOAT * n_weights)


def train_runtime(simulation: SimulationRun, autoencoder: AutoencoderConfig) -> int:
    """Early stopping decides; large ones take seconds an epoch on a GPU and hundreds of epochs."""
    return 1440 if is_large(simulation, autoencoder) else 240


# ---- What is read out of embeddings and observables ----


def is_wide(simulation: SimulationRun) -> bool:
    """Whether a probe reads thousands of variables at once."""
    return simulation.n_observed > 5000


def probe_threads(simulation: SimulationRun) -> int:
    """Threads of the gradient-trained probe."""
    return 8 if is_wide(simulation) else 1


def probe_runtime(simulation: SimulationRun) -> int:
    """The author's 100 epochs are 70,000 steps at published size, of some 30 ms without a GPU."""
    return 720 if is_wide(simulation) else 60


def superposition_memory(simulation: SimulationRun, autoencoder: AutoencoderConfig) -> int:
    """Y, all targets and their two sides; the embedding in double precision; blocks of columns."""
    embedding_mb = 8e-6 * simulation.data.n_cells * autoencoder.latent
    y_mb = observables_mb(simulation)
    return int(TORCH + CUDA * is_wide(simulation) + 600 + 3.2 * y_mb + 4 * embedding_mb)


def ceiling_memory(simulation: SimulationRun) -> int:
    """Y and its two sides as inputs, and a layer from it to all variables with its moments."""
    y_mb = FLOAT * simulation.data.n_cells * simulation.n_observed
    weights_mb = FLOAT * simulation.n_observed**2
    return int(TORCH + CUDA * is_wide(simulation) + 600 + 3.2 * y_mb + 6 * weights_mb)


def baselines_memory(simulation: SimulationRun) -> int:
    """Y of the cells that are measured and two copies of it, decomposed in double precision."""
    n_cells = simulation.baselines.n_cells or simulation.data.n_cells
    return int(TORCH + 500 + 4 * FLOAT * n_cells * simulation.n_observed)


def baselines_runtime(simulation: SimulationRun) -> int:
    """NMF takes up to 300 steps, of some ten seconds for 30,000 cells with 20,000 observables."""
    return 480 if is_wide(simulation) else 60


def chance_memory(simulation: SimulationRun) -> int:
    """Random neurons by genes, in single precision and as edges.

    Raises
    ------
    ValueError
        If the simulation has no chance levels.
    """
    if simulation.chance is None:
        raise ValueError("the simulation has no chance levels of structure recovery")
    return int(TORCH + 500 + 4 * FLOAT * simulation.chance.n_neurons * simulation.n_observed)


# ---- Models of real cells ----


def embed_threads(model: Model) -> int:
    """Networks train on several threads."""
    return 8 if model.is_network else 1


def embed_memory(model: Model) -> int:
    """What a model takes at the least; its cells may take more."""
    return 16000 if model.is_network else 4000


def embed_runtime(model: Model) -> int:
    """Networks train for hours."""
    return 720 if model.is_network else 120
