"""What an engine is: one way to run the same training arithmetic, a file in ``engines``.

``autograd`` is the oracle, one point at a time in plain torch; ``stacked`` runs batched matrix
products with gradients by hand, on a CPU or GPU; ``fused`` runs compiled loops for narrow inputs.
An engine makes a :class:`~featurelens.sae.loop.Stepper` for a stack of points; the loop
around it (batch order, schedule, early stopping, divergence) is the same for all. What it is
chosen by (:func:`featurelens.sae.listing.choose`) stands in its entry as literals.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from featurelens.plugins import load
from featurelens.sae.listing import served
from featurelens.sae.loop import MakeStepper

ENGINES = "featurelens.sae.engines"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One entry of the registry; made by the engine's own module."""

    make_stepper: MakeStepper
    """Makes the parameters and optimiser state of a stack."""
    session: Callable[[int], AbstractContextManager[None]]
    """Sets the number of threads around training."""
    stack_size: Callable[[int, int, int, str], int]
    """(d_in, d_sae, batch_size, device) to the most points that it trains together."""
    preference: int
    """Of the engines that can train a point, the one with the highest is chosen."""
    serves: tuple[str, ...] | None = None
    """Architectures that it trains; None for every one."""
    widest: Mapping[str, int] | None = None
    """Input dimensions up to which it is chosen, by architecture; None sets no limit."""
    cpu_only: bool = False
    """Whether it runs on a CPU alone."""
    whole_only: bool = False
    """Whether it trains all parameters or none."""


def load_engine(name: str) -> Engine:
    """Look up an engine.

    Raises
    ------
    InputError
        If there is none of that name; the message lists those there are.
    """
    served(name)
    found: Engine = load(ENGINES, name).ENGINE
    return found
