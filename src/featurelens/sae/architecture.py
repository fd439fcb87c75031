"""What an architecture is: one entry of a file in ``architectures``, found by name.

An architecture is data: functions that draw its initial parameters, give its loss, and fold its
trained parameters into the one inference form (:class:`featurelens.sae.model.SAE`).
Parameters are dictionaries of arrays; ``W_enc`` is (d_in, d_sae) and ``W_dec`` (d_sae, d_in).
The loss works on torch tensors through their methods, so that no file of an architecture imports
torch. Other packages bring architectures by entry points of the group
``featurelens.architectures``, each naming a module with ``ARCHITECTURE``; what is written in that
call as a literal (penalty, linear_start, paper) is read while the workflow plans, without importing
the module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from featurelens.plugins import load
from featurelens.sae.config import SAEConfig
from featurelens.sae.listing import ARCHITECTURE_GROUP, architectures
from featurelens.sae.model import SAE

ARCHITECTURES = "featurelens.sae.architectures"

Parameters = dict[str, Any]


class Output(NamedTuple):
    """What one forward pass gives; the loss is the sum of the first three."""

    error: Any
    """Reconstruction error as it enters the loss (scalar)."""
    penalty: Any
    """Sparsity penalty with its coefficient (scalar)."""
    auxiliary: Any
    """Any further term with its coefficient (scalar, 0 for most)."""
    codes: Any
    """Activations (n_rows, d_sae)."""


class Step(NamedTuple):
    """What a loss may know of the moment of training."""

    sparsity: float
    """Factor of the penalty, below 1 during sparsity warm-up."""
    dead: Any
    """Features that have not fired for long, boolean (d_sae), or None where nobody counts."""


@dataclass(frozen=True)
class Architecture:
    """One entry of the registry."""

    name: str
    """As in :class:`featurelens.sae.config.SAEConfig`."""
    source: str
    """Paper or file whose equations it follows."""
    init: Callable[[np.random.Generator, int, int], Parameters]
    """(rng, d_in, d_sae) to float64 arrays."""
    loss: Callable[[Parameters, Any, SAEConfig, Step], Output]
    """(parameters, rows, config, step) to the terms of the loss, on tensors."""
    fold: Callable[[Parameters, SAEConfig], SAE]
    """(trained arrays, config) to the inference form."""
    penalty: Literal["l1", "other", "none"] = "none"
    """Whether the penalty is the L1 norm of the folded form's activations, another, or absent."""
    tracks_dead: bool = False
    """Whether the loss wants to know which features have not fired lately."""
    unit_decoder: bool = False
    """Whether each decoder row is held at length 1."""
    untrained: tuple[str, ...] = ()
    """Parameters that no gradient trains; the loss updates them in place."""
    linear_start: bool = False
    """Whether it may start as two torch.nn.Linear layers instead (``initialisation: linear``)."""
    paper: int | None = None
    """Its place among the paper's own architectures; None for the others."""


def load_architecture(name: str) -> Architecture:
    """Look up an architecture.

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those there are.
    """
    if name not in architectures():
        raise ValueError(f"no SAE architecture {name!r}; there are {', '.join(architectures())}")
    found: Architecture = load(ARCHITECTURES, name, group=ARCHITECTURE_GROUP).ARCHITECTURE
    return found


def folded(p: Parameters, config: SAEConfig, **changed: Any) -> SAE:
    """The inference form of trained parameters, but for the fields of it that are given."""
    kept = {name: p[name] for name in ("W_enc", "b_enc", "W_dec", "b_dec")}
    return SAE(architecture=config.architecture, **(kept | changed))
