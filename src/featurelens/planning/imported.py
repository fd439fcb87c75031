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
    config: Mapping[str, Any],
    embeddings: Iterable[str],
    *,
    dimensions: Mapping[str, int | None],
    datasets: Mapping[str, Any],
) -> Imported:
    """Read one, and compare its inputs with the dimensions of its embeddings where these are known.

    Parameters
    ----------
    name, config, embeddings
        As in :func:`imported_of`.
    dimensions
        Of embeddings, by dataset/model.
    datasets
        The part of a run's configuration of that name, in plain form.

    Raises
    ------
    InputError
        If its files are not there, cannot be read, or are of another width, or if it is a
        transcoder that would be steered.
    """
    from featurelens.sae.model import read_saved, require_width
    from featurelens.sae.saved import Saved

    given: ImportedSAE = build(ImportedSAE, config)
    key = f"saes.{name}.path"
    if not Path(given.path).exists():
        raise InputError(absent_file(key, given.path))
    saved = Saved(given.path, given)
    sae = read_saved(saved)
    for embedding in embeddings:
        d_in = dimensions.get(embedding)
        if d_in is not None:
            require_width(sae, d_in, where=given.path, embedding=embedding)
    if not sae.has_decoder:
        _require_steerable(name, key, embeddings, datasets)
    found = f"{sae.d_sae} features of {sae.d_in} dimensions: {saved.origin}"
    return Imported(key, list(map(str, saved.files)), found, sae.d_sae)


def _require_steerable(
    name: str, key: str, embeddings: Iterable[str], datasets: Mapping[str, Any]
) -> None:
    """Raise an InputError where a transcoder would be steered."""
    for dataset in (Place.parse(embedding).dataset for embedding in embeddings):
        if datasets.get(dataset, {}).get("steering") is not None:
            raise InputError(
                f"{key}: a transcoder, whose decoder predicts another layer, so its features "
                f"cannot be steered; leave out datasets.{dataset}.steering, or name {name!r} in a "
                f"run without it and the other SAEs as datasets.{dataset}.saes"
            )
