"""Every block of docs/steering.md, run as it stands, and what the page says of red blood cells."""

import re

import numpy as np
import pytest
import yaml

from clones import ROOT
from featurelens.config.parse import parse_config

PAGE = ROOT / "docs/steering.md"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
PAUL15 = ROOT.parent / "shared/data/cells/paul15_tradeseq_mouse.h5ad"
MARROW = ("paul15", "marrow")
"""What a block of the case names."""

needs_paul = pytest.mark.skipif(not PAUL15.exists(), reason=f"{PAUL15.name} is not at hand")


def python(*, of_case):
    chosen = [text for kind, text in BLOCKS if kind == "python"]
    return [text for text in chosen if any(word in text for word in MARROW) == of_case]


def run(blocks, names):
    for text in blocks:
        exec(compile(text, PAGE.name, "exec"), names)
    return names


def test_every_block_is_of_a_kind_that_is_run():
    assert {kind for kind, _ in BLOCKS} == {"python", "yaml"}
    assert len(python(of_case=True)) == 2


def test_the_configuration_is_valid():
    config = yaml.safe_load((ROOT / "config/own-data.yaml").read_text())
    [text] = [text for kind, text in BLOCKS if kind == "yaml"]
    parse_config(config | yaml.safe_load(text))


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists() or target.startswith("https://"), target


@pytest.fixture(scope="module")
def shipped():
    """What the blocks on shipped cells leave behind."""
    return run(python(of_case=False), {})


@pytest.mark.xdist_group("steering-page")
def test_the_call_on_shipped_cells(shipped):
    steered = shipped["steered"]
    assert (
        len(steered.cells) == (shipped["bundle"].cells.obs["cell_type"] == "CD14+ Monocyte").sum()
    )
    # The genes that rise are those of dendritic cells: IRF8 makes them, HLA class II is theirs.
    rising = steered.genes[steered.genes["log2_fold"] > 0]
    # Where among the first depends on the SAE, whose weights differ between kinds of processors.
    assert "IRF8" in rising["gene"].head(len(rising) // 10).tolist()
    assert set(shipped["both"].controls["kind"]) >= {"feature", "mean_difference", "linear_probe"}
    ablated = shipped["without"].cells["activation_after"]
    assert (ablated == 0).all()
    assert len(shipped["strongest"]) == len(shipped["live"])


@needs_paul
@pytest.mark.slow
@pytest.mark.xdist_group("steering-page")
def test_what_the_page_says_of_red_blood_cells(shipped, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "paul15.h5ad").symlink_to(PAUL15)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        study = run(python(of_case=True), dict(shipped))["study"]
    assert (folder / "red.png").stat().st_size > 10_000
    chosen = study.selected["feature"].iloc[0]
    genes = study.effects[
        (study.effects["feature"] == chosen) & (study.effects["convention"] == "corrected")
    ].set_index("gene")
    by_ratio = genes["log2_fold"].rank(ascending=False)
    by_counts = (genes["mean_steered"] - genes["mean_control"]).rank(ascending=False)
    assert by_ratio["Hba-a2"] <= 20
    assert by_counts["Klf1"] <= 30
    assert genes.loc["Gata1", "log2_fold"] > 0.1
    np.testing.assert_allclose(genes.loc[["Hba-a2", "Hbb-b1", "Gypa"], "p"], 1 / 201)
    means = study.controls.groupby("kind")[["efficiency", "precision"]].mean()
    better = means.loc["mean_difference"] > means.loc["feature"]
    assert better.all()
    assert "**The difference of means wins** in efficiency and precision" in TEXT
    assert (means.loc["feature"] > means.loc["random_directions"] + 0.2).all()
