"""An SAE on the states of a transformer that reads cells as lists of genes, through the rules."""

import anndata
import numpy as np
import pandas as pd
import pytest

from clones import run_snakemake, write_config
from featurelens.io import read_json
from made_transformer import token_states
from saelens_files import VERSION, write_saelens

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

PLACE = "mine/states/theirs"
FEATURES = f"results/mine/features/{PLACE}/features.h5ad"
D, D_SAE = 8, 20


def test_activations_of_tokens_are_pooled_to_cells_and_planned_to_the_end(clone):
    """Every gene of a cell has a state; by pandas: encode each, then the largest and the mean."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.5, (45, 30)).astype(np.float32)
    labels = np.array(["T", "B", "NK"] * 15)
    names = pd.Index([f"cell{number}" for number in range(45)])
    cells = anndata.AnnData(counts, obs=pd.DataFrame({"cell_type": labels}, index=names))
    cells.write_h5ad(clone / "cells.h5ad")
    states, cell = token_states(counts)
    table = pd.DataFrame(states, index=names[cell]).rename(columns=str)
    table.sample(frac=1, random_state=0).to_parquet(clone / "tokens.parquet")
    weights = {"W_enc": rng.normal(size=(D, D_SAE)), "W_dec": rng.normal(size=(D_SAE, D))}
    weights |= {"b_enc": rng.normal(size=D_SAE) - 2, "b_dec": np.zeros(D)}
    weights = {name: array.astype(np.float32) for name, array in weights.items()}
    write_saelens(clone / "theirs", weights, **VERSION)
    model = {"kind": "precomputed", "rows": "tokens", "path": "tokens.parquet"}
    own = {"kind": "h5ad", "path": "cells.h5ad", "cell_type": "cell_type"}
    run = {
        "run": "mine",
        "datasets": {"mine": {"cells": own, "models": {"states": model}}},
        "saes": {"theirs": {"path": "theirs"}},
        "dge": {"expression": "measured"},
    }
    config = write_config(clone, run)

    planned = run_snakemake(clone, "-n", "scfeaturelens", *config)
    assert planned.returncode == 0, planned.stderr
    asked = {line.split()[0] for line in planned.stdout.splitlines() if line.strip()}
    assert {"embed_cells", "train_sae", "describe_features", "test_expression"} <= asked

    done = run_snakemake(clone, "--cores", "1", FEATURES, *config)
    assert done.returncode == 0, done.stderr
    codes = (states.astype(np.float64) @ weights["W_enc"] + weights["b_enc"]).clip(0)
    by_cell = pd.DataFrame(codes).groupby(names[cell])
    found = anndata.read_h5ad(clone / FEATURES)
    order = list(found.obs_names)
    np.testing.assert_allclose(found.X.toarray(), by_cell.max().loc[order], atol=1e-5)
    mean = found.layers["mean"].toarray()
    np.testing.assert_allclose(mean, by_cell.mean().loc[order], atol=1e-5)
    about = read_json(clone / "results/mine/embeddings/mine/states/bundle.json")
    assert about["fit"]["n_tokens"] == len(states)
