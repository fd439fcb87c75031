"""multiDGD trained on the stand-in's cells; state dictionary and hyperparameters as it saves them.

The model of Schuster and Krogh (2023) in its own few lines: no encoder; one representation a
training cell, under a Gaussian mixture; one code a cell under a mixture with one component a site;
a shared network and one head a modality that ends in proportions; counts negative binomial around
proportion x library, with ``r = exp(log_r) + 1``. Names and shapes of the parameters are those that
the package saves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import torch
from scipy import sparse
from torch import nn

D, C, HIDDEN = 20, 2, 100
SCALE = 0.025
"""Standard deviation of representations, per dimension: rows have a norm of about 0.1."""


@dataclass(frozen=True)
class Training:
    """How long and how fast."""

    epochs: int = 30
    batch_size: int = 64
    decoder_rate: float = 2e-3
    representation_rate: float = 0.05
    seed: int = 0


class Mixture(nn.Module):
    """A diagonal Gaussian mixture, by mean, minus log variance and weight."""

    def __init__(self, n: int, d: int, *, spread: float, tied: bool = False):
        super().__init__()
        self.mean = nn.Parameter(spread * torch.randn(n, d))
        self.neglogvar = nn.Parameter(torch.full((n, 1 if tied else d), 2.0))
        self.weight = nn.Parameter(torch.ones(n))

    def log_density(self, z: torch.Tensor, component: torch.Tensor | None = None) -> torch.Tensor:
        """Of each row; of one component a row where these are known, or of the mixture."""
        distance = (z[:, None] - self.mean) ** 2 * self.neglogvar.exp()
        each = 0.5 * (self.neglogvar - distance).expand(len(z), *self.mean.shape).sum(-1)
        if component is not None:
            return each.gather(1, component[:, None])[:, 0]
        return torch.logsumexp(each + torch.log_softmax(self.weight, 0), 1)


class Codes(nn.Module):
    """One vector a cell."""

    def __init__(self, n: int, d: int):
        super().__init__()
        self.z = nn.Parameter(torch.zeros(n, d))


class Head(nn.Module):
    """From the shared network to the proportions of one modality."""

    def __init__(self, n: int):
        super().__init__()
        wide = max(HIDDEN, round(n**0.5))
        layers = [nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, wide), nn.ReLU()]
        self.fc = nn.Sequential(*layers, nn.Linear(wide, n))
        self.distribution = nn.Module()
        self.distribution.log_r = nn.Parameter(torch.zeros(1, n))


class Decoder(nn.Module):
    """Shared network and heads."""

    def __init__(self, sizes: list[int]):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(D + C, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        )
        self.out_modules = nn.ModuleList(Head(n) for n in sizes)


class Model(nn.Module):
    """Everything that a checkpoint holds, under its names."""

    def __init__(
        self, sizes: list[int], n_train: int, n_validation: int, n_types: int, n_sites: int
    ):
        super().__init__()
        self.register_buffer("trained_status", torch.tensor([False]))
        self.gmm = Mixture(n_types, D, spread=1.0)
        self.representation, self.validation_rep = Codes(n_train, D), Codes(n_validation, D)
        self.correction_gmm = Mixture(n_sites, C, spread=1.0, tied=True)
        self.correction_rep, self.correction_val_rep = Codes(n_train, C), Codes(n_validation, C)
        self.decoder = Decoder(sizes)

    def loss(self, z, code, counts: list[torch.Tensor], site: torch.Tensor) -> torch.Tensor:
        """Minus the log-likelihood of counts and codes, summed over the rows."""
        shared = self.decoder.main(torch.cat([z, code], 1))
        total = -self.gmm.log_density(z).sum() - self.correction_gmm.log_density(code, site).sum()
        for head, observed in zip(self.decoder.out_modules, counts, strict=True):
            mean = torch.softmax(head.fc(shared), -1) * observed.sum(1, keepdim=True)
            total = total - _log_likelihood(observed, mean, head.distribution.log_r)
        return total


def _log_likelihood(x: torch.Tensor, mean: torch.Tensor, log_r: torch.Tensor) -> torch.Tensor:
    """Negative binomial, without the terms of the counts alone."""
    r = log_r.exp() + 1
    log_sum = (mean + r).log()
    return (
        torch.lgamma(x + r) - torch.lgamma(r) + r * (r.log() - log_sum)
        + x * ((mean + 1e-8).log() - log_sum)
    ).sum()  # fmt: skip


def train(cells: anndata.AnnData, training: Training) -> Model:
    """Train on the cells that ``obs['train_val_test']`` calls train, with the covariate Site."""
    torch.manual_seed(training.seed)
    modalities = list(dict.fromkeys(cells.var["modality"]))
    parts = [
        sparse.csr_matrix(cells.X)[:, (cells.var["modality"] == m).to_numpy()] for m in modalities
    ]
    split = cells.obs["train_val_test"].to_numpy()
    site = torch.from_numpy(cells.obs["covariate_Site"].cat.codes.to_numpy().astype(np.int64))
    rows = {name: np.flatnonzero(split == name) for name in ("train", "validation")}
    model = Model(
        [part.shape[1] for part in parts],
        len(rows["train"]),
        len(rows["validation"]),
        cells.obs["observable"].nunique(),
        cells.obs["covariate_Site"].nunique(),
    )
    model.gmm.neglogvar.data.fill_(0.0)
    mixtures = [*model.gmm.parameters(), *model.correction_gmm.parameters()]
    optimiser = torch.optim.Adam(
        [
            {"params": model.decoder.parameters(), "lr": training.decoder_rate},
            {"params": mixtures, "lr": 0.01},
        ],
        betas=(0.5, 0.7),
    )
    codes = (model.representation, model.correction_rep)
    _fit(model, codes, [optimiser], parts, rows["train"], site, training, training.epochs)
    codes = (model.validation_rep, model.correction_val_rep)
    _fit(model, codes, [], parts, rows["validation"], site, training, max(2, training.epochs // 6))
    _rescale(model)
    model.trained_status.fill_(True)
    return model


def _fit(model, codes, others, parts, rows, site, training, epochs) -> None:
    """Gradient steps on the codes of some cells and, with their optimisers, on all else."""
    generator = np.random.default_rng(training.seed)
    values = [codes[0].z, codes[1].z]
    optimisers = [
        *others,
        torch.optim.Adam(values, lr=training.representation_rate, betas=(0.5, 0.7)),
    ]
    for _ in range(epochs):
        for batch in np.array_split(
            generator.permutation(len(rows)), -(-len(rows) // training.batch_size)
        ):
            counts = [torch.from_numpy(part[rows[batch]].toarray()) for part in parts]
            loss = model.loss(values[0][batch], values[1][batch], counts, site[rows[batch]])
            for optimiser in optimisers:
                optimiser.zero_grad(set_to_none=True)
            (loss / len(batch)).backward()
            for optimiser in optimisers:
                optimiser.step()


@torch.no_grad()
def _rescale(model: Model) -> None:
    """Bring representations to :data:`SCALE`; weights and mixture take the factor over."""
    factor = SCALE / model.representation.z.std(0).pow(2).mean().sqrt()
    for value in (model.representation.z, model.validation_rep.z, model.gmm.mean):
        value.mul_(factor)
    model.gmm.neglogvar.sub_(2 * factor.log())
    model.decoder.main[0].weight[:, :D].div_(factor)


def write(model: Model, cells: anndata.AnnData, folder: Path, name: str) -> tuple[Path, Path]:
    """Write checkpoint and hyperparameters, ``<name>.pt`` and ``<name>_hyperparameters.json``."""
    checkpoint, hyperparameters = folder / f"{name}.pt", folder / f"{name}_hyperparameters.json"
    state = {key: value.detach().clone() for key, value in model.state_dict().items()}
    torch.save(state, checkpoint)
    modalities = list(dict.fromkeys(cells.var["modality"]))
    sizes = [int((cells.var["modality"] == modality).sum()) for modality in modalities]
    content = {
        "latent_dimension": D, "n_components": len(model.gmm.mean), "n_hidden": 2,
        "n_hidden_modality": 3, "n_units": HIDDEN, "value_init": "zero", "softball_scale": 2,
        "softball_hardness": 5, "sd_sd": 1, "batch_size": 128, "decoder_width": 1,
        "n_features": sum(sizes), "n_features_per_modality": sizes, "modalities": modalities,
        "modality_switch": sizes[0], "scaling": "sum", "clustering_variable(meta)": "observable",
        "correction_variable": ["covariate_Site"],
        "n_decoder_parameters": sum(value.numel() for value in model.decoder.parameters()),
    }  # fmt: skip
    hyperparameters.write_text(json.dumps(content))
    return checkpoint, hyperparameters
