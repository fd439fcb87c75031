"""One file adds a thing: dropped into a clone, or brought by another package, it is there.

Each test writes what the table in CONTRIBUTING.md asks for and nothing else, and asks a fresh
Python, or Snakemake, for the result.
"""

import json
import os
import re
import subprocess
import sys

import anndata
import pandas as pd
import pytest

from clones import run_snakemake, write_config
from featurelens.io import read_table, write_anndata

pytestmark = pytest.mark.workflow

MODEL_CONFIG = '''
"""Options of the first genes."""

from dataclasses import dataclass
from typing import Literal

from featurelens.embeddings.model import Model


@dataclass(frozen=True, kw_only=True)
class FirstGenes(Model):
    """Expression of the first genes."""

    kind: Literal["{kind}"] = "{kind}"
    """Which model."""
    n_genes: int = 3
    """How many."""

    has_decoder = False


MODEL = FirstGenes
'''
MODEL_FIT = '''
"""The first genes."""

import featurelens.embeddings.bundle as bundle
from featurelens.embeddings.decoders.kinds.none import NoDecoder


def fit(cells, config):
    """Take them."""
    return bundle.Fitted(cells.X[:, : config.n_genes].toarray(), NoDecoder(), {{}})
'''
ARCHITECTURE = '''
"""Vanilla with the decoder's bias at zero."""

from featurelens.sae.architecture import Architecture, folded
from featurelens.sae.architectures import vanilla


def init(rng, d_in, d_sae):
    drawn = vanilla.init(rng, d_in, d_sae)
    return drawn | {"b_dec": 0 * drawn["b_dec"]}


ARCHITECTURE = Architecture(
    name="plain", source="a test", init=init, loss=vanilla.loss, fold=folded, penalty="l1"
)
'''
ENGINE = '''
"""Autograd under another name, chosen for gated SAEs."""

from featurelens.sae.engine import Engine
from featurelens.sae.engines import autograd

ENGINE = Engine(
    make_stepper=autograd.make_stepper,
    session=autograd.session,
    stack_size=lambda *_: 1,
    preference=9,
    serves=("gated",),
)
'''
CONTROL = '''
"""The first genes as they are measured."""

from featurelens.controls.control import Components, Control


def components(cells, n_components, seed):
    """Their expression, which is not negative."""
    return Components(cells.X[:, :n_components].toarray().astype(float), None)


CONTROL = Control(of="cells", label="first genes", repeatable=False, components=components)
'''
TRAIN = """
import numpy as np
from featurelens.sae.config import SAEConfig
from featurelens.sae.training import train

X = np.random.default_rng(0).normal(size=(40, 4))
config = SAEConfig(architecture={architecture!r}, expansion=2, epochs=2)
[trained] = train(X, [config])
print(trained.row["status"], trained.row["engine"], trained.sae.architecture)
"""


def put(clone, path, text):
    """Write one file of the library."""
    file = clone / "src/featurelens" / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.strip() + "\n")


def ask(clone, code, *folders):
    """What a fresh Python prints that knows the clone, and folders of other packages."""
    path = os.pathsep.join(map(str, (clone / "src", *folders)))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def brought(folder, group, entry, files):
    """Another package, as pip would install it into a folder: files and an entry point."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.strip() + "\n")
    about = folder / "elsewhere-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
    return folder


def run_with(kind, **more):
    """A run that embeds the shipped cells with one kind of model."""
    return {
        "run": "one",
        "datasets": {"d": {"cells": {"kind": "pbmc68k_reduced"}, "models": {"m": {"kind": kind}}}},
        "saes": {"s": {"architecture": "topk", "expansion": 2, "epochs": 2}},
        "dge": {"expression": "measured"},
    } | more


def test_a_model_is_one_folder(clone):
    put(clone, "embeddings/models/first_genes/__init__.py", '"""The first genes."""')
    put(clone, "embeddings/models/first_genes/config.py", MODEL_CONFIG.format(kind="first_genes"))
    put(clone, "embeddings/models/first_genes/fit.py", MODEL_FIT.format())
    code = (
        "from featurelens.config.parse import parse_config\n"
        "from featurelens.datasets.readers import read_dataset\n"
        "from featurelens.embeddings.embed import embed\n"
        f"run = parse_config({run_with('first_genes')!r})\n"
        "bundle = embed(read_dataset(run.datasets['d'].cells), run.datasets['d'].models['m'])\n"
        "print(bundle.info['model'], *bundle.embedding.shape)"
    )
    assert ask(clone, code) == ["first_genes", "700", "3"]


def test_a_model_of_another_package_embeds_through_the_workflow(clone, tmp_path, monkeypatch):
    site = brought(
        tmp_path / "site",
        "featurelens.models",
        "elsewhere = first_genes.elsewhere",
        {
            "first_genes/__init__.py": "",
            "first_genes/elsewhere/__init__.py": "",
            "first_genes/elsewhere/config.py": MODEL_CONFIG.format(kind="elsewhere"),
            "first_genes/elsewhere/fit.py": MODEL_FIT.format(),
        },
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(clone / "src"), str(site)]))
    selection = write_config(clone, run_with("elsewhere"))
    target = "results/one/embeddings/d/m/bundle.json"
    done = run_snakemake(clone, *selection, "--cores", "1", "--show-failed-logs", "--", target)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    info = json.loads((clone / target).read_text())
    assert (info["model"], info["d"], info["config"]["n_genes"]) == ("elsewhere", 3, 3)
    # Its code stands for the result: nothing is planned until that changes, remarks aside.
    fit = site / "first_genes/elsewhere/fit.py"
    fit.write_text(fit.read_text() + "# A remark.\n")
    again = run_snakemake(clone, *selection, "-n", "--", target)
    assert "Nothing to be done" in again.stdout + again.stderr
    fit.write_text(fit.read_text() + "MORE = 1\n")
    again = run_snakemake(clone, *selection, "-n", "--", target)
    assert "rule embed_cells:" in again.stdout + again.stderr


def test_an_architecture_is_one_file(clone):
    put(clone, "sae/architectures/plain.py", ARCHITECTURE)
    assert ask(clone, TRAIN.format(architecture="plain")) == ["ok", "autograd", "plain"]


def test_an_architecture_of_another_package_is_trained(clone, tmp_path):
    site = brought(
        tmp_path / "site",
        "featurelens.architectures",
        "plain = plain_sae",
        {"plain_sae.py": ARCHITECTURE},
    )
    assert ask(clone, TRAIN.format(architecture="plain"), site) == ["ok", "autograd", "plain"]


def test_an_engine_is_one_file(clone):
    put(clone, "sae/engines/mine.py", ENGINE)
    assert ask(clone, TRAIN.format(architecture="gated")) == ["ok", "mine", "gated"]
    assert ask(clone, TRAIN.format(architecture="relu")) == ["ok", "fused", "relu"]


def test_a_control_is_one_file(clone):
    put(clone, "controls/kinds/first.py", CONTROL)
    code = (
        "from featurelens.controls.components import describe_control\n"
        "from featurelens.controls.config import ControlConfig\n"
        "from featurelens.datasets.config import Pbmc68kReduced\n"
        "from featurelens.datasets.readers import read_dataset\n"
        "from featurelens.features.config import FeatureConfig\n"
        "from featurelens.features.sources import CONTROL_LABELS, parse_source\n"
        "cells = read_dataset(Pbmc68kReduced())\n"
        "cells.obsm['X_emb'] = cells.X[:, :2].toarray()\n"
        "source = parse_source('control.first')\n"
        "config = ControlConfig(kinds=('first',), n_components=4)\n"
        "found = describe_control(cells, source, config=config, features=FeatureConfig(),"
        " log=lambda line: None)\n"
        "print(found.n_vars, CONTROL_LABELS['first'])"
    )
    assert ask(clone, code) == ["4", "first", "genes"]


STEP = '''
"""How many cells activate each feature, once more."""

import pandas as pd

INPUTS = {"features": "features/{dataset}/{model}/{sae}/features.h5ad"}
OUTPUTS = {"table": "features/{dataset}/{model}/{sae}/counts.tsv"}
PARAMS = {"least": "dge/min_cells"}


def make(features, *, least, means):
    means.log(f"{features.n_vars} features")
    return pd.DataFrame({"n_active": features.var["n_active"], "least": least})
'''


def test_a_step_is_one_file(clone):
    put(clone, "features/steps/count_cells.py", STEP)
    target = "results/one/features/d/m/s/counts.tsv"
    selection = write_config(clone, run_with("pca"))
    done = run_snakemake(clone, *selection, "-n", "--", target)
    assert done.returncode == 0, done.stdout + done.stderr
    [text] = re.findall(r"rule count_cells:\n(.*?)\n\n", done.stdout, flags=re.DOTALL)
    assert "input: results/one/features/d/m/s/features.h5ad" in text
    assert f"output: {target}" in text
    features = anndata.AnnData(var=pd.DataFrame({"n_active": [3, 5]}, index=["0", "1"]))
    file = clone / "results/one/features/d/m/s/features.h5ad"
    file.parent.mkdir(parents=True)
    write_anndata(features, file)
    code = (
        "from featurelens.means import Means\n"
        "from featurelens.steps import take_step\n"
        f"take_step('count_cells', {{'features': {str(file)!r}}}, [{str(clone / target)!r}],"
        " params={'least': 4}, means=Means(log=print))"
    )
    assert ask(clone, code) == ["2", "features"]
    assert read_table(clone / target).to_dict("list") == {"n_active": [3, 5], "least": [4, 4]}


def test_files_that_were_added_are_planned_and_nothing_that_was_there_is_made_again(clone):
    def fingerprints():
        code = (
            "from featurelens.planning.code import model_code, sae_code\n"
            "from featurelens.planning.fingerprint import Fingerprints\n"
            f"of = Fingerprints({str(clone / 'scripts')!r}, cache=None).of\n"
            "print(model_code(of, 'embed_cells', 'pca'),"
            " sae_code(of, 'train_stack', [('topk', 'all')], engine='auto'),"
            " of('describe_features', controls__kinds='nmf'))"
        )
        return ask(clone, code)

    before = fingerprints()
    put(clone, "embeddings/models/first_genes/__init__.py", '"""The first genes."""')
    put(clone, "embeddings/models/first_genes/config.py", MODEL_CONFIG.format(kind="first_genes"))
    put(clone, "embeddings/models/first_genes/fit.py", MODEL_FIT.format())
    put(clone, "sae/architectures/plain.py", ARCHITECTURE)
    put(clone, "controls/kinds/first.py", CONTROL)
    assert fingerprints() == before
    saes = {"s": {"architecture": "plain", "expansion": 2, "epochs": 2}}
    (clone / "sets.gmt").write_text("markers\t\tCD3D\tCD3E\tCD79A\tMS4A1\n")
    more = {"saes": saes, "collections": {"own": {"path": "sets.gmt"}}}
    more["controls"] = {"kinds": ["first"]}
    selection = write_config(clone, run_with("first_genes", **more))
    done = run_snakemake(clone, *selection, "-n", "--", "results/one/tables/controls.tsv")
    assert done.returncode == 0, done.stdout + done.stderr
    for rule in ("embed_cells", "train_sae", "test_source_of_control"):
        assert f"rule {rule}:" in done.stdout + done.stderr


CLAIM = """
- number: 46
  part: z
  claim: A test can add one.
  place: here
  published: "2"
  kind: number
  expected: 2
  read: {table: of_a_test, column: value, reduce: mean}
"""


def test_a_claim_is_one_entry(clone):
    claims = clone / "config/claims.yaml"
    claims.write_text(claims.read_text().rstrip() + CLAIM)
    code = (
        "import pandas as pd\n"
        "from featurelens.claims.entries import read_claims\n"
        "from featurelens.claims.judge import judge\n"
        "tables = {'of_a_test': pd.DataFrame({'value': [1.0, 3.0]})}\n"
        f"judged = judge(read_claims({str(claims)!r}), tables).set_index('part')\n"
        "print(judged.loc['z', 'reproduced_published'], judged.loc['z', 'verdict'])"
    )
    assert ask(clone, code) == ["2", "reproduced"]
