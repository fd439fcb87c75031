"""Lay out the features of an SAE by the cells that activate them."""

from typing import Any

from featurelens.features.similarity import map_features
from featurelens.io import read_anndata, write_anndata
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    layout = map_features(read_anndata(snakemake.input.features))
    log(f"{layout.n_obs} live features, {layout.uns['layout']}")
    write_anndata(layout, snakemake.output.layout)
