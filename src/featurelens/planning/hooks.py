"""What a run says before its first job and after its last.

The functions take Snakemake's ``workflow`` and read of it what is named here, so that rules stay
thin and another version that names it otherwise is met in one place. What reads tables is imported
when it is needed: the workflow imports this module for every plan and every job of a cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from featurelens.planning.began import Beginning, describe_edits
from featurelens.planning.settings import notes_on_settings


def before(workflow: Any, datasets: Mapping[str, Any]) -> list[str]:
    """Notes on settings that have other effects here than one would think, before the first job.

    Parameters
    ----------
    datasets
        Block of the config in plain values.

    Raises
    ------
    InputError
        If a package is missing that a model needs which is to be made here.
    """
    from featurelens.planning.inputs import check_packages

    made = [job.wildcards for job in workflow.dag.needrun_jobs() if job.rule.name == "embed_cells"]
    if not workflow.deployment_settings.deployment_method:
        check_packages(datasets, sorted({f"{w.dataset}/{w.model}" for w in made}))
    return notes_on_settings(
        triggers=[trigger.name.lower() for trigger in workflow.rerun_triggers],
        grouped=workflow.group_settings.overwrite_groups,
        arrays=getattr(workflow.executor_settings, "array_jobs", None),
    )


def after(
    workflow: Any, run: str, command: Sequence[str], beginning: Beginning, *, success: bool
) -> list[str]:
    """How a run ended, in a few lines (:class:`.ended.Ending`).

    Parameters
    ----------
    run
        Folder of the results.
    command
        Arguments that Snakemake was started with.
    beginning
        What the run began with; what was edited since is said where it failed.
    """
    from featurelens.planning.ended import Ending, Failed

    failed = [job for each in workflow.scheduler.failed for job in getattr(each, "jobs", [each])]
    again = Counter(
        job.rule.name for job in workflow.dag.jobs if job.attempt > 1 and job not in failed
    )
    jobs = [
        Failed(job.rule.name, dict(job.wildcards.items()), [*map(str, job.log)], job.attempt)
        for job in sorted(failed, key=str)
    ]
    ending = Ending(run, command, jobs, again)
    edited = [] if success else beginning.edited()
    said = [f"error: {describe_edits(edited)}"] if edited else []
    return [*ending.lines(success=success), *said]
