"""Small cells in every form that people have them in, with one truth behind them all."""

import gzip
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.io import mmwrite

from clones import ROOT
from made_mudata import write_h5mu

N_CELLS = 240
TYPES = ("B cell", "T cell", "monocyte")
SETS = ROOT / "config/genesets/blood_families.gmt"


def symbols_of_sets(n_sets=12):
    """Symbols of the first gene sets that come with the workflow, each once."""
    rows = [line.split("\t")[2:] for line in SETS.read_text().splitlines()[:n_sets]]
    return list(dict.fromkeys(gene for row in rows for gene in row))


def ensembl(number):
    return f"ENSG{number:011d}"


def made(*, n_cells=N_CELLS, seed=0):
    """Counts, types, donors, symbols and an embedding of three types that differ in their genes."""
    rng = np.random.default_rng(seed)
    symbols = [*symbols_of_sets(), *(f"OTHER{number}" for number in range(40))]
    kind = np.arange(n_cells) % 3
    means = rng.gamma(1.0, 1.0, (3, len(symbols)))
    counts = rng.poisson(means[kind]).astype(np.float32)
    counts[:, -1] += 1  # no cell is empty
    centres = rng.normal(size=(3, 6)) * 3
    return {
        "counts": sparse.csr_matrix(counts),
        "types": np.array(TYPES)[kind],
        "donors": np.array([f"donor {number}" for number in range(4)])[rng.integers(0, 4, n_cells)],
        "symbols": symbols,
        "embedding": (centres[kind] + rng.normal(size=(n_cells, 6))).astype(np.float32),
        "names": [f"cell{number}" for number in range(n_cells)],
    }


def log_normal(counts):
    """log1p of counts per 10,000."""
    scale = sparse.diags_array(1e4 / counts.sum(axis=1).A1)
    return sparse.csr_matrix((scale @ counts).log1p(), dtype=np.float32)


def cellxgene(path: Path, **changes):
    """As the portal writes them: counts in raw.X, ids as index, copies, some types unknown."""
    truth = made(**changes)
    ids = [ensembl(number) for number in range(len(truth["symbols"]))]
    types = truth["types"].astype(object)
    types[:6], types[6:10] = "unknown", "na"
    names = list(truth["symbols"])
    names[-2] = ids[-2]  # a gene without a symbol bears its id
    names[-3] = names[-4]  # and symbols repeat
    var = pd.DataFrame(
        {
            "feature_is_filtered": np.zeros(len(ids), dtype=bool),
            "feature_name": pd.Categorical(names),
            "feature_reference": pd.Categorical(["NCBITaxon:9606"] * len(ids)),
        },
        index=ids,
    )
    adata = anndata.AnnData(
        truth["counts"],
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(types),
                "donor_id": pd.Categorical(truth["donors"]),
                "is_primary_data": np.arange(len(types)) % 4 > 0,
            },
            index=truth["names"],
        ),
        var=var.drop(columns="feature_is_filtered"),
        obsm={"X_scVI": truth["embedding"]},
        uns={"schema_version": "7.0.0", "default_embedding": "X_scVI"},
    )
    adata.raw = adata
    adata.X = log_normal(truth["counts"])
    adata.var = var
    adata.write_h5ad(path)
    return truth


def census(path: Path, *, n_missing=20):
    """As the Census's client gives them: numbers as index of var, NaN where a cell has no row."""
    truth = made()
    embedding = truth["embedding"].copy()
    embedding[5 : 5 + n_missing] = np.nan
    anndata.AnnData(
        truth["counts"],
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(truth["types"]), "donor_id": truth["donors"]},
            index=[str(number) for number in range(N_CELLS)],
        ),
        var=pd.DataFrame(
            {
                "soma_joinid": np.arange(len(truth["symbols"])),
                "feature_id": [ensembl(number) for number in range(len(truth["symbols"]))],
                "feature_name": truth["symbols"],
            },
            index=[str(number) for number in range(len(truth["symbols"]))],
        ),
        obsm={"scvi": embedding},
    ).write_h5ad(path)
    return truth


def scanpy_like(**obs):
    """Plain cells in memory: counts in X, symbols as names."""
    truth = made()
    return anndata.AnnData(
        truth["counts"],
        obs=pd.DataFrame({"cell_type": pd.Categorical(truth["types"])} | obs, index=truth["names"]),
        var=pd.DataFrame(index=truth["symbols"]),
        obsm={"X_scVI": truth["embedding"]},
    )


def embedding_alone(path: Path, *, order=None):
    """As scFoundry writes one: the embedding is X of a file of its own, obs is kept."""
    truth = made()
    order = np.arange(N_CELLS) if order is None else order
    anndata.AnnData(
        truth["embedding"][order],
        obs=pd.DataFrame(
            {"cell_type": truth["types"][order]}, index=np.array(truth["names"])[order]
        ),
    ).write_h5ad(path)


def tenx_h5(path: Path, *, version=3):
    """As Cell Ranger writes them, genes x cells by column; version 3 with antibodies beside."""
    truth = made()
    counts, symbols = truth["counts"].astype(np.int32), truth["symbols"]
    ids = [ensembl(number) for number in range(len(symbols))]
    with h5py.File(path, "w") as file:
        if version == 2:
            group = file.create_group("GRCh38")
            group["genes"], group["gene_names"] = np.array(ids, "S"), np.array(symbols, "S")
        else:
            counts = sparse.csr_matrix(sparse.hstack([counts, np.full((N_CELLS, 2), 9)]))
            group = file.create_group("matrix")
            kinds = ["Gene Expression"] * len(ids) + ["Antibody Capture"] * 2
            group["features/id"] = np.array([*ids, "CD3-TotalC", "CD19-TotalC"], "S")
            group["features/name"] = np.array([*symbols, "CD3", "CD19"], "S")
            group["features/feature_type"] = np.array(kinds, "S")
            group["features/genome"] = np.array(["GRCh38"] * len(kinds), "S")
        group["barcodes"] = np.array(truth["names"], "S")
        group["shape"] = np.array([counts.shape[1], N_CELLS], dtype=np.int32)
        for part in ("data", "indices", "indptr"):
            group.create_dataset(part, data=getattr(counts, part).astype(np.int64))
    return truth


def tenx_folder(folder: Path, *, version=3):
    """Three files of text, gzipped and with types of features since version 3."""
    truth = made()
    folder.mkdir()
    mmwrite(folder / "matrix.mtx", truth["counts"].T.astype(np.int32), field="integer")
    rows = [f"{ensembl(number)}\t{symbol}" for number, symbol in enumerate(truth["symbols"])]
    (folder / "barcodes.tsv").write_text("\n".join(truth["names"]) + "\n")
    if version == 2:
        (folder / "genes.tsv").write_text("\n".join(rows) + "\n")
        return truth
    text = "\n".join(f"{row}\tGene Expression" for row in rows) + "\n"
    (folder / "features.tsv").write_text(text)
    for file in list(folder.iterdir()):
        with gzip.open(f"{file}.gz", "wb") as packed:
            packed.write(file.read_bytes())
        file.unlink()
    return truth


def mudata(path: Path):
    """A file of two modalities, the counts of one in a layer."""
    adata = scanpy_like()
    adata.layers["counts"] = adata.X.copy()
    adata.X = log_normal(adata.X)
    protein = anndata.AnnData(np.ones((N_CELLS, 2)), obs=pd.DataFrame(index=adata.obs_names))
    obs = pd.DataFrame(index=adata.obs_names)
    write_h5mu(path, {"rna": adata, "protein": protein}, obs=obs)
    return made()
