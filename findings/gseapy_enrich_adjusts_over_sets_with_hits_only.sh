#!/usr/bin/env bash
# Guess: the adjusted p of gseapy.enrich corrects for all sets that were given, the usual meaning of
#   a false discovery rate over a collection.
# Seen: sets that share no gene with the list are dropped before the correction. With 3,000 random
#   sets of 20 genes and random lists of 25, some 200 sets stay: about 30 of 100 random lists have a
#   set with adjusted p < 0.05, against about 1 when the 3,000 are counted.
# Package: gseapy 1.3.1
# Source: gseapy/stats.py, calc_pvalues skips sets without an overlap and enrich adjusts what it
#   returns. Not in the documentation of enrich; Enrichr's server, which it imitates, does the same.
# Matters: short lists (the genes of one feature) and large collections, the usual case here, are
#   where it matters most: the smallest possible adjusted p depends on how many sets happen to be
#   touched.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    gseapy==1.3.1 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import sys
from importlib.metadata import version

import gseapy
import numpy as np
from scipy.stats import false_discovery_control


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)
genes = [f"GENE{i}" for i in range(8000)]
n_sets, n_lists = 3000, 100
sets = {f"set{j}": list(rng.choice(genes, 20, replace=False)) for j in range(n_sets)}

print("gseapy", version("gseapy"), "scipy", version("scipy"))
tested, adjusted, over_all = [], [], []
for _ in range(n_lists):
    chosen = list(rng.choice(genes, 25, replace=False))
    result = gseapy.enrich(
        gene_list=chosen, gene_sets=sets, background=genes, outdir=None, no_plot=True, verbose=False
    ).results
    p = np.ones(n_sets)
    p[: len(result)] = result["P-value"]
    tested.append(len(result))
    adjusted.append(result["Adjusted P-value"].min())
    over_all.append(false_discovery_control(p).min())
    same = np.allclose(
        false_discovery_control(result["P-value"].astype(float)),
        result["Adjusted P-value"].astype(float),
    )
    require(same, "the adjustment is not Benjamini and Hochberg's over the rows returned")
adjusted, over_all = np.array(adjusted), np.array(over_all)
print(
    f"random lists: {n_lists}; sets given: {n_sets}; rows returned: {min(tested)} to {max(tested)}"
)
print(f"lists with an adjusted p < 0.05, as returned: {(adjusted < 0.05).sum()}")
print(f"the same p values adjusted over all {n_sets} sets: {(over_all < 0.05).sum()}")

require(max(tested) < 500, "sets without an overlap are returned")
require((adjusted < 0.05).sum() >= 15 > 5 >= (over_all < 0.05).sum(), "the two adjustments agree")
PYTHON

(cd "$work" && venv/bin/python check.py)
