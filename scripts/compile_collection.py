"""Bring a collection of gene sets into the form that later stages read."""

from typing import Any

from featurelens.genesets.compiling import compile_collection
from featurelens.genesets.config import CollectionConfig
from featurelens.genesets.files import write_gmt
from featurelens.io import write_json, write_table
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    collection = compile_collection(build(CollectionConfig, snakemake.params.config))
    log(collection.describe())
    write_gmt(collection.sets, snakemake.output.sets)
    write_table(collection.terms, snakemake.output.terms)
    write_json(collection.counts, snakemake.output.counts)
