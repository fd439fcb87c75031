"""Shape of a plan, by one planning: its jobs, what they depend on, what they write.

    python plan_shape.py CLONE CONFIG > shape.json

``jobs`` has for every job its rule and the numbers of the jobs that it depends on, ``files`` all
that jobs write. Rules that only name targets have no files.
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings


def shape(clone: Path, config: Path) -> dict:
    """What Snakemake plans in a clone for the config."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        run = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[config]),
            snakefile=clone / "Snakefile",
            workdir=clone,
        )
        run.dag(dag_settings=DAGSettings()).execute_workflow(executor="dryrun")
        dag = run._workflow.dag
        numbers = {job: number for number, job in enumerate(dag.jobs)}
        return {
            "jobs": [
                [job.rule.name, sorted(numbers[needed] for needed in dag.dependencies[job])]
                for job in numbers
            ],
            "files": [str(file) for job in numbers for file in job.output],
        }


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = shape(*(Path(path).resolve() for path in sys.argv[1:]))
    json.dump(found, sys.stdout)
