#!/usr/bin/env bash
# Guess: anndata.concat refuses to stack embeddings of different width, or leaves the key out.
# Seen: with join='inner', the default, every array of obsm is cut to the first columns that all
#   objects have; with join='outer' the missing ones are NaN. No message. Two models of 32 and 8
#   dimensions under one key become one matrix of 8. Data frames in obsm are joined by column name
#   instead: without a common name they vanish to zero columns.
# Package: anndata 0.12.19
# Source: anndata/_core/merge.py, gen_inner_reindexers (range of the smallest width). The page on
#   concatenation says that join applies to obsm too; that arrays without names are aligned by
#   position, and so cut, it does not say.
# Matters: parts embedded by two versions of a model, or by PCA with another number of components,
#   pass into training as one embedding; explained variance falls and features follow the part.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    anndata==0.12.19 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import anndata as ad
import numpy as np
import pandas as pd


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)


def part(name, n, width):
    cells = ad.AnnData(
        rng.poisson(1.0, (n, 5)).astype(np.float32),
        obs=pd.DataFrame(index=[f"{name}{i}" for i in range(n)]),
        var=pd.DataFrame(index=[f"gene{j}" for j in range(5)]),
    )
    cells.obsm["X_emb"] = rng.normal(size=(n, width)).astype(np.float32)
    cells.obsm["frame"] = pd.DataFrame(
        cells.obsm["X_emb"], index=cells.obs_names, columns=[f"{name}_{i}" for i in range(width)]
    )
    return cells


first, second = part("a", 100, 32), part("b", 50, 8)
print(
    "anndata",
    version("anndata"),
    "widths",
    first.obsm["X_emb"].shape[1],
    second.obsm["X_emb"].shape[1],
)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    inner = ad.concat([first, second])
    outer = ad.concat([first, second], join="outer")
cut = inner.obsm["X_emb"]
lost = 1 - (first.obsm["X_emb"][:, :8] ** 2).sum() / (first.obsm["X_emb"] ** 2).sum()
print(
    "inner join:", cut.shape, f"- {lost:.0%} of the squared length of the wider embedding is gone"
)
print("outer join:", outer.obsm["X_emb"].shape, "NaN:", int(np.isnan(outer.obsm["X_emb"]).sum()))
print("data frames, inner join:", inner.obsm["frame"].shape)
print("warnings about it:", [str(w.message) for w in said if "obsm" in str(w.message)])

require(
    cut.shape == (150, 8) and np.array_equal(cut[:100], first.obsm["X_emb"][:, :8]),
    "embeddings are not cut",
)
require(np.isnan(outer.obsm["X_emb"]).sum() == 50 * 24, "the outer join does not fill with NaN")
require(inner.obsm["frame"].shape == (150, 0), "frames without a common column keep columns")
require(not any("obsm" in str(w.message) for w in said), "a warning is given")
PYTHON

(cd "$work" && venv/bin/python check.py)
