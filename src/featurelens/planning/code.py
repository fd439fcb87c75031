"""The code of jobs that load things by name: of a registry, what their config asks for alone.

Code that an entry point brings is another package's: the hash of its files, remarks aside, stands
beside the library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from featurelens.embeddings.registry import GROUP, MODELS
from featurelens.planning.sources import read_source
from featurelens.planning.steps import Step
from featurelens.plugins import brought_files, names
from featurelens.sae.listing import ARCHITECTURE_GROUP, able
from featurelens.steps import HOMES

Fingerprint = Callable[..., str]
"""As :meth:`featurelens.planning.fingerprint.Fingerprints.of`."""

ARCHITECTURES = "featurelens.sae.architectures"


def model_code(fingerprint: Fingerprint, script: str, kind: str) -> str:
    """Code of a job that embeds with one kind of model."""
    own, beside = _loaded(MODELS, [kind], GROUP)
    return fingerprint(script, beside=beside, embeddings__models=own)


def checks_code(fingerprint: Fingerprint, script: str, kinds: Iterable[str]) -> str:
    """Code of a job that checks models of some kinds; of the others it loads the options alone."""
    own, beside = _loaded(MODELS, kinds, GROUP)
    folder = Path(__file__).parents[1] / "embeddings/models"
    options = [f"{kind}.config" for kind in names(MODELS) if (folder / kind).is_dir()]
    return fingerprint(script, beside=beside, embeddings__models={*own, *options})


def step_code(fingerprint: Fingerprint, script: str, step: Step) -> str:
    """Code of a job that takes one step: of its file, and of no other step's."""
    homes = {home.partition(".")[2].replace(".", "__"): home for home in HOMES}
    only = {key: step.name if home == step.home else None for key, home in homes.items()}
    return fingerprint(script, **only)


def sae_code(
    fingerprint: Fingerprint,
    script: str,
    saes: Iterable[tuple[str, str]],
    *,
    engine: str | None = None,
    **only: str | Iterable[str],
) -> str:
    """Code of a job that asks for the architectures of some SAEs.

    Parameters
    ----------
    fingerprint, script
        How, and of which script.
    saes
        Architecture of each, and what is trained of it
        (:attr:`featurelens.sae.config.SAEConfig.trained`).
    engine
        The engine that trains them, or ``auto``, where any that can may be chosen; None for a
        script that trains nothing.
    **only
        What else it loads by name.
    """
    asked = {(architecture, trained != "all") for architecture, trained in saes}
    own, beside = _loaded(ARCHITECTURES, {name for name, _ in asked}, ARCHITECTURE_GROUP)
    only["sae__architectures"] = own
    if engine is not None:
        only["sae__engines"] = {
            name
            for architecture, partly in asked
            for name in able(architecture, engine=engine, partly=partly)
        }
    return fingerprint(script, beside=beside, **only)


def point_codes(
    fingerprint: Fingerprint, script: str, points: Sequence[Mapping[str, Any]], *, engine: str
) -> list[str]:
    """Code of each point of a stack, as :func:`sae_code` of its own architecture alone.

    Code of the stack as a whole would change with an architecture that joins it, and every point
    that is trained already would be trained again.
    """
    asked = [(point["architecture"], point["trained"]) for point in points]
    codes = {each: sae_code(fingerprint, script, [each], engine=engine) for each in set(asked)}
    return [codes[each] for each in asked]


def stack_code(
    fingerprint: Fingerprint, script: str, stacks: Mapping[str, Any], *, engine: str
) -> Callable[[Any], list[str]]:
    """:func:`point_codes` of a job's stack, by its wildcards ``sweep`` and ``stack``."""

    def of_points(wildcards: Any) -> list[str]:
        points = stacks[wildcards.sweep][wildcards.stack]
        return point_codes(fingerprint, script, points, engine=engine)

    return of_points


def import_code(fingerprint: Fingerprint, script: str) -> str:
    """Code of a job that reads an SAE which was trained elsewhere; it asks for no architecture."""
    return fingerprint(script, sae__architectures=None, sae__engines=None)


def _loaded(package: str, asked: Iterable[str], group: str) -> tuple[list[str], str | None]:
    """What is the library's own of a package, and hashes of what entry points bring."""
    brought = {name: brought_files(package, name, group=group) for name in sorted(asked)}
    hashes = [
        read_source(file.read_bytes(), str(file)).code
        for files in brought.values()
        for file in files
    ]
    return [name for name, files in brought.items() if not files], " ".join(hashes) or None
