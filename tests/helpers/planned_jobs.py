"""Every job of a run and the code that it says made its results, by one planning.

python planned_jobs.py folder > planned.json
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import DAGSettings, OutputSettings, ResourceSettings


def as_list(code):
    """The codes of a job: none, one, or one of each thing that it makes."""
    return [code] if isinstance(code, str) else list(code or ())


def planned(folder):
    """Jobs with rule, wildcards and codes, and what each code is of: script and modules by name."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        run = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            snakefile=folder / "Snakefile",
            workdir=folder,
        )
        run.dag(dag_settings=DAGSettings()).execute_workflow(executor="dryrun")
        workflow = run._workflow
        jobs = [
            {
                "rule": job.rule.name,
                "wildcards": dict(job.wildcards.items()),
                "codes": as_list(job.params.get("code")),
            }
            for job in workflow.dag.jobs
            if job.rule.script
        ]
        asked = workflow.globals["fingerprint"].__self__._of
    codes = {
        code: [script, {package: sorted(names) for package, names in only}]
        for (script, _, only), code in asked.items()
    }
    return {"jobs": jobs, "codes": codes}


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = planned(Path(sys.argv[1]).resolve())
    json.dump(found, sys.stdout)
