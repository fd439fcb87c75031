"""Controls that are drawn from a trained SAE: other weights in its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from featurelens.controls.config import ControlConfig
from featurelens.controls.control import load_control
from featurelens.features.sources import Source
from featurelens.io import sha256_array
from featurelens.sae import model
from featurelens.sae.model import SAE
from featurelens.version import __version__


def drawn_control(folder: Path, X: np.ndarray, source: Source, *, config: ControlConfig) -> SAE:
    """A control of the SAE in a folder, with its origin in the metadata.

    Parameters
    ----------
    folder
        Of the SAE to match, trained on ``X``.
    X
        The embedding, (n_cells, d_in).
    source
        The control; its seed, if it has one, stands for ``config.seed``.

    Raises
    ------
    InputError
        If the SAE was trained on another embedding.
    LookupError
        If the control is not one that is drawn.
    """
    draw = load_control(source.kind).draw
    if draw is None:
        raise LookupError(f"{source.kind!r} is no control that is drawn from an SAE")
    digest = sha256_array(X)
    sae = model.load(folder, data_sha256=digest)
    seed = config.seed if source.seed is None else source.seed
    about = {"version": __version__, "data_sha256": digest, "matches": source.sae, "seed": seed}
    return replace(draw(sae, X, seed), metadata=about)
