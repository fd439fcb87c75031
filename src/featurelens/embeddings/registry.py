"""Models that embed cells, found by listing, and the checks that each makes before a run."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from featurelens.datasets.config import DatasetConfig
from featurelens.embeddings.models.geneformer.config import GeneformerModel
from featurelens.embeddings.models.multidgd.config import MultiDGDModel
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.scvi.config import ScviModel

FILE_FIELDS = (
    "path",
    "checkpoint",
    "hyperparameters",
    "names",
    "tokens",
    "medians",
    "mapping",
)
"""Fields of datasets and models that name a file which the user brings."""

FOLDER_FIELDS = {"folder": ("config.json", "model.safetensors", "pytorch_model.bin")}
"""Fields that name a folder of the user's, and its files that are read where they are there."""

ModelConfig = (
    PCAModel | PoissonNMFModel | PrecomputedModel | MultiDGDModel | GeneformerModel | ScviModel
)

ENVIRONMENTS = {"geneformer": "geneformer", "scvi": "scvi"}
"""Kinds of models that need more than the core packages, and the file in ``envs/`` with them."""


def user_files(part: Mapping[str, Any]) -> dict[str, str]:
    """Files of the user's that a dataset or a model names, by the key that names them.

    Parameters
    ----------
    part
        A dataset or a model in plain form.
    """
    if part.get("repository") is not None:
        return {}
    files = {field: part[field] for field in FILE_FIELDS if part.get(field) is not None}
    for field, names in FOLDER_FIELDS.items():
        if part.get(field) is not None:
            files |= {f"{field}/{name}": f"{part[field]}/{name}" for name in names}
    return files


MODELS = {
    "pca": "featurelens.embeddings.models.pca.fit",
    "poisson_nmf": "featurelens.embeddings.models.poisson_nmf.fit",
    "precomputed": "featurelens.embeddings.models.precomputed.fit",
    "multidgd": "featurelens.embeddings.models.multidgd.fit",
    "geneformer": "featurelens.embeddings.models.geneformer.fit",
    "scvi": "featurelens.embeddings.models.scvi.fit",
}
"""Module of each model, by the kind of its config; imported only when it runs."""

NETWORKS = ("geneformer", "scvi")
"""Models that run a network, and so are told of threads, device and log."""


def check_model(dataset: DatasetConfig, model: ModelConfig) -> None:
    """Check what a model needs of a dataset before anything is computed.

    Raises
    ------
    InputError
        If a file that the model names is missing or of another form, or the dataset lacks what
        the model reads of it.
    """
    check = getattr(import_module(MODELS[model.kind]), "check", None)
    if check is not None:
        check(dataset, model)
