"""Test every gene between the high and the low cells of every feature."""

from pathlib import Path
from typing import Any

from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import write_feature_tables
from featurelens.dge.tables import iter_bundle_ways
from featurelens.embeddings.bundle import read_bundle
from featurelens.features.activations import read_activations
from featurelens.io import require_same_names
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    params, paths = snakemake.params, snakemake.input
    means = Means(snakemake.threads, params.device, log)
    bundle = read_bundle(Path(paths.bundle[0]).parent)
    names, activations = read_activations(paths.features)
    require_same_names(bundle.cells.obs_names, names, paths.bundle[0], paths.features)
    config = build(DgeConfig, params.config)
    ways = iter_bundle_ways(bundle, activations, params.tests, config=config, means=means)
    for tables, path in zip(ways, snakemake.output, strict=True):
        write_feature_tables(tables, path)
