"""Test every gene of chosen features by Welch's t, rank sums and a negative binomial."""

from pathlib import Path
from typing import Any

from featurelens.dge.chosen import test_chosen
from featurelens.dge.config import DgeConfig
from featurelens.embeddings.bundle import read_bundle
from featurelens.io import read_anndata, require_same_names, write_table
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    config = build(DgeConfig, snakemake.params.config)
    bundle = read_bundle(Path(snakemake.input.bundle[0]).parent)
    features = read_anndata(snakemake.input.features)
    require_same_names(
        bundle.cells.obs_names,
        features.obs_names,
        snakemake.input.bundle[0],
        snakemake.input.features,
    )
    table = test_chosen(
        bundle, features.X, config.chosen, config=config, means=Means(snakemake.threads, log=log)
    )
    write_table(table, snakemake.output.table)
