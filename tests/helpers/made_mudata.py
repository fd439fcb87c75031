"""A small ``.h5mu`` file in the form of mudata 0.2 to 0.4."""

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from anndata.io import write_elem
from scipy import sparse

from featurelens.datasets.config import OwnCells

COUNTS = np.array([[1, 0, 3], [0, 2, 2], [5, 0, 0], [0, 0, 7]])
CELLS = ["c1", "c2", "c3", "c4"]


def write_h5mu(path: Path, modalities, *, obs, obsm=None) -> Path:
    """Modalities by name, and what their cells have in common."""
    names = [name for each in modalities.values() for name in each.var_names]
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "MuData"
        write_elem(file, "obs", obs)
        write_elem(file, "var", pd.DataFrame(index=names))
        if obsm is not None:
            write_elem(file, "obsm", obsm)
        for name, each in modalities.items():
            write_elem(file, f"mod/{name}", each)
    return path


def write_mudata(path: Path) -> Path:
    """Common donors and embedding; types and an embedding of RNA, in the opposite order."""
    rna = anndata.AnnData(
        sparse.csr_matrix(COUNTS[::-1].astype(np.float32)),
        obs=pd.DataFrame({"celltype": pd.Categorical(["b", "a", "a", "c"])}, index=CELLS[::-1]),
        var=pd.DataFrame(index=["E1", "E2", "E3"]),
        obsm={"X_pca": np.arange(8.0).reshape(4, 2)[::-1]},
    )
    protein = anndata.AnnData(
        np.ones((4, 2), dtype=np.float32),
        obs=pd.DataFrame(index=CELLS),
        var=pd.DataFrame(index=["P1", "P2"]),
    )
    present = {"rna": np.ones(4, dtype=bool), "protein": np.ones(4, dtype=bool)}
    return write_h5mu(
        path,
        {"rna": rna, "protein": protein},
        obs=pd.DataFrame({"donor": ["x", "x", "y", "y"]}, index=CELLS),
        obsm={"X_joint": np.eye(4)} | present,
    )


def mudata_cells(path, **changes):
    """How a config asks for its RNA."""
    return OwnCells(
        **{"path": str(path), "cell_type": "celltype", "batch": "donor", "modality": "rna"}
        | changes
    )
