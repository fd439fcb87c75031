"""Checks of what a model needs of a dataset and of its own files, before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from featurelens.embeddings.checks import check_embedding_key, chosen_cells, kept_genes
from featurelens.embeddings.config import (
    DatasetConfig,
    GeneformerModel,
    ModelConfig,
    MultiDGDModel,
    OwnCells,
    PrecomputedModel,
    ScviModel,
)
from featurelens.embeddings.files import (
    CellsFile,
    columns_of,
    ensembl_column,
    open_cells,
    require_key,
)
from featurelens.io import InputError


def check_model(dataset: DatasetConfig, model: ModelConfig) -> None:
    """Check what a model needs of a dataset before anything is computed.

    Raises
    ------
    InputError
        If a file that the model names is missing or of another form, or the dataset lacks what
        the model reads of it.
    """
    if isinstance(model, PrecomputedModel):
        _check_precomputed(dataset, model)
    elif isinstance(model, MultiDGDModel):
        _check_multidgd(dataset, model)
    elif isinstance(model, GeneformerModel):
        _check_geneformer(dataset, model)
    elif isinstance(model, ScviModel):
        _check_scvi(dataset, model)


def _check_precomputed(dataset: DatasetConfig, model: PrecomputedModel) -> None:
    from anndata.io import read_elem

    from featurelens.embeddings.tables import read_embedding

    if model.path is not None:
        embedding = read_embedding(model)
        if isinstance(dataset, OwnCells):
            with open_cells(dataset) as file:
                chosen = chosen_cells(read_elem(file.obs), dataset) if dataset.only else slice(None)
                embedding.of(file.names[chosen], dataset.path)
    elif isinstance(dataset, OwnCells):
        with open_cells(dataset) as file:
            require_key(str(model.key), file.part.get("obsm", {}), f"{dataset.path}: obsm")
        if Path(dataset.path).suffix != ".h5mu":
            check_embedding_key(dataset.path, str(model.key))
    else:
        raise InputError(
            f"{dataset.kind} brings no embedding of its own; use a model of kind pca or "
            "poisson_nmf, or give the path of a file with one"
        )
    if model.factors is not None:
        if not isinstance(dataset, OwnCells):
            raise InputError(f"{dataset.kind} brings no gene factors; leave factors out")
        with open_cells(dataset) as file:
            require_key(model.factors, file.part.get("varm", {}), f"{dataset.path}: varm")


def _check_multidgd(dataset: DatasetConfig, model: MultiDGDModel) -> None:
    from anndata.io import read_elem

    from featurelens.embeddings.multidgd import (
        read_hyperparameters,
        require_split,
        require_torch_file,
        require_width,
    )

    if not isinstance(dataset, OwnCells):
        raise InputError(
            f"{dataset.kind} is not what a multidgd model was trained on; use cells of kind h5ad"
        )
    require_torch_file(model.checkpoint)
    width = read_hyperparameters(model).n_genes
    with open_cells(dataset) as file:
        where = f"{dataset.path}: obs"
        require_key(model.split_column, columns_of(file.obs), where)
        require_split(read_elem(file.obs[model.split_column]), model, where)
        require_width(len(kept_genes(file)), width, dataset.path, model)


def _check_scvi(dataset: DatasetConfig, model: ScviModel) -> None:
    from featurelens.embeddings.scvi import gene_columns
    from featurelens.embeddings.scvi_saved import read_saved

    if model.checkpoint is not None:
        saved = read_saved(model.checkpoint)
        if isinstance(dataset, OwnCells):
            with open_cells(dataset) as file:
                gene_columns(saved, kept_genes(file))


def _check_geneformer(dataset: DatasetConfig, model: GeneformerModel) -> None:
    from featurelens.embeddings.geneformer import prepare

    if not isinstance(dataset, OwnCells):
        raise InputError(
            f"{dataset.kind} has too few genes for geneformer, and no Ensembl ids; use cells of "
            "kind h5ad"
        )
    if model.repository is None:
        with open_cells(dataset) as file:
            ids, where = ensembl_ids(file, dataset)
            prepare(model, ids, where=where)


def ensembl_ids(file: CellsFile, config: OwnCells) -> tuple[pd.Index, str]:
    """Ensembl ids of the genes that are kept, or else their names, and where they were found."""
    from anndata.io import read_elem

    column = ensembl_column(config, columns_of(file.part["var"]))
    if column is None:
        return kept_genes(file), f"{config.path}: the names of var"
    ids = pd.Index(read_elem(file.part["var"][column])).astype(str)
    kept = ids if file.columns is None else ids[file.columns]
    return kept, f"{config.path}: var[{column!r}]"
