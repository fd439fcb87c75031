#!/usr/bin/env bash
# Guess: mdata.obsm is a place for joint embeddings under any key, and copy(), subsetting and
#   reading give back what was stored.
# Seen: keys named like a modality are kept for a mask of one column that says which cells the
#   modality has. An embedding stored under such a key lives in the object and is written to the
#   file, but mdata.copy(), a subset's copy and mudata.read replace it by the mask, of type bool,
#   without a message. Only the file still has the numbers.
# Package: mudata 0.3.10, with anndata 0.12.19
# Source: the page on MuData says that obsm also holds one boolean vector per modality; that it
#   overwrites what is there it does not say. mudata/_core/mudata.py.
# Matters: obsm['rna'] is the obvious name for the latent of the RNA model; an SAE is then trained
#   on a column of ones.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    mudata==0.3.10 anndata==0.12.19 h5py==3.16.0 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import anndata as ad
import h5py
import mudata
import numpy as np
import pandas as pd


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)


def modality(cells, genes):
    return ad.AnnData(
        rng.poisson(1.0, (len(cells), len(genes))).astype(np.float32),
        obs=pd.DataFrame(index=cells),
        var=pd.DataFrame(index=genes),
    )


cells = [f"cell{i}" for i in range(6)]
data = mudata.MuData(
    {"rna": modality(cells, ["CD3E", "MS4A1"]), "adt": modality(cells[1:], ["CD3", "CD20"])}
)
latent = rng.normal(size=(6, 5)).astype(np.float32)
data.obsm["rna"] = latent
data.obsm["X_latent"] = latent
data.write_h5mu("cells.h5mu")
with h5py.File("cells.h5mu") as file:
    on_disk = file["obsm/rna"][:]
versions = {
    "in the object": data.obsm["rna"],
    "on disk": on_disk,
    "copy()": data.copy().obsm["rna"],
    "data[:4].copy()": data[:4].copy().obsm["rna"],
    "read": mudata.read("cells.h5mu").obsm["rna"],
}
print("mudata", version("mudata"), "anndata", version("anndata"))
for where, array in versions.items():
    print(f"obsm['rna'] {where}: {array.shape} {array.dtype}")
print("obsm['X_latent'] read:", mudata.read("cells.h5mu").obsm["X_latent"].shape)

require(np.array_equal(versions["in the object"], latent), "the object does not take the embedding")
require(np.array_equal(on_disk, latent), "the file does not hold the embedding")
for where in ("copy()", "data[:4].copy()", "read"):
    require(
        versions[where].shape[1] == 1 and versions[where].dtype == bool,
        f"{where} keeps the embedding",
    )
PYTHON

(cd "$work" && venv/bin/python check.py)
