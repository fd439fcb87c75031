"""Cells as they come, from the command line: checked in a plan, refused in one line."""

import pandas as pd
import pytest

from clones import PROFILE, run_snakemake
from made_cells import cellxgene, embedding_alone, scanpy_like, tenx_folder

pytestmark = pytest.mark.workflow


def plan(folder, *words):
    return run_snakemake(folder, "-n", "scfeaturelens", "--config", *words)


def test_a_file_of_cellxgene_is_checked_by_two_words(clone):
    cellxgene(clone / "my.h5ad")
    done = run_snakemake(
        *(clone, "--cores", "1", "check"), "--config", "cells=my.h5ad", "embedding=X_scVI"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = (clone / "results/my/check.txt").read_text()
    assert text in done.stdout
    for part in ("counts in raw.X", "var['feature_name']", "batch in obs['donor_id']"):
        assert part in done.stderr
        assert part in text
    assert "mine/scVI: SAE topk (topk) of 120 features on 6 dimensions, 4167 epochs" in text
    sets = pd.read_csv(clone / "results/my/gene_sets.tsv", sep="\t")
    share = sets.set_index("term")["share"]
    assert share["HLA class I"] == 1
    assert share.min() == 0
    planned = run_snakemake(
        *(clone, "-n", "check", "--configfile", "results/my/config.yaml", "--quiet")
    )
    assert planned.returncode == 0, planned.stderr


def wrong_key(folder):
    cellxgene(folder / "my.h5ad")
    return ["cells=my.h5ad", "embedding=X_scvi"], ("my.h5ad: obsm has no 'X_scvi'", "X_scVI'?")


def truncated(folder):
    tenx_folder(folder / "tenx")
    file = folder / "tenx/matrix.mtx.gz"
    file.write_bytes(file.read_bytes()[:-100])
    embedding_alone(folder / "z.h5ad")
    return ["cells=tenx", "embedding=z.h5ad"], ("matrix.mtx.gz: cannot be read", "complete?")


def other_cells(folder):
    adata = scanpy_like()
    adata.obs_names = [f"other{number}" for number in range(adata.n_obs)]
    adata.write_h5ad(folder / "my.h5ad")
    embedding_alone(folder / "z.h5ad")
    return ["cells=my.h5ad", "embedding=z.h5ad"], ("z.h5ad: has no cell 'other0'", "like 'cell0'")


@pytest.mark.parametrize("fault", [wrong_key, truncated, other_cells])
def test_a_fault_is_one_line_of_a_plan(clone, fault):
    words, parts = fault(clone)
    planned = plan(clone, *words)
    assert planned.returncode != 0
    lines = [line for line in (planned.stdout + planned.stderr).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith((PROFILE, "note: "))]
    assert len(lines) == 1, lines
    assert all(part in lines[0] for part in parts), lines[0]


def test_words_of_a_command_line_are_no_commands(clone):
    before = set(clone.iterdir())
    done = plan(clone, "cells=$(mkdir made).h5ad", "embedding=`mkdir made`")
    assert "$(mkdir made).h5ad', which does not exist" in done.stderr
    assert {path.name for path in set(clone.iterdir()) - before} <= {".snakemake"}
