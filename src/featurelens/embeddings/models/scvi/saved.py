"""Models that scvi-tools saved, read without the package and without running their pickles.

``model.pt`` holds tensors, names of genes and a registry of the data, and beside them objects of
other libraries, such as the training history as a table. The reader here makes tensors, arrays and
plain containers; everything else becomes an inert stand-in, so that nothing a file names is run.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from featurelens.embeddings.models.scvi.honoured import given_options, require_honoured
from featurelens.io import InputError
from featurelens.torch_files import as_array, require_torch_file


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A trained scVI model, as far as embedding and decoding need it."""

    path: str
    state: Mapping[str, np.ndarray]
    """Parameters and running statistics by name."""
    genes: pd.Index
    """Names of the genes, in the order of the input."""
    batches: tuple[str, ...]
    """Names of the batches, in the order of their one-hot code."""
    likelihood: str
    """zinb, nb or poisson."""
    log_input: bool
    """Whether the encoder sees log1p of the counts."""
    version: str
    """Version of scvi-tools that saved it."""


def read_saved(path: str) -> SavedModel:
    """Read the ``model.pt`` that ``SCVI.save`` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another model, or has an option that is not read.
    """
    import torch

    require_torch_file(path)
    reader = SimpleNamespace(Unpickler=_Reader, __name__="featurelens")
    try:
        content = torch.load(path, map_location="cpu", pickle_module=reader, weights_only=False)
    # On damaged bytes the unpickler raises whatever its next step trips over.
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({_line(error)}); is it complete?") from error
    try:
        about = content["attr_dict"]
        registry = about["registry_"]
        fields = registry["field_registries"]
        options = given_options(about["init_params_"], registry["setup_args"])
        state = content["model_state_dict"]
        genes = pd.Index(np.asarray(content["var_names"]).astype(str))
        batches = fields["batch"]["state_registry"]["categorical_mapping"]
        batches = tuple(map(str, np.asarray(batches).ravel()))
        name, version = registry["model_name"], registry["scvi_version"]
        state = {
            str(key): as_array(value)
            for key, value in state.items()
            if isinstance(value, torch.Tensor)
        }
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InputError(
            f"{path}: is no model saved by scvi-tools ({_line(error)} is missing); give the "
            "model.pt of SCVI.save"
        ) from error
    if name != "SCVI":
        raise InputError(f"{path}: holds a model {name}; only SCVI is read")
    require_honoured(options, version=str(version), path=path)
    return SavedModel(
        path=path,
        state=state,
        genes=genes,
        batches=batches,
        likelihood=str(options.get("gene_likelihood", "zinb")),
        log_input=bool(options.get("log_variational", True)),
        version=str(version),
    )


class _Inert:
    """What an object of another library becomes: it takes everything and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        """Take an item of a list."""

    def extend(self, items: Any) -> None:
        """Take items of a list."""

    def add(self, item: Any) -> None:
        """Take an item of a set."""


class _Reader(pickle.Unpickler):
    """Makes tensors, arrays and plain containers; torch's own loader hands it the storages."""

    def find_class(self, module: str, name: str) -> Any:
        """Give what is on the list, a stand-in for all else; nothing else is imported."""
        for old, new in (("numpy.core", "numpy._core"), ("__builtin__", "builtins")):
            module = module.replace(old, new)
        known = _KNOWN.get((module, name))
        if known is not None:
            return known
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            from torch._utils import _rebuild_tensor_v2

            return _rebuild_tensor_v2
        return _Inert


def _bytes(text: Any = "", encoding: Any = "latin1") -> Any:
    """Bytes, which the pickles of torch write as text, or as nothing where there are none."""
    return text.encode("latin-1") if (type(text), encoding) == (str, "latin1") else _Inert()


def _dtype(code: Any, *rest: Any) -> Any:
    """Type of an array; those of other libraries are stand-ins already."""
    return np.dtype(code, *rest) if isinstance(code, str) else _Inert()


def _array(kind: Any, *_: Any) -> Any:
    """An empty array that its state fills."""
    return np.ndarray(0, dtype="b") if kind is np.ndarray else _Inert()


def _scalar(dtype: Any, *content: Any) -> Any:
    """A number of numpy's."""
    if not isinstance(dtype, np.dtype) or dtype.hasobject or len(content) != 1:
        return _Inert()
    return np.frombuffer(content[0], dtype)[0] if isinstance(content[0], bytes) else _Inert()


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "dict"): dict,
    ("builtins", "list"): list,
    ("builtins", "set"): set,
    ("_codecs", "encode"): _bytes,
    ("builtins", "bytes"): _bytes,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "scalar"): _scalar,
}


def _line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
