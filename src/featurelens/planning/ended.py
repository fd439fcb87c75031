"""What a run says when it ends: where results are, what failed and why, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from featurelens.costs import write_costs
from featurelens.io import InputError
from featurelens.logs import COST

SHOWN = {
    "atlas/index.html": "every feature, to browse",
    "tables/claims.tsv": "the paper's claims, judged",
    "figures": "figures",
    "tables": "tables",
}
"""What of a run's folder is named, and what it is."""
N_LINES, N_JOBS = 15, 3
"""Last lines of a log that are shown, and failed jobs of which they are."""
KILLED = (
    "its log does not end as logs do: it was killed, as jobs are that take more memory or time "
    "than there is"
)
_HOUSEKEEPING = ("made on: ", "took ")


@dataclass(frozen=True)
class Failed:
    """A job that failed, at its last attempt."""

    rule: str
    wildcards: Mapping[str, str]
    logs: Sequence[str]
    attempts: int = 1

    def lines(self, *, with_log: bool) -> list[str]:
        """What failed, where its log is, and how that ends."""
        of = " ".join(f"{name}={value}" for name, value in self.wildcards.items())
        tried = f", tried {self.attempts} times" if self.attempts > 1 else ""
        told = [f"failed: {self.rule}{f' ({of})' if of else ''}{tried}"]
        for log in self.logs:
            told.append(f"  log: {log}")
            told += [f"  | {line}" for line in log_end(log)] if with_log else []
        return told


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Parameters
    ----------
    run
        Folder of its results.
    command
        Arguments of Snakemake.
    failed
        Jobs that failed for good.
    again
        Jobs that succeeded after they had failed, as ``rule (attempts)``.
    """

    run: str
    command: Sequence[str]
    failed: Sequence[Failed] = ()
    again: Mapping[str, int] = field(default_factory=dict)

    def lines(self, *, success: bool) -> list[str]:
        """A few lines, the most important last; writes the table of what jobs took."""
        told = [
            f"tried again: {rule}, {count} job{'s' if count > 1 else ''}"
            for rule, count in self.again.items()
        ]
        told += self._costs()
        if success:
            folder = Path(self.run)
            told += [f"{what}: {folder / name}" for name, what in _there(folder)]
            return [*told, f"done: results are in {self.run}"]
        shown = self.failed[:N_JOBS]
        for job in self.failed:
            told += job.lines(with_log=job in shown)
        what = f"{len(self.failed)} failed" if self.failed else "the run was ended"
        command = shlex.join(["snakemake", *self.command])
        return [*told, f"{what}; what is finished is kept in {self.run}. To go on: {command}"]

    def _costs(self) -> list[str]:
        try:
            path, over = write_costs(self.run)
        except InputError:
            return []
        return [*(f"note: {line}" for line in over), f"memory and time by rule: {path}"]


def _there(folder: Path) -> Iterable[tuple[str, str]]:
    return ((name, what) for name, what in SHOWN.items() if (folder / name).exists())


def log_end(path: str | Path) -> list[str]:
    """The last lines of a log without what every log ends with; why there are none."""
    if not Path(path).exists():
        return ["there is none: the job did not come to begin; see what Snakemake says of it"]
    lines = Path(path).read_text(errors="replace").splitlines()
    whole = bool(lines) and COST.match(lines[-1]) is not None
    told = [line for line in lines if line.strip()]
    while told and told[-1].startswith(_HOUSEKEEPING):
        told.pop()
    return told[-N_LINES:] + ([] if whole else [KILLED])
