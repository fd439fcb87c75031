"""Write the table of SAEs and controls, and that of their pairs."""

from typing import Any

from featurelens.io import write_table
from featurelens.logs import job_log
from featurelens.tables.controls import control_tables, read_annotated

snakemake: Any

with job_log(snakemake.log[0]) as log:
    kinds = ("features", "summary", "published", "corrected")
    files = zip(*(snakemake.input[kind] for kind in kinds), strict=True)
    annotated = [
        read_annotated(name, dict(zip(kinds, paths, strict=True)), snakemake.params.relatives)
        for name, paths in zip(snakemake.params.names, files, strict=True)
    ]
    table, pairs = control_tables(annotated)
    log(f"{len(annotated)} sources, {len(pairs)} comparisons")
    write_table(table, snakemake.output.table)
    write_table(pairs, snakemake.output.pairs)
