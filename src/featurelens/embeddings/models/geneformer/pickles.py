"""Pickles of plain dictionaries, read without running what they may carry.

A pickle is a program: it can name any function of any module and call it. Here nothing can be
named but the two constructors that numpy's scalars are written with, and these are stand-ins that
build Python numbers. Geneformer's median dictionaries may hold such scalars.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from featurelens.io import InputError

NUMBERS = frozenset(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)) | {"f2", "f4", "f8"}
"""Types of numpy scalars that are read; all others are refused."""


def read_plain_pickle(path: str | Path) -> Any:
    """Content of a pickle that is made of dict, list, str, int and float alone.

    Raises
    ------
    InputError
        If it is damaged or names anything else; nothing of what it names has run then.
    """
    path = Path(path)
    with path.open("rb") as file:
        try:
            content = _PlainUnpickler(file).load()
        except _Refused as error:
            raise InputError(
                f"{path}: is no plain dictionary but asks for {error}, which was not run; "
                "get the file from its source"
            ) from None
        # On damaged bytes the unpickler raises whatever its next step trips over.
        except Exception as error:
            raise InputError(
                f"{path}: cannot be read as a pickle ({error}); is it whole?"
            ) from None
    stranger = _first_stranger(content)
    if stranger is not None:
        raise InputError(
            f"{path}: holds a {stranger}; only dict, list, str, int and float are read"
        )
    return content


class _Refused(Exception):
    """A pickle asked for something that is no plain data."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Give the stand-ins of numpy's scalars; refuse everything else."""
        if (module, name) == ("numpy", "dtype"):
            return _Type
        if (module, name) in _SCALARS:
            return _scalar
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        """Refuse objects that lie outside the file."""
        raise _Refused(f"the outside object {pid!r}")


class _Type:
    """Stands for ``numpy.dtype`` while a scalar is read."""

    def __init__(self, code: str, *_: Any) -> None:
        if code not in NUMBERS:
            raise _Refused(f"numpy.dtype({code!r})")
        self.code = code
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise _Refused(f"a number of byte order {state[1]!r}")
        self.order = state[1]


def _scalar(kind: Any, content: bytes) -> int | float:
    if not isinstance(kind, _Type):
        raise _Refused("numpy.core.multiarray.scalar without its dtype")
    [value] = np.frombuffer(content, dtype=kind.order + kind.code).tolist()
    return value


_SCALARS = {("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}


def _first_stranger(content: Any) -> str | None:
    """Name of the first type that is not plain, or None; looks into containers once each."""
    seen: set[int] = set()
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (dict, list)):
            if id(item) not in seen:
                seen.add(id(item))
                waiting.extend([*item, *item.values()] if isinstance(item, dict) else item)
        elif type(item) not in (str, int, float):
            return type(item).__name__
    return None
