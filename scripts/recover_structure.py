"""Recover the connectivity of a simulation from the activations of chosen SAEs."""

from typing import Any

from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.recovery.config import StructureConfig
from featurelens.sweeps.measures.structure import recover_structures

snakemake: Any

with job_log(snakemake.log[0]) as log:
    params = snakemake.params
    data = read_anndata(snakemake.input.data)
    embedding = read_anndata(snakemake.input.embedding)
    points = read_table(snakemake.input.points).set_index("id").loc[params.ids]
    config = build(StructureConfig, params.config)
    summary, programs = recover_structures(data, embedding, points, params.store, config, log=log)
    write_table(summary, snakemake.output.table)
    write_table(programs, snakemake.output.programs)
