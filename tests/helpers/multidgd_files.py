"""A small multiDGD model in the layout of the package, and cells drawn from it."""

import json
from itertools import pairwise
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import nn

from featurelens.datasets.config import OwnCells
from featurelens.embeddings.models.multidgd.config import MultiDGDModel

N_CELLS, N_GENES, N_PEAKS, D, C = 120, 40, 6, 3, 2


class Head(nn.Module):
    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.fc = nn.ModuleList([nn.Linear(n_in, 8), nn.ReLU(), nn.Linear(8, n_out)])
        self.distribution = nn.Module()
        self.distribution.log_r = nn.Parameter(torch.randn(1, n_out))

    def forward(self, x):
        for layer in self.fc:
            x = layer(x)
        return torch.softmax(x, dim=-1)


class Decoder(nn.Module):
    """Six layers before the heads, so that their keys reach ``main.10``: 10 sorts before 2."""

    def __init__(self, n_in: int, sizes: list[int]):
        super().__init__()
        widths = [n_in, 12, 12, 12, 12, 12, 10]
        self.main = nn.ModuleList()
        for first, second in pairwise(widths):
            self.main.extend([nn.Linear(first, second), nn.ReLU()])
        self.out_modules = nn.ModuleList(Head(10, size) for size in sizes)

    def forward(self, x):
        for layer in self.main:
            x = layer(x)
        return [head(x) for head in self.out_modules]


class Model(nn.Module):
    """Parameters under the names that the package gives them."""

    def __init__(self, n_train: int, covariates: int = C):
        super().__init__()
        self.register_buffer("trained_status", torch.tensor([True]))
        self.representation, self.validation_rep = nn.Module(), nn.Module()
        self.representation.z = nn.Parameter(2 * torch.randn(n_train, D))
        self.validation_rep.z = nn.Parameter(torch.randn(5, D))
        if covariates:
            self.correction_rep = nn.Module()
            self.correction_rep.z = nn.Parameter(torch.randn(n_train, covariates))
        self.decoder = Decoder(D + covariates, [N_GENES, N_PEAKS])
        for name, weight in self.decoder.named_parameters():
            if name.endswith("weight"):
                nn.init.normal_(weight, std=(2 / weight.shape[1]) ** 0.5)

    def forward(self):
        parts = [self.representation.z]
        if hasattr(self, "correction_rep"):
            parts.append(self.correction_rep.z)
        return self.decoder(torch.cat(parts, 1))


def make_model(n_train: int, *, covariates: int = C, seed: int = 3) -> Model:
    torch.manual_seed(seed)
    return Model(n_train, covariates)


def make_cells(model: Model, *, seed: int = 0) -> anndata.AnnData:
    """Every third cell is for validation or testing; the counts of train cells are the model's."""
    rng = np.random.default_rng(seed)
    split = np.array(["train", "validation", "train", "train", "test", "train"] * (N_CELLS // 6))
    counts = rng.poisson(2, (N_CELLS, N_GENES + N_PEAKS)).astype(np.float32)
    with torch.no_grad():
        expected = model()[0].numpy()
    counts[split == "train", :N_GENES] = rng.poisson(400 * expected)
    counts[:, 0] += 1
    modality = ["GEX"] * N_GENES + ["ATAC"] * N_PEAKS
    return anndata.AnnData(
        X=sparse.csr_matrix(counts),
        obs=pd.DataFrame(
            {
                "label": np.where(np.arange(N_CELLS) % 2, "a", "b"),
                "Site": "s1",
                "train_val_test": split,
            },
            index=[f"cell{i}" for i in range(N_CELLS)],
        ),
        var=pd.DataFrame({"modality": modality}, index=[f"f{i}" for i in range(len(modality))]),
    )


N_TRAIN = 4 * N_CELLS // 6


def write_model(folder: Path, state: dict, **changes) -> MultiDGDModel:
    """Write a state dictionary and its hyperparameters; the config that reads them."""
    hyperparameters = {
        "latent_dimension": D,
        "n_features_per_modality": [N_GENES, N_PEAKS],
        "modalities": ["GEX", "ATAC"],
        "scaling": "sum",
    }
    torch.save(state, folder / "model.pt")
    (folder / "model.json").write_text(json.dumps(hyperparameters | changes))
    return MultiDGDModel(
        checkpoint=str(folder / "model.pt"), hyperparameters=str(folder / "model.json")
    )


def cells_config(path: Path, **changes) -> OwnCells:
    return OwnCells(**{"path": str(path), "cell_type": "label", "modality": "GEX"} | changes)
