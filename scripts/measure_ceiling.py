"""Measure what a linear probe finds of every variable in the observables themselves."""

from typing import Any

from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.recovery.ceiling import measure_ceiling

snakemake: Any

with job_log(snakemake.log[0]) as log:
    params = snakemake.params
    table = measure_ceiling(
        read_anndata(snakemake.input.data),
        probe=params.probe,
        probe_epochs=params.ceiling_epochs or params.probe_epochs,
        means=Means(threads=snakemake.threads, device=params.device),
    )
    write_table(table, snakemake.output.table)
