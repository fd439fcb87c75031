# Shared by all stages. The place of the library, the checked config, the names of all that it asks
# for, and input functions.

import re
import sys
from dataclasses import replace
from pathlib import Path

SRC = str(Path(workflow.current_basedir).parent.parent / "src")
if SRC not in sys.path:
    sys.path.insert(0, SRC)

from featurelens.options import as_plain, user_files
from featurelens.config.parse import parse_config
from featurelens.features.sources import (
    CELL_PATTERN,
    ENCODED_PATTERN,
    RANDOM_PATTERN,
    TRAINED_PATTERN,
    parse_source,
    relatives,
    trained_config,
)
from featurelens.controls.plan import controlled
from featurelens.conventions import CONVENTIONS
from featurelens.io import InputError
from featurelens.planning.measures import plan_measures, read_measures, results
from featurelens.planning.memory import Sizes, megabytes, read_sizes
from featurelens.config.presence import leave_out_absent
from featurelens.planning.fingerprint import Fingerprints
from featurelens.plugins import brought_code
from featurelens.embeddings.registry import GROUP, MODELS
from featurelens.planning.outputs import jobs_of, plan_outputs, read_outputs, write_caption
from featurelens.downloads.config import belongs_to
from featurelens.sae.config import width
from featurelens.sweeps.points import select_points

try:
    CONFIG, LEFT_OUT = leave_out_absent(parse_config(config), lambda path: Path(path).exists())
except InputError as error:
    raise SystemExit(str(error))

if workflow.is_main_process:
    for line in LEFT_OUT:
        print(line, file=sys.stderr)

PLAIN = as_plain(CONFIG)
USER_FILES = {key: PLAIN[key] for key in ("datasets", "collections", "claims")}
USER_FILES["universe"] = PLAIN["enrichment"]["universe"]
RESOURCES = {block["path"]: block for block in PLAIN["downloads"].values()}
RESOURCE_PATTERN = "|".join(re.escape(path.removeprefix("resources/")) for path in RESOURCES)
RUN = CONFIG.run
fingerprint = Fingerprints(Path(workflow.current_basedir).parent.parent / "scripts").of
STACKS = {name: sweep.stacks() for name, sweep in CONFIG.sweeps.items()}

AUTOENCODERS = {
    f"{simulation}/{name}": autoencoder
    for simulation, block in CONFIG.simulations.items()
    for name, autoencoder in block.trained.items()
}
# Simulations that autoencoders embed; what the observables hold is the ceiling of all of them.
EMBEDDED = [
    name
    for name, block in CONFIG.simulations.items()
    if block.autoencoders and block.data.kind != "zipf"
]
# Simulations whose observables are sums of programs, and those with chance levels of structure.
HIERARCHICAL = [
    name for name, block in CONFIG.simulations.items() if block.data.kind == "hierarchical"
]
CHANCED = [name for name, block in CONFIG.simulations.items() if block.chance is not None]
# Simulations that are decomposed; one that only serves chance levels need not be.
DECOMPOSED = [name for name, block in CONFIG.simulations.items() if block.baselines.methods]
# Studies of hyperparameters by the name of their folder: the simulation and the shape.
SEARCHES = {
    f"{simulation}/{name}": {"simulation": simulation} | shape
    for simulation, block in CONFIG.simulations.items()
    if block.search is not None
    for name, shape in block.search.shapes.items()
}
BUNDLES = [
    f"{dataset}/{model}" for dataset, block in CONFIG.datasets.items() for model in block.models
]
SAES = [
    f"{bundle}/{sae}"
    for bundle in BUNDLES
    for sae in CONFIG.datasets[bundle.split("/")[0]].chosen_saes(CONFIG.saes)
]
# Dataset, model and SAE of each of them.
SAE_PARTS = {name: name.split("/") for name in SAES}
STEERED = [
    name
    for name, (dataset, _, _) in SAE_PARTS.items()
    if CONFIG.datasets[dataset].steering is not None
]
ANNOTATED = [
    f"{sae}/{name}"
    for sae in SAES
    for name, collection in CONFIG.collections.items()
    if collection.covers(sae.split("/")[0])
]
# Dataset, model, SAE and collection of each of them.
PARTS = {name: name.split("/") for name in ANNOTATED}
SIMULATED = [name for name, sweep in CONFIG.sweeps.items() if sweep.source in CONFIG.simulations]
SUPERPOSED = [
    name for name in SIMULATED if Path(CONFIG.sweeps[name].embedding).name == "observables"
]
CELL_SWEEPS = [name for name in CONFIG.sweeps if name not in SIMULATED]
# Users see their own cells as a map; those that come with scanpy only where it is asked for.
OWN = [name for name, part in PARTS.items() if CONFIG.datasets[part[0]].cells.kind == "h5ad"]
# Controls go through the rules of SAEs under names of their own, one table for all of them.
CONTROLLED = controlled(CONFIG.controls, ANNOTATED, CONFIG.saes)
# Further seeds of an annotated SAE say how alike two runs of one model are.
COMPARED = [
    *ANNOTATED,
    *(
        name
        for name in CONTROLLED
        if name not in ANNOTATED and parse_source(Path(name).parts[2]).kind == "sae"
    ),
]
# Controls whose share of annotated features stands beside the SAE's own.
BESIDE = [name for name in CONTROLLED if Path(name).parts[2].endswith((".untrained", ".random"))]
# Figures 2, S4 and S13 show one source each, the first that the config names.
FIRST_STEERED = STEERED[0] if STEERED else "none"
FIRST_SWEEP = SIMULATED[0] if SIMULATED else "none"
# Figures S5 to S12 are about the small simulation.
SMALL_SWEEPS = [
    name
    for name in SIMULATED
    if CONFIG.simulations[CONFIG.sweeps[name].source].data.kind == "small"
]
SMALL_SWEEP = SMALL_SWEEPS[0] if SMALL_SWEEPS else "none"
# Figure S1 sets the first hierarchical simulation beside the first real cells.
FIRST_HIERARCHICAL = next(
    (name for name, block in CONFIG.simulations.items() if block.data.kind == "hierarchical"),
    "none",
)
FIRST_BUNDLE = BUNDLES[0] if BUNDLES else "none"
# Figure S2 compares autoencoders of the hierarchical simulation, S3 those of the small one.
EMBEDDED_KINDS = {CONFIG.simulations[name].data.kind for name in EMBEDDED}
SMALL_SIMULATION = next(
    (name for name in EMBEDDED if CONFIG.simulations[name].data.kind == "small"), "none"
)
SMALL_AUTOENCODERS = [name for name in AUTOENCODERS if Path(name).parent.name == SMALL_SIMULATION]
SEEDED = [name for name, sweep in CONFIG.sweeps.items() if sweep.has_seeds]
STRUCTURED = [name for name, sweep in CONFIG.sweeps.items() if sweep.structure is not None]
# Figure S13 compares sizes of embeddings and shows the structure held by the largest.
STRUCTURE_SWEEP = max(
    STRUCTURED,
    key=lambda name: AUTOENCODERS[CONFIG.sweeps[name].embedding].latent,
    default="none",
)
STRUCTURE_SOURCE = CONFIG.sweeps[STRUCTURE_SWEEP].source if STRUCTURED else "none"
SEVERAL_MODELS = any(len(block.models) > 1 for block in CONFIG.datasets.values())
# Figures 3, S22 and S29 compare the embeddings of the first dataset, annotated with the first collection.
FIRST = next(iter(PARTS.values()), [])
FIRST_ANNOTATED = [
    name for name, part in PARTS.items() if part[0] == FIRST[0] and part[2:] == FIRST[2:]
]


wildcard_constraints:
    simulation="[^/]+",
    autoencoder="[^/]+",
    shape="[^/]+",
    sweep="[^/]+",
    stack="[^/]+",
    dataset="[^/]+",
    model="[^/]+",
    sae="[^/]+",
    collection="[^/]+",
    contrast="global|within_type",
    convention="published|corrected",


def setting(path, within=PLAIN):
    """The value at a path of the config, whose parts may be wildcards. (lookup reads all of it.)"""

    def find(wildcards):
        here = within
        for part in path.split("/"):
            here = here[part.format(**dict(wildcards.items()))]
        return here

    return find


def sae_config(wildcards):
    """What to train: an SAE of the config, a repeat with another seed, or a control of it."""
    return as_plain(trained_config(wildcards.sae, CONFIG.saes))


def annotation_summaries(wildcards):
    """Summaries of every contrast and convention; controls and repeats have the global contrast."""
    tested = [f"global_{convention}" for convention in CONVENTIONS]
    if wildcards.sae in CONFIG.saes and "within_type" in CONFIG.dge.contrasts:
        tested.append("within_type_corrected")
    folder = "/".join(wildcards)
    return [f"results/{RUN}/enrichment/{folder}/summary_{name}.tsv" for name in tested]


def enrichment_config(wildcards):
    """Tests of gene sets; controls and repeats have nulls of their own."""
    if wildcards.sae in CONFIG.saes:
        return PLAIN["enrichment"]
    own = {"nulls": PLAIN["controls"]["nulls"]}
    if CONFIG.controls.n_permutations is not None:
        own["n_permutations"] = CONFIG.controls.n_permutations
    return PLAIN["enrichment"] | own


def existing(path):
    """A file of the config as a tracked input: downloads always, a user's own once it exists.

    check_inputs reports a file that does not exist. A folder stands for the downloads below it.
    """
    if not path:
        return []
    fetched = [resource for resource in RESOURCES if belongs_to(resource, path)]
    return fetched or ([path] if Path(path).exists() else [])


def resource_config(wildcards):
    """How a resource is downloaded."""
    return RESOURCES[f"resources/{wildcards.resource}"]


def planned_embeddings():
    """Embeddings that the jobs of this run make, as dataset/model."""
    jobs = workflow.dag.needrun_jobs()
    made = [job.wildcards for job in jobs if job.rule.name == "embed_cells"]
    return {f"{wildcards.dataset}/{wildcards.model}" for wildcards in made}


def check_files():
    """Stop before the first job if a file of the user's cannot be used, or a package is missing."""
    from featurelens.planning.inputs import check_inputs, check_packages

    try:
        if not workflow.deployment_settings.deployment_method:
            check_packages(PLAIN["datasets"], sorted(planned_embeddings()))
        check_inputs(**USER_FILES, pending=[path for path in RESOURCES if not Path(path).exists()])
    except InputError as error:
        raise SystemExit(f"error: {error}")


def files_of(named):
    """The files that a dataset, model or collection names by its keys, as :func:`existing`."""
    return [file for path in dict.fromkeys(named.values()) for file in existing(path)]


def dataset_files(wildcards):
    """The file of a dataset that the user brought."""
    return files_of(user_files(CONFIG.datasets[wildcards.dataset].cells))


def model_files(wildcards):
    """The files that a model brings along: a checkpoint, an embedding, names of cells."""
    return files_of(model_config(wildcards).files)


def model_config(wildcards):
    """The model that makes a bundle."""
    return CONFIG.datasets[wildcards.dataset].models[wildcards.model]


def model_code(wildcards):
    """What makes a bundle: of all models, the code of its own kind alone."""
    kind = model_config(wildcards).kind
    brought = brought_code(MODELS, kind, group=GROUP)
    only = None if brought else kind
    return fingerprint("embed_cells", beside=brought, embeddings__models=only)


def model_environment(wildcards):
    """Conda environment of a model: its own where it needs more than the core packages."""
    return f"../../envs/{model_config(wildcards).environment}.yaml"


def is_network(wildcards):
    """Whether a model is a network, which wants more threads, memory and time."""
    return model_config(wildcards).is_network


def model_threads(wildcards):
    """Threads of a model."""
    return 8 if is_network(wildcards) else 1


def model_memory(wildcards, input):
    """Memory of a model, in megabytes."""
    return memory(16000 if is_network(wildcards) else 4000, per_input=12)(wildcards, input)


def model_runtime(wildcards):
    """Time of a model, in minutes."""
    return 720 if is_network(wildcards) else 120


def collection_files(wildcards):
    """The files that a collection of gene sets is made from."""
    return files_of(user_files(CONFIG.collections[wildcards.collection]))


def sweep_embedding(wildcards):
    """The embedding that a sweep's SAEs are trained on."""
    embedding = CONFIG.sweeps[wildcards.sweep].embedding
    if wildcards.sweep in SUPERPOSED:
        return sweep_simulation(wildcards)
    if wildcards.sweep in SIMULATED:
        return f"results/{RUN}/autoencoder/{embedding}/embedding.h5ad"
    return f"results/{RUN}/embeddings/{embedding}/cells.h5ad"


def sweep_simulation(wildcards):
    """The simulation whose truth a sweep is measured against."""
    return f"results/{RUN}/simulation/{CONFIG.sweeps[wildcards.sweep].source}/data.h5ad"


def memory(least, per_input):
    """Megabytes for a job that unpacks its input files, which are compressed about tenfold."""

    def sized(wildcards, input):
        # input.size_mb leaves a coroutine behind where a file is still to be made, with a warning.
        return int(max(least, per_input * sum(Path(file).stat().st_size for file in input) / 2**20))

    return sized


def job_sizes(wildcards):
    """What a job works on: sizes of the bundle, or those that are expected before it is made."""
    dataset = CONFIG.datasets[wildcards.dataset]
    bundle = f"results/{RUN}/embeddings/{wildcards.dataset}/{wildcards.model}/cells.h5ad"
    if dataset.expected is None or Path(bundle).exists():
        sizes = read_sizes(bundle)
    else:
        expected = dataset.expected
        dimensions = dataset.models[wildcards.model].dimensions or expected.dimensions
        sizes = Sizes(expected.cells, expected.genes, dimensions)
    if "sae" not in wildcards.keys():
        return sizes
    source = parse_source(wildcards.sae)
    if source.sae is not None:
        return replace(sizes, n_features=width(CONFIG.saes[source.sae], sizes.n_dimensions))
    # Two ends of every component.
    return replace(sizes, n_features=2 * max(CONFIG.controls.n_components, sizes.n_dimensions))


def memory_of(stage):
    """Megabytes of a job of a stage by what it works on; once more as much at every attempt."""

    def sized(wildcards, input, attempt):
        try:
            return attempt * megabytes(stage, job_sizes(wildcards))
        except FileNotFoundError as missing:
            # Snakemake asks again once a missing input is made, and not every job reads the bundle.
            raise FileNotFoundError(missing.errno, str(missing), input[0]) from None

    return sized


def device(wildcards, resources):
    """The device to train on: a GPU when the job was given one."""
    return "cuda" if resources.get("gpu", 0) else "cpu"


def sweep_tables(kind):
    """Input function for one table of every stack of a sweep."""
    return lambda wildcards: [
        f"results/{RUN}/sweeps/{wildcards.sweep}/{kind}/{stack}.parquet"
        for stack in STACKS[wildcards.sweep]
    ]


def sweep_points(wildcards):
    """Every point of a sweep, sorted by id."""
    points = [point for stack in STACKS[wildcards.sweep].values() for point in stack]
    return sorted(points, key=lambda point: point["id"])


def structure_points(wildcards):
    """Ids of the points whose connectivity is recovered."""
    return select_points(STACKS[wildcards.sweep], CONFIG.sweeps[wildcards.sweep].structure.select)


def sweep_values(measure):
    """Input function for the blocks of the config that a measure of a sweep reads."""
    return lambda wildcards: measure.values(
        PLAIN, sweep=wildcards.sweep, source=CONFIG.sweeps[wildcards.sweep].source
    )


# What measures of a sweep read, by the names they use for it.
MEASURED_ON = {
    "data": sweep_simulation,
    "embedding": sweep_embedding,
    "trained_on": sweep_embedding,
}
MEASURES = read_measures()
# Sweeps that measures are made of, by the names they use for them.
SWEEP_LISTS = {
    "sweeps": list(CONFIG.sweeps),
    "simulated_sweeps": SIMULATED,
    "cell_sweeps": CELL_SWEEPS,
    "seeded_sweeps": SEEDED,
    "structured_sweeps": STRUCTURED,
    "superposed_sweeps": SUPERPOSED,
}


def named_inputs(outputs):
    """Inputs of figures or tables that are made by one job, each behind its name."""
    files = [made.files(f"results/{RUN}", prefix=f"{name}_") for name, made in outputs.items()]
    return {key: path for each in files for key, path in each.items()}


def described(outputs):
    """What a job has to know of each: the names of its files and its parameters."""
    return {name: {"names": made.keys, "params": made.params} for name, made in outputs.items()}


def caption_file(made, file=None):
    """The caption of a figure or table, as a file for the report."""
    name = file or made.output.name
    return write_caption(name, made.output.outputs[name], ".snakemake/featurelens/captions")
