"""multiDGD (Schuster and Krogh 2023), read from its checkpoint without its package.

The model has no encoder: it stores one representation z and one covariate code per training cell,
in the order of the cells that its data file marks as train. A shared network and one head per
modality decode both to proportions; counts are negative binomial with mean m = proportion x
library, variance m + m^2 / r and ``r = exp(log_r) + 1``. File formats as the package writes them
(``multiDGD/nn/_decoder.py`` and ``_outputmodules.py``, revision 3887a98).

The checkpoint names no cells and no genes, so :mod:`.row_proof` proves from the counts that both
are in the order assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.checks import kept_genes
from featurelens.datasets.config import DatasetConfig, OwnCells
from featurelens.datasets.files import open_cells, require_key
from featurelens.embeddings.bundle import Fitted, Origin
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.embeddings.models.multidgd.config import MultiDGDModel
from featurelens.embeddings.models.multidgd.row_proof import prove_rows
from featurelens.io import InputError, sha256_file
from featurelens.json_files import read_object
from featurelens.torch_files import as_array, load_safely, require_numbers

if TYPE_CHECKING:
    import anndata


TRAINED = ("trained_status", "_trained_status")
"""Key that says whether the model was trained; the second spelling is of old checkpoints."""


@dataclass(frozen=True)
class Hyperparameters:
    """What is read of the file beside the checkpoint."""

    modality: str
    """The modality whose decoder is kept."""
    position: int
    """Its place among the modalities of the model."""
    n_genes: int
    """Its number of features."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What is read of a state dictionary."""

    representation: np.ndarray
    """z of the training cells, (n, d) float32."""
    covariate: np.ndarray | None
    """Covariate codes of the same cells, (n, c) float32; None if the model corrects for nothing."""
    decoder: MLPSoftmaxDecoder
    """From z and code to expression."""


def fit(cells: anndata.AnnData, config: MultiDGDModel) -> Fitted:
    """Take the representations of the training cells; nothing is fitted.

    Parameters
    ----------
    cells
        The cells the model was trained on, with all splits, restricted to the one modality.

    Returns
    -------
    Fitted
        Representations, covariate codes and decoder; ``rows`` are the training cells.

    Raises
    ------
    InputError
        If a file cannot be read, is no multiDGD model, or does not belong to these cells.
    """
    hyperparameters = read_hyperparameters(config)
    checkpoint = read_checkpoint(config, hyperparameters)
    require_width(cells.n_vars, hyperparameters.n_genes, "the cells", config)
    require_key(config.split_column, cells.obs, "the cells: obs")
    labels = cells.obs[config.split_column]
    require_split(labels, config, "the cells: obs")
    rows = np.flatnonzero(labels == "train")
    if len(rows) != len(checkpoint.representation):
        raise InputError(
            f"{config.checkpoint}: holds {len(checkpoint.representation)} representations, but "
            f"{len(rows)} cells have {config.split_column} 'train'; give the cells that this model "
            "was trained on, all of them"
        )
    proof = prove_rows(
        checkpoint.decoder,
        checkpoint.representation,
        checkpoint.covariate,
        sparse.csr_matrix(cells.layers["counts"])[rows],
        cells.obs["cell_type"].iloc[rows].astype(str).to_numpy(),
        n_cells=config.proof_cells,
        n_permutations=config.proof_permutations,
        seed=config.seed,
    )
    if not proof.holds:
        raise InputError(
            f"{config.checkpoint}: its rows do not match the cells: their counts are no likelier "
            "under their own decoded mean than under that of another cell of their type "
            f"(z = {proof.z:.1f}, needed {proof.threshold}), or than under shuffled genes "
            f"({proof.gene_shuffles_beaten:.0%} of shuffles beaten, needed all); give the cells "
            "and genes of the training, in the same order"
        )
    info = {
        "modality": hyperparameters.modality,
        "hyperparameters_sha256": sha256_file(config.hyperparameters),
        "proof_of_row_order": asdict(proof),
    }
    origin = Origin(checkpoint_sha256=sha256_file(config.checkpoint))
    return Fitted(
        checkpoint.representation, checkpoint.decoder, info, checkpoint.covariate, rows, origin
    )


def read_hyperparameters(config: MultiDGDModel) -> Hyperparameters:
    """Read and check what the decoder's layout needs.

    Raises
    ------
    InputError
        If the file is missing or not the one that multiDGD saves, or has no such modality.
    """
    path = config.hyperparameters
    content = read_object(
        path, remedy="is it complete?", absent="check hyperparameters in the config"
    )
    for key in ("modalities", "n_features_per_modality"):
        require_key(key, content, path)
    scaling = content.get("scaling", "sum")
    if scaling != "sum":
        raise InputError(f"{path}: scaling is {scaling!r}; only 'sum' is known (softmax x library)")
    modalities, sizes = content["modalities"], content["n_features_per_modality"]
    are_lists = isinstance(modalities, list) and isinstance(sizes, list)
    are_names = are_lists and all(isinstance(each, str) for each in modalities)
    if not are_names or not modalities or len(modalities) != len(sizes):
        raise InputError(
            f"{path}: modalities are {modalities!r} of {sizes!r} features; a model has a list of "
            "both, of one length"
        )
    modality = modalities[0] if config.modality is None else config.modality
    require_key(modality, modalities, f"{path}: modalities")
    position = modalities.index(modality)
    if type(sizes[position]) is not int or sizes[position] < 1:
        raise InputError(f"{path}: n_features_per_modality is {sizes!r}, no numbers of features")
    return Hyperparameters(modality, position, sizes[position])


def read_checkpoint(config: MultiDGDModel, hyperparameters: Hyperparameters) -> Checkpoint:
    """Read representations and decoder; no code that the file may carry is run.

    Raises
    ------
    InputError
        If the file is missing, truncated, or no trained multiDGD model of these hyperparameters.
    """
    path = config.checkpoint
    state = _load(path)
    trained = [bool(np.all(state[key])) for key in TRAINED if key in state]
    if not all(trained):
        raise InputError(f"{path}: says that its model was never trained; give a trained one")
    require_key("representation.z", state, path)
    representation = np.ascontiguousarray(state["representation.z"], dtype=np.float32)
    require_numbers(path, "representation.z", representation, 2)
    covariate = None
    if "correction_rep.z" in state:
        covariate = np.ascontiguousarray(state["correction_rep.z"], dtype=np.float32)
        require_numbers(path, "correction_rep.z", covariate, 2)
        if len(covariate) != len(representation):
            raise InputError(
                f"{path}: has {len(representation)} representations and {len(covariate)} covariate "
                "codes; it is damaged"
            )
    decoder = _decoder(state, covariate, hyperparameters.position, path)
    if decoder.shape != (representation.shape[1], hyperparameters.n_genes):
        raise InputError(
            f"{path}: decodes (d, n_genes) = {decoder.shape}, but has representations of "
            f"{representation.shape[1]} dimensions and {config.hyperparameters} says "
            f"{hyperparameters.n_genes} genes; give the two files of one model"
        )
    return Checkpoint(representation, covariate, decoder)


def require_split(labels: Any, config: MultiDGDModel, where: str) -> None:
    """Raise :class:`InputError` unless some cell is marked as train."""
    there = sorted(pd.Series(labels).dropna().astype(str).unique())
    require_key("train", there, f"{where}[{config.split_column!r}]")


def require_width(n_genes: int, expected: int, path: str, config: MultiDGDModel) -> None:
    """Raise :class:`InputError` unless there are as many genes as the model decodes."""
    if n_genes != expected:
        raise InputError(
            f"{path}: has {n_genes} genes, but the model of {config.hyperparameters} decodes "
            f"{expected}; give its own data file, and as modality the one it calls by that name"
        )


def _load(path: str) -> Mapping[str, np.ndarray]:
    import torch

    state = load_safely(path)
    if not isinstance(state, Mapping):
        raise InputError(f"{path}: holds a {type(state).__name__}, not a state dictionary")
    return {
        str(key): as_array(value) for key, value in state.items() if isinstance(value, torch.Tensor)
    }


def _decoder(
    state: Mapping[str, np.ndarray], covariate: np.ndarray | None, position: int, path: str
) -> MLPSoftmaxDecoder:
    import torch

    head = f"decoder.out_modules.{position}"
    layers = [*_layers(state, "decoder.main", path), *_layers(state, f"{head}.fc", path)]
    require_key(f"{head}.distribution.log_r", state, path)
    n_covariates = 0 if covariate is None else covariate.shape[1]
    if not layers or not _chained(layers):
        raise InputError(f"{path}: the layers under {head}.fc are missing or do not fit together")
    log_r = np.asarray(state[f"{head}.distribution.log_r"], dtype=np.float32).reshape(-1)
    require_numbers(path, f"{head}.distribution.log_r", log_r, 1)
    if len(log_r) != len(layers[-1][1]):
        raise InputError(
            f"{path}: {head} has {len(layers[-1][1])} genes, but dispersions of {len(log_r)}"
        )
    codes = np.zeros((1, n_covariates)) if covariate is None else covariate
    return MLPSoftmaxDecoder(
        weights=tuple(weight for weight, _ in layers),
        biases=tuple(bias for _, bias in layers),
        r=torch.exp(torch.from_numpy(log_r)).numpy() + np.float32(1),
        mean_covariate=codes.mean(axis=0, dtype=np.float64).astype(np.float32),
    )


def _layers(
    state: Mapping[str, np.ndarray], prefix: str, path: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weight and bias of the linear layers below a prefix, in the order of their numbers."""
    pattern = re.compile(re.escape(prefix) + r"\.(\d+)\.weight")
    numbers = sorted(int(match[1]) for key in state if (match := pattern.fullmatch(key)))
    for number in numbers:
        require_key(f"{prefix}.{number}.bias", state, path)
        weight, bias = (state[f"{prefix}.{number}.{name}"] for name in ("weight", "bias"))
        require_numbers(path, f"{prefix}.{number}.weight", weight, 2)
        require_numbers(path, f"{prefix}.{number}.bias", bias, 1)
        yield np.asarray(weight, dtype=np.float32), np.asarray(bias, dtype=np.float32)


def _chained(layers: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Whether each layer has a bias of its width, and reads what the one before it gives."""
    own = all(len(weight) == len(bias) for weight, bias in layers)
    return own and all(len(a) == b.shape[1] for (a, _), (b, _) in pairwise(layers))


def check(dataset: DatasetConfig, model: MultiDGDModel) -> None:
    """Raise an InputError where the files of the model and the dataset do not fit each other."""
    from featurelens.torch_files import require_torch_file

    if not isinstance(dataset, OwnCells):
        raise InputError(
            f"{dataset.kind} is not what a multidgd model was trained on; use cells of kind h5ad"
        )
    require_torch_file(model.checkpoint)
    width = read_hyperparameters(model).n_genes
    with open_cells(dataset) as file:
        where = f"{dataset.path}: obs"
        require_key(model.split_column, file.columns_of_cells, where)
        require_split(file.column(model.split_column), model, where)
        require_width(len(kept_genes(file)), width, dataset.path, model)
