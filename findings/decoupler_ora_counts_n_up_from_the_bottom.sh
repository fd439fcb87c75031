#!/usr/bin/env bash
# Guess: decoupler's mt.ora tests the n_up highest features of every row; by default the highest 5
#   %.
# Seen: it leaves out the n_up lowest and tests all others. With n_up=100 of 2,000 features, 1,900
#   are tested: a set from the middle of the ranking scores exactly as the set of the very top, and
#   with the other defaults (n_bg=20,000) both have q 0. n_up = number of features - 100 gives the
#   test that n_up=100 promises.
# Package: decoupler 2.2.0
# Source: the docstring of mt.ora ('number of top-ranked features'; the top 5 % if None) against
#   _func_ora in decoupler/mt/_ora.py, which ranks from low to high and keeps rank > n_up.
# Matters: over-representation of a feature's decoder weights or of gene effects with the default
#   settings finds nearly every set of the data, with q near 0, and no message.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    decoupler==2.2.0 anndata==0.12.19 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import sys
from importlib.metadata import version

import decoupler as dc
import numpy as np
import pandas as pd
from scipy.stats import fisher_exact


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


n = 2000
genes = [f"gene{i}" for i in range(n)]
# One row with falling values: gene0 is the highest, gene1999 the lowest.
table = pd.DataFrame([np.linspace(10, 1, n)], index=["feature"], columns=genes)
members = {"top 50": genes[:50], "middle 50": genes[975:1025], "bottom 50": genes[-50:]}
net = pd.DataFrame(
    [(name, g) for name, gs in members.items() for g in gs], columns=["source", "target"]
)


def ora(n_up):
    score, p = dc.mt.ora(table, net, n_up=n_up, n_bg=None)
    return score.loc["feature"], p.loc["feature"]


print("decoupler", version("decoupler"))
rows = {}
for n_up in (100, None, n - 100):
    score, p = ora(n_up)
    rows[n_up] = score
    print(f"n_up={n_up}:", ", ".join(f"{s} log odds {score[s]:.2f} q {p[s]:.1e}" for s in members))
default, _ = dc.mt.ora(table, net)
_, q = dc.mt.ora(table, net)
print("all defaults:", ", ".join(f"{s} q {q.loc['feature', s]:.1e}" for s in members))
expected = fisher_exact([[50, 0], [50, n - 100]]).pvalue
print(f"top 100 against the top 50, by Fisher's test: p {expected:.1e}")

require(rows[100]["top 50"] == rows[100]["middle 50"], "n_up=100 tells top from middle")
require(rows[None].equals(rows[100]), "the default is no longer 5 % from the bottom")
require(
    rows[n - 100]["top 50"] > 5 > rows[n - 100]["middle 50"], "n_up = n - 100 is not the top 100"
)
require(q.loc["feature", "middle 50"] < 1e-20, "by default a set of the middle is no longer found")
PYTHON

(cd "$work" && venv/bin/python check.py)
