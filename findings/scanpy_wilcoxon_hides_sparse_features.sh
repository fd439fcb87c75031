#!/usr/bin/env bash
# Guess: rank_genes_groups(method='wilcoxon') gives the z and p of the rank-sum test as scipy and R
#   compute them, ties corrected.
# Seen: tie_correct is False, and for values that are mostly zero the variance is then far too
#   large. A feature active in 6 % of one group and 2 % of the rest has p 0.26; the corrected test,
#   and scipy's, give 1e-4. The sparser the feature the more is lost: without ties nothing changes,
#   so features are also ordered by how dense they are.
# Package: scanpy 1.11.5, compared with scipy 1.17.1
# Source: the parameter is in the documentation of rank_genes_groups, one line, off by default; what
#   it costs is not. Easily missed: nothing warns.
# Matters: activations of an SAE are exactly such columns (1 to 5 % of cells). Comparing features
#   between groups with scanpy's defaults misses rare ones almost always.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    scanpy==1.11.5 anndata==0.12.19 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from scipy.sparse import csr_matrix
from scipy.stats import mannwhitneyu


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)
n, n_group = 2000, 200
shares = {"6 % and 2 %": (0.06, 0.02), "30 % and 25 %": (0.30, 0.25), "all cells": (1.0, 1.0)}
group = np.where(np.arange(n) < n_group, "A", "rest")
values = np.column_stack(
    [
        (rng.random(n) < np.where(group == "A", a, b)) * rng.gamma(2, 1, n)
        for a, b in shares.values()
    ]
).astype(np.float32)
features = ad.AnnData(
    csr_matrix(values),
    obs=pd.DataFrame({"group": pd.Categorical(group)}, index=[f"cell{i}" for i in range(n)]),
)
features.var_names = list(shares)


def wilcoxon(**options):
    sc.tl.rank_genes_groups(features, "group", groups=["A"], method="wilcoxon", **options)
    return sc.get.rank_genes_groups_df(features, "A").set_index("names").loc[list(shares)]


print("scanpy", version("scanpy"), "scipy", version("scipy"))
default, corrected = wilcoxon(), wilcoxon(tie_correct=True)
exact = {}
for j, name in enumerate(shares):
    exact[name] = float(
        mannwhitneyu(
            values[:n_group, j].astype(float),
            values[n_group:, j].astype(float),
            use_continuity=False,
            method="asymptotic",
        ).pvalue
    )
    print(
        f"active in {name}: default z {default.scores[name]:.2f} p {default.pvals[name]:.2g}; "
        f"tie_correct z {corrected.scores[name]:.2f} p {corrected.pvals[name]:.2g}; scipy p {exact[name]:.2g}"
    )

rare, dense = "6 % and 2 %", "all cells"
require(default.pvals[rare] > 0.05 and exact[rare] < 1e-3, "the default finds the rare feature")
require(corrected.scores[rare] > 3 * default.scores[rare], "the default's z is not a third")
require(
    abs(np.log10(corrected.pvals[rare]) - np.log10(exact[rare])) < 0.01,
    "tie_correct differs from scipy",
)
require(
    abs(default.scores[dense] - corrected.scores[dense]) < 1e-5, "a dense feature changes as well"
)
PYTHON

(cd "$work" && venv/bin/python check.py)
