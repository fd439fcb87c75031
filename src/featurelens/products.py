"""Products of matrices in torch's tensors: on a CPU by the OpenBLAS in numpy, on a GPU by torch.

Both promise the same bytes on every processor as :mod:`featurelens.portable` pins them, but MKL, in
torch, with the instructions of SSE2 alone, and OpenBLAS with AVX2 and FMA, in half the time
(benchmarks/results/products.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_WRITTEN = (torch.matmul, Tensor.matmul, Tensor.__matmul__)


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Matrix product of (n, k) and (k, m), or of stacks of such; gradients do not pass through.

    Parameters
    ----------
    a, b
        On one device.
    out
        Filled and returned where it is given.
    """
    if a.is_cuda:
        return (torch.mm if a.dim() == 2 else torch.bmm)(a, b, out=out)
    if out is None:
        return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))
    np.matmul(a.numpy(), b.numpy(), out=out.numpy())
    return out


def added_product(shift: Tensor, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """As :func:`product`, with ``shift`` added, which is broadcast to the result."""
    if a.is_cuda:
        return (torch.addmm if a.dim() == 2 else torch.baddbmm)(shift, a, b, out=out)
    return product(a, b, out).add_(shift)


class PlainProducts(TorchFunctionMode):
    """Within it, ``a @ b`` of two matrices on a CPU is :func:`product`, and gradients pass."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do what torch is asked for."""
        if function in _WRITTEN and all(each.dim() == 2 and not each.is_cuda for each in args):
            return _Differentiable.apply(*args)
        return function(*args, **(kwargs or {}))


class _Differentiable(torch.autograd.Function):
    """Of two matrices: ∂L/∂a = g bᵀ, ∂L/∂b = aᵀ g."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return product(a.detach(), b.detach())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, b = (each.detach() for each in ctx.saved_tensors)
        by_a, by_b = ctx.needs_input_grad
        return product(gradient, b.mT) if by_a else None, product(a.mT, gradient) if by_b else None
