"""Draw Figure S3: losses and read-outs of the small simulation's autoencoders."""

from typing import Any

from featurelens.figures.figure_S3 import draw_figure_S3
from featurelens.figures.parts.style import save
from featurelens.io import read_obsm, read_tables
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    inputs, names = snakemake.input, snakemake.params.names
    embeddings = {
        name: read_obsm(path) for name, path in zip(names, inputs.embeddings, strict=True)
    }
    programs = read_obsm(inputs.data, "programs")
    figure = draw_figure_S3(programs, embeddings, read_tables(names, inputs.histories))
    save(figure, snakemake.output.pdf, snakemake.output.png)
