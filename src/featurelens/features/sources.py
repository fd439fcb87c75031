"""Names of sources of features: an SAE, a control of it or of the cells, a repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from featurelens.io import InputError
from featurelens.sae.config import SAEConfig

SaeControl = Literal["untrained", "frozen", "random"]
"""Of one SAE: its initial weights, trained under its initial decoder, random directions."""
CellControl = Literal["pca", "ica", "nmf", "dimensions"]
"""Of the cells: components of measured expression, and the embedding's own dimensions."""
Kind = Literal["untrained", "frozen", "random", "pca", "ica", "nmf", "dimensions"]
Repeatable = Literal["sae", "untrained", "frozen", "random", "ica", "nmf"]

OF_CELLS = "control"
"""First part of the name of a control of the cells; no SAE may have it."""

TRAINED_PATTERN = r"[^/.]+(\.(untrained|frozen))?(\.seed\d+)?"
RANDOM_PATTERN = r"[^/.]+\.random(\.seed\d+)?"
CELL_PATTERN = r"control\.[a-z]+(\.seed\d+)?"
ENCODED_PATTERN = rf"(?!{OF_CELLS}\.)[^/]+"
"""Regular expressions of the sources that a rule makes; the last two know all that has weights."""

_NAME = re.compile(r"(?P<owner>[^/.]+)(?:\.(?P<kind>[a-z]+))?(?:\.seed(?P<seed>\d+))?")


@dataclass(frozen=True)
class Source:
    """A source of features by the parts of its name."""

    name: str
    """As in paths."""
    sae: str | None
    """The SAE that it is or belongs to; None for a control of the cells."""
    kind: str
    """``sae`` or the kind of control."""
    seed: int | None
    """Number of a repeat; None for the first run."""

    def family(self, relatives: Mapping[str, str]) -> str:
        """Name that all its repeats share; see :func:`relatives`."""
        if self.sae is None:
            return f"{OF_CELLS}.{self.kind}"
        owner = relatives.get(self.sae, self.sae)
        return owner if self.kind == "sae" else f"{owner}.{self.kind}"


def parse_source(name: str) -> Source:
    """Take a name apart.

    Raises
    ------
    InputError
        If it is no name of a source.
    """
    match = _NAME.fullmatch(name)
    if match is not None:
        owner, kind, seed = match["owner"], match["kind"], match["seed"]
        number = None if seed is None else int(seed)
        if owner == OF_CELLS and kind in get_args(CellControl):
            return Source(name, None, kind, number)
        if owner != OF_CELLS and kind in (None, *get_args(SaeControl)):
            return Source(name, owner, kind or "sae", number)
    raise InputError(
        f"{name!r} names no source of features; write <sae>, <sae>.<control> or control.<method>, "
        f"with controls {', '.join(get_args(SaeControl))} and methods "
        f"{', '.join(get_args(CellControl))}, and .seed<n> for a repeat"
    )


def relatives(saes: Mapping[str, SAEConfig]) -> dict[str, str]:
    """Each SAE's first relative in the config, which differs from it by its seed at most."""
    first: dict[SAEConfig, str] = {}
    for name, sae in saes.items():
        first.setdefault(replace(sae, seed=0), name)
    return {name: first[replace(sae, seed=0)] for name, sae in saes.items()}


def trained_config(name: str, saes: Mapping[str, SAEConfig]) -> SAEConfig:
    """What to train for an SAE of the config, a repeat of it, or its control.

    Raises
    ------
    InputError
        If the name belongs to no SAE of the config, or to a control that is not trained.
    """
    source = parse_source(name)
    if (
        source.sae is None
        or source.sae not in saes
        or source.kind not in ("sae", "untrained", "frozen")
    ):
        raise InputError(f"{name!r} is not trained; SAEs of this run are {', '.join(saes)}")
    config = saes[source.sae]
    if source.seed is not None:
        config = replace(config, seed=source.seed)
    if source.kind == "untrained":
        return replace(config, trained="nothing")
    return replace(config, trained="encoder") if source.kind == "frozen" else config
