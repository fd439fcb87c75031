"""Train one SAE on an embedding of real cells, or import one that was trained elsewhere."""

from pathlib import Path
from typing import Any

from featurelens.embeddings.token_rows import training_rows
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build
from featurelens.sae.config import AnySAE
from featurelens.sae.single import make_and_save

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    X = training_rows(snakemake.input.bundle)
    config = build(AnySAE, snakemake.params.config)
    make_and_save(
        X,
        config,
        Path(snakemake.output.config).parent,
        source=snakemake.params.source,
        engine=snakemake.params.engine,
        means=Means(snakemake.threads, snakemake.params.device, log),
    )
