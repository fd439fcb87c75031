"""Files of torch, read without running code that lies in them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featurelens.io import InputError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

_FOREIGN = re.compile(r"GLOBAL ([\w.]+)")
"""What torch names where a file holds more than tensors and plain containers."""


def require_torch_file(path: str) -> None:
    """Raise :class:`InputError` unless a file looks whole and saved by torch; costs no import."""
    if not Path(path).exists():
        raise InputError(f"{path}: no such file; check the path in the config")
    with Path(path).open("rb") as file:
        start = file.read(2)
    # An archive has its directory at the end; the form before torch 1.6 was a bare pickle.
    if not (zipfile.is_zipfile(path) if start == b"PK" else start[:1] == b"\x80"):
        raise InputError(
            f"{path}: is no whole file of torch.save; delete it and get it again from its source"
        )


_ALONE = "save tensors and plain containers alone: torch.save(torch.as_tensor(x), path)"


def load_safely(path: str, *, remedy: str = _ALONE) -> Any:
    """What ``torch.save`` wrote, read without running code that the file may carry.

    Parameters
    ----------
    path
        The file.
    remedy
        What to do where it holds more than that.

    Raises
    ------
    InputError
        If the file is missing, truncated, or holds anything but tensors and plain containers.
    """
    import torch

    require_torch_file(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # On damaged bytes the unpickler raises whatever its next step trips over.
    except Exception as error:
        held = _FOREIGN.search(str(error))
        if held is not None:
            raise InputError(
                f"{path}: cannot be read as tensors, for it holds {held[1]}; {remedy}"
            ) from error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{path}: cannot be read as tensors ({reason}); is it complete?"
        ) from error


def as_array(tensor: Tensor) -> np.ndarray:
    """A tensor of any shape as numpy's array; floating point of any width as float32.

    numpy has no bfloat16, and sums in half precision overflow. What is stored sparse or quantised
    is written out.
    """
    tensor = tensor.detach().cpu()
    tensor = tensor.dequantize() if tensor.is_quantized else tensor.to_dense()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def require_numbers(path: str, name: str, array: np.ndarray, n_axes: int) -> None:
    """Raise :class:`InputError` unless an array of a file has so many axes and finite values."""
    import numpy as np

    if array.ndim != n_axes or not array.size:
        raise InputError(
            f"{path}: {name} has shape {array.shape}, where a model has {n_axes} axes; is it whole?"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name} holds a value that is not finite; get the model again")
