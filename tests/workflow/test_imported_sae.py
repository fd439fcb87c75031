"""An SAE that was trained elsewhere, through the workflow's rules."""

import os

import anndata
import numpy as np
import pandas as pd
import pytest

from clones import run_snakemake, write_config
from featurelens.io import read_json
from saelens_files import VERSION, write_saelens

pytestmark = pytest.mark.workflow

RNG = np.random.default_rng(0)
PLACE = "mine/model/theirs"
TRANSCODER = {"architecture": "transcoder", "apply_b_dec_to_input": False}
FEATURES = f"results/mine/features/{PLACE}/features.h5ad"


@pytest.fixture
def config(clone):
    """Cells with an embedding of six dimensions, and SAELens' files beside them."""
    labels = np.array(["T", "B", "NK"] * 20)
    cells = anndata.AnnData(
        RNG.poisson(1.0, (60, 8)).astype(np.float32),
        obs=pd.DataFrame({"cell_type": labels}, index=[f"cell{i}" for i in range(60)]),
        obsm={"X_model": RNG.normal(size=(60, 6)).astype(np.float32)},
    )
    cells.write_h5ad(clone / "cells.h5ad")
    write_sae(clone / "theirs")
    own = {"kind": "h5ad", "path": "cells.h5ad", "cell_type": "cell_type"}
    mine = {"cells": own, "models": {"model": {"kind": "precomputed", "key": "X_model"}}}
    write_sae(clone / "transcoder", d_out=4, **TRANSCODER)
    saes = {name: {"path": name} for name in ("theirs", "transcoder")}
    run = {"run": "mine", "datasets": {"mine": mine}, "saes": saes}
    return write_config(clone, run | {"dge": {"expression": "measured"}})


def write_sae(folder, *, seed=1, d_in=6, d_out=None, **said):
    d_out = d_out or d_in
    rng = np.random.default_rng(seed)
    tensors = {
        "W_enc": rng.normal(size=(d_in, 12)).astype(np.float16),
        "b_enc": rng.normal(size=12).astype(np.float16),
        "W_dec": rng.normal(size=(12, d_out)).astype(np.float16),
        "b_dec": rng.normal(size=d_out).astype(np.float16),
    }
    said = said | {"d_out": d_out} if said else {"architecture": "topk", "k": 3}
    write_saelens(folder, tensors, **said | VERSION)
    return {name: array.astype(np.float64) for name, array in tensors.items()}


def expected(X, tensors, k=3):
    before = (X - tensors["b_dec"]) @ tensors["W_enc"] + tensors["b_enc"]
    cut = np.sort(before, axis=1)[:, [-k]]
    return np.where(before >= cut, before, 0).clip(0)


def test_its_features_are_described_and_a_changed_file_makes_them_stale_alone(clone, config):
    transcoder = FEATURES.replace("theirs", "transcoder")
    saes = "results/mine/tables/saes.tsv"
    done = run_snakemake(clone, "--cores", "1", FEATURES, transcoder, saes, *config)
    assert done.returncode == 0, done.stderr
    X = anndata.read_h5ad(clone / "cells.h5ad").obsm["X_model"].astype(np.float64)
    found = anndata.read_h5ad(clone / FEATURES).X.toarray()
    theirs = expected(X, write_sae(clone / "theirs"))
    assert ((found > 0) == (theirs > 0)).all()
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-5)
    about = read_json(clone / f"results/mine/sae/{PLACE}/train.json")
    assert about["origin"] == "saelens 6.54.12, topk, float16"
    log = (clone / f"results/mine/logs/train_sae/{PLACE}.log").read_text()
    assert "float16 is read as float32" in log

    # A transcoder takes nothing from its input, and what it explains is left empty.
    tensors = write_sae(clone / "transcoder", d_out=4, **TRANSCODER)
    found = anndata.read_h5ad(clone / transcoder)
    before = (X @ tensors["W_enc"] + tensors["b_enc"]).clip(0)
    np.testing.assert_allclose(found.X.toarray(), before, rtol=1e-5, atol=1e-5)
    assert "directions" not in found.varm
    table = pd.read_table(clone / saes, index_col="sae")
    explained = table["explained_variance"]
    assert np.isfinite(explained[PLACE])
    assert np.isnan(explained[PLACE.replace("theirs", "transcoder")])
    assert "saelens 6.54.12, transcoder, float16" in set(table["origin"])

    write_sae(clone / "theirs", seed=2)
    for file in (clone / "theirs").iterdir():
        os.utime(file, (1e9, 1e9))
    planned = run_snakemake(clone, "-n", FEATURES, *config).stdout
    jobs = [line.split() for line in planned.partition("Job stats:")[2].splitlines()[3:6]]
    assert jobs == [["train_sae", "1"], ["describe_features", "1"], ["total", "2"]]


def test_of_another_width_it_stops_a_plan_with_one_line(clone, config):
    write_sae(clone / "theirs", d_in=5)
    planned = run_snakemake(clone, "-n", *config)
    assert planned.returncode != 0
    said = [line for line in planned.stderr.splitlines() if line.startswith("error: ")]
    assert said == [
        "error: theirs: this SAE has 5 inputs, but 'mine/model' has 6 dimensions; name the "
        "embedding that it was trained on"
    ]
