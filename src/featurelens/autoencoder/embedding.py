"""A simulation seen through a trained autoencoder: cells × latent dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata
import numpy as np

from featurelens.simulation.observables import observables

if TYPE_CHECKING:
    from featurelens.autoencoder.training import Autoencoder


def embed_simulation(autoencoder: Autoencoder, data: anndata.AnnData) -> anndata.AnnData:
    """Embedding of simulated cells as an AnnData with ``obsm['X_emb']`` (n_cells, latent)."""
    embedding = np.asarray(autoencoder.embed(observables(data)), dtype=np.float32)
    return anndata.AnnData(obs=data.obs.copy(), obsm={"X_emb": embedding})
