"""Every file that ``config/paper.yaml`` downloads, made for the stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import anndata
import h5py
import pandas as pd
from anndata.io import write_elem
from scipy import sparse

from stand_in import geneformer, multidgd, ontology
from stand_in.marrow import Marrow, Sizes, draw


@dataclass(frozen=True)
class Wanted:
    """How large the files are, and how long multiDGD is trained."""

    marrow: Sizes = field(default_factory=Sizes)
    others: Sizes = field(
        default_factory=lambda: Sizes(cells=400, genes=700, peaks=200, depth=1_000)
    )
    """Mouse gastrulation and human brain, which take part in the sweep alone."""
    training: multidgd.Training = field(default_factory=multidgd.Training)
    shape: geneformer.Shape = field(default_factory=geneformer.Shape)
    n_random_terms: int = 40


@dataclass(frozen=True, eq=False)
class Made:
    """Files by the name of their download, and what was planted."""

    files: dict[str, Path]
    marrow: Marrow


def make(folder: Path, wanted: Wanted, *, whole: bool = True) -> Made:
    """Make all files below a folder, or (not ``whole``) only those of marrow and ontology."""
    marrow = draw(wanted.marrow, seed=0)
    files = {"marrow-cells": folder / "human_bonemarrow.h5ad"}
    marrow.cells.write_h5ad(files["marrow-cells"], compression="gzip")
    files |= _trained(folder, "marrow", "human_bonemarrow_l20_h2-3_test50e", marrow.cells, wanted)
    if whole:
        files |= _others(folder, wanted)
        files |= _geneformer(folder, marrow.cells, wanted.shape)
    terms = ontology.terms(wanted.marrow.genes, n_random=wanted.n_random_terms)
    files["go-basic"] = folder / "go-basic.obo"
    files["goa-human"] = folder / "goa_human.gaf.gz"
    ontology.write_obo(files["go-basic"], terms)
    ontology.write_gaf(files["goa-human"], terms)
    return Made(files, marrow)


def _others(folder: Path, wanted: Wanted) -> dict[str, Path]:
    """Mouse gastrulation and human brain."""
    files: dict[str, Path] = {}
    for number, (name, title, extra) in enumerate(
        (
            ("gastrulation", "mouse_gastrulation", {"stage": "covariate_Site"}),
            ("brain", "human_brain", {}),
        ),
        start=1,
    ):
        cells = _renamed(draw(wanted.others, seed=number).cells)
        files[f"{name}-cells"] = folder / f"{title}.h5mu"
        _write_h5mu(files[f"{name}-cells"], cells, extra)
        files |= _trained(folder, name, f"{title}_l20_h2-3", cells, wanted)
    return files


def _trained(folder: Path, name: str, title: str, cells: anndata.AnnData, wanted: Wanted) -> dict:
    model = multidgd.train(cells, wanted.training)
    checkpoint, hyperparameters = multidgd.write(model, cells, folder, title)
    return {f"{name}-model": checkpoint, f"{name}-hyperparameters": hyperparameters}


def _geneformer(folder: Path, cells: anndata.AnnData, shape: geneformer.Shape) -> dict[str, Path]:
    genes = (cells.var["modality"] == "GEX").to_numpy()
    counts = sparse.csr_matrix(cells.X)[:, genes]
    dictionaries, model = folder / "geneformer", folder / "gf-20L-95M-i4096"
    ids = cells.var["gene_id"][genes].tolist()
    size, alike = geneformer.write_dictionaries(dictionaries, ids, counts)
    geneformer.write_model(model, size, shape, alike=alike)
    return {
        "geneformer-config": model / "config.json",
        "geneformer-weights": model / "model.safetensors",
        "geneformer-tokens": dictionaries / "token_dictionary_gc95M.pkl",
        "geneformer-medians": dictionaries / "gene_median_dictionary_gc95M.pkl",
        "geneformer-mapping": dictionaries / "ensembl_mapping_dict_gc95M.pkl",
    }


def _renamed(cells: anndata.AnnData) -> anndata.AnnData:
    """The same with modalities called as in the MuData files."""
    names = {"GEX": "rna", "ATAC": "atac"}
    cells.var["modality"] = pd.Categorical(cells.var["modality"].astype(str).map(names))
    return cells


def _write_h5mu(path: Path, cells: anndata.AnnData, extra: dict[str, str]) -> None:
    """Write a MuData file: split and covariate for all modalities, types with the RNA."""
    common = ["train_val_test", "observable", "covariate_Site"]
    types = cells.obs[["cell_type"]].rename(columns={"cell_type": "celltype"})
    for name, source in extra.items():
        types[name] = cells.obs[source]
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "MuData"
        file.attrs["encoding-version"] = "0.1.0"
        write_elem(file, "obs", cells.obs[common])
        write_elem(file, "var", cells.var[["modality"]])
        for modality in ("rna", "atac"):
            columns = (cells.var["modality"] == modality).to_numpy()
            part = anndata.AnnData(
                sparse.csr_matrix(cells.X)[:, columns],
                obs=types if modality == "rna" else types[[]],
                var=cells.var.loc[columns, ["gene_id"]],
            )
            write_elem(file, f"mod/{modality}", part)
