"""Files of one trained SAE, as they were given, read without running code that they may carry.

A reader of :mod:`featurelens.sae.files` asks a :class:`Saved` for the files of its form: JSON, and
tensors of safetensors or of ``torch.save``. Half precision is read as single, and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize

from featurelens.io import InputError
from featurelens.json_files import read_object
from featurelens.sae.config import ImportedSAE

Tensors = dict[str, np.ndarray]

AGAIN = "train the SAE again, or get the file again from its source"

_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"), "I32": np.dtype("<i4"), "U8": np.dtype("u1"), "BOOL": np.dtype("?"),
}  # fmt: skip
_FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_OF_TORCH = (".pt", ".pth", ".bin")
_WRAPPED = ("state_dict", "model_state_dict", "model")


class Saved:
    """A folder with the files of one SAE, or a file that holds it.

    Parameters
    ----------
    path
        The folder or the file.
    asked
        What was said of it beside; None for nothing.
    """

    def __init__(self, path: str | Path, asked: ImportedSAE | None = None) -> None:
        self.path = Path(path)
        self.asked = ImportedSAE(path=str(path)) if asked is None else asked
        self.format = self.asked.format
        """Module of :mod:`featurelens.sae.files` that reads them; auto until it is known."""
        self.input_scale = self.asked.input_scale
        """What the input is multiplied by, where it was asked for, or a reader finds it."""
        self.files: list[Path] = []
        """Those that were read."""
        self.types: set[str] = set()
        """Types of the floating-point tensors that were read."""
        self.kind = ""
        """Class or architecture by the name that it has in its package."""
        self.version = ""
        """Version of the package that wrote the files, where they say it."""

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.path if self.path.is_dir() else self.path.parent

    def has(self, name: str) -> bool:
        """Whether weights of a name were given: by the folder they lie in, or by themselves."""
        is_named = self.path.is_dir() or self.path.name == name
        return is_named and (self.folder / name).exists()

    def wrote(self, kind: str, version: str | None = None) -> None:
        """Put down what a reader found: a class, or an architecture, and of which version."""
        self.kind, self.version = kind, version or ""

    @property
    def origin(self) -> str:
        """What was read, in words: form, version, class and types of the tensors."""
        version = f" {self.version}" if self.version else ""
        kind = f", {self.kind}" if self.kind else ""
        return f"{self.format}{version}{kind}, {' and '.join(sorted(self.types)) or 'no tensors'}"

    def describe(self) -> str:
        """The same as a line for a log."""
        narrow = sorted(self.types - {"float32"})
        also = f"; {' and '.join(narrow)} is read as float32" if narrow else ""
        return f"an SAE trained elsewhere ({self.origin}){also}"

    def json(self, name: str) -> dict[str, Any]:
        """The mapping in a file of the folder."""
        self._reads(self.folder / name)
        return read_object(
            self.folder / name, remedy=AGAIN, absent=f"it would say what the SAE is; {AGAIN}"
        )

    def tensors(self, name: str | None = None) -> Tensors:
        """Arrays of a file of the folder, or of :attr:`loose`."""
        path = self.loose if name is None else self.folder / name
        if path is None:
            raise InputError(f"{self.path}: holds no file of tensors, or several; name one as path")
        self._reads(path)
        arrays, types = read_tensors(path)
        self.types |= types
        return arrays

    def _reads(self, path: Path) -> None:
        if path not in self.files:
            self.files.append(path)

    @cached_property
    def loose(self) -> Path | None:
        """The file of tensors that was given by itself, or that lies alone in the folder."""
        if self.path.is_file():
            return self.path
        named = [*_OF_TORCH, ".safetensors"]
        found = [file for file in sorted(self.path.glob("*")) if file.suffix in named]
        return found[0] if len(found) == 1 else None

    @cached_property
    def loose_tensors(self) -> Tensors:
        """Tensors of :attr:`loose`, by which forms are told apart that have no other mark."""
        return self.tensors()


def read_tensors(path: Path) -> tuple[Tensors, set[str]]:
    """Arrays of a file of tensors, and the types of those of floating point as they are stored.

    Half and bfloat16 precision become single.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of another form.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; {AGAIN}")
    return _of_torch(path) if path.suffix in _OF_TORCH else _of_safetensors(path)


def _of_safetensors(path: Path) -> tuple[Tensors, set[str]]:
    try:
        found = dict(deserialize(path.read_bytes()))
    except (SafetensorError, ValueError) as error:
        raise InputError(
            f"{path}: damaged or no safetensors file ({error}); pickled weights are never read, "
            f"{AGAIN}"
        ) from error
    types = {_FLOATS[kind] for each in found.values() if (kind := each["dtype"]) in _FLOATS}
    return {name: _as_array(path, name, tensor) for name, tensor in found.items()}, types


def _as_array(path: Path, name: str, tensor: Mapping[str, Any]) -> np.ndarray:
    kind = tensor["dtype"]
    if kind not in _TYPES:
        known = ", ".join(_TYPES)
        raise InputError(f"{path}: {name} is of type {kind}; {known} are read, save it as F32")
    array = np.frombuffer(tensor["data"], dtype=_TYPES[kind]).reshape(tensor["shape"])
    if kind == "BF16":  # the upper half of a single
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32) if kind == "F16" else array.copy()


def _of_torch(path: Path) -> tuple[Tensors, set[str]]:
    from featurelens.torch_files import as_array, load_safely

    remedy = "save its tensors alone: torch.save(sae.state_dict(), path)"
    content = load_safely(str(path), remedy=remedy)
    for name in _WRAPPED:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds a {type(content).__name__}, not tensors by name; {remedy}")
    tensors = {
        name: value for name, value in content.items() if hasattr(value, "is_floating_point")
    }
    types = {str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.is_floating_point()}
    # Beside its tensors a module may keep numbers and names.
    plain = {name: np.asarray(value) for name, value in content.items() if name not in tensors}
    return {name: as_array(tensor) for name, tensor in tensors.items()} | plain, types


def require_tensors(found: Iterable[str], expected: Iterable[str], where: Path) -> None:
    """Raise an InputError unless a file holds the tensors that its form has, and no other.

    A tensor that is not read would change the codes in silence.
    """
    found, expected = set(found), set(expected)
    if found != expected:
        missing, unknown = sorted(expected - found), sorted(found - expected)
        parts = [f"lacks {', '.join(missing)}"] * bool(missing)
        parts += [f"also holds {', '.join(unknown)}, which is not honoured"] * bool(unknown)
        raise InputError(f"{where}: {' and '.join(parts)}; it should hold {sorted(expected)}")


def require_shapes(found: Tensors, expected: Mapping[str, tuple[Any, ...]], where: Path) -> None:
    """Raise an InputError where tensors have other shapes than their form asks for."""
    for name, shape in expected.items():
        if found[name].shape != shape:
            raise InputError(f"{where}: {name} has shape {found[name].shape}, not {shape}; {AGAIN}")


def require_settings(config: Mapping[str, Any], honoured: Mapping[str, tuple], where: Path) -> None:
    """Raise an InputError where a setting has a value that is not honoured.

    Parameters
    ----------
    config
        What the file says.
    honoured
        Values that each setting may have; one that is absent is fine.
    where
        The file.
    """
    for name, values in honoured.items():
        if name in config and config[name] not in values:
            allowed = " or ".join(repr(value) for value in values)
            raise InputError(
                f"{where}: {name} is {config[name]!r}, which cannot be folded into the weights; "
                f"{allowed} can"
            )
