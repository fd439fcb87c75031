"""The stacked engine: all points of a stack as batched matrix products, gradients by hand.

Serves the paper's three architectures on CPU and GPU. Parameters of a point lie in one row of a
flat (n_points, n_parameters) tensor, of which W_enc and the others are views, so that Adam is a
few calls over everything. With n rows in a batch and the reduction's factors s and t (1/d_in and
1/d_sae for ``paper``, 1 for ``sum``):

    g = ∂L/∂x̂ = 2 s (x̂ - x) / n
    ∂L/∂W_dec = zᵀ g,  ∂L/∂b_dec = Σ g,  ∂L/∂z = (g W_decᵀ + t l1 / n) where z > 0, else 0
    ∂L/∂W_enc = (x + b_pre)ᵀ ∂L/∂z,  ∂L/∂b_enc = Σ ∂L/∂z,  ∂L/∂b_pre = W_enc ∂L/∂b_enc

A decoder that is not trained keeps a gradient of zero, which Adam leaves where it is. On a GPU the
data stay on the device and a step is replayed as one CUDA graph.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from featurelens.products import added_product, product
from featurelens.sae._torch import session, torch
from featurelens.sae.config import (
    SAEConfig,
    error_scale,
    n_kept,
    penalty_scale,
)
from featurelens.sae.engine import Engine
from featurelens.sae.loop import Arrays
from featurelens.sae.replay import Capture, Replay, cuda_capture

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
"""Defaults of torch.optim.Adam, as the author uses it."""
NAMES = ("W_enc", "W_dec", "b_enc", "b_dec", "b_pre")
CACHE_BYTES = 2**20
"""Activations of a stack on a CPU beyond which stacking costs more cache than it saves calls."""


class StackedStepper:
    """Points of one shape in flat tensors."""

    def __init__(
        self,
        X: np.ndarray,
        configs: Sequence[SAEConfig],
        initial: Sequence[Arrays],
        device: str,
        *,
        capture: Capture | None = None,
    ) -> None:
        self._configs = list(configs)
        self._capture = cuda_capture if device != "cpu" else capture
        self._X = torch.from_numpy(X).to(device)
        self._names = [name for name in NAMES if name in initial[0]]
        self._shapes = [initial[0][name].shape for name in self._names]
        rows = [np.concatenate([start[name].ravel() for name in self._names]) for start in initial]
        self._taken = 0
        flat = torch.from_numpy(np.stack(rows)).to(device)
        self._mount(flat, torch.zeros_like(flat), torch.zeros_like(flat))

    def _mount(self, flat: torch.Tensor, mean: torch.Tensor, square: torch.Tensor) -> None:
        """Make the views of the parameters and room for one step."""
        self._flat, self._mean, self._square = flat, mean, square
        self._grad = torch.zeros_like(flat)
        self._room = torch.empty_like(flat)
        self._p, self._g = self._views(flat), self._views(self._grad)
        self._buffers: dict[int, tuple[torch.Tensor, ...]] = {}
        self._replays: dict[int, Replay] = {}

    def _views(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        sizes = [math.prod(shape) for shape in self._shapes]
        parts = flat.split(sizes, dim=1)
        return {
            name: part.unflatten(1, shape)
            for name, part, shape in zip(self._names, parts, self._shapes, strict=True)
        }

    def _batch_buffers(self, n: int) -> tuple[torch.Tensor, ...]:
        """Return room for x, x + b_pre, x̂ (n_points, n, d_in), z and ∂z (n_points, n, d_sae)."""
        if n not in self._buffers:
            (d_in, d_sae), points = self._shapes[0], len(self._configs)
            widths = (d_in, d_in, d_in, d_sae, d_sae)
            self._buffers[n] = tuple(self._flat.new_empty(points, n, width) for width in widths)
        return self._buffers[n]

    @np.errstate(all="ignore")  # what is not finite is found in the terms
    def run_epoch(self, orders: np.ndarray, rates: np.ndarray, sparsity: np.ndarray) -> np.ndarray:
        """Train one epoch; see :class:`featurelens.sae.loop.Stepper`."""
        config, d_sae = self._configs[0], self._shapes[0][1]
        n_steps = rates.shape[1]
        steps = self._taken + np.arange(1, n_steps + 1)
        l1 = [0.0 if c.architecture == "topk" else c.l1 for c in self._configs]
        slopes = self._column(np.array(l1)[:, None] * sparsity * penalty_scale(config, d_sae))
        moves = self._column(rates / (1 - BETA1**steps))
        roots = self._column(1 / np.sqrt(1 - BETA2**steps))
        terms = self._flat.new_zeros(len(self._configs), n_steps, 3)
        batches = torch.from_numpy(orders).to(self._X.device).split(config.batch_size, dim=1)
        for step, rows in enumerate(batches):
            take = self._stepper(rows.shape[1])
            terms[:, step] = take(rows, slopes[:, step], moves[:, step], roots[step])
        self._taken += n_steps
        return terms.double().cpu().numpy()

    def _stepper(self, n: int) -> Callable[..., torch.Tensor]:
        """Return what takes a step on batches of ``n`` rows."""
        if self._capture is None:
            return self._step
        if n not in self._replays:
            state = (self._flat, self._mean, self._square)
            self._replays[n] = Replay(self._step, state, capture=self._capture)
        return self._replays[n]

    def _step(
        self, rows: torch.Tensor, slope: torch.Tensor, move: torch.Tensor, root: torch.Tensor
    ) -> torch.Tensor:
        """Take one step on rows (n_points, n) and return its terms (n_points, 3).

        ``slope`` (n_points) is the penalty's factor, ``move`` (n_points) and ``root`` () are the
        bias-corrected rate and second moment's factor of Adam.
        """
        n = rows.shape[1]
        scale = error_scale(self._configs[0], self._shapes[0][0]) / n
        terms = self._gradients(rows, slope[:, None, None] / n, scale)
        self._adam(move[:, None], root)
        return terms

    def _column(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self._flat)

    def _gradients(self, rows: torch.Tensor, slope: torch.Tensor, scale: float) -> torch.Tensor:
        """Fill the gradients of one batch and return its terms (n_points, 3)."""
        p, g = self._p, self._g
        x, shifted, y, z, dz = self._batch_buffers(rows.shape[1])
        torch.index_select(self._X, 0, rows.reshape(-1), out=x.view(-1, x.shape[2]))
        if "b_pre" in p:
            torch.add(x, p["b_pre"].unsqueeze(1), out=shifted)
        else:
            shifted = x
        added_product(p["b_enc"].unsqueeze(1), shifted, p["W_enc"], z)
        self._activate(z)
        added_product(p["b_dec"].unsqueeze(1), z, p["W_dec"], y)
        y.sub_(x)
        error = y.square().sum(2).sum(1).mul_(scale)
        penalty = z.sum(1).sum(1).mul_(slope[:, 0, 0])
        y.mul_(2 * scale)
        if self._configs[0].trained == "all":
            product(z.mT, y, g["W_dec"])
        torch.sum(y, 1, out=g["b_dec"])
        added_product(slope, y, p["W_dec"].mT, dz)
        torch.ops.aten.threshold_backward(dz, z, 0, grad_input=dz)
        product(shifted.mT, dz, g["W_enc"])
        torch.sum(dz, 1, out=g["b_enc"])
        if "b_pre" in p:
            product(p["W_enc"], g["b_enc"].unsqueeze(2), g["b_pre"].unsqueeze(2))
        return torch.stack([error, penalty, torch.zeros_like(error)], dim=1)

    def _activate(self, z: torch.Tensor) -> None:
        config = self._configs[0]
        kept = n_kept(config, z.shape[2])
        if config.architecture == "topk" and kept < z.shape[2]:
            values, places = z.topk(kept, dim=2, sorted=False)
            z.zero_().scatter_(2, places, values)
        z.clamp_min_(0)

    def _adam(self, move: torch.Tensor, root: torch.Tensor) -> None:
        """One Adam step over all parameters; ``move`` (n_points, 1) has its bias correction."""
        self._mean.lerp_(self._grad, 1 - BETA1)
        self._square.mul_(BETA2).addcmul_(self._grad, self._grad, value=1 - BETA2)
        _square_root(self._square, self._room)
        self._room.mul_(root).add_(EPS)
        torch.div(self._mean, self._room, out=self._room)
        self._flat.sub_(self._room.mul_(move))

    def parameters(self, slot: int) -> Arrays:
        """Copies of the parameters of one point."""
        return {name: value[slot].cpu().numpy().copy() for name, value in self._p.items()}

    def keep(self, slots: Sequence[int]) -> None:
        """Go on with some of the points."""
        chosen = torch.tensor(slots, device=self._flat.device)
        self._configs = [self._configs[slot] for slot in slots]
        self._mount(self._flat[chosen], self._mean[chosen], self._square[chosen])


def _square_root(values: torch.Tensor, out: torch.Tensor) -> None:
    """Fill ``out``; on a CPU by numpy, whose roots are exact: torch has MKL's approximations."""
    if values.device.type == "cpu":
        np.sqrt(values.numpy(), out=out.numpy())
    else:
        torch.sqrt(values, out=out)


def stack_size(d_in: int, d_sae: int, batch_size: int, device: str) -> int:
    """Points worth training together: as many as the cache holds, or the memory of a GPU."""
    if device == "cpu":
        return max(1, CACHE_BYTES // (4 * batch_size * d_sae))
    per_point = 4 * (4 * d_sae * (2 * d_in + 1) + 3 * batch_size * d_sae)
    return max(1, 2**33 // per_point)


ENGINE = Engine(
    make_stepper=StackedStepper,
    session=session,
    stack_size=stack_size,
    preference=1,
    serves=("vanilla", "relu", "topk"),
)
