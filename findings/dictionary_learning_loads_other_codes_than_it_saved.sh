#!/usr/bin/env bash
# Guess: from_pretrained gives back the SAE in ae.pt, so codes are those of training.
# Seen: AutoEncoder.from_pretrained, and only this class, rescales the decoder to unit norm and the
#   encoder by the inverse. After StandardTrainerAprilUpdate, whose decoder is free, every feature's
#   codes are multiplied by a factor of its own (here 0.3 to 0.9); reconstructions agree, but the
#   strongest feature is another one in a quarter of the cells than by the weights in the file.
# Package: dictionary-learning 0.1.0 (dictionary.py and trainers/standard.py, imported without the
#   rest of the package, which needs a language-model stack), torch 2.13.0
# Source: dictionary_learning/dictionary.py: normalize_decoder=True in from_pretrained, explained in
#   a comment there; absent from the README. It prints one line.
# Matters: codes computed from the tensors by another reader, or by the trainer at the end of
#   training, do not compare with those of the package: feature rankings and activation thresholds
#   shift.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 einops tqdm
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps dictionary-learning==0.1.0

cat > "$work/check.py" <<'PYTHON'
import sys
import types
import warnings
from importlib.metadata import distribution, version

warnings.simplefilter("ignore")
import torch

package = types.ModuleType("dictionary_learning")  # in place of __init__.py, which imports nnsight
package.__path__ = [str(distribution("dictionary-learning").locate_file("dictionary_learning"))]
sys.modules["dictionary_learning"] = package
from dictionary_learning.dictionary import AutoEncoder
from dictionary_learning.trainers.standard import StandardTrainerAprilUpdate


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


torch.manual_seed(0)
directions = torch.randn(40, 16) * torch.linspace(0.2, 4, 40)[:, None]
cells = (torch.rand(2000, 40) * (torch.rand(2000, 40) < 0.1)) @ directions
trainer = StandardTrainerAprilUpdate(
    steps=1500,
    activation_dim=16,
    dict_size=64,
    layer=0,
    lm_name="none",
    lr=3e-3,
    l1_penalty=0.02,
    warmup_steps=10,
    sparsity_warmup_steps=10,
    seed=0,
    device="cpu",
)
for step in range(1500):
    trainer.update(step, cells[torch.randint(0, 2000, (256,))])
torch.save(trainer.ae.state_dict(), "ae.pt")

loaded = AutoEncoder.from_pretrained("ae.pt")
as_saved = AutoEncoder.from_pretrained("ae.pt", normalize_decoder=False)
with torch.no_grad():
    trained, package_codes, file_codes = (
        sae.encode(cells) for sae in (trainer.ae, loaded, as_saved)
    )
    alive = (trained > 0).any(0)
    factor = loaded.encoder.weight.norm(dim=1) / trainer.ae.encoder.weight.norm(dim=1)
    used = (trained > 0).any(1)
    same_best = (trained.argmax(1) == package_codes.argmax(1))[used].float().mean().item()
    reconstruction = (trainer.ae(cells) - loaded(cells)).abs().max().item()
print("dictionary-learning", version("dictionary-learning"), "torch", torch.__version__)
print(
    f"live features: {int(alive.sum())}; factors of their codes: {factor[alive].min():.2f} to {factor[alive].max():.2f}"
)
print(
    f"reconstructions differ by {reconstruction:.1e}; cells whose strongest feature is the same: {same_best:.0%}"
)
print(f"normalize_decoder=False: codes differ by {(trained - file_codes).abs().max():.1e}")

require(torch.equal(trained, file_codes), "the file does not hold what was trained")
require(factor[alive].max() / factor[alive].min() > 1.5, "codes are no longer rescaled on load")
require(reconstruction < 1e-3, "the reconstruction changes")
require(same_best < 0.99, "the strongest feature of a cell is the same everywhere")
PYTHON

(cd "$work" && venv/bin/python check.py)
