"""SAEs that were trained elsewhere, looked at before a run; what of a run would train them."""

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.config.parse import parse_config
from featurelens.controls.plan import left_out
from featurelens.io import InputError, sha256_file
from featurelens.planning.early import named_files
from featurelens.planning.inputs import check_inputs
from featurelens.planning.plan import Plan
from featurelens.sae.listing import given_files
from saelens_files import write_saelens

RNG = np.random.default_rng(0)
WEIGHTS = {
    "W_enc": RNG.normal(size=(4, 9)).astype(np.float32),
    "b_enc": np.zeros(9, np.float32),
    "W_dec": RNG.normal(size=(9, 4)).astype(np.float32),
    "b_dec": np.zeros(4, np.float32),
}


def write(folder, weights=WEIGHTS, **config):
    return write_saelens(folder, weights, **config)


def plan(tmp_path, **sae):
    cells = anndata.AnnData(
        np.ones((30, 5), np.float32),
        obs=pd.DataFrame({"cell_type": ["T", "B", "NK"] * 10}, index=[f"c{i}" for i in range(30)]),
        obsm={"X_model": RNG.normal(size=(30, 4)).astype(np.float32)},
    )
    cells.write_h5ad(tmp_path / "cells.h5ad")
    own = {"kind": "h5ad", "path": str(tmp_path / "cells.h5ad"), "cell_type": "cell_type"}
    mine = {"cells": own, "models": {"mine": {"kind": "precomputed", "key": "X_model"}}}
    config = {"run": "r", "datasets": {"mine": mine}, "dge": {"expression": "measured"}}
    return Plan(parse_config(config | {"saes": {"theirs": {"path": str(tmp_path / "sae")} | sae}}))


def test_its_files_are_among_those_that_were_looked_at(tmp_path):
    folder = write(tmp_path / "sae", metadata={"sae_lens_version": "6.54.12"})
    found = plan(tmp_path)
    rows = check_inputs(**found.user_files)
    rows = rows[rows["key"] == "saes.theirs.path"].set_index("path")
    weights = str(folder / "sae_weights.safetensors")
    assert set(rows.index) == {weights, str(folder / "cfg.json")}
    assert rows.loc[weights, "sha256"] == sha256_file(weights)
    assert rows.loc[weights, "found"] == (
        "9 features of 4 dimensions: saelens 6.54.12, standard, float32"
    )
    assert ("saes.theirs.path", str(folder)) in list(named_files(found.config))


def test_files_that_say_what_it_is_are_read_and_what_lies_beside_them_is_not(tmp_path):
    folder = write(tmp_path / "sae")
    (folder / "training.log").write_text("epoch 1")
    names = ["cfg.json", "sae_weights.safetensors"]
    assert given_files(str(folder)) == [str(folder / name) for name in names]
    (folder / "ae.pt").write_bytes(b"")
    assert given_files(str(folder / "ae.pt")) == [str(folder / "ae.pt"), str(folder / "cfg.json")]


def test_a_transcoder_is_annotated_and_cannot_be_steered(tmp_path):
    said = {"architecture": "transcoder", "apply_b_dec_to_input": False}
    write(tmp_path / "sae", **said)
    parts = plan(tmp_path).user_files
    assert "transcoder, float32" in " ".join(check_inputs(**parts)["found"])
    steered = {"origin": "T", "target": "B"}
    datasets = {"mine": parts["datasets"]["mine"] | {"steering": steered}}
    message = (
        r"saes\.theirs\.path: a transcoder.* leave out datasets\.mine\.steering, or name 'theirs'"
    )
    with pytest.raises(InputError, match=message):
        check_inputs(**parts | {"datasets": datasets})


def truncated(folder):
    file = write(folder) / "sae_weights.safetensors"
    file.write_bytes(file.read_bytes()[:100])


def of_another_width(folder):
    weights = {name: array[:, :3] if name == "W_dec" else array for name, array in WEIGHTS.items()}
    weights |= {"W_enc": WEIGHTS["W_enc"][:3], "b_dec": np.zeros(3, np.float32)}
    write(folder, weights)


def without_a_tensor(folder):
    write(folder, {name: array for name, array in WEIGHTS.items() if name != "b_enc"})


def without_config(folder):
    (write(folder) / "cfg.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "said", "message"),
    [
        (truncated, {}, r"sae_weights\.safetensors: damaged"),
        (of_another_width, {}, "has 3 inputs, but 'mine/mine' has 4 dimensions; name the emb"),
        (without_a_tensor, {}, r"sae_weights\.safetensors: lacks b_enc"),
        (without_config, {}, r"cfg\.json: no such file; it would say what the SAE is"),
        (write, {"format": "sparsify"}, r"sae\.safetensors: no such file"),
        (lambda folder: None, {}, "'saes.theirs.path' names .* which does not exist"),
    ],
)
def test_what_cannot_be_used_is_one_line(spoil, said, message, tmp_path):
    spoil(tmp_path / "sae")
    with pytest.raises(InputError, match=message) as caught:
        check_inputs(**plan(tmp_path, **said).user_files)
    assert "\n" not in str(caught.value)


def test_controls_that_would_be_trained_are_left_out_and_said(tmp_path):
    config = {
        "run": "r",
        "datasets": {
            "mine": {"cells": {"kind": "pbmc68k_reduced"}, "models": {"p": {"kind": "pca"}}}
        },
        "saes": {
            "theirs": {"path": str(tmp_path)},
            "own": {"architecture": "topk", "expansion": 2},
        },
        "collections": {"sets": {"path": "sets.gmt"}},
        "dge": {"expression": "measured"},
        "controls": {"kinds": ["untrained", "frozen", "random", "pca"], "seeds": [1]},
    }
    run = parse_config(config)
    sources = {place.sae for place in Plan(run).controlled}
    assert sources == {
        *("theirs", "theirs.random", "control.pca"),
        *("own", "own.seed1", "own.untrained", "own.frozen", "own.random"),
    }
    [line] = left_out(run.controls, run.saes)
    assert line == (
        "left out of this run: controls 'untrained', 'frozen', repeats with further seeds of "
        "'saes.theirs', which was trained elsewhere and cannot be trained again"
    )
