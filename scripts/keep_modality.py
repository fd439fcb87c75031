"""Keep a further modality of the cells of a bundle."""

from typing import Any

from featurelens.datasets.beside import read_beside
from featurelens.datasets.config import OwnCells
from featurelens.datasets.stored import names_of
from featurelens.datasets.stores import open_store
from featurelens.io import write_anndata
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    with open_store(snakemake.input.cells) as store:
        cells = names_of(store.root["obs"]).tolist()
    config = build(OwnCells, snakemake.params.config)
    modality = read_beside(config, snakemake.wildcards.modality, cells)
    log(f"{modality.n_obs} cells x {modality.n_vars} features of {modality.uns['modality']}")
    write_anndata(modality, snakemake.output.cells)
