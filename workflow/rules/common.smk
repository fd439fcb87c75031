# Shared by all stages: the place of the library, the checked config, what the run makes of it, and
# input functions.

import re
import sys
from pathlib import Path

SRC = str(Path(workflow.current_basedir).parent.parent / "src")
if SRC not in sys.path:
    sys.path.insert(0, SRC)

from featurelens.config.parse import parse_config
from featurelens.config.presence import leave_out_absent
from featurelens.features.sources import (
    CELL_PATTERN,
    ENCODED_PATTERN,
    RANDOM_PATTERN,
    TRAINED_PATTERN,
    parse_source,
    relatives,
    trained_config,
)
from featurelens.io import InputError
from featurelens.options import as_plain, user_files
from featurelens.places import Place
from featurelens.planning import code, sizes, sweep_sizes
from featurelens.planning.contrasts import plan_tests
from featurelens.planning.early import check_early
from featurelens.planning.fingerprint import Fingerprints
from featurelens.planning.memory import job_sizes, megabytes
from featurelens.planning.outputs import jobs_of, write_caption
from featurelens.planning.plan import Plan
from featurelens.planning.targets import Targets

try:
    CONFIG, LEFT_OUT = leave_out_absent(parse_config(config), lambda path: Path(path).exists())
except InputError as error:
    raise SystemExit(str(error))

if workflow.is_main_process:
    for line in LEFT_OUT:
        print(line, file=sys.stderr)

PLAN = Plan(CONFIG)
TARGETS = Targets(PLAN)
PLAIN = PLAN.plain
RUN = CONFIG.run
# Ways in which one job tests a source of features.
TESTING = plan_tests(CONFIG.datasets, list(CONFIG.saes), CONFIG.dge.contrasts)
fingerprint = Fingerprints(Path(workflow.current_basedir).parent.parent / "scripts").of


# A name is a part of a path.
NAMES = ("simulation autoencoder shape sweep stack dataset model sae collection").split()


wildcard_constraints:
    **{name: "[^/]+" for name in NAMES},
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


def existing(path):
    """A file of the config as a tracked input, as :meth:`Plan.existing`."""
    return PLAN.existing(path, lambda path: Path(path).exists())


def files_of(named):
    """The files that a dataset, model or collection names by its keys, as :func:`existing`."""
    return [file for path in dict.fromkeys(named.values()) for file in existing(path)]


def check_files():
    """Stop before a job is planned if a file of the user's cannot be used.

    Snakemake that is to report, unlock or list has no cores and plans nothing; jobs that evaluate
    the workflow again, on a cluster, need not look once more.
    """
    given = workflow.resource_settings
    if not workflow.is_main_process or (given.cores is None and given.nodes is None):
        return
    dry = workflow.output_settings.dryrun
    try:
        absent = check_early(PLAN, dry=dry, code=fingerprint("check_inputs"))
    except InputError as error:
        raise SystemExit(f"error: {error}")
    for line in absent:
        print(f"note: a run would stop: {line}", file=sys.stderr)


def check_planned_packages():
    """Stop before the first job if a package is missing that a model needs."""
    from featurelens.planning.inputs import check_packages

    made = [job.wildcards for job in workflow.dag.needrun_jobs() if job.rule.name == "embed_cells"]
    try:
        if not workflow.deployment_settings.deployment_method:
            check_packages(PLAIN["datasets"], sorted({f"{w.dataset}/{w.model}" for w in made}))
    except InputError as error:
        raise SystemExit(f"error: {error}")


def device(wildcards, resources):
    """The device to train on: a GPU when the job was given one."""
    return "cuda" if resources.get("gpu", 0) else "cpu"


# Input functions: what a job needs of the plan, by its wildcards.


def sae_config(wildcards):
    """What to train: an SAE of the config, a repeat with another seed, or a control of it."""
    return as_plain(trained_config(wildcards.sae, CONFIG.saes))


def model_config(wildcards):
    """The model that makes a bundle."""
    return CONFIG.datasets[wildcards.dataset].models[wildcards.model]


def model_code(wildcards):
    """What makes a bundle: of all models, the code of its own kind alone."""
    return code.model_code(fingerprint, "embed_cells", model_config(wildcards).kind)


def training_code(wildcards):
    """What trains an SAE: of architectures and engines, those that it may use."""
    config = trained_config(wildcards.sae, CONFIG.saes)
    asked = [(config.architecture, config.trained)]
    return code.sae_code(fingerprint, "train_sae", asked, engine=CONFIG.engine)


def sweep_code(script, **how):
    """Code of a script that works on the SAEs of a sweep, or of one of its stacks."""

    def of_points(wildcards):
        stacks = PLAN.stacks[wildcards.sweep]
        chosen = [stacks[wildcards.stack]] if "stack" in wildcards.keys() else stacks.values()
        asked = {(point["architecture"], point["trained"]) for stack in chosen for point in stack}
        return code.sae_code(fingerprint, script, asked, **how)

    return of_points


def control_code(script):
    """Code of a script that makes a control, of its own kind alone."""
    return lambda wildcards: fingerprint(script, controls__kinds=parse_source(wildcards.sae).kind)


def model_environment(wildcards):
    """Conda environment of a model: its own where it needs more than the core packages."""
    return f"../../envs/{model_config(wildcards).environment}.yaml"


def tested(job):
    """Contrasts and conventions that a job tests."""
    return lambda wildcards: [test.format(**dict(wildcards.items())) for test in job.tests]


def of_sweep(value):
    """What a job needs to know of its sweep."""
    return lambda wildcards: value(wildcards.sweep)


def measured_values(measure):
    """Blocks of the config that a measure of a sweep reads."""
    return lambda wildcards: measure.values(
        PLAIN, sweep=wildcards.sweep, source=CONFIG.sweeps[wildcards.sweep].source
    )


def stack_tables(kind):
    """One table of every stack of a sweep."""
    return lambda wildcards: [
        f"results/{RUN}/sweeps/{wildcards.sweep}/{kind}/{stack}.parquet"
        for stack in PLAN.stacks[wildcards.sweep]
    ]


# Sizes of jobs, from functions of featurelens.planning.


def memory(least, per_input):
    """Megabytes for a job that unpacks its input files, which are compressed about tenfold."""

    def sized(wildcards, input):
        # input.size_mb leaves a coroutine behind where a file is still to be made, with a warning.
        least_mb = least(wildcards) if callable(least) else least
        file_mb = sum(Path(file).stat().st_size for file in input) / 2**20
        return int(max(least_mb, per_input * file_mb))

    return sized


def memory_of(stage):
    """Megabytes of a job of a stage by what it works on; once more as much at every attempt."""

    def sized(wildcards, input, attempt):
        place = Place(wildcards.dataset, wildcards.model, wildcards.get("sae", ""))
        try:
            return attempt * megabytes(stage, job_sizes(CONFIG, place, below=f"results/{RUN}"))
        except FileNotFoundError as missing:
            # Snakemake asks again once a missing input is made, and not every job reads the bundle.
            raise FileNotFoundError(missing.errno, str(missing), input[0]) from None

    return sized


def of_model(size):
    """A size of a job that embeds cells."""
    return lambda wildcards: size(model_config(wildcards))


def of_simulation(size):
    """A size of a job on a simulation."""
    return lambda wildcards: size(CONFIG.simulations[wildcards.simulation])


def of_autoencoder(size):
    """A size of a job on an autoencoder of a simulation."""
    return lambda wildcards: size(
        CONFIG.simulations[wildcards.simulation],
        PLAN.autoencoders[f"{wildcards.simulation}/{wildcards.autoencoder}"],
    )


def of_search(size):
    """A size of a job that trains autoencoders of one shape."""
    return lambda wildcards: size(
        CONFIG.simulations[wildcards.simulation],
        PLAN.searched(wildcards.simulation, wildcards.shape),
    )


def of_stack(size):
    """A size of a job on a stack of SAEs: of its dimensions and its widest SAE."""
    return lambda wildcards: size(
        sweep_sizes.dimensions(PLAN, wildcards.sweep),
        sweep_sizes.widest(PLAN, wildcards.sweep, wildcards.stack),
    )


def measuring(measure, size):
    """A size of a measure of a sweep, or of one of its stacks."""
    return lambda wildcards: size(PLAN, measure, wildcards.sweep, wildcards.get("stack"))


# What jobs that make several figures or tables are told of them.


def named_inputs(outputs):
    """Inputs of figures or tables that are made by one job, each behind its name."""
    files = [made.files(f"results/{RUN}", prefix=f"{name}_") for name, made in outputs.items()]
    return {key: path for each in files for key, path in each.items()}


def described(outputs):
    """What a job has to know of each: the names of its files, its parameters, what it makes."""
    return {
        name: {"names": made.keys, "params": made.params, "outputs": list(made.output.outputs)}
        for name, made in outputs.items()
    }


def caption_file(made, file=None):
    """The caption of a figure or table, as a file for the report."""
    name = file or made.output.name
    return write_caption(name, made.output.outputs[name], ".snakemake/featurelens/captions")
