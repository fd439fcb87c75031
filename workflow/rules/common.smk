# Shared by all stages: the place of the library, the checked config, what the run makes of it, and
# input functions.

import re
import sys
from functools import partial
from pathlib import Path

SRC = str(Path(workflow.current_basedir).parent.parent / "src")
if SRC not in sys.path:
    sys.path.insert(0, SRC)

from featurelens.config.parse import parse_config
from featurelens.config.presence import leave_out_absent
from featurelens.config.short import in_full
from featurelens.controls.config import made_with
from featurelens.controls.plan import left_out
from featurelens.datasets.counting import count_cells
from featurelens.features.sources import (
    RANDOM_PATTERN,
    TRAINED_PATTERN,
    parse_source,
    trained_config,
)
from featurelens.io import InputError
from featurelens.options import as_plain, user_files
from featurelens.places import Place
from featurelens.planning import code, hooks, sizes, sweep_sizes
from featurelens.planning.atlas import Atlas
from featurelens.planning.began import Beginning
from featurelens.planning.contents import Contents
from featurelens.planning.contrasts import plan_tests
from featurelens.planning.early import check_early, named_files
from featurelens.planning.entries import CATEGORIES, labels_of
from featurelens.planning.fingerprint import Fingerprints
from featurelens.planning.jobs import BUNDLE_FILES, Jobs, growing
from featurelens.planning.outputs import described, inputs_of, jobs_of, write_caption
from featurelens.planning.place import prepare_place
from featurelens.planning.plan import Plan
from featurelens.planning.steps import read_steps
from featurelens.planning.targets import Targets
from featurelens.starts import run as starts

try:
    given, CHOSEN = in_full(config, count_cells)
    CONFIG, LEFT_OUT = leave_out_absent(parse_config(given), lambda path: Path(path).exists())
except InputError as error:
    raise SystemExit(str(error))

if workflow.is_main_process:
    for line in LEFT_OUT + CHOSEN + left_out(CONFIG.controls, CONFIG.saes):
        print(line, file=sys.stderr)

PLAN = Plan(CONFIG)
TARGETS = Targets(PLAN)
JOBS = Jobs(PLAN)
ATLAS = Atlas(PLAN)
PLAIN = PLAN.plain
RUN = CONFIG.run
# Ways in which one job tests a source of features.
TESTING = plan_tests(CONFIG.datasets, list(CONFIG.saes), CONFIG.dge.contrasts)
WHOLE = [job for job in TESTING if job.is_whole]
CODE = Fingerprints(Path(workflow.current_basedir).parent.parent / "scripts")
fingerprint = CODE.of
BEGINNING = Beginning(CODE, Path(workflow.current_basedir).parent, given)


# A name is a part of a path.
NAMES = ("simulation autoencoder shape sweep stack dataset model sae collection modality").split()


wildcard_constraints:
    **{name: "[^/]+" for name in NAMES},
    contrast="global|within_type",
    convention="published|corrected",


def existing(path):
    """A file of the config as a tracked input, as :meth:`Plan.existing`."""
    return PLAN.existing(path, lambda path: Path(path).exists())


def files_of(named):
    """The files that a dataset, model or collection names by its keys, as :func:`existing`."""
    return [file for path in dict.fromkeys(named.values()) for file in existing(path)]


def parts_of(union, file):
    """A file of each collection that a union is made of."""
    return [f"results/{RUN}/genesets/{name}/{file}" for name in CONFIG.collections[union].union]


def one_of(names):
    """A wildcard's pattern for some names, which matches nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


# What is in files that the user brought; downloads have checksums of their own. A parameter that takes
# the inputs of its job counts as derived from them, and Snakemake does not compare it: rules name the
# files once more.
content_of = Contents(without=PLAN.resources).of


def check_files():
    """Stop before a job is planned if a file of the user's cannot be used.

    Snakemake that is to report, unlock or list has no cores and plans nothing. Jobs of a cluster
    evaluate the workflow again and need not look once more; they stop if it was edited meanwhile.
    """
    settings, lines = workflow.resource_settings, []
    try:
        if workflow.remote_exec:
            shell.prefix(f"set -euo pipefail; {BEGINNING.guarded()}")
        elif workflow.is_main_process and (settings.cores, settings.nodes) != (None, None):
            dry = workflow.output_settings.dryrun
            prepare_place(RUN, PLAN.resources, dry=dry)
            lines = check_early(PLAN, dry=dry, code=lambda: fingerprint("check_inputs"))
    except InputError as error:
        raise SystemExit(f"error: {error}")
    for line in lines:
        print(f"note: {line}", file=sys.stderr)


def begin_run():
    """Note settings and missing packages, then say how jobs begin.

    On this machine they begin in copies of one process that has loaded the libraries. On a cluster
    they read code and config again, and end where either was edited meanwhile.
    """
    try:
        for line in hooks.before(workflow, PLAIN["datasets"]):
            print(f"note: {line}", file=sys.stderr)
    except InputError as error:
        raise SystemExit(f"error: {error}")
    scripts = [job.rule.script for job in workflow.dag.needrun_jobs() if job.rule.script]
    if not workflow.local_exec:
        shell.prefix(f"set -euo pipefail; {BEGINNING.note()}")
    elif not workflow.deployment_settings.deployment_method:
        shell.prefix(f"set -euo pipefail; {starts.start(f'{SRC}/../scripts', scripts)}")


def end_run(success):
    """Say where results are, or what failed, why, and how to go on."""
    told = hooks.after(workflow, f"results/{RUN}", sys.argv[1:], BEGINNING, success=success)
    print("", *told, "", sep="\n", file=sys.stderr)


def device(wildcards, resources):
    """The device to train on: a GPU when the job was given one."""
    return "cuda" if resources.get("gpu", 0) else "cpu"


# Input functions: what a job needs of the plan, by its wildcards.


def model_code(wildcards):
    """What makes a bundle: of all models, the code of its own kind alone."""
    return code.model_code(fingerprint, "embed_cells", JOBS.model(wildcards).kind)


def training_code(wildcards):
    """What trains an SAE: of architectures and engines, those that it may use; or imports it."""
    if JOBS.sae_files(wildcards):
        return code.import_code(fingerprint, "train_sae")
    config = trained_config(wildcards.sae, CONFIG.saes)
    asked = [(config.architecture, config.trained)]
    return code.sae_code(fingerprint, "train_sae", asked, engine=CONFIG.engine)


def sweep_code(script, **how):
    """Code of a script that reads the SAEs of a sweep, or of one of its stacks."""

    def of_points(wildcards):
        stacks = PLAN.stacks[wildcards.sweep]
        chosen = [stacks[wildcards.stack]] if "stack" in wildcards.keys() else stacks.values()
        asked = {(point["architecture"], point["trained"]) for stack in chosen for point in stack}
        return code.sae_code(fingerprint, script, asked, **how)

    return of_points


def control_code(script):
    """Code of a script that makes a control, of its own kind alone."""
    return lambda wildcards: fingerprint(script, controls__kinds=parse_source(wildcards.sae).kind)


def described_code(script):
    """Code of a script that describes features; only those of the cells are a control's to find."""

    def of_source(wildcards):
        source = parse_source(wildcards.sae)
        return fingerprint(script, controls__kinds=None if source.sae else source.kind)

    return of_source


def tested(job):
    """Contrasts and conventions that a job tests."""
    return lambda wildcards: [test.format(**dict(wildcards.items())) for test in job.tests]


# What jobs that make several figures or tables are told of them.
named_inputs = partial(inputs_of, f"results/{RUN}")


def entry(made, kind, file=None):
    """A figure or table in the report: caption, with what stands below all, category, labels."""
    name, text = file or made.output.name, made.output.outputs[file or made.output.name]
    caption = write_caption(name, text + BELOW[kind], ".snakemake/featurelens/captions")
    return {"caption": caption, "category": CATEGORIES[kind], "labels": labels_of(name, text, kind)}


BELOW = {"Figure": "", "Table": "\nWhat each column says stands in docs/tables.md."}
