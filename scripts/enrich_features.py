"""Enrich gene sets in every feature, beside the nulls."""

from pathlib import Path
from typing import Any

from featurelens.dge.config import DgeConfig
from featurelens.embeddings.bundle import read_bundle
from featurelens.enrichment.annotate_bundle import annotate_tests
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.membership import lay_over
from featurelens.enrichment.summary import join_summaries
from featurelens.features.activations import read_activations
from featurelens.genesets.files import read_gmt
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    params, paths, made = snakemake.params, snakemake.input, snakemake.output
    config = build(EnrichmentConfig, params.config)
    bundle = read_bundle(Path(paths.bundle[0]).parent)
    log((membership := lay_over(bundle.cells.var, read_gmt(paths.sets), config)).describe())
    annotations = annotate_tests(
        dict(zip(params.tests, paths.dge, strict=True)),
        bundle,
        read_activations(paths.features)[1],
        membership,
        dge_config=build(DgeConfig, params.dge),
        config=config,
        means=Means(snakemake.threads, params.device, log),
    )
    for number, annotation in enumerate(annotations):
        confirmed = made.confirmed[number] if made.confirmed else None
        annotation.write(made.table[number], made.null[number], made.summary[number], confirmed)
        del annotation  # before the next one is made
    for path in made.joined:
        join_summaries(made.summary, path)
