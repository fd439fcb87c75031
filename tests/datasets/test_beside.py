"""A further modality of the cells of a file, beside the one that is embedded."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.datasets.beside import check_beside, read_beside
from featurelens.datasets.config import OwnCells
from featurelens.embeddings.modalities import modality_path, read_modality
from featurelens.io import InputError, write_anndata
from made_mudata import mudata_cells, write_mudata

VALUES = np.array([[1, 0, 5, 2], [0, 3, 6, 0], [4, 0, 0, 9]], dtype=np.float32)
"""Three cells: peaks a and c, genes b and d."""


@pytest.fixture
def path(tmp_path):
    cells = anndata.AnnData(
        sparse.csr_matrix(VALUES * 10),
        obs=pd.DataFrame({"type": ["a", "b", "a"], "use": ["y", "n", "y"]}, index=list("uvw")),
        var=pd.DataFrame({"modality": ["ATAC", "GEX", "ATAC", "GEX"]}, index=list("abcd")),
        layers={"counts": sparse.csr_matrix(VALUES)},
    )
    cells.write_h5ad(tmp_path / "multiome.h5ad")
    return tmp_path / "multiome.h5ad"


def own(path, **changes):
    return OwnCells(
        **{"path": str(path), "cell_type": "type", "modality": "GEX", "counts_layer": "counts"}
        | {"beside": {"peaks": "ATAC"}}
        | changes
    )


def test_the_columns_of_the_modality_for_the_cells_asked_for(path):
    check_beside(own(path))
    peaks = read_beside(own(path), "peaks", ["w", "u"])
    assert peaks.obs_names.tolist() == ["w", "u"]
    assert peaks.var_names.tolist() == ["a", "c"]
    assert peaks.X.toarray().tolist() == [[4, 0], [1, 5]]
    assert dict(peaks.uns) == {"modality": "ATAC", "values": "layers['counts']"}


def test_mudata_joins_by_name_and_falls_back_to_x(tmp_path):
    mudata_path = write_mudata(tmp_path / "cells.h5mu")
    config = mudata_cells(mudata_path, modality="protein", beside={"genes": "rna"})
    genes = read_beside(config, "genes", ["c4", "c1"])
    # Of made_mudata.COUNTS, whose rows lie in the file in the opposite order.
    assert genes.X.toarray().tolist() == [[0, 0, 7], [1, 0, 3]]
    with h5py.File(mudata_path, "a") as file:
        file.copy("mod/protein/X", file["mod/protein"], "layers/counts")
    named = mudata_cells(
        mudata_path, modality="protein", counts_layer="counts", beside={"genes": "rna"}
    )
    assert read_beside(named, "genes", ["c1"]).uns["values"] == "X"


def test_what_is_not_there_is_said(path):
    with pytest.raises(InputError, match=r"has no 'ATACC'; did you mean 'ATAC'"):
        check_beside(own(path, beside={"peaks": "ATACC"}))
    with pytest.raises(InputError, match="has no cell 'x'"):
        read_beside(own(path), "peaks", ["u", "x"])
    with h5py.File(path, "a") as file:
        file["layers/counts/data"][1] = np.nan  # of cell u, column c
    with pytest.raises(InputError, match="cell 'u' has a value that is no number"):
        read_beside(own(path), "peaks", ["w", "u"])
    assert read_beside(own(path), "peaks", ["w"]).X.toarray().tolist() == [[4, 0]]
    with pytest.raises(ValueError, match="the modality that is kept"):
        own(path, beside={"peaks": "GEX"})
    with pytest.raises(ValueError, match="which one is kept"):
        own(path, modality=None)


def test_a_bundle_gives_it_back_and_refuses_that_of_other_cells(path, tmp_path):
    config = own(path)
    write_anndata(anndata.AnnData(obs=pd.DataFrame(index=["w", "u"])), tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match="under 'beside' of the cells"):
        read_modality(tmp_path, "peaks")
    write_anndata(read_beside(config, "peaks", ["w", "u"]), modality_path(tmp_path, "peaks"))
    assert read_modality(tmp_path, "peaks").X.toarray().tolist() == [[4, 0], [1, 5]]
    write_anndata(read_beside(config, "peaks", ["u", "w"]), modality_path(tmp_path, "peaks"))
    with pytest.raises(InputError, match=r"cells_peaks\.h5ad"):
        read_modality(tmp_path, "peaks")
