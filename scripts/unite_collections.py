"""Put the sets of several collections into one."""

from typing import Any

from featurelens.genesets.files import read_gmt, write_gmt
from featurelens.genesets.unions import unite
from featurelens.io import read_table, write_json, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    sets = map(read_gmt, snakemake.input.sets)
    terms = map(read_table, snakemake.input.terms)
    parts = dict(zip(snakemake.params.names, zip(sets, terms, strict=True), strict=True))
    collection = unite(parts)
    log(collection.describe())
    write_gmt(collection.sets, snakemake.output.sets)
    write_table(collection.terms, snakemake.output.terms)
    write_json(collection.counts, snakemake.output.counts)
