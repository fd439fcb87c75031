"""Read real cells with their raw counts."""

from typing import Any

from featurelens.datasets.config import DatasetConfig
from featurelens.datasets.readers import read_dataset
from featurelens.io import write_anndata
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    cells = read_dataset(build(DatasetConfig, snakemake.params.config), log=log)
    log(f"{cells.n_obs} cells x {cells.n_vars} genes, {cells.obs.cell_type.nunique()} cell types")
    write_anndata(cells, snakemake.output.cells)
