#!/usr/bin/env bash
# Guess: SAE.decode(codes) of SAELens is a function of codes and weights; what was encoded before
#   does not matter.
# Seen: with normalize_activations='layer_norm' or 'constant_norm_rescale', encode keeps the means
#   and norms of its batch in the SAE, and the next decode uses them, then deletes them. Codes of
#   batch 1 decoded after batch 2 was encoded come out in batch 2's scale (error 216 where values
#   reach 227), without a message where shapes agree or broadcast. Decoding twice, or decoding codes
#   loaded from a file, raises AttributeError.
# Package: sae-lens 6.54.12, torch 2.13.0
# Source: sae_lens/saes/sae.py, _setup_activation_normalization. The documentation describes the
#   normalisations, not the state.
# Matters: steering edits codes and decodes them later, often after the baseline was encoded, and
#   large embeddings are encoded batch by batch and decoded afterwards: cells come out in the scale
#   of other cells, or, with batches of another size, in an error. forward() in one call is right.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 sae-lens==6.54.12 numpy==2.4.6

cat > "$work/check.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import torch
from sae_lens import StandardSAE, StandardSAEConfig


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


torch.manual_seed(0)
high = torch.randn(5, 16) * 3 + 1  # two batches of cells on different scales
low = torch.randn(5, 16) * 0.1 - 2
print("sae-lens", version("sae-lens"), "torch", torch.__version__)
errors = {}
for mode in ("none", "layer_norm", "constant_norm_rescale"):
    sae = StandardSAE(StandardSAEConfig(d_in=16, d_sae=64, normalize_activations=mode))
    with torch.no_grad():
        for weights in (sae.W_enc, sae.W_dec):
            weights.copy_(torch.randn_like(weights))
        right = sae(high)
        codes = sae.encode(high)
        at_once = (sae.decode(codes) - right).abs().max().item()
        codes = sae.encode(high)
        sae.encode(low)
        errors[mode] = (sae.decode(codes) - right).abs().max().item()
        try:
            sae.decode(codes)
            again = "works"
        except AttributeError:
            again = "AttributeError"
    print(
        f"{mode}: decoded at once, error {at_once:.3g}; after another batch was encoded, error {errors[mode]:.3g} "
        f"(values up to {right.abs().max().item():.0f}); decoded once more: {again}"
    )
    require(at_once < 1e-3, f"{mode}: decoding at once is wrong")
    require((again == "works") == (mode == "none"), f"{mode}: decoding once more {again}")

require(errors["none"] == 0, "without normalisation there is state as well")
require(
    min(errors["layer_norm"], errors["constant_norm_rescale"]) > 10,
    "decode no longer depends on the last batch",
)
PYTHON

(cd "$work" && venv/bin/python check.py)
