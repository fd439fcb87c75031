"""Cells that ship with scanpy, their counts recovered exactly."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.assemble import assemble
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata


def recover_counts(logarithms: sparse.csr_matrix, library: np.ndarray) -> sparse.csr_matrix:
    """Integer counts behind log1p(counts per 10,000) that was rounded to three decimals.

    ``round(expm1(x) * library / 1e4)``. The rounding of x moves a count by at most
    ``0.0005 exp(x) library / 1e4``; anything farther from an integer is refused.

    Parameters
    ----------
    logarithms
        (n_cells, n_genes).
    library
        Total count of each cell over all genes that were measured, (n_cells,).

    Raises
    ------
    InputError
        If a value lies too far from an integer.
    """
    logarithms = sparse.csr_matrix(logarithms)
    rows = np.repeat(np.arange(logarithms.shape[0]), np.diff(logarithms.indptr))
    x = logarithms.data.astype(np.float64)
    per_unit = np.asarray(library, dtype=np.float64)[rows] / 1e4
    amounts = np.expm1(x) * per_unit
    counts = np.round(amounts)
    # 0.0006 and 0.001 instead of 0.0005 and 0: the file holds float32.
    excess = np.abs(amounts - counts) > 0.0006 * np.exp(x) * per_unit + 1e-3
    if excess.any():
        first = int(np.flatnonzero(excess)[0])
        raise InputError(
            f"row {rows[first]}, column {logarithms.indices[first]}: the value stands for "
            f"{amounts[first]:.3f} counts, which is no integer; the data are not log1p of counts "
            "per 10,000 of this library"
        )
    recovered = sparse.csr_matrix(
        (counts.astype(np.int32), logarithms.indices, logarithms.indptr),
        shape=logarithms.shape,
        copy=True,
    )
    recovered.eliminate_zeros()
    recovered.sort_indices()
    return recovered


def pbmc68k_genes() -> pd.DataFrame:
    """``var`` of :func:`read_pbmc68k_reduced`, read without scanpy."""
    import h5py

    with h5py.File(_pbmc68k_file()) as file:
        names = pd.Index(file["raw.var"][:]["index"].astype(str))
    return pd.DataFrame({"symbol": names.to_numpy()}, index=names)


def pbmc68k_type_sizes() -> dict[str, int]:
    """Cells of each type of :func:`read_pbmc68k_reduced`, types sorted, read without scanpy."""
    import h5py

    with h5py.File(_pbmc68k_file()) as file:
        names = file["uns/bulk_labels_categories"].asstr()[:]
        sizes = np.bincount(file["obs"][:]["bulk_labels"], minlength=len(names))
    return {str(name): int(size) for name, size in sorted(zip(names, sizes, strict=True))}


def pbmc68k_labels() -> pd.DataFrame:
    """Type and batch of the cells of :func:`read_pbmc68k_reduced`, read without scanpy."""
    import h5py

    with h5py.File(_pbmc68k_file()) as file:
        names = file["uns/bulk_labels_categories"].asstr()[:]
        labels = names[file["obs"][:]["bulk_labels"]]
    return pd.DataFrame({"cell_type": labels, "batch": "all"})


def _pbmc68k_file() -> Path:
    """Where scanpy keeps these cells; to import scanpy takes seconds."""
    scanpy = find_spec("scanpy")
    assert scanpy is not None
    assert scanpy.origin is not None
    return Path(scanpy.origin).parent / "datasets" / "10x_pbmc68k_reduced.h5ad"


def read_pbmc68k_reduced() -> anndata.AnnData:
    """700 cells of 10x Genomics' 68k PBMCs, 765 genes, labels of the published annotation.

    ``n_counts`` runs over all genes of the original data, of which the 765 kept hold 11 to 28
    percent, so it and not the sum of the kept genes is the library that normalises ``X``.
    """
    from scanpy.datasets import pbmc68k_reduced

    original = pbmc68k_reduced()
    library = original.obs["n_counts"].to_numpy(dtype=np.float64)
    obs = pd.DataFrame(
        {"cell_type": original.obs["bulk_labels"], "batch": "all", "library": library}
    )
    names = original.raw.var_names.astype(str)
    var = pd.DataFrame({"symbol": names.to_numpy()}, index=names)
    return assemble(
        counts=recover_counts(original.raw.X, library),
        obs=obs,
        var=var,
        what="pbmc68k_reduced",
        library="n_counts",
    )
