"""Geneformer in the workflow: planned without its files, in its own environment, and run."""

import json
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from clones import ROOT, run_snakemake, write_config

sys.path.insert(0, str(ROOT / "tests/unit"))
from geneformer_files import bert_config, write_dictionaries

pytestmark = pytest.mark.workflow

CONFIG = {
    "run": "gf",
    "datasets": {
        "blood": {
            "cells": {
                "kind": "h5ad",
                "path": "cells.h5ad",
                "cell_type": "cell_type",
                "symbol": "symbol",
            },
            "models": {
                "geneformer": {
                    "kind": "geneformer",
                    "variant": "V2",
                    "folder": "model",
                    "tokens": "tokens_V2.json",
                    "medians": "medians_V2.json",
                    "pooling": "cls",
                },
                "pca": {"kind": "pca", "n_components": 3},
            },
        }
    },
    "saes": {"relu": {"architecture": "relu", "expansion": 2, "epochs": 2}},
    "collections": {"families": {"path": "config/genesets/blood_families.gmt"}},
    "dge": {"expression": "measured"},
}
# Snakemake asks conda who it is before it lists environments.
CONDA = """#!/bin/sh
case "$1" in
  --version) echo conda 25.3.0 ;;
  info) echo '{"conda_version": "25.3.0", "conda_prefix": "/", "platform": "linux-64"}' ;;
  config) echo '{"channel_priority": "strict", "get": {"channel_priority": "strict"}}' ;;
esac
"""


def test_a_model_is_planned_without_its_files_and_gets_its_own_environment(clone, monkeypatch):
    planned = run_snakemake(clone, "-n", *write_config(clone, CONFIG))
    assert planned.returncode == 0, planned.stderr
    (clone / "bin").mkdir()
    (clone / "bin/conda").write_text(CONDA)
    (clone / "bin/conda").chmod(0o755)
    monkeypatch.setenv("PATH", f"{clone / 'bin'}:/usr/bin:/bin")
    (clone / "cells.h5ad").touch()
    for model, environment in (("geneformer", "geneformer"), ("pca", "core")):
        target = f"results/gf/embeddings/blood/{model}/bundle.json"
        listed = run_snakemake(
            clone, target, "--list-conda-envs", *write_config(clone, CONFIG)
        ).stdout.split()
        assert {word for word in listed if word.startswith("envs/")} == {
            "envs/core.yaml",
            f"envs/{environment}.yaml",
        }


@pytest.mark.models
def test_a_small_model_embeds_cells_in_the_workflow(clone):
    import torch

    transformers = pytest.importorskip("transformers", reason="make test-models installs it")
    n_genes, n_cells = 40, 30
    write_dictionaries(clone, "V2", n_genes=n_genes)
    torch.manual_seed(0)
    config = bert_config(n_genes + 4, width=16, positions=4096)
    transformers.BertForMaskedLM(transformers.BertConfig(**config)).save_pretrained(clone / "model")
    names = [f"cell{row}" for row in range(n_cells)]
    anndata.AnnData(
        np.random.default_rng(0).poisson(1.0, (n_cells, n_genes)).astype(np.float32),
        obs=pd.DataFrame({"cell_type": pd.Categorical(["T", "B", "NK"] * 10)}, index=names),
        var=pd.DataFrame(
            {"symbol": ["HLA-A", "HLA-B", "B2M", "ACTB", *(f"S{i}" for i in range(n_genes - 4))]},
            index=[f"ENSG{number:011d}" for number in range(1, n_genes + 1)],
        ),
    ).write_h5ad(clone / "cells.h5ad")
    folder = Path("results/gf/embeddings/blood/geneformer")
    done = run_snakemake(
        clone, folder / "bundle.json", "--cores", "1", *write_config(clone, CONFIG)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    info = json.loads((clone / folder / "bundle.json").read_text())
    assert (info["n_cells"], info["d"], info["pooling"]) == (n_cells, 16, "cls")
    assert info["command"] == (
        f"snakemake {folder}/bundle.json --configfile results/gf/config.yaml"
    )
    cells = anndata.read_h5ad(clone / folder / "cells.h5ad")
    assert cells.obs_names.tolist() == names
    log = (clone / "results/gf/logs/embed_cells/blood/geneformer.log").read_text()
    assert f"{n_cells} of {n_cells} cells embedded" in log.splitlines()
