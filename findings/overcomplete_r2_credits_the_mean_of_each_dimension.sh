#!/usr/bin/env bash
# Guess: overcomplete's r2_score is the explained variance of SAELens and scikit-learn, 0 for a
#   reconstruction that is the mean, and its l0 counts active codes.
# Seen: the total is taken around one mean of the whole matrix, so offsets between dimensions count
#   as explained. Where dimensions have means of their own, predicting that mean vector for every
#   cell, without a single feature, scores 0.9. l0 is the share of active codes: 0.02 for 4 of 200,
#   though its docstring says number and the log of train_sae prints the number.
# Package: overcomplete 0.3.0 (metrics.py alone, loaded by its path: the rest of the package needs
#   torchvision), torch 2.13.0, scikit-learn 1.9.1
# Source: overcomplete/metrics.py. Its docstring says that 0 means as good as the mean.
# Matters: embeddings of single-cell models have large offsets between dimensions; R2 from
#   overcomplete cannot be set beside that of any other package, and a dead SAE with a bias looks
#   good.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps overcomplete==0.3.0

cat > "$work/check.py" <<'PYTHON'
import importlib.util
import sys
from importlib.metadata import distribution, version

import torch
from sklearn.metrics import r2_score


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


path = distribution("overcomplete").locate_file("overcomplete/metrics.py")
spec = importlib.util.spec_from_file_location("metrics", path)
metrics = importlib.util.module_from_spec(spec)
spec.loader.exec_module(metrics)

torch.manual_seed(0)
offsets = torch.linspace(-5, 5, 32)  # each dimension has a mean of its own
x = torch.randn(1000, 32) + offsets
mean = x.mean(0).expand_as(x)
print(
    "overcomplete",
    version("overcomplete"),
    "torch",
    torch.__version__,
    "scikit-learn",
    version("scikit-learn"),
)
theirs = float(metrics.r2_score(x, mean))
usual = r2_score(x.numpy(), mean.numpy(), multioutput="variance_weighted")
centred = float(metrics.r2_score(x - x.mean(0), torch.zeros_like(x)))
print(
    f"every cell predicted as the mean: overcomplete {theirs:.3f}, scikit-learn {usual:.3f}, overcomplete on centred data {centred:.3f}"
)
codes = torch.zeros(1000, 200)
codes[:, :4] = 1
print(
    f"4 of 200 codes active: l0 {float(metrics.l0(codes)):.3f}, by row {metrics.l0(codes, 1)[0].item():.3f}"
)

require(theirs > 0.85 and abs(usual) < 1e-3, "the mean no longer scores high")
require(abs(centred) < 1e-3, "centred data do not score 0")
require(abs(float(metrics.l0(codes)) - 4 / 200) < 1e-6, "l0 is no longer a share")
PYTHON

(cd "$work" && venv/bin/python check.py)
