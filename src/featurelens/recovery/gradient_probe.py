"""The author's probe: a linear layer trained by gradients, on a CPU or GPU."""

from __future__ import annotations

import numpy as np

from featurelens.means import Means
from featurelens.recovery.linear_probes import column_blocks, r2
from featurelens.simulation.observables import Observables
from featurelens.threads import torch_threads


def gradient_r2(
    embedding: np.ndarray,
    targets: np.ndarray | Observables,
    is_validation: np.ndarray,
    *,
    epochs: int,
    seed: int,
    means: Means,
) -> np.ndarray:
    """R² on validation rows of one linear layer trained by Adam (``02_autoencoder_training.py``).

    Author's ``large/02_autoencoder_training.py``: all targets at once and unscaled, learning rate
    1e-4, batches of 128, at most 100 epochs, stop after 10 without improvement, last weights.
    """
    import torch  # seconds to import, and only this probe needs it

    from featurelens.autoencoder import fitting
    from featurelens.autoencoder.rows import Rows

    targets = Observables.of(targets)
    generator = torch.Generator().manual_seed(seed)
    initial = fitting.linear_init(embedding.shape[1], targets.shape[1], generator)
    mixing = None
    if targets.connectivity is not None:
        mixing = torch.from_numpy(targets.connectivity.T.astype(np.float32)).to(means.device)
    train, validation = (
        Rows(
            torch.from_numpy(embedding[side].astype(np.float32)).to(means.device),
            torch.from_numpy(targets.cells[side].astype(np.float32)).to(means.device),
            mixing=mixing,
        )
        for side in (~is_validation, is_validation)
    )
    schedule = fitting.Schedule(
        learning_rate=1e-4,
        weight_decay=0,
        batch_size=128,
        epochs=epochs,
        patience=10,
        weights="last",
        losses="batches",
    )
    with torch_threads(means.threads):
        fitted = fitting.fit(
            [part.to(means.device) for part in initial],
            [False],
            train,
            validation,
            schedule=schedule,
            generator=generator,
            watched=False,
            log=means.log,
            what="a linear probe trained",
        )
    weight, bias = (part.astype(np.float64) for part in fitted.weights)
    held_out, inputs = targets[is_validation], embedding[is_validation]
    return np.concatenate(
        [
            r2(held_out.columns(block), inputs @ weight[block].T + bias[block])
            for block in column_blocks(*held_out.shape)
        ]
    )
