"""Score random neurons as structure recovery scores those of an SAE."""

from typing import Any

from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.recovery.config import ChanceConfig
from featurelens.recovery.structure_chance import chance_structure

snakemake: Any

with job_log(snakemake.log[0]):
    config = build(ChanceConfig, snakemake.params.config)
    table = chance_structure(read_anndata(snakemake.input.data), config)
    write_table(table, snakemake.output.table)
