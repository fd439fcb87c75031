"""Judge the paper's claims by the tables of this run."""

from pathlib import Path
from typing import Any

from featurelens.claims.entries import read_claims
from featurelens.claims.judge import judge
from featurelens.io import read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    tables = {Path(file).stem: read_table(file) for file in snakemake.input.tables}
    claims = read_claims(snakemake.input.claims[0])
    verdicts = judge(claims, tables, run=snakemake.params.run, names=snakemake.params.names)
    log(verdicts["verdict"].value_counts().to_string())
    write_table(verdicts, snakemake.output.table)
