"""Edit the global feature of a study in cells of further types."""

from pathlib import Path
from typing import Any

from featurelens.embeddings.bundle import read_bundle
from featurelens.io import read_anndata, read_table, write_anndata, write_table
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.sae import model
from featurelens.steering.config import SteeringConfig
from featurelens.steering.further import steer_further

snakemake: Any

with job_log(snakemake.log[0]) as log:
    paths, made = snakemake.input, snakemake.output
    further = steer_further(
        model.load(Path(paths.weights).parent),
        read_bundle(Path(paths.bundle[0]).parent),
        read_anndata(paths.features),
        build(SteeringConfig, snakemake.params.config),
        read_table(paths.selected),
    )
    log(f"{further.trajectories.n_obs} rows of cells of further types")
    write_table(further.effects, made.effects)
    write_anndata(further.trajectories, made.trajectories)
    write_anndata(further.control_effects, made.control_effects)
