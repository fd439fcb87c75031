"""The oracle: torch autograd and torch.optim.Adam, one point at a time, every architecture."""

from collections.abc import Sequence

import numpy as np

from featurelens.products import PlainProducts
from featurelens.sae._torch import session, torch
from featurelens.sae.architecture import Step, load_architecture
from featurelens.sae.config import SAEConfig
from featurelens.sae.engine import Engine
from featurelens.sae.loop import Arrays


class AutogradStepper:
    """One point in plain torch."""

    def __init__(self, X: np.ndarray, config: SAEConfig, initial: Arrays, device: str) -> None:
        self._architecture = load_architecture(config.architecture)
        self._config = config
        self._X = torch.from_numpy(X).to(device)
        self._p = {name: torch.tensor(value, device=device) for name, value in initial.items()}
        fixed = self._architecture.untrained
        if config.trained == "encoder":
            fixed = (*fixed, "W_dec")
        trained = [self._p[name].requires_grad_() for name in self._p if name not in fixed]
        self._unit_decoder = self._architecture.unit_decoder and "W_dec" not in fixed
        # Fused, its square roots are exact; otherwise they are MKL's approximations.
        self._adam = torch.optim.Adam(trained, lr=config.learning_rate, fused=True)
        self._idle = torch.zeros(initial["W_enc"].shape[1], device=device)

    @np.errstate(all="ignore")  # what is not finite is found in the terms
    def run_epoch(self, orders: np.ndarray, rates: np.ndarray, sparsity: np.ndarray) -> np.ndarray:
        """Train one epoch; see :class:`featurelens.sae.loop.Stepper`."""
        rows = self._X[torch.from_numpy(orders[0]).to(self._X.device)]
        batches = rows.split(self._config.batch_size)
        patience = self._config.dead_after * len(rows)
        with PlainProducts():
            terms = [
                self._step(x, float(rate), float(factor), patience)
                for x, rate, factor in zip(batches, rates[0], sparsity[0], strict=True)
            ]
        return torch.stack(terms).double().cpu().numpy()[None]

    def _step(self, x: torch.Tensor, rate: float, sparsity: float, patience: int) -> torch.Tensor:
        architecture = self._architecture
        dead = self._idle >= patience if architecture.tracks_dead else None
        output = architecture.loss(self._p, x, self._config, Step(sparsity, dead))
        self._adam.zero_grad()
        (output.error + output.penalty + output.auxiliary).backward()
        if self._unit_decoder:
            self._remove_parallel_gradient()
        self._adam.param_groups[0]["lr"] = rate
        self._adam.step()
        if self._unit_decoder:
            self._normalise_decoder()
        if architecture.tracks_dead:
            fired = (output.codes.detach() > 0).any(0)
            self._idle = (self._idle + len(x)).masked_fill(fired, 0)
        return torch.stack([torch.as_tensor(term).detach().to(x) for term in output[:3]])

    def _remove_parallel_gradient(self) -> None:
        """Take out of each decoder row's gradient what would only change the row's length."""
        rows, gradient = self._p["W_dec"].detach(), self._p["W_dec"].grad
        if gradient is not None:
            gradient -= (gradient * rows).sum(1, keepdim=True) * rows

    def _normalise_decoder(self) -> None:
        rows = self._p["W_dec"].detach()
        rows /= rows.norm(dim=1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)

    def parameters(self, slot: int) -> Arrays:  # noqa: ARG002
        """Copies of the parameters."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self._p.items()}

    def keep(self, slots: Sequence[int]) -> None:
        """Do nothing: there is one point."""


def make_stepper(
    X: np.ndarray, configs: Sequence[SAEConfig], initial: Sequence[Arrays], device: str
) -> AutogradStepper:
    """Make the stepper of the only point in ``configs``."""
    (config,), (parameters,) = configs, initial
    return AutogradStepper(X, config, parameters, device)


ENGINE = Engine(
    make_stepper=make_stepper,
    session=session,
    stack_size=lambda *_: 1,
    preference=0,
)
