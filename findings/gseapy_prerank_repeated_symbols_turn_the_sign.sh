#!/usr/bin/env bash
# Guess: where a symbol stands twice in the ranking, gseapy.prerank drops one row or keeps the
#   stronger one, and says so.
# Seen: the rows are sorted from high to low and later ones are renamed GENE_1, GENE_2: the highest
#   value always keeps the name. A set whose 40 genes all fall (NES -3.5) gets NES +1.6 once each of
#   its genes has a second row near 0. A set of random values with four rows a gene is enriched with
#   p 0. A set that rises is not harmed.
# Package: gseapy 1.3.1
# Source: gseapy/gsea.py (_load_ranking sorts, then calls make_unique of gseapy/base.py); a message
#   only at level INFO. gseapy.gsea, ssgsea and gsva average such rows and warn.
# Matters: effects of a feature are computed per Ensembl id; mapped to symbols, hundreds repeat,
#   often with one copy near 0. What the feature lowers is then lost or reported as raised.
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
import pandas as pd


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)
genes = [f"GENE{i}" for i in range(2000)]
members = genes[:40]
base = pd.Series(rng.normal(size=2000), index=genes)


def prerank(ranking):
    result = (
        gseapy.prerank(
            rnk=ranking,
            gene_sets={"set": members, "other": genes[100:140]},
            permutation_num=500,
            seed=1,
            threads=1,
            outdir=None,
            no_plot=True,
            verbose=False,
        )
        .res2d.set_index("Term")
        .loc["set"]
    )
    return float(result["NES"]), float(result["NOM p-val"])


def show(text, ranking):
    nes, p = prerank(ranking)
    print(f"{text}: NES {nes:.2f}, p {p:.3f}")
    return nes, p


print("gseapy", version("gseapy"), "pandas", version("pandas"))
down = base.copy()
down[members] = -3 - rng.random(40)
second = pd.Series(rng.normal(0, 0.2, 40), index=members)
alone, _ = show("all genes of the set fall", down)
twice, _ = show("the same, and a second row near 0 for each", pd.concat([down, second]))
up = base.copy()
up[members] = 3 + rng.random(40)
rising, _ = show("all rise, and a second row near 0 for each", pd.concat([up, second]))
strongest = (
    pd.concat([down, second]).groupby(level=0).agg(lambda v: v.iloc[np.argmax(np.abs(v.values))])
)
show("the stronger of two rows kept by hand", strongest)
copies = [pd.Series(rng.normal(size=40), index=members) for _ in range(3)]
_, p_null = show("random values, four rows for each gene of the set", pd.concat([base, *copies]))

require(alone < -3, "the set without repeats is not down")
require(twice > 0, "a falling set with repeats keeps its sign")
require(rising > 3, "a rising set with repeats is harmed as well")
require(p_null < 0.01, "repeats of random genes no longer look enriched")
PYTHON

(cd "$work" && venv/bin/python check.py)
