"""Names of controls, and which of them a run makes.

A source of features is named

    <sae>[.<control>][.seed<n>]      an SAE of the config, or a control of it, such as .untrained
    control.<kind>[.seed<n>]         a control of the cells, of no SAE, such as control.pca

Names in a config hold no dot, so that none can collide with a control. Imports nothing heavy,
because the workflow reads it while it plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from featurelens.enrichment.config import NullName
from featurelens.features.sources import OF_CELLS, Kind, Repeatable, parse_source
from featurelens.options import STRICT
from featurelens.sae.config import ImportedSAE, SAEConfig, to_train


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


def made_with(name: str, config: ControlConfig) -> dict[str, int]:
    """What of a config decides how one source of features is made, which ones are made aside.

    Examples
    --------
    >>> config = ControlConfig(kinds=("pca", "random"), seeds=(1,))
    >>> made_with("control.pca", config)
    {'n_components': 50, 'seed': 0}
    >>> made_with("topk.random", config)
    {'seed': 0}
    >>> made_with("topk", config)
    {}
    """
    source = parse_source(name)
    if source.sae is None:
        return {"n_components": config.n_components, "seed": config.seed}
    return {} if source.kind == "sae" else {"seed": config.seed}


def contradictions(
    config: ControlConfig,
    *,
    embeddings: Sequence[str],
    saes: Mapping[str, SAEConfig | ImportedSAE],
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
    trained = to_train(saes)
    for name in config.saes or saes:
        if name in trained and trained[name].seed in config.seeds:
            seed = trained[name].seed
            yield f"'controls.seeds' has {seed}, which {name!r} has already; take others", "", ()
