"""Count the principal components that hold given shares of the variance of Y."""

from typing import Any

from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.simulation.dimensions import intrinsic_dimension

snakemake: Any

with job_log(snakemake.log[0]):
    table = intrinsic_dimension(read_anndata(snakemake.input.data))
    write_table(table, snakemake.output.table)
