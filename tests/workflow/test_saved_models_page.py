"""Every block of docs/saved-models.md on SAEs, run as it stands."""

import os
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from clones import ROOT, copy_repository, run_snakemake
from featurelens.config.parse import parse_config

PAGE = ROOT / "docs/saved-models.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
KEPT = "table.to_csv('called.tsv', sep='\\t', index=False)"

pytestmark = [pytest.mark.workflow]


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "yaml"])
def test_every_block_of_configuration_is_valid(text):
    config = yaml.safe_load((ROOT / "config/own-data.yaml").read_text())
    parse_config(config | yaml.safe_load(text))


def test_every_refusal_and_form_is_one_that_the_readers_have():
    from featurelens.sae.files import dictionary_learning, overcomplete, saelens
    from featurelens.sae.listing import formats

    text = PAGE.read_text()
    for name in (*formats(), *saelens.TENSORS, *dictionary_learning.CLASSES, *overcomplete.CLASSES):
        assert name in text, name


def run_python(folder, text):
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src"), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.slow
def test_the_page_runs_and_its_call_gives_the_table_of_its_run(tmp_path):
    folder = copy_repository(tmp_path)
    for kind, text in BLOCKS:
        if kind == "python":
            run_python(folder, text + KEPT * ("annotate(" in text))
        elif kind == "bash":
            for line in text.strip().splitlines():
                done = run_snakemake(folder, *line.split()[1:])
                assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    for name in re.findall(r"^\| `([^`]+)` \| ", PAGE.read_text(), re.MULTILINE):
        if "/" in name and "." in name:
            assert (folder / "results/imported" / name).exists(), name
    run = pd.read_csv(
        folder / "results/imported/tables/features/mine/pca/theirs/families.tsv", sep="\t"
    )
    called = pd.read_csv(folder / "called.tsv", sep="\t")
    pd.testing.assert_frame_equal(called[run.columns], run)
    saes = pd.read_csv(folder / "results/imported/tables/saes.tsv", sep="\t")
    assert saes["origin"].tolist() == ["saelens 6.54.12, topk, float32"]
