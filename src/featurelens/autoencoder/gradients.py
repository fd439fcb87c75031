"""Linear layers, their gradients written out, and the state of Adam.

They stay in memory and are written to: the paper's small autoencoder takes 20,000 steps of
microseconds each, so nothing that can wait may stand inside a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from featurelens.autoencoder.rows import CHUNK_VALUES, Rows
from featurelens.products import added_product, product

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
"""Defaults of torch.optim.Adam, as the author uses it."""
UNKNOWN = torch.tensor(float("nan"))
"""A loss that nobody asked for."""


class Adam:
    """Adam on some tensors, as torch.optim.Adam calls it, without its book-keeping."""

    def __init__(
        self, weights: list[Tensor], gradients: list[Tensor], rate: float, weight_decay: float
    ) -> None:
        means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
        self._taken = torch.zeros((), device=weights[0].device)
        self._descend = partial(
            torch._fused_adam_,
            weights,
            gradients,
            means,
            squares,
            [],
            [self._taken] * len(weights),
            lr=rate,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=weight_decay,
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )

    def step(self) -> None:
        """Move the weights against their gradients."""
        self._taken += 1
        self._descend()


class Linear:
    """One linear layer without ReLU, whose loss is not asked for.

    With inputs X of n rows, a last column of ones, and targets Y of t columns, the gradient of the
    mean of (X Vᵀ - Y)² by V, which is weight and bias side by side, is 2 (V XᵀX - YᵀX) / (n t):
    few inputs have few sums, and targets that are mixed need not be made.
    """

    @staticmethod
    def is_cheaper(n: int, d_in: int, d_out: int) -> bool:
        """Whether these sums over a batch of n rows take fewer products than its errors do."""
        return d_in * (n + d_out) < n * d_out

    def __init__(self, weight: Tensor, bias: Tensor, rate: float, weight_decay: float) -> None:
        self._both = torch.cat([weight, bias[:, None]], dim=1)
        self._gradient = torch.zeros_like(self._both)
        self._adam = Adam([self._both], [self._gradient], rate, weight_decay)
        self.weights = [self._both[:, :-1], self._both[:, -1]]

    @property
    def n_together(self) -> int:
        """Rows whose output is held at once where no gradient is needed."""
        return max(1, CHUNK_VALUES // len(self._both))

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """Return the inputs and the output."""
        return [inputs, product(_with_ones(inputs), self._both.T)]

    def step(self, rows: Rows) -> Tensor:
        """Take one step; its loss is not known."""
        inputs = _with_ones(rows.inputs)
        wanted = product(rows.targets.T, inputs)
        if rows.mixing is not None:
            wanted = product(rows.mixing.T, wanted)
        product(self._both, product(inputs.T, inputs), self._gradient)
        self._gradient.sub_(wanted).mul_(2 / (len(inputs) * len(self._both)))
        self._adam.step()
        return UNKNOWN


def _with_ones(inputs: Tensor) -> Tensor:
    return torch.nn.functional.pad(inputs, (0, 1), value=1.0)


class Layers:
    """Stacked linear layers, their gradients and the state of Adam."""

    def __init__(
        self,
        weights: Sequence[Tensor],
        rectified: Sequence[bool],
        rate: float,
        weight_decay: float,
        *,
        watched: bool,
    ) -> None:
        self.weights = [weight.detach().clone() for weight in weights]
        self._rectified, self._watched = rectified, watched
        self._turned = [weight.T for weight in self.weights[::2]]
        self._gradients = [torch.zeros_like(weight) for weight in self.weights]
        self._adam = Adam(self.weights, self._gradients, rate, weight_decay)

    @property
    def n_together(self) -> int:
        """Rows whose widest layer is held at once where no gradient is needed."""
        return max(1, CHUNK_VALUES // max(len(weight) for weight in self.weights))

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """Return the inputs and the output of every layer after its ReLU."""
        layers = [inputs]
        for layer, is_rectified in enumerate(self._rectified):
            values = added_product(self.weights[2 * layer + 1], layers[-1], self._turned[layer])
            layers.append(values.relu_() if is_rectified else values)
        return layers

    def step(self, rows: Rows) -> Tensor:
        """Take one step, return the loss before it, NaN where that is not watched."""
        rows = rows.made()
        layers = self.forward(rows.inputs)
        error = layers[-1] - rows.targets
        loss = rows.loss_of(error) if self._watched else UNKNOWN
        if rows.shares is None:
            delta = error.mul_(2 / error.numel())
        else:
            delta = error.mul_(rows.shares).mul_(2 / error.shape[1])
        for layer in reversed(range(len(self._rectified))):
            if self._rectified[layer]:
                delta = torch.ops.aten.threshold_backward(delta, layers[layer + 1], 0)
            product(delta.T, layers[layer], self._gradients[2 * layer])
            torch.sum(delta, 0, out=self._gradients[2 * layer + 1])
            if layer:
                delta = product(delta, self.weights[2 * layer])
        self._adam.step()
        return loss
