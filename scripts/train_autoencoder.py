"""Train an autoencoder on simulated cells and embed them."""

from pathlib import Path
from typing import Any

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.embedding import embed_simulation
from featurelens.autoencoder.training import save, train
from featurelens.io import read_anndata, write_anndata
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build
from featurelens.simulation.observables import observables

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    data = read_anndata(snakemake.input.data)
    config = build(AutoencoderConfig, snakemake.params.config)
    validation = (data.obs["split"] == "validation").to_numpy()
    autoencoder = train(
        observables(data),
        validation,
        config,
        means=Means(threads=snakemake.threads, device=snakemake.params.device, log=log),
    )
    save(autoencoder, Path(snakemake.output.model).parent)
    write_anndata(embed_simulation(autoencoder, data), snakemake.output.embedding)
