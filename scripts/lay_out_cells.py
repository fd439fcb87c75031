"""Lay cells out in two dimensions."""

from typing import Any

from featurelens.embeddings.layout import lay_out
from featurelens.io import read_anndata, write_anndata
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    write_anndata(lay_out(read_anndata(snakemake.input.cells)), snakemake.output.layout)
