"""Measure what a linear probe finds of every variable in an embedding."""

from typing import Any

from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.recovery.read_outs import measure_superposition

snakemake: Any

with job_log(snakemake.log[0]) as log:
    data = read_anndata(snakemake.input.data)
    embedding = read_anndata(snakemake.input.embedding)
    table = measure_superposition(
        data,
        embedding,
        probe=snakemake.params.probe,
        probe_epochs=snakemake.params.probe_epochs,
        means=Means(threads=snakemake.threads, device=snakemake.params.device),
    )
    write_table(table, snakemake.output.table)
