"""Join the trials of all searches, and name the best of each shape."""

from typing import Any

import pandas as pd

from featurelens.autoencoder.search import best_trials
from featurelens.io import read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources):
    tables = [
        pd.DataFrame(about, index=table.index).join(table)
        for file, about in zip(snakemake.input.trials, snakemake.params.studies, strict=True)
        for table in [read_table(file)]
    ]
    trials = pd.concat(tables, ignore_index=True)
    write_table(trials, snakemake.output.trials)
    write_table(best_trials(trials), snakemake.output.best)
