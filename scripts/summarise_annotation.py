"""Join the summaries of every contrast and convention."""

from typing import Any

import pandas as pd

from featurelens.io import read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    summaries = pd.concat(map(read_table, snakemake.input.summaries), ignore_index=True)
    write_table(summaries, snakemake.output.table)
