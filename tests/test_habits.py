"""What a contributor types: targets of the Makefile, and hooks that check what CI checks."""

import os
import re
import subprocess

import yaml

from clones import ROOT
from featurelens.config.docs import README, SCHEMA, outdated, rewrite

MAKEFILE = (ROOT / "Makefile").read_text()


def make(*arguments):
    """What make prints, whatever make runs these tests."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def recipe(target):
    """Commands of a target, the environment's folder as it is named in the shell."""
    [text] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in text.splitlines()]


def test_help_lists_every_target_with_a_remark():
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE).group(1)
    targets = set(phony.replace("\\\n", " ").split())
    rows = [line.split(maxsplit=1) for line in make("help").splitlines()]
    assert {name for name, _ in rows} == targets
    assert all(len(remark) > 5 for _, remark in rows)


def test_a_bare_make_is_make_demo():
    assert make("-n") == make("-n", "demo")


def test_hooks_run_what_lint_runs_and_ask_for_drift():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]  # nothing is fetched
    entries = [hook["entry"] for hook in hooks[0]["hooks"]]
    assert entries == [*recipe("lint"), ".venv/bin/python -m featurelens.config.docs --check"]
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}


def test_drift_of_generated_files_is_seen(tmp_path):
    for name in (SCHEMA, README):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    assert outdated(tmp_path) == []
    (tmp_path / SCHEMA).write_text("{}\n")
    text = (tmp_path / README).read_text()
    (tmp_path / README).write_text(text.replace("| key |", "| keys |", 1))
    assert outdated(tmp_path) == [tmp_path / SCHEMA, tmp_path / README]
    rewrite(tmp_path)
    assert outdated(tmp_path) == []
