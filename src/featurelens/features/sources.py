"""Names of sources of features: an SAE, a control of it or of the cells, a repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from featurelens.io import InputError
from featurelens.plugins import names, stated
from featurelens.sae.config import ImportedSAE, SAEConfig, to_train

# Not written as one string: these are names and literals, and nothing is loaded from here.
_KINDS = f"{__package__.partition('.')[0]}.controls.kinds"
_FACTS = {kind: stated(_KINDS, kind, "CONTROL") for kind in names(_KINDS)}

SAE_CONTROLS = tuple(kind for kind, facts in _FACTS.items() if facts["of"] == "sae")
"""Of one SAE: its initial weights, trained under its initial decoder, random directions."""
CELL_CONTROLS = tuple(kind for kind, facts in _FACTS.items() if facts["of"] == "cells")
"""Of the cells: components of measured expression, and the embedding's own dimensions."""
TRAINED_AS = {kind: facts["trained"] for kind, facts in _FACTS.items() if "trained" in facts}
"""Controls that are SAEs themselves, and what of them is trained."""
CONTROL_LABELS = {
    kind: facts["label"]
    for kind, facts in sorted(_FACTS.items(), key=lambda item: item[1].get("place", 99))
}
"""What figures call each control, in their order."""

if TYPE_CHECKING:
    Kind = str
    Repeatable = str
else:
    Kind = Literal[(*SAE_CONTROLS, *CELL_CONTROLS)]
    Repeatable = Literal[
        ("sae", *(kind for kind in get_args(Kind) if _FACTS[kind].get("repeatable", True)))
    ]

OF_CELLS = "control"
"""First part of the name of a control of the cells; no SAE may have it."""

_SEED = r"(\.seed\d+)?"
_DRAWN = "|".join(sorted(set(SAE_CONTROLS) - set(TRAINED_AS))) or "(?!)"
TRAINED_PATTERN = rf"[^/.]+(\.({'|'.join(TRAINED_AS)}))?{_SEED}"
RANDOM_PATTERN = rf"[^/.]+\.({_DRAWN}){_SEED}"
"""Regular expressions of the sources whose weights a rule makes."""

_NAME = re.compile(r"(?P<owner>[^/.]+)(?:\.(?P<kind>[a-z_]+))?(?:\.seed(?P<seed>\d+))?")


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
        if owner == OF_CELLS and kind in CELL_CONTROLS:
            return Source(name, None, kind, number)
        if owner != OF_CELLS and kind in (None, *SAE_CONTROLS):
            return Source(name, owner, kind or "sae", number)
    raise InputError(
        f"{name!r} names no source of features; write <sae>, <sae>.<control> or control.<method>, "
        f"with controls {', '.join(SAE_CONTROLS)} and methods "
        f"{', '.join(CELL_CONTROLS)}, and .seed<n> for a repeat"
    )


def relatives(saes: Mapping[str, SAEConfig | ImportedSAE]) -> dict[str, str]:
    """Each SAE's first relative in the config, which differs from it by its seed at most.

    One that was trained elsewhere has none but itself.
    """
    first: dict[SAEConfig, str] = {}
    trained = to_train(saes)
    for name, sae in trained.items():
        first.setdefault(replace(sae, seed=0), name)
    return {
        name: first[replace(trained[name], seed=0)] if name in trained else name for name in saes
    }


def trained_config(
    name: str, saes: Mapping[str, SAEConfig | ImportedSAE]
) -> SAEConfig | ImportedSAE:
    """What to train for an SAE of the config, a repeat of it, or its control; or what to import.

    Raises
    ------
    InputError
        If the name belongs to no SAE of the config, to a control that is not trained, or to one
        that would have to be, of an SAE that was trained elsewhere.
    """
    source = parse_source(name)
    if source.sae is None or source.sae not in saes or source.kind not in ("sae", *TRAINED_AS):
        raise InputError(f"{name!r} is not trained; SAEs of this run are {', '.join(saes)}")
    config = saes[source.sae]
    if isinstance(config, ImportedSAE):
        if name != source.sae:
            raise InputError(
                f"{name!r} would have to be trained, but {source.sae!r} was trained elsewhere; ask "
                f"for {source.sae}.random, or for controls of the cells"
            )
        return config
    if source.seed is not None:
        config = replace(config, seed=source.seed)
    if source.kind in TRAINED_AS:
        return replace(config, trained=TRAINED_AS[source.kind])
    return config
