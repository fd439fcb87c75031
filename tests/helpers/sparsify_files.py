"""Folders as sparsify saves them: ``cfg.json`` and ``sae.safetensors``."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

NAMES = {"W_enc": "encoder.weight", "b_enc": "encoder.bias"}


def write_sparsify(folder: Path, tensors, **config) -> Path:
    """A folder of a sparse coder; tensors by SAELens' names, ``W_enc`` (d_in, num_latents)."""
    arrays = {name: array.T if name == "W_enc" else array for name, array in tensors.items()}
    arrays = {NAMES.get(name, name): np.ascontiguousarray(a) for name, a in arrays.items()}
    save_file(arrays, folder / "sae.safetensors")
    d_in, n_latents = tensors["W_enc"].shape
    said = {"activation": "topk", "expansion_factor": 32, "num_latents": n_latents, "d_in": d_in}
    (folder / "cfg.json").write_text(json.dumps(said | config))
    return folder
