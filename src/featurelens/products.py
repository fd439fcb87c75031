"""Products of matrices in torch's tensors: on a CPU by the OpenBLAS in numpy, on a GPU by torch.

Both promise the same bytes on every processor as :mod:`featurelens.portable` pins them, but MKL, in
torch, with the instructions of SSE2 alone, and OpenBLAS with AVX2 and FMA, in half the time
(docs/portable.md). Gradients do not pass through.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Matrix product of (n, k) and (k, m), or of stacks of such.

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
