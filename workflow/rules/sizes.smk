# Threads, megabytes and minutes of the jobs on simulations, from the sizes in the config. Constants
# are peaks of resident memory, measured on 10,000 cells with 5,000 observables and scaled with the
# arrays that each job holds.

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.training import count_weights

# Megabytes of Python with torch, and of what a process with a GPU adds.
TORCH = 1000
CUDA = 3000
# Weights from which an autoencoder is the business of several threads, better of a GPU.
LARGE = 2_000_000


def observables_mb(simulation):
    """Megabytes of Y where it is stored, else of the programs that it is made from."""
    block = CONFIG.simulations[simulation]
    width = 5 * block.data.n_programs if block.is_implicit else block.n_observed
    return 4e-6 * block.data.n_cells * width


def autoencoder_weights(wildcards):
    """Number of weights of an autoencoder."""
    block = CONFIG.simulations[wildcards.simulation]
    return count_weights(block.n_observed, block.trained[wildcards.autoencoder])


def autoencoder_config(wildcards):
    """One autoencoder: a block of the config, or one of those that its lists make."""
    return as_plain(AUTOENCODERS[f"{wildcards.simulation}/{wildcards.autoencoder}"])


def search_shape(wildcards):
    """Latent size, depth and width of a study."""
    shape = SEARCHES[f"{wildcards.simulation}/{wildcards.shape}"]
    return {name: value for name, value in shape.items() if name != "simulation"}


def searched_weights(wildcards):
    """Number of weights of the autoencoders of a study."""
    block = CONFIG.simulations[wildcards.simulation]
    return count_weights(block.n_observed, AutoencoderConfig(**search_shape(wildcards)))


def search_threads(wildcards):
    """As for training one of them."""
    return 8 if searched_weights(wildcards) > LARGE else 1


def search_memory(wildcards):
    """As for training one of them."""
    return training_memory(wildcards.simulation, searched_weights(wildcards))


def simulate_memory(wildcards):
    """Y, and once more the chunks that it is joined from."""
    return int(500 + 2.2 * observables_mb(wildcards.simulation))


def train_threads(wildcards):
    """Many small autoencoders share a machine better with one thread each."""
    return 8 if autoencoder_weights(wildcards) > LARGE else 1


def training_memory(simulation, n_weights):
    """Y and its two sides; weights, gradients, two moments, the best, the initial, the result."""
    cuda = CUDA if n_weights > LARGE else 0
    return int(TORCH + cuda + 2.2 * observables_mb(simulation) + 8 * 4e-6 * n_weights)


def train_memory(wildcards):
    """Memory of training one autoencoder."""
    return training_memory(wildcards.simulation, autoencoder_weights(wildcards))


def train_runtime(wildcards):
    """Early stopping decides; large ones take seconds an epoch on a GPU and hundreds of epochs."""
    return 1440 if autoencoder_weights(wildcards) > LARGE else 240


def latent(wildcards):
    """Dimensions of an autoencoder's embedding."""
    return AUTOENCODERS[f"{wildcards.simulation}/{wildcards.autoencoder}"].latent


def is_wide(wildcards):
    """Whether a probe reads thousands of variables at once."""
    return CONFIG.simulations[wildcards.simulation].n_observed > 5000


def probe_threads(wildcards):
    """Threads of the gradient-trained probe."""
    return 8 if is_wide(wildcards) else 1


def superposition_memory(wildcards):
    """Y, all targets and their two sides; the embedding in double precision; blocks of columns."""
    embedding_mb = 8e-6 * CONFIG.simulations[wildcards.simulation].data.n_cells * latent(wildcards)
    y_mb = observables_mb(wildcards.simulation)
    return int(TORCH + CUDA * is_wide(wildcards) + 600 + 3.2 * y_mb + 4 * embedding_mb)


def ceiling_memory(wildcards):
    """Y and its two sides as inputs, and a layer from it to all variables with its moments."""
    block = CONFIG.simulations[wildcards.simulation]
    y_mb, weights_mb = 4e-6 * block.data.n_cells * block.n_observed, 4e-6 * block.n_observed**2
    return int(TORCH + CUDA * is_wide(wildcards) + 600 + 3.2 * y_mb + 6 * weights_mb)


def probe_runtime(wildcards):
    """The author's 100 epochs are 70,000 steps at published size, of some 30 ms without a GPU."""
    return 720 if is_wide(wildcards) else 60


def embedding_width(name):
    """Dimensions of the embedding that a sweep is over."""
    sweep = CONFIG.sweeps[name]
    if sweep.embedding in AUTOENCODERS:
        return AUTOENCODERS[sweep.embedding].latent
    if sweep.source in CONFIG.simulations:
        return CONFIG.simulations[sweep.source].n_observed
    return 20  # of multiDGD and of most models; known for certain only when it is embedded


def stack_shape(wildcards):
    """Input dimensions of a sweep's SAEs, and features of the widest one of a stack or of all."""
    d_in, stacks = embedding_width(wildcards.sweep), STACKS[wildcards.sweep]
    stack = wildcards.get("stack")
    points = [point for name in stacks for point in stacks[name] if stack in (None, name)]
    return d_in, d_in * max(point["expansion"] for point in points)


def stack_memory(wildcards):
    """Weights with their moments, and the features of 4,096 cells at a time in three arrays."""
    d_in, d_sae = stack_shape(wildcards)
    cuda = CUDA if d_in * d_sae > LARGE else 0
    return int(TORCH + 1000 + cuda + 4e-6 * d_sae * (8 * 2 * d_in + 3 * 4096))


def stack_runtime(wildcards):
    """Finished points are kept when the time is up."""
    d_in, d_sae = stack_shape(wildcards)
    return 1440 if d_in * d_sae > LARGE else 240


def sweep_cells(wildcards):
    """How many cells of the embedding a sweep is trained on; None takes all."""
    return CONFIG.sweeps[wildcards.sweep].n_cells or None


def baseline_cells(wildcards):
    """Cells that are decomposed and compared with the variables."""
    block = CONFIG.simulations[wildcards.simulation]
    return block.baselines.n_cells or block.data.n_cells


def baselines_memory(wildcards):
    """Y of the cells that are measured and two copies of it, to decompose it in double precision."""
    block = CONFIG.simulations[wildcards.simulation]
    return int(TORCH + 500 + 4 * 4e-6 * baseline_cells(wildcards) * block.n_observed)


def baselines_runtime(wildcards):
    """NMF takes up to 300 steps, of some ten seconds for 30,000 cells with 20,000 observables."""
    return 480 if is_wide(wildcards) else 60


# Of large simulations at most so many cells are compared with neurons.
EVALUATED = 5000


def evaluated_mb(sweep, n_columns):
    """Megabytes of a single precision matrix of the cells that are evaluated."""
    n_cells = CONFIG.simulations[CONFIG.sweeps[sweep].source].data.n_cells
    return 4e-6 * min(n_cells, EVALUATED) * n_columns


def recovery_memory(wildcards):
    """Activations, standardised, of neurons and of random directions; Y; blocks of correlations."""
    n_observed = CONFIG.simulations[CONFIG.sweeps[wildcards.sweep].source].n_observed
    _, d_sae = stack_shape(wildcards)
    per_neuron = evaluated_mb(wildcards.sweep, 1) * 6 + 4e-6 * 1000 * 4
    return int(TORCH + 1000 + per_neuron * d_sae + 3 * evaluated_mb(wildcards.sweep, n_observed))


def recovery_runtime(wildcards):
    """Every neuron is compared with every other and with every variable."""
    return 1440 if stack_shape(wildcards)[1] > 10_000 else 120


def compared_width(wildcards):
    """Features of the widest SAE of a sweep that has several seeds."""
    seeded = [grid for grid in CONFIG.sweeps[wildcards.sweep].grids if len(set(grid.seed)) > 1]
    widest = max((max(grid.expansion) for grid in seeded), default=1)
    return embedding_width(wildcards.sweep) * widest


def comparison_memory(wildcards):
    """Activations of two SAEs and of two random ones, and all pairs of features three times."""
    d_sae = compared_width(wildcards)
    return int(TORCH + 1000 + 4e-6 * d_sae * (8 * EVALUATED + 6 * d_sae))


def comparison_runtime(wildcards):
    """Matching takes minutes from 10,000 features on, for every pair of seeds eight times."""
    return 1440 if compared_width(wildcards) > 5000 else 120


def structure_memory(wildcards):
    """Eight arrays of all neurons by all genes: similarities, cut, shuffled, sorted."""
    sweep = CONFIG.sweeps[wildcards.sweep]
    n_observed = CONFIG.simulations[sweep.source].n_observed
    chosen = set(structure_points(wildcards))
    points = [point for stack in STACKS[wildcards.sweep].values() for point in stack]
    expansion = max(point["expansion"] for point in points if point["id"] in chosen)
    d_sae = embedding_width(wildcards.sweep) * expansion
    arrays = 8 * 4e-6 * d_sae * n_observed
    return int(TORCH + 500 + arrays + 3 * evaluated_mb(wildcards.sweep, n_observed + d_sae))


def structure_runtime(wildcards):
    """Twelve percentiles for each of the shuffles."""
    return 1440 if structure_memory(wildcards) > 8000 else 120


# Features of all SAEs of a sweep that one job measures in minutes.
MEASURED_AT_ONCE = 50_000


def is_small(name):
    """Whether all points of a sweep are measured in one job, which starts Python once."""
    points = [point for stack in STACKS[name].values() for point in stack]
    n_features = embedding_width(name) * sum(point["expansion"] for point in points)
    return n_features <= MEASURED_AT_ONCE


MEASURING_SIZES = {
    "recovery": (recovery_memory, recovery_runtime),
    "seeds": (comparison_memory, comparison_runtime),
    "structure": (structure_memory, structure_runtime),
}


def measuring_memory(measure):
    """Megabytes of a measure of sweeps: by what it works on, else what has been enough for all."""
    return MEASURING_SIZES.get(measure, (4000, 60))[0]


def measuring_runtime(measure):
    """Minutes of a measure of sweeps."""
    return MEASURING_SIZES.get(measure, (4000, 60))[1]


MEASURING = plan_measures(MEASURES, SWEEP_LISTS, is_small)


def chance_memory(wildcards):
    """Random neurons by genes, in single precision and as edges."""
    block = CONFIG.simulations[wildcards.simulation]
    return int(TORCH + 500 + 4 * 4e-6 * block.chance.n_neurons * block.n_observed)
