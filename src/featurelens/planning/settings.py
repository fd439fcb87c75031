"""What to know of the settings that Snakemake was started with (docs/snakemake.md)."""

from __future__ import annotations

from collections.abc import Iterable

DOWNLOADS = "fetch_resource"
"""The rule that needs a network; it runs where Snakemake does, unless it is in a group."""


def notes_on_settings(
    *, triggers: Iterable[str], grouped: Iterable[str], arrays: str | None
) -> list[str]:
    """One line for each setting that has other effects here than one would think.

    Parameters
    ----------
    triggers
        What makes Snakemake run a job again, in small letters: mtime, params and so on.
    grouped
        Rules that were put into groups.
    arrays
        Rules whose jobs are submitted as Slurm arrays, as the option names them.

    Returns
    -------
    list of str
        Empty where nothing is unusual.

    Examples
    --------
    >>> notes_on_settings(triggers=["mtime", "params"], grouped=[], arrays=None)
    []
    """
    notes = []
    if "code" in triggers:
        notes.append(
            "profiles/default was not read or was overruled: jobs run again where the file of a "
            "script is newer than their results, though it says the same. Name the triggers: "
            "--rerun-triggers mtime params input software-env"
        )
    if DOWNLOADS in grouped:
        notes.append(
            f"--groups sends {DOWNLOADS} to a compute node, which may have no network: run "
            "`snakemake --cores 1 downloads` before"
        )
    if arrays:
        notes.append(
            "--slurm-array-jobs asks memory, time and threads of one job for all jobs of a rule, "
            "and here they differ with what a job works on: leave it out"
        )
    return notes
