"""Which contrasts and conventions of a source of features one job tests.

On many cells, or on cells whose number is not known while the workflow plans, each is a job of its
own: they take minutes to hours and run side by side. On few cells a job is mostly the start of
Python, so that one job tests a source in every way that the run asks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from featurelens.config.run import DatasetRun
from featurelens.conventions import CONVENTIONS

FEW = 5_000_000
"""Cells x genes up to which one job tests a source in every way, in seconds."""
EACH = "{contrast}_{convention}"


@dataclass(frozen=True)
class Job:
    """A rule's way of testing a source of features."""

    suffix: str
    """Behind the names of the rules that test genes and terms."""
    tests: tuple[str, ...]
    """Contrast and convention of each table, as files are called."""
    datasets: str
    """Pattern of the datasets that the rule is for."""
    sources: str
    """Pattern of the sources of features."""

    @property
    def is_whole(self) -> bool:
        """Whether a source is tested in every way."""
        return self.tests != (EACH,)

    @property
    def log(self) -> str:
        """Name of a log in a source's folder, behind the folder's own."""
        return "" if self.is_whole else f"/{EACH}"


def ways_of(source: str, saes: Sequence[str], contrasts: Sequence[str]) -> list[str]:
    """Tests of a source: an SAE of the config has all contrasts, others the global one."""
    found = [f"global_{convention}" for convention in CONVENTIONS]
    if source in saes and "within_type" in contrasts:
        found.append("within_type_corrected")
    return found


def plan_tests(
    datasets: Mapping[str, DatasetRun], saes: Sequence[str], contrasts: Sequence[str]
) -> list[Job]:
    """Rules that test sources of features, from the first that applies to the last.

    Parameters
    ----------
    datasets
        Of the run, by name.
    saes
        Names of the run's SAEs; whatever else stands in their place is a control or a repeat.
    contrasts
        Of the run.
    """
    jobs = [Job("", (EACH,), "[^/]+", "[^/]+")]
    small = "|".join(re.escape(name) for name, dataset in datasets.items() if is_small(dataset))
    if small and saes:
        own = "|".join(map(re.escape, saes))
        of_sae, of_control = (tuple(ways_of(name, saes, contrasts)) for name in (saes[0], ""))
        jobs = [
            Job("_of_sae", of_sae, small, own),
            Job("_of_control", of_control, small, rf"(?!(?:{own})/)[^/]+"),
            *jobs,
        ]
    return jobs


def is_small(dataset: DatasetRun) -> bool:
    """Whether a dataset is known to have few cells and genes before it is read."""
    if dataset.cells.kind == "pbmc68k_reduced":
        return True
    expected = dataset.expected
    return expected is not None and expected.cells * expected.genes <= FEW
