#!/usr/bin/env bash
# Guess: a cell in which no gene of a set was detected gets AUCell score 0 for it, and the order of
#   columns does not matter.
# Seen: the highest 5 % of genes count, and where a cell has fewer genes than that, undetected ones
#   fill the places, in one order for all cells that is drawn from the column numbers with a fixed
#   seed. Among cells of 40 and 600 counts with 2,000 genes, nearly half of the pairs of a cell and
#   a set without a single detected gene score above 0, the largest at three quarters of the median
#   of the sets that are expressed. Other column order, other scores; the same file opened with
#   backed='r', where nothing is shuffled, other scores again.
# Package: decoupler 2.2.0
# Source: documented is only n_up (top 5 % if None); decoupler/pp/data.py (_break_ties) and
#   decoupler/mt/_aucell.py show the rest. AUCell's authors advise a threshold below the number of
#   genes detected; nothing checks it.
# Matters: activations of a feature correlate with depth, so sets that lie early in the hidden order
#   look like its programme.
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
import anndata as ad
import decoupler as dc
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)
n_cells, n_genes = 200, 2000
genes = np.array([f"gene{i}" for i in range(n_genes)])
shares = rng.dirichlet(np.full(n_genes, 0.3))
depth = np.repeat([40, 600], n_cells // 2)
counts = np.vstack([rng.multinomial(d, shares) for d in depth]).astype(np.float32)
cells = ad.AnnData(csr_matrix(counts))
cells.var_names = genes
sets = {f"set{j}": rng.choice(genes, 30, replace=False) for j in range(20)}
net = pd.DataFrame([(s, g) for s, gs in sets.items() for g in gs], columns=["source", "target"])


def aucell(data):
    dc.mt.aucell(data, net)
    return data.obsm["score_aucell"][list(sets)].values


print("decoupler", version("decoupler"), "anndata", version("anndata"))
score = aucell(cells.copy())
detected = np.column_stack(
    [(counts[:, cells.var_names.isin(gs)] > 0).sum(1) for gs in sets.values()]
)
none = detected == 0
above = (score > 0) & none
print(
    f"genes detected: {np.median((counts[:100] > 0).sum(1)):.0f} in shallow cells, {np.median((counts[100:] > 0).sum(1)):.0f} in deep ones; 5 % are 100"
)
print(
    f"cell and set without a detected gene: {none.sum()}, of these with a score above 0: {above.sum()} ({above.sum() / none.sum():.0%})"
)
print(
    f"largest score without any gene: {score[none].max():.3f}; median score with genes: {np.median(score[~none]):.3f}"
)
turned = aucell(cells[:, rng.permutation(n_genes)].copy())
print(
    f"columns in another order: correlation of scores {np.corrcoef(score[:100].ravel(), turned[:100].ravel())[0, 1]:.2f} in shallow cells"
)
cells.write_h5ad("cells.h5ad")
backed = aucell(ad.read_h5ad("cells.h5ad", backed="r"))
print(f"the same file, backed: largest difference {np.abs(score - backed).max():.3f}")

require(above.sum() > 0.1 * none.sum(), "sets without a detected gene score 0")
require(np.abs(score - turned).max() > 0.01, "the order of columns no longer matters")
require(np.abs(score - backed).max() > 0.01, "backed and in memory agree")
PYTHON

(cd "$work" && venv/bin/python check.py)
