"""Compare SAEs by the terms their features carry, between chance and a second seed."""

from typing import Any

from featurelens.concepts.comparison import compare_concepts
from featurelens.concepts.config import ConceptConfig
from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]):
    kept = read_tables(snakemake.params.names, snakemake.input.kept)
    config = build(ConceptConfig, snakemake.params.config)
    table = compare_concepts(kept, config, relatives=snakemake.params.relatives)
    write_table(table, snakemake.output.table)
