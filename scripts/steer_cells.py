"""Turn single features in single cells and decode what follows, beside controls."""

from pathlib import Path
from typing import Any

from featurelens.embeddings.bundle import read_bundle
from featurelens.io import read_anndata, write_anndata, write_table
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.sae import model
from featurelens.steering.config import SteeringConfig
from featurelens.steering.study import steer_cells

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    paths, params, made = snakemake.input, snakemake.params, snakemake.output
    study = steer_cells(
        model.load(Path(paths.weights).parent),
        read_bundle(Path(paths.bundle[0]).parent),
        read_anndata(paths.features),
        build(SteeringConfig, params.config),
        trajectories=params.trajectories,
        others={
            kind: model.load(Path(path).parent)
            for kind, path in zip(params.others, paths.others, strict=True)
        },
        threads=snakemake.threads,
        log=log,
    )
    for name in ("effects", "selected", "controls", "doses", "dose_genes", "ranking"):
        write_table(getattr(study, name), getattr(made, name))
    write_anndata(study.trajectories, made.trajectories)
    write_anndata(study.control_effects, made.control_effects)
