"""Engines: ways to run the same training arithmetic.

``autograd`` is the oracle, one point at a time in plain torch; ``stacked`` runs batched matrix
products with gradients by hand, on a CPU or GPU; ``fused`` runs compiled loops for narrow inputs.
An engine makes a :class:`~featurelens.sae.engines.loop.Stepper` for a stack of points; the loop
around it (batch order, schedule, early stopping, divergence) is the same for all.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import get_args

from featurelens.io import InputError
from featurelens.sae.config import PAPER_ARCHITECTURES, EngineChoice
from featurelens.sae.engines.loop import MakeStepper

NARROW = {"vanilla": 32, "relu": 32, "topk": 160}
"""Input dimensions up to which the fused loops beat matrix products on a CPU (measured)."""


@dataclass(frozen=True)
class Engine:
    """One entry of the registry; made by the engine's own module."""

    make_stepper: MakeStepper
    """Makes the parameters and optimiser state of a stack."""
    session: Callable[[int], AbstractContextManager[None]]
    """Sets the number of threads around training."""
    stack_size: Callable[[int, int, int, str], int]
    """(d_in, d_sae, batch_size, device) to the most points that it trains together."""
    architectures: tuple[str, ...]
    """Architectures that it serves."""


def names() -> tuple[str, ...]:
    """Names of all engines."""
    return tuple(name for name in get_args(EngineChoice) if name != "auto")


def choose(architecture: str, d_in: int, d_sae: int, batch_size: int, device: str) -> str:  # noqa: ARG001
    """Engine for one shape; never depends on how many points share the stack."""
    if architecture not in PAPER_ARCHITECTURES:
        return "autograd"
    if device == "cpu" and d_in <= NARROW.get(architecture, 0):
        return "fused"
    return "stacked"


def choose_partial(architecture: str) -> str:
    """Engine for SAEs of which only a part is trained, whichever engine is asked for.

    The fused loops train all parameters.
    """
    return "stacked" if architecture in PAPER_ARCHITECTURES else "autograd"


def get(name: str) -> Engine:
    """Look up an engine.

    Raises
    ------
    InputError
        If there is none of that name; the message lists those there are.
    """
    if name not in names():
        raise InputError(f"no SAE engine {name!r}; there are auto, {', '.join(names())}")
    return import_module(f"{__name__}.{name}").ENGINE
