"""Draw the figures of a job, each from the inputs that its file names."""

from typing import Any

from featurelens.figures.parts.style import save_drawn
from featurelens.io import read_inputs
from featurelens.logs import job_log
from featurelens.plugins import load

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources):
    for name, figure in snakemake.params.figures.items():
        inputs = read_inputs(snakemake.input, figure["names"], prefix=f"{name}_")
        drawn = load("featurelens.figures", name).draw(**inputs, **figure["params"])
        save_drawn(drawn, snakemake.output, name)
