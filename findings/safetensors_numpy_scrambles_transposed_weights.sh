#!/usr/bin/env bash
# Guess: safetensors.numpy.save_file writes the array it is given, or refuses one that is not
#   contiguous, as safetensors.torch does.
# Seen: version 0.8.0 writes the memory as it lies and the shape as it looks: the transpose of a
#   weight, a Fortran-ordered or a sliced array comes back with the right shape, type, and
#   (transpose) exactly the right set of values, in the wrong places. 0.7.0 wrote them correctly.
# Package: safetensors 0.8.0 against 0.7.0
# Source: the docstring asks for contiguous tensors, nothing checks it. Reported upstream as
#   safetensors issue 825 (open when this was written); a fix makes this script fail.
# Matters: converting an SAE between packages is a transpose (encoder.weight is d_sae x d_in, W_enc
#   is d_in x d_sae), and PCA components are Fortran-ordered: the file loads everywhere and the SAE
#   is noise. Norms, histograms and checksums of sums do not show it. Call numpy.ascontiguousarray
#   first.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check numpy==2.4.6

cat > "$work/check.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load_file, save_file

expected_wrong = sys.argv[1] == "wrong"


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


rng = np.random.default_rng(0)
encoder_weight = rng.normal(size=(64, 16)).astype(np.float32)
arrays = {
    "contiguous": encoder_weight,
    "transposed": encoder_weight.T,
    "Fortran order": np.asfortranarray(encoder_weight),
    "every second column": encoder_weight[:, ::2],
    "transposed, then ascontiguousarray": np.ascontiguousarray(encoder_weight.T),
}
print("safetensors", version("safetensors"), "numpy", version("numpy"))
for name, array in arrays.items():
    save_file({"W_enc": array}, "weights.safetensors")
    read = load_file("weights.safetensors")["W_enc"]
    require(
        read.shape == array.shape and read.dtype == array.dtype, f"{name}: another shape or type"
    )
    right = np.array_equal(read, array)
    values = np.array_equal(np.sort(read, axis=None), np.sort(array, axis=None))
    print(
        f"{name}: {'right' if right else 'WRONG'}, same set of values: {values}, correlation {np.corrcoef(read.ravel(), array.ravel())[0, 1]:.2f}"
    )
    if array.flags.c_contiguous:
        require(right, f"{name}: not read back")
    else:
        require(right != expected_wrong, f"{name}: {'right' if right else 'wrong'}")
PYTHON

for release in 0.7.0:right 0.8.0:wrong; do
    "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "safetensors==${release%:*}"
    (cd "$work" && venv/bin/python check.py "${release#*:}")
done
