"""The fused CPU engine: compiled loops for narrow inputs, one point at a time, without torch.

Serves the paper's three architectures. What is compiled is kept beside this file in
``__pycache__`` (or in numba's user cache where that is not writable; ``NUMBA_CACHE_DIR`` decides
for both), so that only the first run on a kind of processor waits for the compiler.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np

from featurelens.sae import kernels
from featurelens.sae.config import (
    SAEConfig,
    error_scale,
    n_kept,
    penalty_scale,
)
from featurelens.sae.engine import Engine
from featurelens.sae.loop import Arrays

LANES = 4
"""Input dimensions that the kernels take at a time."""


class FusedStepper:
    """One point in the layout of :mod:`featurelens.sae.kernels`."""

    def __init__(self, X: np.ndarray, config: SAEConfig, initial: Arrays) -> None:
        self._n_rows, self._d_in = X.shape
        self._config = config
        self._padded = -(-self._d_in // LANES) * LANES
        self._X = self._pad(X)
        self._has_shift = "b_pre" in initial
        self._P = np.hstack(
            [
                self._pad(initial["W_enc"].T),
                self._pad(initial["W_dec"]),
                initial["b_enc"][:, None],
            ]
        )
        shift = initial.get("b_pre", np.zeros_like(initial["b_dec"]))
        self._Q = self._pad(np.stack([shift, initial["b_dec"]]))
        self._moments = [np.zeros_like(a) for a in (self._P, self._P, self._Q, self._Q)]
        self._taken = 0

    def _pad(self, array: np.ndarray) -> np.ndarray:
        """Add columns of zeros up to the padded width; their gradients are zero for ever."""
        return np.pad(array, ((0, 0), (0, self._padded - self._d_in)))

    def run_epoch(self, orders: np.ndarray, rates: np.ndarray, sparsity: np.ndarray) -> np.ndarray:
        """Train one epoch; see :class:`featurelens.sae.loop.Stepper`."""
        config, d_sae = self._config, len(self._P)
        top = n_kept(config, d_sae) if config.architecture == "topk" else 0
        l1 = 0.0 if top else config.l1 * penalty_scale(config, d_sae)
        M, V, MQ, VQ = self._moments
        terms = np.zeros((rates.shape[1], 3))
        self._taken = kernels.run_epoch(
            self._X,
            orders[0],
            config.batch_size,
            self._P,
            M,
            V,
            self._Q,
            MQ,
            VQ,
            self._has_shift,
            top,
            error_scale(config, self._d_in),
            l1,
            rates[0],
            sparsity[0],
            self._taken,
            terms,
        )
        return terms[None]

    def parameters(self, slot: int) -> Arrays:  # noqa: ARG002
        """Copies of the parameters."""
        d, padded = self._d_in, self._padded
        arrays = {
            "W_enc": np.ascontiguousarray(self._P[:, :d].T),
            "W_dec": np.ascontiguousarray(self._P[:, padded : padded + d]),
            "b_enc": self._P[:, -1].copy(),
            "b_dec": self._Q[1, :d].copy(),
        }
        return arrays | ({"b_pre": self._Q[0, :d].copy()} if self._has_shift else {})

    def keep(self, slots: Sequence[int]) -> None:
        """Do nothing: there is one point."""


def make_stepper(
    X: np.ndarray,
    configs: Sequence[SAEConfig],
    initial: Sequence[Arrays],
    device: str,  # noqa: ARG001
) -> FusedStepper:
    """Make the stepper of the only point in ``configs``."""
    (config,), (parameters,) = configs, initial
    return FusedStepper(X, config, parameters)


@contextmanager
def session(threads: int) -> Iterator[None]:  # noqa: ARG001
    """Have the loops compiled; they run in the calling thread."""
    _compile()
    yield


@cache
def _compile() -> None:
    """Train one point for one step, so that no point's time includes the compiler's."""
    X, one, zero = np.zeros((2, 1), np.float32), np.ones((1, 1)), np.zeros(1, np.float32)
    # Written down, not drawn: no architecture is loaded that the job does not train.
    config = SAEConfig(architecture="vanilla", expansion=1)
    initial = {"W_enc": zero[None], "b_enc": zero, "W_dec": zero[None], "b_dec": zero}
    FusedStepper(X, config, initial).run_epoch(np.array([[0, 1]]), one, one)


ENGINE = Engine(
    make_stepper=make_stepper,
    session=session,
    stack_size=lambda *_: 1,
    preference=2,
    serves=("vanilla", "relu", "topk"),
    # Up to here the loops beat matrix products on a CPU, as measured.
    widest={"vanilla": 32, "relu": 32, "topk": 160},
    cpu_only=True,
    whole_only=True,
)
