#!/usr/bin/env bash
# Guess: scanpy.pp.neighbors works for any number of cells, with what its own requirements install.
# Seen: of 8,191 cells it finds the neighbours, of 8,192 it ends in "AttributeError: 'csr_array'
#   object has no attribute 'getnnz'". From there on it asks pynndescent instead of scikit-learn, and
#   pynndescent 0.7 returns a sparse array where 0.6 returned a sparse matrix. With 0.6 both work.
# Package: scanpy 1.11.5 with pynndescent 0.7.0, and with 0.6.0
# Source: the limit is in scanpy's code, not in its documentation; scanpy asks for pynndescent
#   without an upper bound.
# Matters: small data, on which one tries things, never come that far; a map of an atlas does, after
#   hours. transformer=, given an object that returns a matrix, is the way around.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    scanpy==1.11.5 anndata==0.12.19 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 scikit-learn==1.9.1 \
    umap-learn==0.5.12 pynndescent==0.7.0

cat > "$work/check.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import anndata as ad
import numpy as np
import scanpy as sc


def neighbours(n_cells):
    rows = np.random.default_rng(0).normal(size=(n_cells, 5)).astype(np.float32)
    cells = ad.AnnData(obsm={"X_emb": rows})
    try:
        sc.pp.neighbors(cells, use_rep="X_emb")
    except AttributeError as error:
        return str(error)
    return f"{cells.obsp['connectivities'].nnz > n_cells}"


found = {n_cells: neighbours(n_cells) for n_cells in (8191, 8192)}
print("scanpy", version("scanpy"), "pynndescent", version("pynndescent"))
for n_cells, what in found.items():
    print(f"{n_cells} cells: {what}")
ends = "getnnz" in found[8192]
if found[8191] != "True" or ends != (sys.argv[1] == "ends"):
    sys.exit("The behaviour has changed")
PYTHON

"$work/venv/bin/python" "$work/check.py" ends
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pynndescent==0.6.0
"$work/venv/bin/python" "$work/check.py" works
