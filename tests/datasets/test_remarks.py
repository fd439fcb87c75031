"""Names of genes, labels and batches that people have: said before a run, mapped when asked."""

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.datasets.checks import check_dataset
from featurelens.datasets.config import OwnCells
from featurelens.datasets.gene_names import are_of_r, describe, parts, trimmed
from featurelens.datasets.readers import read_dataset, take_cells
from featurelens.datasets.remarks import hint_of_symbols, remarks
from featurelens.io import InputError

CD3D = "ENSG00000167286"
N = 40


def written(folder, *, genes=("CD3D", "CD19"), var=None, **obs):
    """A file of 40 cells; columns of obs as given, two types in turn."""
    obs = {"kind": ["T", "B"] * (N // 2)} | obs
    adata = anndata.AnnData(
        np.ones((N, len(genes)), dtype=np.float32),
        obs=pd.DataFrame(obs, index=[f"c{i}" for i in range(N)]),
        var=pd.DataFrame(var or {}, index=list(genes)),
    )
    adata.write_h5ad(folder / "cells.h5ad")
    return folder / "cells.h5ad"


def own(path, **changes):
    return OwnCells(**{"path": str(path), "cell_type": "kind"} | changes)


@pytest.mark.parametrize(
    ("name", "symbol", "identifier"),
    [
        ("GRCh38_CD3D", "CD3D", ""),
        ("mm10___Cd3d", "Cd3d", ""),
        (f"CD3D|{CD3D}.15", "CD3D", f"{CD3D}.15"),
        (f"MATR3_{CD3D}", "MATR3", CD3D),
        (f"{CD3D}_HLA-DRA", "HLA-DRA", CD3D),
        (f"GRCh38_{CD3D}", CD3D, ""),
        ("hg19_CD3D", "CD3D", ""),
        # Names that are whole as they stand.
        ("HLA-DRA", "HLA-DRA", ""),
        ("RP11-34P13.7", "RP11-34P13.7", ""),
        ("Y_RNA", "Y_RNA", ""),
        (f"{CD3D}.14_PAR_Y", f"{CD3D}.14_PAR_Y", ""),
        (CD3D, CD3D, ""),
    ],
)
def test_symbol_and_id_in_a_name(name, symbol, identifier):
    assert parts(name) == (symbol, identifier)


def test_names_that_r_wrote():
    """make.names puts a dot for every dash; accessions had theirs before."""
    before = ["HLA-DRA", "MT-ND1", "NKX2-1", "RP11-34P13.7", "AC079767.4", "CD19", "HLA-DQA1"]
    by_r = [name.replace("-", ".") for name in before]
    assert are_of_r(by_r)
    assert trimmed(by_r) == before
    # One dash tells that R did not write them.
    assert not are_of_r([*by_r, "HLA-B"])
    assert trimmed([*by_r, "HLA-B"]) == [*by_r, "HLA-B"]


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["GRCh38_CD3D", "GRCh38_CD19"], "2 of 2 gene names are written like 'GRCh38_CD3D'"),
        (["CD19", f"MATR3_{CD3D}"], "1 of 2 .* reads them like 'MATR3'"),
        (["CD19", "NKX2.1", "HLA.DRA"], "2 of 3 .* like 'HLA.DRA'; .* like 'HLA-DRA'"),
    ],
)
def test_what_is_said_of_names(names, line):
    assert pd.Series([describe(names)]).str.contains(line).all()
    assert describe(trimmed(names)) is None


def test_names_are_mapped_when_asked(tmp_path):
    path = written(tmp_path, genes=[f"CD3D|{CD3D}", "CD19|ENSG00000177455"])
    [line] = remarks(own(path))
    assert "2 of 2 gene names" in line
    assert remarks(own(path, trim_names=True)) == []
    cells = read_dataset(own(path, trim_names=True))
    assert cells.var["symbol"].tolist() == ["CD3D", "CD19"]
    assert cells.var["ensembl"].tolist() == [CD3D, "ENSG00000177455"]
    assert cells.var_names.tolist() == [f"CD3D|{CD3D}", "CD19|ENSG00000177455"]


def test_ids_behind_a_genome_are_ids(tmp_path):
    path = written(tmp_path, genes=[f"GRCh38_{CD3D}", "GRCh38_ENSG00000177455"])
    cells = read_dataset(own(path, trim_names=True))
    assert cells.var["ensembl"].tolist() == [CD3D, "ENSG00000177455"]


def test_a_column_of_symbols_is_pointed_at(tmp_path):
    path = written(tmp_path, genes=[CD3D, "ENSG00000177455"], var={"label": ["CD3D", "x"]})
    assert hint_of_symbols(own(path), {"CD3D", "CD8A"}) == (
        "var['label'] holds 1 of the sets' genes: set symbol: label"
    )
    assert hint_of_symbols(own(path, symbol="label"), {"CD3D"}) is None
    assert hint_of_symbols(own(path), {"CD8A"}) is None
    assert hint_of_symbols(own(path, symbol="label"), {CD3D}) == (
        "var_names hold 1 of the sets' genes: leave symbol out"
    )


def test_labels_that_became_codes_are_said(tmp_path):
    [line] = remarks(own(written(tmp_path, kind=[0, 7] * 20)))
    assert "obs['kind'] holds whole numbers 0 to 7; if they are codes of labels" in line
    assert remarks(own(written(tmp_path, kind=["0", "7"] * 20))) == []  # clusters


def test_counts_are_no_labels(tmp_path, monkeypatch):
    monkeypatch.setattr("featurelens.datasets.labels.MOST_NUMBERS", 9)
    path = written(tmp_path, kind=list(range(10)) * 4)
    with pytest.raises(InputError, match=r"10 different whole numbers in 40 cells; .* as kind"):
        check_dataset(own(path))


def test_a_batch_of_every_cell_is_refused_in_a_file_and_in_memory(tmp_path):
    path = written(tmp_path, batch=[f"c{i}" for i in range(N)])
    config = own(path, batch="batch")
    with pytest.raises(InputError, match=r"obs\['batch'\] is different in each of the 40 cells"):
        check_dataset(config)
    with pytest.raises(InputError, match="is different in each of the 40 cells"):
        take_cells(anndata.read_h5ad(path), config)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (["x", "y"] * 20, "every batch of obs['batch'] holds cells of a single type"),
        ([i // 2 for i in range(N)], "has 20 batches of 2 cells (median)"),
        ([i % 31 for i in range(N)], "holds 31 different whole numbers; is 'batch' a batch?"),
        ([i // 20 for i in range(N)], None),
        (["x"] * N, None),
    ],
    ids=["types", "numbers", "ages", "donors", "one"],
)
def test_batches_within_which_nothing_is_compared_are_said(tmp_path, batch, message):
    lines = remarks(own(written(tmp_path, batch=batch), batch="batch"))
    assert [message in line for line in lines] == ([] if message is None else [True])
