"""Draw a control from an SAE: other weights, such as random directions, in its place."""

from pathlib import Path
from typing import Any

from featurelens.controls.config import ControlConfig
from featurelens.controls.drawn import drawn_control
from featurelens.features.sources import parse_source
from featurelens.io import read_anndata
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.sae import model

snakemake: Any

with job_log(snakemake.log[0]):
    directions = drawn_control(
        Path(snakemake.input.sae[0]).parent,
        read_anndata(snakemake.input.bundle).obsm["X_emb"],
        parse_source(snakemake.params.source),
        config=build(ControlConfig, snakemake.params.controls),
    )
    model.save(directions, Path(snakemake.output.config).parent)
