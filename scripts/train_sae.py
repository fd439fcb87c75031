"""Train one SAE on an embedding of real cells."""

from pathlib import Path
from typing import Any

from featurelens.io import read_obsm
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build
from featurelens.sae.config import SAEConfig
from featurelens.sae.single import train_and_save

snakemake: Any

with job_log(snakemake.log[0]) as log:
    X = read_obsm(snakemake.input.bundle)
    config = build(SAEConfig, snakemake.params.config)
    train_and_save(
        X,
        config,
        Path(snakemake.output.config).parent,
        source=snakemake.params.source,
        engine=snakemake.params.engine,
        means=Means(snakemake.threads, snakemake.params.device, log),
    )
