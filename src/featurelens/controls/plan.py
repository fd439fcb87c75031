"""Which controls of which SAEs a run makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from featurelens.controls.config import ControlConfig
from featurelens.features.sources import (
    CELL_CONTROLS,
    OF_CELLS,
    SAE_CONTROLS,
    TRAINED_AS,
    relatives,
)
from featurelens.places import Place
from featurelens.sae.config import ImportedSAE, SAEConfig, to_import


def sources(
    config: ControlConfig, saes: Sequence[str], *, imported: Collection[str] = ()
) -> list[str]:
    """Names of all controls and repeats of some SAEs, without the SAEs themselves.

    Repeats of the SAEs come first, then controls of the SAEs, then controls of the cells. Those
    that are ``imported`` have no control that would have to be trained, and no repeat.
    """
    trained = [sae for sae in saes if sae not in imported]
    names = [name for sae in trained for name in _repeats(sae, "sae", config)]
    for kind in config.kinds:
        if kind in SAE_CONTROLS:
            owned = [f"{sae}.{kind}" for sae in (trained if kind in TRAINED_AS else saes)]
            names += [n for name in owned for n in (name, *_repeats(name, kind, config))]
    for kind in config.kinds:
        if kind in CELL_CONTROLS and saes:
            names += [f"{OF_CELLS}.{kind}", *_repeats(f"{OF_CELLS}.{kind}", kind, config)]
    return list(dict.fromkeys(names))


def controlled(
    config: ControlConfig, annotated: Sequence[str], saes: Mapping[str, SAEConfig | ImportedSAE]
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
    for place in map(Place.parse, annotated):
        here = ((config.embeddings, place.embedding), (config.collections, place.collection))
        if config.wanted and all(names is None or value in names for names, value in here):
            groups.setdefault((place.embedding, place.collection), []).append(place.sae)
    return [
        f"{embedding}/{source}/{collection}"
        for (embedding, collection), present in groups.items()
        for source in (
            *sorted(
                (sae for sae in present if kin[sae] in among_kin), key=lambda sae: sae not in chosen
            ),
            *sources(config, [sae for sae in present if sae in chosen], imported=to_import(saes)),
        )
    ]


def left_out(config: ControlConfig, saes: Mapping[str, SAEConfig | ImportedSAE]) -> list[str]:
    """A line for each SAE that was trained elsewhere, where controls of it would be trained."""
    kinds = [f"{kind!r}" for kind in config.kinds if kind in TRAINED_AS]
    kinds += ["repeats with further seeds"] * bool(config.seeds and "sae" in config.repeat)
    chosen = saes if config.saes is None else config.saes
    return [
        f"left out of this run: controls {', '.join(kinds)} of 'saes.{name}', which was trained "
        "elsewhere and cannot be trained again"
        for name in to_import(saes)
        if name in chosen and kinds
    ]


def _repeats(name: str, kind: str, config: ControlConfig) -> list[str]:
    return [f"{name}.seed{seed}" for seed in config.seeds] if kind in config.repeat else []
