#!/usr/bin/env bash
# Guess: a trained SCVI model asked for the latents of another AnnData checks its gene names: it
#   reorders them, or stops.
# Seen: only the number of genes is compared. The same cells with their genes in another order get
#   latents that are off by as much as the latents themselves, and 60 genes of entirely different
#   names are taken for the 60 of training. No error, no warning. Only SCVI.load warns, and only
#   about the AnnData given to it, and goes on.
# Package: scvi-tools 1.4.2, torch 2.13.0
# Source: get_latent_representation(adata) transfers the setup through
#   AnnDataManager.transfer_fields, which looks at the number of variables. prepare_query_anndata
#   and load_query_data, which do reorder, are documented for query mapping; that this path does not
#   is not said.
# Matters: held-out or perturbed cells read from another file are the usual second AnnData. The
#   latents look healthy and an SAE fires on them.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 scvi-tools==1.4.2 anndata==0.12.19 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import logging
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import anndata as ad
import numpy as np
import pandas as pd
import scvi


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


logging.disable(logging.WARNING)
scvi.settings.seed = 0
rng = np.random.default_rng(0)
n, n_genes = 300, 60
means = np.exp(rng.normal(0, 1, (3, n_genes)))
cells = ad.AnnData(
    rng.poisson(means[rng.integers(0, 3, n)]).astype(np.float32),
    obs=pd.DataFrame(
        {"batch": pd.Categorical(np.where(np.arange(n) % 2, "x", "y"))},
        index=[f"cell{i}" for i in range(n)],
    ),
    var=pd.DataFrame(index=[f"gene{j}" for j in range(n_genes)]),
)
scvi.model.SCVI.setup_anndata(cells, batch_key="batch")
model = scvi.model.SCVI(cells, n_latent=5, n_hidden=32)
model.train(max_epochs=20, accelerator="cpu", enable_progress_bar=False, logger=False)
latent = model.get_latent_representation()


def embed(data):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = model.get_latent_representation(data)
    about_genes = [
        str(w.message) for w in said if "var" in str(w.message) or "gene" in str(w.message)
    ]
    return result, about_genes


print("scvi-tools", version("scvi-tools"), "torch", version("torch"))
same, _ = embed(cells.copy())
permuted, said_permuted = embed(cells[:, rng.permutation(n_genes)].copy())
renamed = cells.copy()
renamed.var_names = [f"OTHER{j}" for j in range(n_genes)]
other, said_other = embed(renamed)
size = np.abs(latent).max()
print(f"a copy: largest difference {np.abs(same - latent).max():.2g} (latents reach {size:.2f})")
print(
    f"genes permuted: {np.abs(permuted - latent).max():.2f}, correlation {np.corrcoef(permuted.ravel(), latent.ravel())[0, 1]:.2f}, said: {said_permuted}"
)
print(f"other gene names: {np.abs(other - latent).max():.2g}, said: {said_other}")
try:
    embed(cells[:, :-1].copy())
    one_less = "accepted"
except Exception as error:
    one_less = f"refused ({type(error).__name__})"
print("one gene less:", one_less)

require(np.abs(same - latent).max() < 1e-5, "a copy has other latents")
require(np.abs(permuted - latent).max() > 0.3 * size, "permuted genes are put in order")
require(not said_permuted and not said_other, "a warning is given")
require(np.abs(other - latent).max() < 1e-5, "other names are not taken for the genes of training")
PYTHON

(cd "$work" && venv/bin/python check.py)
