"""What a folder with a BERT model holds, looked at without loading it.

``transformers`` fills weights that a file lacks with random numbers and only prints a note. Names
and shapes are therefore compared with ``config.json`` before anything is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from featurelens.embeddings.models.geneformer.config import WEIGHTS
from featurelens.embeddings.models.geneformer.dictionaries import Vocabulary, require_no_pointer
from featurelens.embeddings.models.geneformer.variants import SERIES, SIZES, Size
from featurelens.io import InputError
from featurelens.json_files import parse_json


@dataclass(frozen=True)
class Architecture:
    """Sizes that ``config.json`` states."""

    size: Size
    vocabulary: int
    """Rows of the table of token embeddings."""
    positions: int
    """Most tokens of a cell."""
    token_types: int
    """Rows of the table of segment embeddings."""


@dataclass(frozen=True)
class ModelFiles:
    """A folder that holds what it should."""

    folder: Path
    weights: Path
    architecture: Architecture


def find_model(folder: str | Path) -> ModelFiles:
    """Check a folder with a model, without loading it.

    Raises
    ------
    InputError
        If a file is missing or damaged, or the weights are not those that ``config.json`` states.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check folder in the config")
    architecture = _read_architecture(folder / "config.json")
    weights = next((folder / name for name in WEIGHTS if (folder / name).exists()), None)
    if weights is None:
        raise InputError(f"{folder}: holds no {' or '.join(WEIGHTS)}; give the model's own folder")
    require_no_pointer(weights)
    _require_shapes(_read_shapes(weights), architecture, weights)
    return ModelFiles(folder, weights, architecture)


def require_fit(files: ModelFiles, vocabulary: Vocabulary, tokens: str, *, variant: str) -> None:
    """Raise :class:`InputError` unless a model is the variant and has this vocabulary."""
    architecture, path = files.architecture, files.folder / "config.json"
    expected = SIZES.get(variant)
    if expected is not None and architecture.size != expected:
        key = next(k for k in Size._fields if getattr(architecture.size, k) != getattr(expected, k))
        raise InputError(
            f"{path}: {key} is {getattr(architecture.size, key)}, but {variant} has "
            f"{getattr(expected, key)}; correct variant or folder in the config"
        )
    series = "V1" if variant == "V1" or "-30M-" in variant else "V2"
    if architecture.positions < SERIES[series].input_size:
        raise InputError(
            f"{path}: the model reads {architecture.positions} tokens, but cells of {series} have "
            f"up to {SERIES[series].input_size}; correct variant or folder in the config"
        )
    if architecture.vocabulary != vocabulary.size:
        raise InputError(
            f"{tokens}: has {vocabulary.size} tokens, but the model of {files.folder} has "
            f"{architecture.vocabulary}; give the dictionaries that this model was trained with"
        )
    beyond = max(vocabulary.tokens, key=vocabulary.tokens.__getitem__)
    if vocabulary.tokens[beyond] >= vocabulary.size:
        raise InputError(
            f"{tokens}: {beyond!r} has token {vocabulary.tokens[beyond]}, beyond the "
            f"{vocabulary.size} that the model knows; it is damaged"
        )


def _read_architecture(path: Path) -> Architecture:
    if not path.exists():
        raise InputError(f"{path}: no such file; give the folder that save_pretrained wrote")
    require_no_pointer(path)
    content = parse_json(path.read_bytes(), path, remedy="is it whole?")
    if not isinstance(content, Mapping) or content.get("model_type") != "bert":
        kind = content.get("model_type") if isinstance(content, Mapping) else None
        raise InputError(f"{path}: model_type is {kind!r}, but Geneformer's is 'bert'")

    def number(key: str) -> int:
        value = content.get(key)
        if type(value) is not int or value < 1:
            raise InputError(f"{path}: {key} is {value!r}, no size of a model; it is damaged")
        return value

    return Architecture(
        size=Size(*map(number, Size._fields)),
        vocabulary=number("vocab_size"),
        positions=number("max_position_embeddings"),
        token_types=number("type_vocab_size"),
    )


def _read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a file of weights, by name."""
    if path.suffix != ".safetensors":
        return _read_torch_shapes(path)
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(
            f"{path}: cannot be read as safetensors ({error}); is it whole? Delete it and get it "
            "again from its source"
        ) from None


def _read_torch_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    from featurelens.torch_files import load_safely

    content: Any = load_safely(str(path))
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds a {type(content).__name__}, not a state dictionary")
    return {str(name): tuple(value.shape) for name, value in content.items()}


def _require_shapes(
    shapes: Mapping[str, tuple[int, ...]], architecture: Architecture, path: Path
) -> None:
    config = path.with_name("config.json")
    prefix = "bert." if any(name.startswith("bert.") for name in shapes) else ""
    for name, shape in _expected_shapes(architecture):
        if prefix + name not in shapes:
            raise InputError(
                f"{path}: has no {prefix}{name}, which a model as {config} states it has; give the "
                "two files of one model"
            )
        if shapes[prefix + name] != shape:
            raise InputError(
                f"{path}: {prefix}{name} has shape {shapes[prefix + name]}, but {config} states "
                f"{shape}; give the two files of one model"
            )
    surplus = f"{prefix}encoder.layer.{architecture.size.num_hidden_layers}."
    if any(name.startswith(surplus) for name in shapes):
        raise InputError(
            f"{path}: has more than the {architecture.size.num_hidden_layers} layers that {config} "
            "states; give the two files of one model"
        )


def _expected_shapes(architecture: Architecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the tensors of a BERT encoder."""
    size, d = architecture.size, architecture.size.hidden_size

    def linear(name: str, n_out: int, n_in: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.weight", (n_out, n_in)
        yield f"{name}.bias", (n_out,)

    def norm(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.weight", (d,)
        yield f"{name}.bias", (d,)

    yield "embeddings.word_embeddings.weight", (architecture.vocabulary, d)
    yield "embeddings.position_embeddings.weight", (architecture.positions, d)
    yield "embeddings.token_type_embeddings.weight", (architecture.token_types, d)
    yield from norm("embeddings.LayerNorm")
    for number in range(size.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        for part in ("query", "key", "value"):
            yield from linear(f"{layer}.attention.self.{part}", d, d)
        yield from linear(f"{layer}.attention.output.dense", d, d)
        yield from norm(f"{layer}.attention.output.LayerNorm")
        yield from linear(f"{layer}.intermediate.dense", size.intermediate_size, d)
        yield from linear(f"{layer}.output.dense", d, size.intermediate_size)
        yield from norm(f"{layer}.output.LayerNorm")
