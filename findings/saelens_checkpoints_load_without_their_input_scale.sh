#!/usr/bin/env bash
# Guess: a checkpoint that SAELens writes while it trains loads as the SAE that it was at that step.
# Seen: with normalize_activations='expected_average_only_in' the trainer multiplies its input by a
#   factor that it keeps beside the SAE (activation_scaler.json). SAE.load_from_disk does not read
#   it and says nothing: cfg still names the normalisation, which no method of the SAE applies, so
#   that raw cells meet biases that were trained for smaller ones. Twice as many features fire.
#   What fit() returns has the factor in its weights and is right.
# Package: sae-lens 6.54.12, torch 2.13.0
# Source: sae_lens/training/sae_trainer.py (save_checkpoint), sae_lens/saes/sae.py (load_from_disk;
#   _setup_activation_normalization knows two other modes). Upstream issue 381 (2024, closed) asked
#   that checkpoints be usable; since then the factor is saved, but not read.
# Matters: the last checkpoint is what is left of a run that was stopped, and what is compared over
#   training; features per cell, live features and thresholds of activation are not those of the SAE.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 sae-lens==6.54.12 numpy==2.4.6

cat > "$work/check.py" <<'PYTHON'
import json
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

warnings.simplefilter("ignore")
import torch
from sae_lens import SAE, StandardTrainingSAE, StandardTrainingSAEConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


torch.manual_seed(0)
directions = torch.randn(48, 16)
cells = 20 * ((torch.rand(4000, 48) < 0.08) * torch.rand(4000, 48)) @ directions + 10


def batches():
    while True:
        yield cells[torch.randint(0, len(cells), (256,))]


def describe(sae):
    with torch.no_grad():
        codes, decoded = sae.encode(cells), sae(cells)
    total = (cells - cells.mean(0)).square().sum()
    return (codes > 0).float().sum(1).mean().item(), 1 - ((decoded - cells).square().sum() / total).item()


print("sae-lens", version("sae-lens"), "torch", torch.__version__)
with tempfile.TemporaryDirectory() as folder:
    asked = StandardTrainingSAEConfig(
        d_in=16, d_sae=96, l1_coefficient=0.5, normalize_activations="expected_average_only_in"
    )
    config = SAETrainerConfig(
        total_training_samples=256 * 2000,
        train_batch_size_samples=256,
        lr=3e-3,
        lr_end=3e-3,
        checkpoint_path=folder,
        n_checkpoints=3,
        n_batches_for_norm_estimate=50,
    )
    final = describe(SAETrainer(config, StandardTrainingSAE(asked), batches()).fit())
    checkpoint = max(Path(folder).iterdir(), key=lambda path: path.stat().st_mtime_ns)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        loaded = SAE.load_from_disk(checkpoint, device="cpu")
    factor = json.loads((checkpoint / "activation_scaler.json").read_text())["scaling_factor"]
    as_loaded = describe(loaded)
    loaded.fold_activation_norm_scaling_factor(factor)
    by_hand = describe(loaded)
print(f"input multiplied by {factor:.4f} in training; said on loading: {[str(w.message) for w in said]}")
for name, (fired, explained) in {"last checkpoint, loaded": as_loaded, "the same, factor folded by hand": by_hand, "returned by fit": final}.items():
    print(f"{name}: {fired:.1f} features per cell, explained variance {explained:.3f}")

require(as_loaded[0] > 1.3 * by_hand[0], "the checkpoint is loaded in the unit of its training")
require(abs(by_hand[0] / final[0] - 1) < 0.2, "checkpoint and final SAE are further apart")
PYTHON

(cd "$work" && venv/bin/python check.py 2> "$work/log" || { tail -n 5 "$work/log" >&2; exit 1; })
