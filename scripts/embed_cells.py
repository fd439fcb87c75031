"""Embed cells with a model and describe the embedding."""

from pathlib import Path
from typing import Any

import pandas as pd

from featurelens.embeddings.bundle import write_bundle
from featurelens.embeddings.diagnostics import diagnose
from featurelens.embeddings.embed import embed, read_cells
from featurelens.embeddings.registry import build_model
from featurelens.io import write_table
from featurelens.logs import job_log
from featurelens.means import Means

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    model = build_model(snakemake.params.config)
    bundle = embed(
        read_cells(snakemake.input.cells, model),
        model,
        copy=False,
        means=Means(threads=snakemake.threads, device=snakemake.params.device, log=log),
        command=snakemake.params.command,
    )
    write_bundle(bundle, Path(snakemake.output.bundle).parent)
    write_table(pd.DataFrame([diagnose(bundle, seed=0)]), snakemake.output.diagnostics)
