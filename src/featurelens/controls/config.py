"""Names of controls, and which of them a run makes.

A source of features is named

    <sae>[.untrained|.frozen|.random][.seed<n>]      an SAE of the config, or a control of it
    control.<pca|ica|nmf|dimensions>[.seed<n>]       a control of the cells, of no SAE

Names in a config hold no dot, so that none can collide with a control. Imports nothing heavy,
because the workflow reads it while it plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args

from annotated_types import Ge

from featurelens.io import InputError
from featurelens.options import STRICT
from featurelens.sae.config import SAEConfig
from featurelens.term_filters import NullName

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


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    """What is annotated beside the SAEs, to see what their annotations are worth."""

    __pydantic_config__ = STRICT

    kinds: tuple[Kind, ...] = ()
    """Controls to make; none by default."""
    n_components: Annotated[int, Ge(1)] = 50
    """Components of expression to ask for; more than its rank are never kept."""
    seed: int = 0
    """Seed of ICA, NMF and the random directions."""
    seeds: tuple[Annotated[int, Ge(0)], ...] = ()
    """Further seeds, with which the sources under repeat are made again; two make three runs."""
    repeat: tuple[Repeatable, ...] = ("sae",)
    """Sources that are made again with every further seed, to see which annotations stay."""
    embeddings: tuple[str, ...] | None = None
    """Embeddings that get controls, as dataset/model; null takes all."""
    saes: tuple[str, ...] | None = None
    """SAEs that get controls; null takes all."""
    collections: tuple[str, ...] | None = None
    """Collections of gene sets that controls are annotated with; null takes all."""
    nulls: tuple[NullName, ...] = ("complete",)
    """Nulls beside the shares of controls and repeats."""
    n_permutations: Annotated[int, Ge(2)] | None = None
    """Permutations that calibrate controls and repeats; null takes as many as for the SAEs."""

    @property
    def wanted(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.kinds or self.seeds)


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


def sources(config: ControlConfig, saes: Sequence[str]) -> list[str]:
    """Names of all controls and repeats of some SAEs, without the SAEs themselves.

    Repeats of the SAEs come first, then controls of the SAEs, then controls of the cells.
    """
    names = [name for sae in saes for name in _repeats(sae, "sae", config)]
    for kind in config.kinds:
        if kind in get_args(SaeControl):
            owned = [f"{sae}.{kind}" for sae in saes]
            names += [n for name in owned for n in (name, *_repeats(name, kind, config))]
    for kind in config.kinds:
        if kind in get_args(CellControl) and saes:
            names += [f"{OF_CELLS}.{kind}", *_repeats(f"{OF_CELLS}.{kind}", kind, config)]
    return list(dict.fromkeys(names))


def relatives(saes: Mapping[str, SAEConfig]) -> dict[str, str]:
    """Each SAE's first relative in the config, which differs from it by its seed at most."""
    first: dict[SAEConfig, str] = {}
    for name, sae in saes.items():
        first.setdefault(replace(sae, seed=0), name)
    return {name: first[replace(sae, seed=0)] for name, sae in saes.items()}


def controlled(
    config: ControlConfig, annotated: Sequence[str], saes: Mapping[str, SAEConfig]
) -> list[str]:
    """Everything that is compared: the SAEs chosen, their relatives, repeats and controls.

    Parameters
    ----------
    config
        Which controls; without any the list is empty.
    annotated
        SAEs of the run, as dataset/model/sae/collection.
    saes
        Their configs.

    Returns
    -------
    list of str
        dataset/model/source/collection, by embedding and collection.
    """
    kin = relatives(saes)
    chosen = list(saes if config.saes is None else config.saes)
    among_kin = {kin[name] for name in chosen if name in kin}
    groups: dict[tuple[str, str], list[str]] = {}
    for name in annotated:
        dataset, model, sae, collection = name.split("/")
        here = ((config.embeddings, f"{dataset}/{model}"), (config.collections, collection))
        if config.wanted and all(names is None or value in names for names, value in here):
            groups.setdefault((f"{dataset}/{model}", collection), []).append(sae)
    return [
        f"{embedding}/{source}/{collection}"
        for (embedding, collection), present in groups.items()
        for source in (
            *sorted(
                (sae for sae in present if kin[sae] in among_kin), key=lambda sae: sae not in chosen
            ),
            *sources(config, [sae for sae in present if sae in chosen]),
        )
    ]


def _repeats(name: str, kind: str, config: ControlConfig) -> list[str]:
    return [f"{name}.seed{seed}" for seed in config.seeds] if kind in config.repeat else []


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


def contradictions(
    config: ControlConfig,
    *,
    embeddings: Sequence[str],
    saes: Mapping[str, SAEConfig],
    collections: Sequence[str],
) -> Iterator[tuple[str, str, Sequence[str]]]:
    """What of the config cannot be, as (message, word, known words to suggest for it).

    The word is empty where there is nothing to suggest.
    """
    if OF_CELLS in saes:
        yield f"'saes.{OF_CELLS}': this name is kept for controls; rename the SAE", "", ()
    if not config.wanted:
        return
    for key, present in (("datasets", embeddings), ("collections", collections)):
        if not present:
            yield f"'controls' are asked for but no '{key}'; add some or drop controls", "", ()
    chosen = {
        "embeddings": (config.embeddings, embeddings),
        "saes": (config.saes, list(saes)),
        "collections": (config.collections, collections),
        "repeat": (config.repeat, ["sae", *config.kinds]),
    }
    for key, (names, known) in chosen.items():
        for name in names or ():
            if known and name not in known:
                yield (
                    f"'controls.{key}' names {name!r}, which this run does not annotate",
                    name,
                    known,
                )
    for name in config.saes or saes:
        if name in saes and saes[name].seed in config.seeds:
            seed = saes[name].seed
            yield f"'controls.seeds' has {seed}, which {name!r} has already; take others", "", ()
