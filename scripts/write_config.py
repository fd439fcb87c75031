"""Write the resolved configuration of the run."""

from typing import Any

import yaml

from featurelens.io import atomic_path
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log, atomic_path(snakemake.output[0]) as path:
    path.write_text(yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True))
