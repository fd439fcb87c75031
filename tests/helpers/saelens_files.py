"""Folders as SAELens saves them: ``cfg.json`` and ``sae_weights.safetensors``."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

VERSION = {"metadata": {"sae_lens_version": "6.54.12"}}


def write_saelens(folder: Path, tensors, **config) -> Path:
    """A folder of a standard SAE without a version, unless ``config`` says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    save_file(arrays, folder / "sae_weights.safetensors")
    d_in, d_sae = arrays["W_enc"].shape
    said = {"architecture": "standard", "d_in": d_in, "d_sae": d_sae}
    said |= {"dtype": str(arrays["W_enc"].dtype)}
    (folder / "cfg.json").write_text(json.dumps(said | config))
    return folder
