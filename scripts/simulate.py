"""Simulate cells with known truth."""

from typing import Any

from featurelens.io import write_anndata
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.simulation.config import SimulationConfig
from featurelens.simulation.simulate import simulate

snakemake: Any

with job_log(snakemake.log[0]) as log:
    config = build(SimulationConfig, snakemake.params.config)
    data = simulate(config)
    log(f"{data.n_obs} cells x {data.n_vars} observables")
    write_anndata(data, snakemake.output.data)
