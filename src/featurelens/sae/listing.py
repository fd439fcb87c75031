"""Which architectures, engines and forms of files there are, and what their modules say of them.

What is a literal in their entries is read from the text: neither numpy nor torch is imported, so
that the workflow may ask while it plans.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from featurelens.io import InputError
from featurelens.plugins import names, stated

# Not written as one string: these are names alone, and no module below them is loaded from here.
_ARCHITECTURES = f"{__package__}.architectures"
_ENGINES = f"{__package__}.engines"
_FILES = f"{__package__}.files"
_SUFFIXES = (".json", ".safetensors", ".pt", ".pth", ".bin")
_BESIDE = ("cfg.json", "config.json")
ARCHITECTURE_GROUP = "featurelens.architectures"


@cache
def architectures() -> tuple[str, ...]:
    """Names of all architectures, the paper's first, those of other packages among them."""
    others = set(names(_ARCHITECTURES, group=ARCHITECTURE_GROUP)) - set(paper_architectures())
    return (*paper_architectures(), *sorted(others))


@cache
def paper_architectures() -> tuple[str, ...]:
    """The author's own architectures, in the paper's order."""
    places = {name: _architecture(name).get("paper", 0) for name in names(_ARCHITECTURES)}
    return tuple(sorted(filter(places.get, places), key=lambda name: places[name]))


@cache
def sparsity(architecture: str) -> str:
    """The option that sets how sparse an architecture is: ``l1``, or ``k`` without a penalty."""
    return "l1" if _architecture(architecture).get("penalty", "none") != "none" else "k"


@cache
def starts_linear(architecture: str) -> bool:
    """Whether an architecture may start as two torch.nn.Linear layers."""
    return bool(_architecture(architecture).get("linear_start"))


def engines() -> tuple[str, ...]:
    """Names of all engines."""
    return names(_ENGINES)


def formats() -> tuple[str, ...]:
    """Names of all forms of files that a trained SAE is read from."""
    return names(_FILES)


def given_files(path: str) -> list[str]:
    """Files of an SAE that was given as a folder, or as one file; that names what is read of it.

    What lies beside weights in a folder, such as logs of training, is not among them.
    """
    given = Path(path)
    if given.is_dir():
        return [str(file) for file in sorted(given.iterdir()) if file.suffix in _SUFFIXES]
    beside = [file for file in sorted(given.parent.glob("c*.json")) if file.name in _BESIDE]
    return [path, *map(str, beside)]


def served(engine: str) -> tuple[str, ...]:
    """Architectures that an engine trains.

    Raises
    ------
    InputError
        If there is none of that name; the message lists those there are.
    """
    if engine not in engines():
        raise InputError(f"no SAE engine {engine!r}; there are auto, {', '.join(engines())}")
    return tuple(_engine(engine).get("serves") or architectures())


def able(architecture: str, *, engine: str = "auto", partly: bool = False) -> tuple[str, ...]:
    """Engines that may be chosen for an architecture, whatever the width and the device.

    Parameters
    ----------
    architecture
        What is trained.
    engine
        The engine that is asked for; it trains whole SAEs alone.
    partly
        Whether only a part of the parameters is trained.
    """
    if engine != "auto" and not partly:
        return (engine,)
    return tuple(
        name
        for name in engines()
        if architecture in served(name) and not (partly and _engine(name).get("whole_only"))
    )


def choose(architecture: str, d_in: int, device: str, *, partly: bool = False) -> str:
    """Engine for one shape; never depends on how many points share the stack.

    Parameters
    ----------
    architecture, d_in
        What is trained, on how many input dimensions.
    device
        Where.
    partly
        Whether only a part of the parameters is trained.
    """
    suited = [
        name
        for name in able(architecture, partly=partly)
        if _suits(_engine(name), architecture, d_in, device)
    ]
    return max(suited, key=lambda name: _engine(name)["preference"])


def _suits(engine: dict[str, Any], architecture: str, d_in: int, device: str) -> bool:
    widest = engine.get("widest")
    return (device == "cpu" or not engine.get("cpu_only")) and (
        widest is None or d_in <= widest.get(architecture, 0)
    )


def _architecture(name: str) -> dict[str, Any]:
    return stated(_ARCHITECTURES, name, "ARCHITECTURE", group=ARCHITECTURE_GROUP)


def _engine(name: str) -> dict[str, Any]:
    return stated(_ENGINES, name, "ENGINE")
