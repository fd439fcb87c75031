"""Blocks of docs/features.md: the config is valid, the call runs."""

import re

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse

from clones import ROOT
from featurelens.config.parse import parse_config

BLOCKS = re.findall(
    r"^```(\w+)\n(.*?)^```", (ROOT / "docs/features.md").read_text(), re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "yaml"])
def test_every_block_of_configuration_is_valid(text):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config.pop("paper", None)  # it names a trajectory of the dataset
    config["datasets"]["pbmc68k"] |= {"trajectories": {}, "high_low": []} | yaml.safe_load(text)
    config["datasets"]["pbmc68k"].pop("steering")
    parse_config(config)


def test_the_call_on_the_page_compares_donors(capsys):
    [text] = [text for kind, text in BLOCKS if kind == "python"]
    rng = np.random.default_rng(0)
    donors = np.repeat(np.arange(6), 20)
    features = anndata.AnnData(
        sparse.csr_matrix(rng.random((120, 8), dtype=np.float32)),
        obs=pd.DataFrame(
            {
                "donor": [f"d{number}" for number in donors],
                "condition": np.where(donors < 3, "control", "treated"),
            },
            index=map(str, range(120)),
        ),
    )
    names = {"features": features}
    exec(text, names)
    assert set(names["differing"]["unit"]) == {"donor"}
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_every_link_leads_somewhere():
    page = ROOT / "docs/features.md"
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
