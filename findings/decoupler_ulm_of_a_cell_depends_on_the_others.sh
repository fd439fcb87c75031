#!/usr/bin/env bash
# Guess: mt.ulm fits one linear model per cell, so a cell has the same score alone, in a batch or in
#   the whole object.
# Seen: genes that are zero in every cell of the object given are dropped first (empty=True), and
#   the fit runs over what is left. Scored alone, a cell of the 700 blood cells that come with
#   scanpy differs by up to 2 units of t from its score among all; some sets are no longer scored at
#   all. With empty=False the scores agree to rounding.
# Package: decoupler 2.2.0, with scanpy 1.11.5 for the cells
# Source: the parameter is documented ('whether to remove empty observations or features'), its
#   effect on the scores is not; the message appears only with verbose=True. decoupler/pp/data.py,
#   _validate_mat.
# Matters: scoring the high cells of each feature apart, or a large atlas in pieces, changes scores
#   and p values for a reason that is not in the cells.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    decoupler==2.2.0 scanpy==1.11.5 anndata==0.12.19 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import decoupler as dc
import numpy as np
import pandas as pd
import scanpy as sc


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


cells = sc.datasets.pbmc68k_reduced().raw.to_adata()
rng = np.random.default_rng(0)
net = pd.DataFrame(
    [(f"set{i}", g) for i in range(20) for g in rng.choice(cells.var_names, 30, replace=False)],
    columns=["source", "target"],
)


def ulm(part, **options):
    part = part.copy()
    dc.mt.ulm(part, net, **options)
    return part.obsm["score_ulm"]


print("decoupler", version("decoupler"), "scanpy", version("scanpy"), cells.shape)
whole = ulm(cells)
print("spread of all scores (standard deviation):", round(float(whole.values.std()), 2))
worst = {}
for n in (1, 10, 100):
    part = ulm(cells[:n])
    difference = np.abs(part - whole.loc[part.index, part.columns]).values
    worst[n] = difference.max()
    print(
        f"first {n} cells alone: {part.shape[1]} of 20 sets scored, largest difference {worst[n]:.2f}"
    )
same = np.abs(ulm(cells[:1], empty=False) - ulm(cells, empty=False).iloc[:1]).values.max()
print(f"with empty=False: largest difference {same:.1e}")

require(worst[1] > 0.5 and worst[10] > 0.1, "scores no longer depend on the other cells")
require(same < 1e-6, "empty=False does not make scores of cells independent")
PYTHON

(cd "$work" && venv/bin/python check.py)
