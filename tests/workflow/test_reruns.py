"""A job runs again where code changed that it can load, and nowhere else."""

import ast
import json
import os
import subprocess
import sys

import pytest

from clones import ROOT
from dry_runs import dry_run
from featurelens.planning.fingerprint import Fingerprints
from featurelens.planning.sources import read_source
from miniature import copy_finished

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("miniature")]

NO_CODE = {"fetch_resource"}
"""An edit of the code must not fetch gigabytes again."""


def ask(program, *arguments, text=""):
    """What a helper program answers."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/helpers" / program, *arguments],
        input=text,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def planned(finished):
    """Every job of the miniature with its code, and what each code is of."""
    return ask("planned_jobs.py", finished)


@pytest.fixture(scope="module")
def loaded(planned):
    """Modules that Python can load, by code."""
    codes, asked = zip(*planned["codes"].items(), strict=True)
    found = ask("loaded_modules.py", ROOT / "scripts", ROOT / "src", text=json.dumps(asked))
    return dict(zip(codes, map(set, found), strict=True))


@pytest.fixture(scope="module")
def fingerprints(finished):
    library = finished / "src/featurelens"
    return Fingerprints(finished / "scripts", library=library, cache=None)


def modules_of(job, loaded):
    """Modules that a job can load: those of all its codes."""
    return set().union(*(loaded[code] for code in job["codes"]))


@pytest.fixture(scope="module")
def closures(planned, fingerprints):
    """Modules of every code, by its script and what it chooses; constants and remarks move none."""
    asked = {}
    for script, only in planned["codes"].values():
        chosen = {package: frozenset(names) for package, names in only.items()}
        asked[script, tuple(sorted(chosen.items()))] = fingerprints.closure(script, chosen)
    return asked


def again(planned, fingerprints, closures, modules):
    """The codes of the run, computed with the code of some modules of the library replaced."""
    for name, module in modules.items():
        assert module[1:] == fingerprints._modules[name][1:], f"{name} imports something else"
    anew = Fingerprints(fingerprints.scripts, library=fingerprints.library, cache=None)
    vars(anew)["_modules"] = fingerprints._modules | modules
    vars(anew)["_files"], vars(anew)["_read"] = fingerprints._files, fingerprints._read
    anew.closure = lambda script, chosen: closures[script, tuple(sorted(chosen.items()))]
    return {
        code: anew.of(
            script,
            **{
                package.removeprefix("featurelens.").replace(".", "__"): names
                for package, names in only.items()
            },
        )
        for code, (script, only) in planned["codes"].items()
    }


def texts(finished):
    """Text of every module of the library."""
    source = finished / "src"
    for path in sorted(source.rglob("*.py")):
        name = ".".join(path.relative_to(source).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path.read_text()


def test_every_job_says_which_code_made_its_results(planned):
    assert {job["rule"] for job in planned["jobs"] if not job["codes"]} <= NO_CODE
    assert {code for job in planned["jobs"] for code in job["codes"]} <= set(planned["codes"])


def test_codes_are_of_what_python_can_load(planned, loaded, fingerprints):
    for code, (script, only) in planned["codes"].items():
        chosen = {package: frozenset(names) for package, names in only.items()}
        assert fingerprints.closure(script, chosen) == loaded[code], (script, only)


def test_no_job_loaded_what_its_code_leaves_out(records, loaded):
    for record in records:
        assert set(record["modules"]) <= modules_of(record, loaded), record["rule"]


def test_a_constant_in_any_module_changes_exactly_the_codes_that_can_load_it(
    planned, loaded, fingerprints, closures, finished
):
    for name, text in texts(finished):
        changed = read_source(f"{text}\nA_NEW_CONSTANT = 1\n".encode())
        codes = again(planned, fingerprints, closures, {name: changed})
        expected = {code for code, modules in loaded.items() if name in modules}
        assert {code for code, new in codes.items() if new != code} == expected, name


def test_remarks_in_all_modules_change_no_code(planned, fingerprints, closures, finished):
    remarked = {name: read_source(remark(text).encode()) for name, text in texts(finished)}
    codes = again(planned, fingerprints, closures, remarked)
    assert {code for code, new in codes.items() if new != code} == set()


def remark(text):
    """A file with a comment at its head and another docstring."""
    tree = ast.parse(text)
    if ast.get_docstring(tree) is not None:
        end = tree.body[0].end_lineno
        text = "\n".join(['"""Another one."""', *text.splitlines()[end:], ""])
    return f"# A remark.\n{text}"


@pytest.fixture(scope="module")
def mine(finished, tmp_path_factory):
    """A copy of the finished clone, in which files may be changed for the time of a test."""
    return copy_finished(finished, tmp_path_factory.mktemp("edited"))


@pytest.fixture
def edit(mine):
    """A function that changes a file until the test ends."""
    before = {}

    def change(path, function):
        before[path] = path.read_bytes()
        path.write_text(function(path.read_text()))

    yield change
    for path, content in before.items():
        path.write_bytes(content)


def test_a_remark_in_every_script_and_module_plans_nothing(mine, edit):
    for path in (*mine.glob("scripts/*.py"), *mine.glob("src/**/*.py")):
        edit(path, remark)
    assert "Nothing to be done" in dry_run(mine)[1]


@pytest.mark.parametrize(
    "name",
    [
        "embeddings/models/scvi/fit.py",
        "embeddings/decoders/kinds/scvi.py",
        "figures/figure_S4.py",
        "sae/model.py",
        "sweeps/selection.py",
    ],
)
def test_an_edit_plans_exactly_the_jobs_that_can_load_it(mine, planned, loaded, edit, name):
    edit(mine / "src/featurelens" / name, "{}\nA_NEW_CONSTANT = 1\n".format)
    module = f"featurelens.{name.removesuffix('.py').replace('/', '.')}"
    expected = {
        (job["rule"], ", ".join(f"{key}={value}" for key, value in job["wildcards"].items()))
        for job in planned["jobs"]
        if module in modules_of(job, loaded)
    }
    reasons, output = dry_run(mine)
    changed = {job for job, reason in reasons.items() if "Params have changed" in reason}
    # Of a job behind another that runs, Snakemake says that alone: these are the rest.
    behind = {job for job, reason in reasons.items() if reason.startswith("Input files updated by")}
    assert changed | behind == set(reasons)
    assert changed <= expected <= set(reasons)
    if not expected:
        assert "Nothing to be done" in output


def test_nothing_of_a_model_that_is_not_in_the_run_is_planned(planned, loaded):
    embedding = [job for job in planned["jobs"] if job["rule"] == "embed_cells"]
    assert embedding
    for job in embedding:
        assert not [name for name in modules_of(job, loaded) if ".models.scvi" in name]
