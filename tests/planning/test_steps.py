"""Steps by their files: what is read of them."""

import pytest

from clones import ROOT
from featurelens.planning.code import step_code
from featurelens.planning.fingerprint import Fingerprints
from featurelens.planning.steps import read_steps
from featurelens.steps import HOMES

HOME = "featurelens.features.steps"


def written(folder, text):
    """A library with one step."""
    file = folder / "featurelens/features/steps/spread.py"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return folder / "featurelens"


def test_a_file_is_read_without_importing_it(tmp_path):
    text = (
        '"""Spread."""\nimport none_such\n'
        'INPUTS = {"features": "features/{sae}/features.h5ad"}\n'
        'READERS = {"features": none_such.read}\n'
        'OUTPUTS = {"table": "features/{dataset}/{sae}/spread.tsv", "more": "more.tsv"}\n'
        'MEMORY = "catalogue"\nMINUTES = 5\n'
    )
    [step] = read_steps([HOME], library=written(tmp_path, text))
    assert (step.home, step.name, step.parts) == (HOME, "spread", "{dataset}/{sae}")
    assert step.inputs == {"features": "features/{sae}/features.h5ad"}
    assert (step.params, step.threads, step.memory, step.minutes) == ({}, 1, "catalogue", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('INPUTS = {"a": "b"}\n', r"spread\.py lacks OUTPUTS"),
        ("OUTPUTS = dict(a=1)\n", r"spread\.py: OUTPUTS must be a literal"),
    ],
)
def test_a_file_that_says_too_little_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_steps([HOME], library=written(tmp_path, text))


def test_code_of_a_step_is_its_own_and_no_other_steps(tmp_path):
    seen = []

    def fingerprint(script, **only):
        seen.append((script, only))
        return "code"

    [step] = read_steps([HOME], library=written(tmp_path, 'OUTPUTS = {"a": "a.tsv"}\n'))
    assert step_code(fingerprint, "take_step", step) == "code"
    [(script, only)] = seen
    assert script == "take_step"
    assert {home.partition(".")[2].replace(".", "__") for home in HOMES} == set(only)
    assert {key: name for key, name in only.items() if name} == {"features__steps": "spread"}


def test_a_step_loads_what_it_needs_alone():
    """Maps of features load no SAE, whatever other steps do."""
    only = {home: frozenset({"map_features"} if home == HOME else ()) for home in HOMES}
    closure = Fingerprints(ROOT / "scripts", cache=None).closure("take_step", only)
    assert "featurelens.features.steps.map_features" in closure
    assert not [name for name in closure if name.startswith("featurelens.sae")]
