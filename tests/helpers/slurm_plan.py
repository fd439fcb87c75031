"""How many jobs a run would submit to Slurm, by one planning with the groups of a profile.

python slurm_plan.py folder config profile.yaml > counts.json
"""

import json
import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import yte
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    GroupSettings,
    OutputSettings,
    ResourceSettings,
)


def counted(folder, config, profile):
    """Slurm jobs by the name of their rule or group, and how many jobs stay where Snakemake is."""
    settings = yte.process_yaml(Path(profile).read_text(), require_use_yte=True)
    groups = GroupSettings(
        overwrite_groups=settings.get("groups", {}),
        group_components=settings.get("group-components", {}),
    )
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        run = api.workflow(
            resource_settings=ResourceSettings(cores=1, nodes=1),
            config_settings=ConfigSettings(configfiles=[Path(config)]),
            snakefile=folder / "Snakefile",
            workdir=folder,
        )
        plan = run.dag(dag_settings=DAGSettings())
        plan.execute_workflow(executor="dryrun", group_settings=groups)
        dag = run._workflow.dag
        jobs = list(dag.needrun_jobs(exclude_finished=False))
        shared = {id(group): group for job in jobs if (group := dag._group.get(job))}
        alone = [job for job in jobs if job not in dag._group]
        stay = run._workflow._localrules
        submitted = [
            job.rule.name for job in alone if not (job.rule.norun or job.rule.name in stay)
        ]
        n_alone = len(submitted)
        submitted += [next(iter(group.jobs)).group for group in shared.values()]
        points = sum(len(job.params.points) for job in jobs if job.rule.name == "train_stack")
    return {
        "slurm": Counter(submitted),
        "local": len(alone) - n_alone,
        "jobs": len(jobs),
        "points": points,
    }


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = counted(Path(sys.argv[1]).resolve(), *sys.argv[2:])
    json.dump(found, sys.stdout)
