"""``config/paper.yaml`` itself, with sizes and addresses overridden and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stand_in.files import Wanted
from stand_in.marrow import SHARE_TRAIN, Sizes
from stand_in.multidgd import Training

Config = dict[str, Any]

SIZES = frozenset(
    (
        *("n_cells", "n_validation", "n_genes", "n_neurons", "n_components", "n_permutations"),
        *("epochs", "probe_epochs", "patience", "batch_size", "seed", "stack_by"),
        *("expansion", "l1", "k", "learning_rate", "max_features"),
        *("cells", "genes", "kinds", "variant"),
    )
)
"""Keys of a config whose values the stand-in changes. Of lists (grids, seeds, kinds of controls) it
keeps some values; ``variant`` says which published size Geneformer's weights must have."""
ADDRESSES = frozenset(("url", "service", "sha256"))
"""Keys that say where a file comes from, and its checksum."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of the stand-in: sizes of its files, and of the run."""

    files: Wanted
    whole: bool
    """Whether simulations, sweeps and Geneformer, which needs a package of its own, take part."""
    steps: int = 3_000
    """Of the small autoencoders, where the paper has 20,000."""
    cells: int = 1_200
    """Of the simulations."""
    genes: int = 400
    """Of the hierarchical simulation."""
    features: int = 600
    """Of the SAEs of real cells, where the paper has 10,000."""
    sae_epochs: int = 500
    controls: tuple[str, ...] = ("random", "untrained", "pca")

    def resized(self, paper: Config) -> Config:
        """The paper's config with these sizes; see :func:`differences`."""
        config = json.loads(json.dumps(paper))
        if self.whole:
            _simulations(config["simulations"], self)
            _sweeps(config["sweeps"], self)
            config["datasets"]["bone-marrow"]["models"]["geneformer"]["variant"] = "V2"
        else:
            _leave_cells(config)
        config["datasets"]["bone-marrow"]["expected"] |= {
            "cells": round(SHARE_TRAIN * self.files.marrow.cells),
            "genes": self.files.marrow.genes,
        }
        for sae in config["saes"].values():
            sae |= {"max_features": self.features, "epochs": self.sae_epochs, "batch_size": 16}
        config["controls"] |= {"kinds": list(self.controls), "n_components": 20}
        return config


AUTOENCODERS = (
    *(f"latent{latent}-depth2-wide" for latent in (20, 100, 150, 1000)),
    *("latent1000-depth2-narrow", "latent1000-depth4-narrow"),
)
"""Those of the paper's 22 that the stand-in trains: of every size and depth that a claim names."""

FORMS = {
    "short": Form(
        files=Wanted(
            marrow=Sizes(cells=2_700, genes=700, peaks=300, depth=1_500),
            training=Training(epochs=15),
        ),
        whole=False,
        features=200,
        sae_epochs=100,
        controls=("random",),
    ),
    "long": Form(files=Wanted(), whole=True),
}


def differences(paper: Any, resized: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all values of the paper's config that a resized one has otherwise, or has not."""
    if isinstance(paper, Mapping) and isinstance(resized, Mapping):
        for key in dict.fromkeys([*paper, *resized]):
            if key not in paper or key not in resized:
                yield (*path, key)
            else:
                yield from differences(paper[key], resized[key], (*path, key))
    elif (
        isinstance(paper, list)
        and isinstance(resized, list)
        and len(paper) == len(resized)
        and all(isinstance(item, Mapping) for item in paper)
    ):
        for place, (one, other) in enumerate(zip(paper, resized, strict=True)):
            yield from differences(one, other, (*path, str(place)))
    elif paper != resized:
        yield path


def _leave_cells(config: Config) -> None:
    """Leave out what the short form does not run."""
    del config["simulations"], config["sweeps"]
    del config["datasets"]["mouse-gastrulation"], config["datasets"]["human-brain"]
    del config["datasets"]["bone-marrow"]["models"]["geneformer"]
    del config["paper"]["geneformer"]
    kept = ("marrow-cells", "marrow-model", "marrow-hyperparameters", "go-basic", "goa-human")
    config["downloads"] = {name: config["downloads"][name] for name in kept}


def _simulations(simulations: Config, form: Form) -> None:
    small, large, zipf = (simulations[name] for name in ("small", "hierarchical", "zipf"))
    small["data"] |= {"n_cells": form.cells, "n_validation": form.cells // 6}
    for autoencoder in small["autoencoders"].values():
        autoencoder["epochs"] = form.steps
    large["data"] |= {"n_cells": form.cells, "n_genes": form.genes}
    large["autoencoders"] = {
        name: large["autoencoders"][name] | {"epochs": 30, "seed": [0], "batch_size": 16}
        for name in AUTOENCODERS
    }
    large["probe_epochs"] = 20
    large["baselines"]["n_cells"] = form.cells
    large["chance"]["n_neurons"] = 300
    zipf["data"]["n_cells"] = 1_000


def _sweeps(sweeps: Config, form: Form) -> None:
    for sweep in sweeps.values():
        # All points in one job: it takes longer to start one than to train them.
        sweep["stack_by"] = ["reduction"]
    for grid in sweeps["small"]["grids"]:
        grid["epochs"] = max(5, grid["epochs"] // 10)
        if isinstance(grid["k"], list):
            grid |= {"expansion": [5, 20, 50], "l1": [0.1, 0.001, 0.0001], "k": [5, 20, 75]}
        else:
            grid |= {"expansion": [20], "seed": [0, 1]}
    for name in ("hierarchical", "hierarchical-latent100", "hierarchical-latent20"):
        for grid in sweeps[name]["grids"]:
            grid |= {"expansion": [2, 5], "epochs": 40}
            grid |= {"seed": [0, 1]} if "seed" in grid else {}
    sweeps["hierarchical"]["structure"]["select"]["expansion"] = 5
    for name in ("grid-latent20", "grid-latent150", "grid-latent1000"):
        sweeps[name]["n_cells"] = form.cells // 2
        for grid in sweeps[name]["grids"]:
            grid |= {"expansion": [2], "l1": [0.01, 0.0001], "k": [5, 50], "epochs": 10}
            grid["learning_rate"] = [0.001]
    for grid in sweeps["zipf"]["grids"]:
        grid |= {"expansion": [2], "epochs": 20, "seed": [0, 1]}
    for name in ("bone-marrow", "mouse-gastrulation", "human-brain"):
        for grid in sweeps[name]["grids"]:
            grid |= {"expansion": [5, 20], "l1": [1.0, 0.001], "epochs": 60, "patience": 20}
