"""Every block of docs/own-data.md, run as it stands, and what it says of the results."""

import os
import re
import subprocess
import sys
from itertools import takewhile

import anndata
import pandas as pd
import pytest
import yaml

from clones import ROOT, copy_repository, run_snakemake
from featurelens.config.parse import parse_config
from featurelens.planning.inputs import check_inputs
from featurelens.planning.plan import Plan
from made_cells import cellxgene, census, scanpy_like

PAGE = ROOT / "docs/own-data.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
RESULTS = "results/own-data"
SAE = "mine/pca/topk"

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("own-data")]


def blocks(language):
    return [text for kind, text in BLOCKS if kind == language]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A clone in which the page was followed from its first block to its last."""
    folder = copy_repository(tmp_path_factory.mktemp("own"))
    cellxgene(folder / "my_cellxgene.h5ad")
    python = []
    for kind, text in BLOCKS:
        if kind == "bash":
            for line in text.strip().splitlines():
                program, *arguments = line.split()
                assert program == "snakemake", line
                done = run_snakemake(folder, *arguments, "--show-failed-logs")
                assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        elif kind == "python":
            python.append(text)
            if "annotate(" not in text or "print(" in text:
                _run(folder, python)
                python = []
    assert not python
    return folder


def _run(folder, texts):
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(texts)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src"), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]


def test_every_block_is_of_a_kind_that_is_run():
    assert {kind for kind, _ in BLOCKS} == {"bash", "python", "yaml"}


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_block_of_configuration_is_valid(text):
    config = yaml.safe_load((ROOT / "config/own-data.yaml").read_text())
    parse_config(config | yaml.safe_load(text))


@pytest.mark.filterwarnings("ignore:Writing zarr v2")
def test_files_of_the_forms_that_blocks_name_pass_the_check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(ROOT / "config")
    cellxgene(tmp_path / "my_cellxgene.h5ad")
    census(tmp_path / "atlas.h5ad")
    adata = anndata.read_h5ad("atlas.h5ad")
    adata.obs["is_primary_data"] = [True, False] * (adata.n_obs // 2)
    adata.write_zarr("atlas.zarr")
    cells = scanpy_like()
    cells.obs["bulk_labels"], cells.layers["counts"] = cells.obs["cell_type"], cells.X
    cells.write_h5ad("my_cells.h5ad")
    pd.DataFrame(cells.obsm["X_scVI"], index=cells.obs_names).rename(columns=str).to_parquet(
        "tokens.parquet"
    )
    config = yaml.safe_load((ROOT / "config/own-data.yaml").read_text())
    given = [yaml.safe_load(text) for text in blocks("yaml")]
    given = [block for block in given if "datasets" in block]
    assert len(given) == 3
    for block in given:
        found = check_inputs(**Plan(parse_config(config | block)).user_files)
        assert "3 cell types" in found["found"].tolist()


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text()):
        assert (PAGE.parent / target).exists() or target.startswith("https://"), target


@pytest.mark.slow
def test_every_file_that_the_page_names_is_there(page):
    named = re.findall(r"^\| `([^`.][^`]*)`", PAGE.read_text(), re.MULTILINE)
    assert len(named) >= 5
    for name in named:
        assert (page / RESULTS / name).exists(), name


@pytest.mark.slow
def test_the_call_gives_the_table_of_the_workflow(page):
    workflow = page / RESULTS / "tables/features" / SAE / "families.tsv"
    assert (page / "my_features/features.tsv").read_bytes() == workflow.read_bytes()


@pytest.mark.slow
def test_the_call_gives_the_features_of_the_workflow(page):
    ours = anndata.read_h5ad(page / "my_features/features.h5ad")
    theirs = anndata.read_h5ad(page / RESULTS / "features" / SAE / "features.h5ad")
    assert (ours.X != theirs.X).nnz == 0
    pd.testing.assert_frame_equal(ours.var[theirs.var.columns], theirs.var)


@pytest.mark.slow
def test_the_table_on_the_page_is_that_of_the_run(page):
    lines = [line.strip("|\n ") for line in PAGE.read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    [start] = [number for number, row in enumerate(rows) if row[0] == "feature"]
    features = takewhile(lambda row: row[0].isdigit(), rows[start + 2 :])
    shown = pd.DataFrame(features, columns=rows[start]).set_index("feature")
    found = pd.read_csv(page / RESULTS / "tables/features" / SAE / "families.tsv", sep="\t")
    found = found.set_index(found["feature"].astype(str))
    assert len(shown) >= 4
    for feature, row in shown.iterrows():
        assert row["type"] == found.loc[feature, "type"]
        assert row["top_cell_type"] == found.loc[feature, "top_cell_type"]
        genes = row["up_genes"].split("; ")
        assert found.loc[feature, "up_genes"].split("; ")[: len(genes)] == genes
        terms = row["terms"].split("; ")
        assert found.loc[feature, "terms"].split("; ")[: len(terms)] == terms


@pytest.mark.slow
def test_nothing_is_left_to_do_and_features_carry_terms(page):
    done = run_snakemake(
        page, "--cores", "1", "scfeaturelens", "--configfile", "config/own-data.yaml"
    )
    assert "Nothing to be done" in done.stdout + done.stderr
    table = pd.read_csv(page / RESULTS / "tables/features" / SAE / "families.tsv", sep="\t")
    assert (table["n_terms"] > 0).mean() > 0.4
    assert len(list((page / RESULTS / "figures/gsea" / SAE / "families").glob("*.png"))) == 2
