"""SAEs that were trained elsewhere: which embeddings they are of, and a look at their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from featurelens.config.errors import absent_file
from featurelens.io import InputError
from featurelens.options import build
from featurelens.places import Place
from featurelens.sae.config import ImportedSAE


class Imported(NamedTuple):
    """What was found in the files of one."""

    key: str
    """Key of the config that names them."""
    files: list[str]
    """Those that were read."""
    found: str
    """What they hold, in words."""
    n_features: int


def imported_of(plain: Mapping[str, Any], saes: Iterable[Place]) -> dict[str, dict[str, Any]]:
    """Those of a run's SAEs that were trained elsewhere, by name.

    Parameters
    ----------
    plain
        The run in plain form.
    saes
        Its SAEs, on every embedding.

    Returns
    -------
    dict
        ``config``, in plain form, and ``embeddings``, as dataset/model.
    """
    saes = list(saes)
    return {
        name: {
            "config": config,
            "embeddings": [place.embedding for place in saes if place.sae == name],
        }
        for name, config in plain["saes"].items()
        if "path" in config
    }


def read_imported(
    name: str,
    plain: Mapping[str, Any],
    embeddings: Iterable[str],
    dimensions: Mapping[str, int | None],
) -> Imported:
    """Read one, and compare its inputs with the dimensions of its embeddings where these are known.

    Raises
    ------
    InputError
        If its files are not there, cannot be read, or are of another width.
    """
    from featurelens.sae.model import read_saved, require_width
    from featurelens.sae.saved import Saved

    config: ImportedSAE = build(ImportedSAE, plain)
    key = f"saes.{name}.path"
    if not Path(config.path).exists():
        raise InputError(absent_file(key, config.path))
    saved = Saved(config.path, config)
    sae = read_saved(saved)
    for embedding in embeddings:
        d_in = dimensions.get(embedding)
        if d_in is not None:
            require_width(sae, d_in, where=config.path, embedding=embedding)
    found = f"{sae.d_sae} features of {sae.d_in} dimensions: {saved.origin}"
    return Imported(key, list(map(str, saved.files)), found, sae.d_sae)
