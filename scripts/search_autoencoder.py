"""Search for the hyperparameters of one shape of autoencoder."""

from typing import Any

from featurelens.autoencoder.config import SearchConfig
from featurelens.autoencoder.search import search
from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build
from featurelens.simulation.observables import observables

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    params = snakemake.params
    data = read_anndata(snakemake.input.data)
    table = search(
        observables(data),
        (data.obs["split"] == "validation").mean(),
        params.shape,
        build(SearchConfig, params.config),
        params.journal,
        means=Means(threads=snakemake.threads, device=params.device, log=log),
    )
    write_table(table, snakemake.output.trials)
