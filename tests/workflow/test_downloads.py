"""Downloads as rules, against a server on this computer."""

import hashlib
import io
import zipfile

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml

from clones import ROOT, run_snakemake, write_config
from flaky_server import as_json, cut, ranged, serve, whole

pytestmark = pytest.mark.workflow

TRAINED = ROOT.parent / "shared/data/multidgd"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as server:
        yield server


def cells_in_a_zip(folder):
    rng = np.random.default_rng(0)
    cells = anndata.AnnData(
        rng.poisson(1.0, (30, 5)).astype(np.float32),
        obs=pd.DataFrame({"cell_type": ["T", "B", "NK"] * 10}, index=[f"c{i}" for i in range(30)]),
        var=pd.DataFrame(index=["CD3D", "CD19", "NKG7", "LYZ", "MS4A1"]),
    )
    cells.write_h5ad(folder / "made.h5ad")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(folder / "made.h5ad", "made.h5ad")
    return buffer.getvalue()


def config(server, gmt="/sets.gmt"):
    return {
        "run": "mine",
        "downloads": {
            "cells": {
                "path": "resources/toy/cells.h5ad", "figshare": 5, "service": f"{server.url}/v2",
            },
            "sets": {"path": "resources/sets.gmt", "url": server.url + gmt},
        },
        "datasets": {
            "toy": {
                "cells": {
                    "kind": "h5ad", "path": "resources/toy/cells.h5ad", "cell_type": "cell_type",
                },
                "models": {"pca": {"kind": "pca", "n_components": 2}},
            }
        },
        "saes": {"relu": {"architecture": "relu", "expansion": 2, "epochs": 2}},
        "collections": {"sets": {"path": "resources/sets.gmt"}},
    }  # fmt: skip


def test_a_run_fetches_what_its_config_names_and_then_checks_it(server, clone):
    archive = cells_in_a_zip(clone)
    half = len(archive) // 2
    tag = {"ETag": '"1"'}
    address = server.on("/files/5", cut(archive, half, **tag), ranged(archive, **tag))
    about = {
        "download_url": address, "size": len(archive),
        "computed_md5": hashlib.md5(archive, usedforsecurity=False).hexdigest(),
    }  # fmt: skip
    server.on("/v2/articles/23796198/files/5", as_json(about))
    server.on("/sets.gmt", whole(b"lymphocytes\t\tCD3D\tCD19\tMS4A1\n"))
    selected = write_config(clone, config(server))

    planned = run_snakemake(clone, "-n", *selected)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert server.asked == []

    targets = ("results/mine/inputs.tsv", "results/mine/datasets/toy/cells.h5ad")
    done = run_snakemake(clone, "--cores", "1", *targets, *selected)
    assert done.returncode == 0, done.stdout + done.stderr
    made = (clone / "made.h5ad").read_bytes()
    assert (clone / "resources/toy/cells.h5ad").read_bytes() == made
    assert server.ranges("/files/5") == [None, f"bytes={half}-"]
    inputs = pd.read_csv(clone / "results/mine/inputs.tsv", sep="\t").set_index("key")
    assert inputs.loc["datasets.toy.cells.path", "sha256"] == hashlib.sha256(made).hexdigest()
    log = (clone / "results/mine/logs/fetch_resource/toy/cells.h5ad.log").read_text()
    assert "(100%)" in log

    # Nothing is fetched twice, and another file at the same address is noticed.
    asked = len(server.asked)
    run_snakemake(clone, "--cores", "1", "downloads", *selected)
    assert len(server.asked) == asked
    server.on("/sets.gmt", whole(b"other\t\tCD3D\n"))
    (clone / "resources/sets.gmt").unlink()
    done = run_snakemake(clone, "--cores", "1", "downloads", *selected)
    assert done.returncode != 0
    assert "it changed or is damaged" in done.stdout + done.stderr


def test_a_web_page_ends_the_run_with_one_line(server, clone):
    server.on("/page", whole(b"<html>please log in</html>"))
    selected = write_config(clone, config(server, gmt="/page"))
    done = run_snakemake(clone, "--cores", "1", "resources/sets.gmt", *selected)
    assert done.returncode != 0
    told = [line for line in (done.stdout + done.stderr).splitlines() if "web page" in line]
    [line] = {line.removeprefix("  | ") for line in told}  # as it happens, and when the run ends
    assert line.startswith(f"error: {server.url}/page: a web page came instead of the file")
    assert not (clone / "resources/sets.gmt").exists()


@pytest.mark.slow
@pytest.mark.skipif(not TRAINED.exists(), reason="the trained multiDGD model is not at hand")
def test_a_trained_model_from_figshare_to_figure_s14(server, clone):
    """The chain of config/paper.yaml on a small model: downloads, bundle, sweep, table, figure."""
    config = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    parts = {
        "marrow-cells": "pbmc_small.h5ad", "marrow-model": "pbmc_small.pt",
        "marrow-hyperparameters": "pbmc_small_hyperparameters.json",
    }  # fmt: skip
    for name, file in parts.items():
        block = config["downloads"][name]
        address = server.on(f"/files/{file}", whole((TRAINED / file).read_bytes()))
        where = f"/v2/articles/23796198/files/{block['figshare']}"
        server.on(where, as_json({"download_url": address}))
        block["service"] = f"{server.url}/v2"
    config["downloads"] = {name: config["downloads"][name] for name in parts}
    config["datasets"] = {"bone-marrow": config["datasets"]["bone-marrow"]}
    block = config["datasets"]["bone-marrow"]
    # The small data set bears other names for the columns; its gene symbols are in var.
    changes = {"cell_type": "observable", "batch": "covariate_Site", "symbol": "symbol"}
    block["cells"] |= changes | {"counts_layer": None, "ensembl": None}
    del block["models"]["geneformer"], block["steering"]
    grid = config["sweeps"]["bone-marrow"]["grids"][0]
    grid |= {"expansion": [2, 5], "l1": [0.1, 0.001], "learning_rate": [0.001], "epochs": 3}
    config["sweeps"] = {"bone-marrow": config["sweeps"]["bone-marrow"]}
    for name in ("saes", "collections", "controls", "claims"):
        config.pop(name, None)
    targets = [f"results/paper/{name}" for name in ("figures/figure_S14.png", "inputs.tsv")]
    targets += ["results/paper/tables/bundles.tsv"]
    done = run_snakemake(clone, "--cores", "1", *targets, *write_config(clone, config))
    assert done.returncode == 0, done.stdout + done.stderr
    tables = clone / "results/paper/tables"
    points = pd.read_csv(tables / "cell_sweeps.tsv", sep="\t")
    # vanilla and ReLU, two widths, two weights
    assert len(points) == 8
    assert set(points["source"]) == {"bone-marrow/multidgd"}
    assert points["held_out"].all()
    bundle = pd.read_csv(tables / "bundles.tsv", sep="\t").iloc[0]
    assert (bundle["decoder"], bundle["d"]) == ("mlp_softmax", 20)
