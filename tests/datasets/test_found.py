"""Cells as they come: what is not named is found, and said; what cannot be is refused."""

import shutil
import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

from featurelens.datasets.checks import check_dataset
from featurelens.datasets.config import OwnCells
from featurelens.datasets.found import look_like_counts
from featurelens.datasets.readers import read_dataset, read_labels, read_type_sizes, take_cells
from featurelens.datasets.remarks import remarks
from featurelens.datasets.unknown_types import alone_if_unknown
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.precomputed.fit import check, fit
from featurelens.io import InputError
from made_cells import (
    N_CELLS,
    TYPES,
    cellxgene,
    census,
    embedding_alone,
    log_normal,
    made,
    mudata,
    scanpy_like,
    tenx_folder,
    tenx_h5,
)


def read(path, **changes):
    """Cells, and what is said of them."""
    said = []
    cells = read_dataset(OwnCells(path=str(path), **changes), log=said.append)
    return cells, " ".join(said)


def has_counts(cells):
    return (cells.layers["counts"] != made()["counts"]).nnz == 0


def zarr_of(tmp_path, **settings):
    cellxgene(tmp_path / "cells.h5ad")
    with warnings.catch_warnings(action="ignore"), anndata.settings.override(**settings):
        anndata.read_h5ad(tmp_path / "cells.h5ad").write_zarr(tmp_path / "cells.zarr")
    return tmp_path / "cells.zarr"


@pytest.mark.parametrize("form", ["file", "zarr 2", "zarr 3", "memory"])
def test_a_file_of_cellxgene_needs_no_name(tmp_path, form):
    cellxgene(tmp_path / "cells.h5ad")
    path = tmp_path / "cells.h5ad"
    if form.startswith("zarr"):
        path = zarr_of(tmp_path, zarr_write_format=int(form[-1]))
    if form == "memory":
        said = []
        adata = anndata.read_h5ad(path)
        cells = take_cells(adata, OwnCells(path="adata"), log=said.append)
        text = " ".join(said)
    else:
        cells, text = read(path)
    assert has_counts(cells)
    truth = made()
    assert cells.var["symbol"].tolist()[:-3] == truth["symbols"][:-3]
    assert cells.var["ensembl"].tolist() == cells.var_names.tolist()
    assert cells.obs["cell_type"].astype(str).tolist() == ["unknown"] * 10 + list(
        truth["types"][10:]
    )
    assert cells.obs["batch"].astype(str).tolist() == truth["donors"].tolist()
    assert "counts in raw.X" in text
    assert "var['feature_name'] (1 repeats, 1 without)" in text
    assert "3 cell types in obs['cell_type']" in text
    assert "10 of 240 cells are 'unknown', 'na', which is no type" in text
    assert "batch in obs['donor_id'] (4 values)" in text
    assert "60 of 240 cells are copies" in text


def test_any_of_it_can_be_set(tmp_path):
    cellxgene(tmp_path / "cells.h5ad")
    cells, text = read(
        tmp_path / "cells.h5ad",
        cell_type="donor_id",
        batch=False,
        symbol="feature_reference",
        counts_layer="raw.X",
        only={"is_primary_data": "True"},
    )
    assert cells.n_obs == 180
    assert cells.obs["batch"].unique().tolist() == ["all"]
    assert cells.obs["cell_type"].nunique() == 4
    assert cells.var["symbol"].unique().tolist() == ["NCBITaxon:9606"]
    assert "copies" not in text
    assert "counts" not in text


def test_a_download_of_the_census_needs_no_name(tmp_path):
    truth = census(tmp_path / "cells.h5ad")
    cells, text = read(tmp_path / "cells.h5ad")
    assert has_counts(cells)
    assert cells.var["symbol"].tolist() == truth["symbols"]
    assert cells.var["ensembl"].tolist()[1] == "ENSG00000000001"
    assert "Ensembl ids in var['feature_id']" in text
    config, model = OwnCells(path=str(tmp_path / "cells.h5ad")), PrecomputedModel(key="scvi")
    checked = check(config, model)
    assert checked.dimensions == 6
    [remark] = checked.remarks
    assert "20 of 240 cells have no embedding" in remark
    fitted = fit(cells, model)
    assert fitted.rows.tolist() == [*range(5), *range(25, 240)]
    np.testing.assert_array_equal(fitted.scores, truth["embedding"][fitted.rows])
    assert fitted.info["n_cells_without"] == 20


def test_too_many_cells_without_embedding_stop_a_run(tmp_path):
    census(tmp_path / "cells.h5ad", n_missing=180)
    config = OwnCells(path=str(tmp_path / "cells.h5ad"))
    with pytest.raises(InputError, match=r"180 of 240 cells have no embedding.* '5'.*max_missing"):
        check(config, PrecomputedModel(key="scvi"))
    assert check(config, PrecomputedModel(key="scvi", max_missing=0.8)).dimensions == 6


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("form", [tenx_h5, tenx_folder])
def test_what_cell_ranger_writes_is_read(tmp_path, form, version):
    truth = form(tmp_path / "cells", version=version)
    cells, text = read(tmp_path / "cells")
    assert has_counts(cells)
    assert cells.obs_names.tolist() == truth["names"]
    assert cells.var["symbol"].tolist() == truth["symbols"]
    assert cells.var["ensembl"].tolist() == cells.var_names.tolist()
    assert cells.obs["cell_type"].unique().tolist() == ["all"]
    assert read_type_sizes(OwnCells(path=str(tmp_path / "cells"))) == {"all": 240}
    left_out = form is tenx_h5 and version == 3
    assert ("2 of Antibody Capture left out" in text) == left_out


@pytest.mark.parametrize("version", [2, 3])
def test_what_cell_ranger_writes_is_what_scanpy_reads(tmp_path, version):
    """The made files are of its form, too."""
    tenx_h5(tmp_path / "cells.h5", version=version)
    tenx_folder(tmp_path / "cells", version=version)
    theirs = [sc.read_10x_h5(tmp_path / "cells.h5"), sc.read_10x_mtx(tmp_path / "cells")]
    for path, other in zip(("cells.h5", "cells"), theirs, strict=True):
        cells, _ = read(tmp_path / path)
        assert (cells.layers["counts"] != other.X).nnz == 0
        assert cells.obs_names.equals(other.obs_names)
        assert cells.var["symbol"].tolist() == other.var_names.tolist()
        assert cells.var_names.tolist() == other.var["gene_ids"].tolist()


def test_a_modality_of_mudata_keeps_its_layer(tmp_path):
    mudata(tmp_path / "cells.h5mu")
    cells, text = read(tmp_path / "cells.h5mu", modality="rna")
    assert has_counts(cells)
    assert "counts in layers['counts']" in text


def test_an_embedding_alone_is_joined_by_name(tmp_path):
    embedding_alone(tmp_path / "z.h5ad", order=np.arange(N_CELLS)[::-1])
    scanpy_like().write_h5ad(tmp_path / "cells.h5ad")
    cells, _ = read(tmp_path / "cells.h5ad")
    for key in (None, "X"):
        fitted = fit(cells, PrecomputedModel(path=str(tmp_path / "z.h5ad"), key=key))
        np.testing.assert_array_equal(fitted.scores, made()["embedding"])


@pytest.mark.parametrize(
    "stored",
    [
        lambda z, names: pd.DataFrame(z, index=names, columns=list("abcdef")),
        lambda z, _: sparse.csr_matrix(z),
    ],
    ids=["table", "sparse"],
)
def test_an_embedding_in_another_form(tmp_path, stored):
    adata = scanpy_like()
    adata.obsm["X_scVI"] = stored(made()["embedding"], adata.obs_names)
    adata.write_h5ad(tmp_path / "cells.h5ad")
    cells, _ = read(tmp_path / "cells.h5ad")
    fitted = fit(cells, PrecomputedModel(key="X_scVI"))
    np.testing.assert_array_equal(fitted.scores, made()["embedding"])


# --- counts --------------------------------------------------------------------------------------


def normal(**layers):
    adata = scanpy_like()
    counts = adata.X
    adata.X = log_normal(counts)
    for name, value in layers.items():
        adata.layers[name] = counts if value == "counts" else adata.X
    return adata


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ({"counts": "counts", "spliced": "counts"}, "counts in layers['counts'] (also in"),
        ({"other": "counts", "log": "no"}, "counts in layers['other']"),
    ],
)
def test_counts_are_found(layers, expected):
    said = []
    cells = take_cells(normal(**layers), OwnCells(path="adata"), log=said.append)
    assert has_counts(cells)
    assert expected in said[0]


@pytest.mark.parametrize(
    ("layers", "changes", "expected"),
    [
        ({"spliced": "counts", "unspliced": "counts"}, {}, r"counts are in layers\['spliced'\], "),
        ({"log": "no"}, {}, r"X must hold raw counts.*neither do layers\['log'\]"),
        (
            {"raw": "counts"},
            {"counts_layer": "X"},
            r"X must hold.*layers\['raw'\] holds counts: set",
        ),
        ({}, {}, "there is no other matrix"),
    ],
)
def test_counts_that_are_not_in_one_place_are_looked_for(tmp_path, layers, changes, expected):
    adata = normal(**layers)
    with pytest.raises(InputError, match=expected):
        take_cells(adata, OwnCells(path="adata", **changes))
    adata.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match=expected):
        check_dataset(OwnCells(path=str(tmp_path / "cells.h5ad"), **changes))


def test_a_place_named_wrongly_is_answered_by_the_right_one(tmp_path):
    cellxgene(tmp_path / "cells.h5ad")
    config = OwnCells(path=str(tmp_path / "cells.h5ad"), counts_layer="X")
    with pytest.raises(InputError, match=r"raw\.X holds counts: set counts_layer: raw\.X"):
        check_dataset(config)


def test_only_whole_numbers_some_of_them_positive_are_counts():
    assert look_like_counts(np.array([0, 1], dtype=np.uint8))
    assert not look_like_counts(np.array([0.0, 0.0]))
    assert not look_like_counts(np.array([1.0, np.nan]))


# --- types and batches ---------------------------------------------------------------------------


def test_cells_without_a_column_of_types(tmp_path):
    adata = scanpy_like()
    adata.obs = adata.obs.rename(columns={"cell_type": "leiden"})
    message = "no column of cell types.* there is: leiden; name one as cell_type, or .*false"
    with pytest.raises(InputError, match=message):
        take_cells(adata, OwnCells(path="adata"))
    cells = take_cells(adata, OwnCells(path="adata", cell_type=False))
    assert cells.obs["cell_type"].unique().tolist() == ["all"]
    assert cells.obs["leiden"].nunique() == 3


@pytest.mark.parametrize(
    ("donors", "why"),
    [
        (["one"] * N_CELLS, "is the same in all cells"),
        ([str(number // 3) for number in range(N_CELLS)], r"has 80 values of 3 cells"),
        (np.array(TYPES)[np.arange(N_CELLS) % 3], "holds cells of a single type"),
    ],
)
def test_donors_that_can_be_no_batch(donors, why):
    said = []
    cells = take_cells(scanpy_like(donor_id=donors), OwnCells(path="adata"), log=said.append)
    assert cells.obs["batch"].unique().tolist() == ["all"]
    assert f"no batch: obs['donor_id'] {why}" in said[0]


def test_labels_and_sizes_are_those_of_the_cells(tmp_path):
    cellxgene(tmp_path / "cells.h5ad")
    config = OwnCells(path=str(tmp_path / "cells.h5ad"))
    cells = read_dataset(config)
    labels = read_labels(config)
    for column in ("cell_type", "batch"):
        assert labels[column].tolist() == cells.obs[column].astype(str).tolist()
    assert read_type_sizes(config) == {"B cell": 76, "T cell": 77, "monocyte": 77}


def test_cells_of_unknown_type_are_alone():
    groups = np.array([0, 1, 1, 0])
    assert alone_if_unknown(groups, np.array(["T", "B", "B", "T"])) is groups
    assert alone_if_unknown(groups, np.array(["T", "unknown", "B", "unknown"])).tolist() == [
        *(0, 2, 1, 3)
    ]


# --- faults --------------------------------------------------------------------------------------


def cut(path):
    """Leave the first nine tenths of a file."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.9)])


def spoil_zarr(folder):
    next((folder / "raw/X/data").glob("[0-9]*")).unlink()


SPOILT = {
    "h5ad": (lambda path: scanpy_like().write_h5ad(path), cut, "cut off or damaged"),
    "10x h5": (tenx_h5, cut, "cut off or damaged"),
    "h5mu": (mudata, cut, "cut off or damaged"),
    "10x folder": (
        tenx_folder,
        lambda path: cut(path / "matrix.mtx.gz"),
        r"matrix\.mtx\.gz: cannot",
    ),
    "no features": (
        tenx_folder,
        lambda path: (path / "features.tsv.gz").unlink(),
        r"has no features\.tsv or genes\.tsv .*barcodes",
    ),
    "other barcodes": (
        lambda path: tenx_folder(path, version=2),
        lambda path: (path / "barcodes.tsv").write_text("a\nb\n"),
        "names 2 cells and 182 genes, but the matrix has 240 and 182",
    ),
    "fewer values": (
        lambda path: tenx_folder(path, version=2),
        lambda path: cut(path / "matrix.mtx"),
        r"matrix\.mtx: .* is it complete\?",
    ),
    "zarr": (
        lambda path: shutil.move(zarr_of(path.parent), path),
        spoil_zarr,
        "given: /raw/X/data lacks 1 of its 1 chunks; is the folder complete",
    ),
    "zarr group": (
        lambda path: shutil.move(zarr_of(path.parent), path),
        lambda path: shutil.rmtree(path / "var"),
        "has no 'var'.* there is: ",
    ),
    "zarr names": (
        lambda path: shutil.move(zarr_of(path.parent), path),
        lambda path: next((path / "obs/_index").glob("[0-9]*")).unlink(),
        r"names \(/obs/_index\) lacks 1 of its 1 chunks",
    ),
    "folder": (
        lambda path: path.mkdir(),
        lambda path: None,
        "neither a Zarr store .* nor one of 10x",
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", SPOILT)
def test_what_is_cut_off_is_said_in_one_line(tmp_path, form):
    write, spoil, message = SPOILT[form]
    path = tmp_path / "given"
    write(path)
    spoil(path)
    changes = {"modality": "rna"} if form == "h5mu" else {}
    with pytest.raises(InputError, match=message) as caught:
        check_dataset(OwnCells(path=str(path), **changes))
    assert "\n" not in str(caught.value)
    assert "given" in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", ["h5ad", "10x h5", "h5mu", "10x folder", "zarr"])
def test_a_key_that_is_not_there_is_said_in_one_line(tmp_path, form):
    path = tmp_path / "given"
    SPOILT[form][0](path)
    modality = {"modality": "rna"} if form == "h5mu" else {}
    for key in ("cell_type", "batch", "counts_layer", "symbol"):
        with pytest.raises(InputError, match="nowhere") as caught:
            check_dataset(OwnCells(path=str(path), **modality | {key: "nowhere"}))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="X_nowhere") as caught:
        check(OwnCells(path=str(path), **modality), PrecomputedModel(key="X_nowhere"))
    assert "\n" not in str(caught.value)


def test_an_embedding_whose_place_is_not_clear(tmp_path):
    scanpy_like().write_h5ad(tmp_path / "z.h5ad")
    with pytest.raises(InputError, match="set key to one of: X, X_scVI"):
        check(OwnCells(path=str(tmp_path / "z.h5ad")), PrecomputedModel(path=f"{tmp_path}/z.h5ad"))


def test_a_plain_file_has_nothing_to_be_said(tmp_path):
    scanpy_like().write_h5ad(tmp_path / "cells.h5ad")
    assert remarks(OwnCells(path=str(tmp_path / "cells.h5ad"), cell_type="cell_type")) == []
