"""A run notes with what it began; jobs that read something else end."""

import os
import shlex
import shutil
import subprocess
import sys
import time

import pytest

from clones import warm_up
from featurelens.io import InputError
from featurelens.planning import began
from featurelens.planning.began import Beginning
from featurelens.planning.fingerprint import LIBRARY, Fingerprints

SCRIPT = "from featurelens.places import Place\nprint('computed')\n"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A workflow of one file of rules and two scripts, over the library."""
    files = {
        "workflow/Snakefile": 'include: "rules/one.smk"\n',
        "workflow/rules/one.smk": "# Of one.\nrule one:\n    output: 'one'\n",
        "scripts/one.py": SCRIPT,
        "scripts/other.py": "print('other')\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    warm_up(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(began.NOTE, "")
    monkeypatch.delenv(began.NOTE)
    return tmp_path


def beginning(house, config=None):
    return Beginning(Fingerprints(house / "scripts"), house / "workflow", config or {"run": "demo"})


def job(house, script="one"):
    """Run a job as Snakemake does: a copy of its script behind what stands before commands."""
    copy = house / f".snakemake/scripts/tmpab1.{script}.py"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text((house / f"scripts/{script}.py").read_text())
    command = [*shlex.split(beginning(house)._command()), "python", str(copy)]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_job_that_reads_what_the_run_began_with_goes_on(house):
    beginning(house).note()
    beginning(house).guarded()
    done = job(house)
    assert (done.returncode, done.stdout) == (0, "computed\n")


def test_where_nothing_was_noted_nothing_is_held_against_a_job(house):
    beginning(house).guarded()
    assert job(house).stdout == "computed\n"
    assert beginning(house).edited() == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("workflow/Snakefile", "rule two:\n    output: 'two'\n", "workflow/Snakefile"),
        ("workflow/rules/one.smk", "rule one:\n    output: 'x'\n", "workflow/rules/one.smk"),
        ("workflow/rules/two.smk", "rule two:\n    output: 'x'\n", "workflow/rules/two.smk"),
    ],
)
def test_rules_that_were_edited_end_every_job(house, file, text, said):
    beginning(house).note()
    (house / file).write_text(text)
    with pytest.raises(InputError, match=f"edited since this run began: {said}; jobs that read"):
        beginning(house).guarded()


def test_a_config_that_was_edited_ends_every_job(house):
    beginning(house).note()
    with pytest.raises(InputError, match="edited since this run began: the config;"):
        beginning(house, {"run": "demo", "engine": "stacked"}).guarded()


def test_a_script_that_was_edited_ends_its_own_jobs_and_the_run_says_so(house):
    run = beginning(house)
    run.note()
    (house / "scripts/one.py").write_text(SCRIPT + "print('more')\n")
    done = job(house)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: edited since this run began: scripts/one;")
    assert job(house, "other").stdout == "other\n"
    beginning(house).guarded()
    assert run.edited() == ["scripts/one"]


LATE = """
from pathlib import Path
from featurelens.places import Place
Path("begun").touch()
while not Path("go").exists():
    pass
from featurelens.progress import alive
print("computed")
"""
NOTES = """
import os, sys
from pathlib import Path
sys.path.insert(0, "src")
from featurelens.planning import began
beginning = began.Beginning(began.Fingerprints("scripts"), Path("workflow"), {"run": "demo"})
print(beginning.note())
print(os.environ[began.NOTE])
"""


@pytest.mark.parametrize(
    ("module", "text", "computes"),
    [
        ("progress", "\nADDED = 1\n", False),
        ("progress", "\n(", False),
        ("progress", "\n# More.\n", True),
        ("places", "\nADDED = 1\n", True),
    ],
)
def test_what_a_script_loads_late_is_as_noted_too(house, module, text, computes):
    """What it has loaded before, such as the module of places, is no longer read."""
    shutil.copytree(LIBRARY, house / "src/featurelens")
    (house / "scripts/one.py").write_text(LATE)
    noted = subprocess.run([sys.executable, "-P", "-c", NOTES], capture_output=True, text=True)
    command, note = noted.stdout.splitlines()
    script = house / "tmpab1.one.py"
    shutil.copy(house / "scripts/one.py", script)
    job = subprocess.Popen(
        [*shlex.split(command), sys.executable, str(script)],
        env=os.environ | {began.NOTE: note},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (house / "begun").exists():
        assert job.poll() is None
        time.sleep(0.01)
    with (house / f"src/featurelens/{module}.py").open("a") as file:
        file.write(text)
    (house / "go").touch()
    output, errors = job.communicate()
    assert (job.returncode, output) == ((0, "computed\n") if computes else (1, ""))
    if not computes:
        [line] = errors.splitlines()
        assert line.startswith("error: edited since this run began: ")
        assert "progress" in line


def test_code_that_is_half_saved_is_an_edit(house):
    run = beginning(house)
    run.note()
    (house / "scripts/one.py").write_text("from featurelens.places import (")
    with pytest.raises(InputError, match=r"edited since this run began: .*scripts/one\.py;"):
        beginning(house).guarded()
    assert run.edited() == [str(house / "scripts/one.py")]


def test_remarks_are_no_edits(house):
    run = beginning(house)
    run.note()
    (house / "scripts/one.py").write_text("# Counts.\n" + SCRIPT)
    rules = house / "workflow/rules/one.smk"
    rules.write_text("# Of one, and no other.\n\n" + rules.read_text())
    beginning(house).guarded()
    assert job(house).stdout == "computed\n"
    assert run.edited() == []


def test_many_edits_are_still_one_line():
    line = began.describe_edits(["b", "a", "d", "c", "e"])
    assert line.startswith("edited since this run began: a, b, c and 2 more;")
    assert "\n" not in line
