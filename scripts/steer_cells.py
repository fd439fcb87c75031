"""Turn single features in single cells and decode what follows."""

from pathlib import Path
from typing import Any

from featurelens.embeddings.bundle import read_bundle
from featurelens.io import read_anndata, write_anndata, write_table
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.sae import model
from featurelens.steering.config import SteeringConfig
from featurelens.steering.steer import steer

snakemake: Any

with job_log(snakemake.log[0]) as log:
    bundle = read_bundle(Path(snakemake.input.bundle[0]).parent)
    features = read_anndata(snakemake.input.features)
    sae = model.load(Path(snakemake.input.weights).parent)
    steering = steer(sae, bundle, features, build(SteeringConfig, snakemake.params.config))
    write_table(steering.effects, snakemake.output.effects)
    write_anndata(steering.trajectories, snakemake.output.trajectories)
    write_table(steering.selected, snakemake.output.selected)
