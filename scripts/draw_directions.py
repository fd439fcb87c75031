"""Draw a control from an SAE: other weights, such as random directions, in its place."""

from pathlib import Path
from typing import Any

from featurelens.controls.config import ControlConfig
from featurelens.controls.drawn import drawn_control
from featurelens.embeddings.token_rows import training_rows
from featurelens.features.sources import parse_source
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.sae import model

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources):
    directions = drawn_control(
        Path(snakemake.input.sae[0]).parent,
        training_rows(snakemake.input.bundle),
        parse_source(snakemake.params.source),
        config=build(ControlConfig, snakemake.params.controls),
    )
    model.save(directions, Path(snakemake.output.config).parent)
