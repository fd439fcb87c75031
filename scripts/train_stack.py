"""Train the points of a stack that are not in the store yet."""

from pathlib import Path
from typing import Any

from featurelens.io import read_obsm, sha256_array, write_table
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.sae.stacks import train_stack
from featurelens.sweeps.points import point_config

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    params = snakemake.params
    X = read_obsm(snakemake.input.embedding)[: snakemake.params.n_cells]
    table = train_stack(
        X,
        [(point["id"], point_config(point)) for point in params.points],
        source=params.source,
        data_sha256=sha256_array(X),
        store=Path(params.store) / snakemake.wildcards.stack,
        code=params.code,
        engine=params.engine,
        means=Means(threads=snakemake.threads, device=params.device, log=log),
    )
    write_table(table, snakemake.output.table)
