#!/usr/bin/env bash
# Guess: decoupler refuses a matrix with repeated gene names, as its message says ('mat contains
#   repeated feature names, please make them unique').
# Seen: only repeats that stand side by side are found. The same two columns apart from each other
#   pass, one of them stands for the gene, and which one depends on a shuffle of the columns: the
#   score of a set changes when two unrelated columns change places.
# Package: decoupler 2.2.0
# Source: decoupler/pp/data.py, _validate_mat compares each name with its neighbour only; the names
#   are not sorted before.
# Matters: symbols repeat in most atlases (a column of symbols in place of Ensembl ids), and seldom
#   side by side; a set is then scored with the wrong copy of a gene, without a word.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    decoupler==2.2.0 anndata==0.12.19 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import decoupler as dc
import numpy as np
import pandas as pd


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)
n = 200
names = [f"gene{i}" for i in range(n)]
values = rng.normal(size=(1, n))
values[0, :20] = 5 + rng.random(20)  # the genes of the set are high
net = pd.DataFrame({"source": "set", "target": names[:20]})


def score(columns, order=None):
    table = pd.DataFrame(values, index=["cell"], columns=columns)
    if order is not None:
        table = table.iloc[:, order]
    return float(dc.mt.ulm(table, net)[0].iloc[0, 0])


print("decoupler", version("decoupler"))
print(f"unique names: {score(names):.2f}")
apart = names.copy()
apart[100:120] = names[:20]  # second copies of the set's genes, low, far from the first
try:
    first = score(apart)
except AssertionError as error:
    sys.exit(f"The behaviour has changed: repeats apart are refused ({error})")
others = []
while len(others) < 30:
    order = rng.permutation(n)
    shuffled = np.array(apart)[order]
    if not (shuffled[1:] == shuffled[:-1]).any():  # no two copies side by side
        others.append(score(apart, order))
print(
    f"each gene of the set twice, apart: {first:.2f}; columns in 30 other orders: {min(others):.2f} to {max(others):.2f}"
)
side = names.copy()
side[1] = names[0]
try:
    score(side)
    refused = False
except AssertionError as error:
    refused = True
    print("one gene twice, side by side: refused:", error)

require(refused, "repeats side by side are accepted")
require(max(others) - min(others) > 2, "the order of columns no longer decides which copy counts")
PYTHON

(cd "$work" && venv/bin/python check.py)
