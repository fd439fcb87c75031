"""scVI (Lopez et al. 2018): trained here with scvi-tools, or read from a saved model without it.

Either way the model is read from the file that scvi-tools writes, and its networks run as arrays
(:mod:`.scvi_network`), so that a saved model needs no scvi-tools and a bundle none ever.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from featurelens.datasets.checks import kept_genes
from featurelens.datasets.config import DatasetConfig, OwnCells
from featurelens.datasets.files import open_cells
from featurelens.embeddings.bundle import Fitted, Origin
from featurelens.embeddings.models.scvi.config import ScviModel
from featurelens.embeddings.models.scvi.network import decoder_of, encode
from featurelens.embeddings.models.scvi.saved import SavedModel, read_saved
from featurelens.embeddings.packages import how_to_get
from featurelens.io import InputError, sha256_file
from featurelens.means import Means
from featurelens.progress import Progress

if TYPE_CHECKING:
    import anndata
    import pandas as pd


def fit(
    cells: anndata.AnnData,
    config: ScviModel,
    *,
    means: Means,
) -> Fitted:
    """Embed cells with scVI: the mean of each cell's distribution of z, or one sample of it.

    Parameters
    ----------
    cells
        ``layers['counts']`` raw, ``obs['batch']``; a saved model takes its own genes of them.
    config
        The model.
    means
        With what it is trained.

    Raises
    ------
    InputError
        If scvi-tools is needed and not installed, or a saved model lacks a batch of the cells or
        knows a gene that they have not.
    """
    if config.checkpoint is not None:
        model, checkpoint = read_saved(config.checkpoint), sha256_file(config.checkpoint)
    else:
        # No checksum: scvi-tools writes the hour of the training into the file.
        with TemporaryDirectory() as folder:
            path = _train(
                cells,
                config,
                Path(folder),
                means=means,
            )
            model, checkpoint = read_saved(str(path)), None
    columns = gene_columns(model, cells.var_names)
    one_hot = batch_codes(model, cells.obs["batch"])
    counts = sparse.csr_matrix(cells.layers["counts"][:, columns])
    posterior = encode(model, counts, one_hot)
    info: dict[str, Any] = {
        "n_genes": len(columns),
        "batches": list(model.batches),
        "likelihood": model.likelihood,
        "mean_posterior_variance": float(posterior.variance.mean(dtype=np.float64)),
        "embedding": "sample" if config.sample else "mean",
    }
    means.log(
        f"{cells.n_obs} cells embedded with {len(columns)} genes, {len(model.batches)} batches"
    )
    return Fitted(
        posterior.sample(config.seed) if config.sample else posterior.mean,
        decoder_of(model, one_hot.mean(axis=0, dtype=np.float64)),
        info,
        covariate=one_hot if one_hot.shape[1] else None,
        columns=columns,
        origin=Origin(model_version=f"scvi-tools {model.version}", checkpoint_sha256=checkpoint),
    )


def gene_columns(model: SavedModel, names: pd.Index) -> np.ndarray:
    """Positions of the model's genes among the names of the cells' genes.

    Raises
    ------
    InputError
        If a gene is missing; the first one is named.
    """
    columns = names.get_indexer(model.genes)
    missing = model.genes[columns < 0]
    if len(missing):
        raise InputError(
            f"{model.path}: was trained on gene {str(missing[0])!r}, which the cells lack "
            f"({len(missing)} of {len(model.genes)} such genes); use the cells it was trained on"
        )
    return columns


def batch_codes(model: SavedModel, batches: pd.Series) -> np.ndarray:
    """One-hot batch of each cell, (n_cells, n_batches) float32; no columns for a single batch.

    Raises
    ------
    InputError
        If a cell is of a batch that the model does not know.
    """
    if len(model.batches) == 1:
        return np.empty((len(batches), 0), dtype=np.float32)
    place = {name: position for position, name in enumerate(model.batches)}
    labels = batches.astype(str)
    unknown = labels[~labels.isin(place.keys())]
    if len(unknown):
        raise InputError(
            f"{model.path}: does not know batch {unknown.iloc[0]!r} of cell "
            f"{str(unknown.index[0])!r} ({len(unknown)} such cells); it knows "
            f"{', '.join(model.batches)}"
        )
    return np.eye(len(place), dtype=np.float32)[labels.map(place).to_numpy()]


def _train(
    cells: anndata.AnnData,
    config: ScviModel,
    folder: Path,
    *,
    means: Means,
) -> Path:
    """Train on the cells whose split is train; the saved model's file."""
    import anndata

    try:
        import scvi
    except ImportError:
        raise InputError(
            f"scvi needs the package scvi-tools to train; {how_to_get(config)}"
        ) from None
    import torch

    torch.set_num_threads(means.threads)
    scvi.settings.seed = config.seed
    rows = (cells.obs["split"] == "train").to_numpy()
    columns = _variable_genes(cells, config.n_genes)
    data = anndata.AnnData(
        sparse.csr_matrix(cells.layers["counts"][rows][:, columns], dtype=np.float32),
        obs=cells.obs.loc[rows, ["batch"]].copy(),
        var=cells.var.iloc[columns][[]].copy(),
    )
    data.obs["batch"] = data.obs["batch"].cat.remove_unused_categories()
    scvi.model.SCVI.setup_anndata(data, batch_key="batch")
    model = scvi.model.SCVI(
        data,
        n_latent=config.n_latent,
        n_hidden=config.n_hidden,
        n_layers=config.n_layers,
        gene_likelihood=config.likelihood,
    )
    means.log(f"training scVI on {data.n_obs} cells x {data.n_vars} genes")
    model.train(
        max_epochs=config.epochs,
        batch_size=config.batch_size,
        plan_kwargs={"lr": config.learning_rate},
        accelerator="gpu" if means.device == "cuda" else "cpu",
        devices=1,
        enable_progress_bar=False,
        callbacks=[_teller(means)],
    )
    history = model.history["elbo_train"]
    means.log(f"{len(history)} epochs, negative evidence bound {float(history.iloc[-1, 0]):.2f}")
    model.save(str(folder / "model"), overwrite=True)
    return folder / "model" / "model.pt"


def _teller(means: Means) -> Any:
    """What Lightning calls after every epoch, to log how far it is."""
    from lightning.pytorch.callbacks import Callback

    class Teller(Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
            self.progress = Progress(means.log, trainer.max_epochs, "epochs", "scVI trained")

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
            self.progress.advance()

    return Teller()


def _variable_genes(cells: anndata.AnnData, n_genes: int | None) -> np.ndarray:
    """Positions of the most variable genes, by dispersion of log1p counts per 10,000."""
    if n_genes is None or n_genes >= cells.n_vars:
        return np.arange(cells.n_vars)
    from scanpy.preprocessing import highly_variable_genes

    table = highly_variable_genes(cells, n_top_genes=n_genes, flavor="seurat", inplace=False)
    return np.flatnonzero(table["highly_variable"].to_numpy())


def check(dataset: DatasetConfig, model: ScviModel) -> None:
    """Raise an InputError where the files of the model and the dataset do not fit each other."""
    from featurelens.embeddings.models.scvi.saved import read_saved

    if model.checkpoint is not None:
        saved = read_saved(model.checkpoint)
        if isinstance(dataset, OwnCells):
            with open_cells(dataset) as file:
                gene_columns(saved, kept_genes(file))
