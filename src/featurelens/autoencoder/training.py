"""Autoencoders that compress simulated expression into an embedding.

The author's ``Encoder2`` and ``Decoder2`` (``src/models/autoencoder.py``; paper Table S3) and the
single-layer model of the small simulation: ReLU between layers, mean squared error, Adam. Torch
is imported only to train; a trained autoencoder is numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.layers import layer_shapes
from featurelens.io import InputError, atomic_path, read_json, read_table, write_json, write_table
from featurelens.means import ALONE, Means
from featurelens.simulation.observables import Observables, row_chunks
from featurelens.threads import torch_threads

if TYPE_CHECKING:
    from featurelens.autoencoder.rows import Rows


@dataclass(frozen=True)
class Autoencoder:
    """A trained autoencoder."""

    config: AutoencoderConfig
    """How it was made."""
    weights: dict[str, np.ndarray]
    """``encoder.<i>.weight`` (d_out, d_in), ``encoder.<i>.bias``, and the decoder's."""
    history: pd.DataFrame
    """epoch, train_loss, validation_loss (mean squared error)."""

    def embed(self, observables: np.ndarray | Observables) -> np.ndarray:
        """Encode (n_cells, n_genes) to (n_cells, latent), float32."""
        return _in_chunks(self._encode, observables)

    def _encode(self, values: np.ndarray) -> np.ndarray:
        for layer in range(self.config.depth):
            values = values @ self.weights[f"encoder.{layer}.weight"].T
            values += self.weights[f"encoder.{layer}.bias"]
            if layer < self.config.depth - 1:
                values = np.maximum(values, 0)
        return values


def train(
    observables: np.ndarray | Observables,
    is_validation: np.ndarray,
    config: AutoencoderConfig,
    *,
    means: Means = ALONE,
) -> Autoencoder:
    """Train an autoencoder.

    Parameters
    ----------
    observables : (n_cells, n_genes)
        Expression Y. Where it is made from factors, every batch is made on the device.
    is_validation : (n_cells,) bool
        The cells held out. What they are used for depends on ``config.is_exchanged``.
    config
        Shape and training, of one autoencoder.
    means
        With what it is trained; weights and batch order are drawn on the CPU on every device. The
        log receives a line at about twenty moments.

    Raises
    ------
    InputError
        If Y holds a value that is not finite, or the split leaves a side empty.
    FloatingPointError
        If the loss stops being finite.
    """
    import torch  # seconds to import, and everything else here works without

    from featurelens.autoencoder import fitting

    observables = Observables.of(observables)
    if not observables.is_finite:
        raise InputError("autoencoder: Y holds NaN or infinite values; correct the data")
    train_rows = split_rows(is_validation, exchanged=config.is_exchanged)
    generator = torch.Generator().manual_seed(config.seed)
    shapes = layer_shapes(observables.shape[1], config)
    initial = [
        tensor.to(means.device)
        for d_out, d_in in shapes
        for tensor in fitting.linear_init(d_in, d_out, generator)
    ]
    inside, outside = (
        _rows(observables, side, config.batch_size, means.device)
        for side in (train_rows, ~train_rows)
    )
    schedule = fitting.Schedule(
        **{name: getattr(config, name) for name in fitting.Schedule.__dataclass_fields__}
    )
    with torch_threads(means.threads):
        fitted = fitting.fit(
            initial,
            _rectified(config),
            inside,
            outside,
            schedule=schedule,
            generator=generator,
            log=means.log,
        )
    weights = dict(zip(_names(config.depth), fitted.weights, strict=True))
    return Autoencoder(config, weights, fitted.history)


def split_rows(is_validation: np.ndarray, *, exchanged: bool) -> np.ndarray:
    """Which cells train the autoencoder, as (n_cells,) bool; the others validate it.

    The cells that are not held out; ``exchanged``: the first n_validation cells, because the
    author's two slices are exchanged (``src/functions/ae_training.py``).
    """
    is_validation = np.asarray(is_validation, dtype=bool)
    n_validation = int(is_validation.sum())
    if not 0 < n_validation < len(is_validation):
        raise InputError(
            f"autoencoder: {n_validation} of {len(is_validation)} cells are for validation; "
            "both sides of the split need cells"
        )
    if exchanged:
        return np.arange(len(is_validation)) < n_validation
    return ~is_validation


def save(autoencoder: Autoencoder, folder: str | Path) -> None:
    """Write ``model.safetensors``, ``config.json`` and ``history.tsv``."""
    from safetensors.numpy import save as to_bytes

    folder = Path(folder)
    with atomic_path(folder / "model.safetensors") as temporary:
        # safetensors 0.8.0 writes memory as it lies: a transposed array would come back scrambled.
        whole = {name: np.ascontiguousarray(array) for name, array in autoencoder.weights.items()}
        temporary.write_bytes(to_bytes(whole))
    write_table(autoencoder.history, folder / "history.tsv")
    write_json(asdict(autoencoder.config), folder / "config.json")


def load(folder: str | Path) -> Autoencoder:
    """Read what :func:`save` wrote.

    Raises
    ------
    InputError
        If a file is missing.
    """
    from safetensors.numpy import load_file

    folder = Path(folder)
    for name in ("model.safetensors", "config.json", "history.tsv"):
        if not (folder / name).exists():
            raise InputError(f"{folder / name}: no such file; train the autoencoder again")
    config = AutoencoderConfig(**read_json(folder / "config.json"))
    weights = load_file(folder / "model.safetensors")
    return Autoencoder(config, weights, read_table(folder / "history.tsv"))


def _rows(observables: Observables, kept: np.ndarray, batch_size: int, device: str) -> Rows:
    """Move cells to the device; for full-batch training, equal cells once with their share.

    The small simulation has 54 distinct cells among 12,000: the same loss, computed in a fifth of
    the time.
    """
    import torch

    from featurelens.autoencoder.rows import Rows

    cells, shares, mixing = np.asarray(observables.cells[kept], dtype=np.float32), None, None
    if batch_size == 0:
        cells, counts = np.unique(cells, axis=0, return_counts=True)
        shares = torch.from_numpy((counts / counts.sum()).astype(np.float32)[:, None]).to(device)
    if observables.connectivity is not None:
        mixing = torch.from_numpy(observables.connectivity.T.astype(np.float32)).to(device)
    data = torch.from_numpy(np.ascontiguousarray(cells)).to(device)
    return Rows(data, data, shares, mixing)


def _names(depth: int) -> list[str]:
    return [
        f"{part}.{layer}.{kind}"
        for part in ("encoder", "decoder")
        for layer in range(depth)
        for kind in ("weight", "bias")
    ]


def _rectified(config: AutoencoderConfig) -> list[bool]:
    """Whether a ReLU follows each Linear layer, encoder first."""
    hidden = [True] * (config.depth - 1)
    return [*hidden, False, *hidden, config.output == "relu"]


def _in_chunks(
    function: Callable[[np.ndarray], np.ndarray], observables: np.ndarray | Observables
) -> np.ndarray:
    """Apply a function to chunks of rows, so that wide hidden layers stay small in memory."""
    cells = Observables.of(observables)
    return np.concatenate([function(cells.rows(chunk)) for chunk in row_chunks(*cells.shape)])
