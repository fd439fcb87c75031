"""Runs of the workflow whose whole process group is killed, and what was lost.

A run is the command that the README names after a kill, which is the one before it, in a clone, a
home and a folder for temporary files of its own. What Snakemake says that it begins and finishes is
read from what it prints; a job is known by its rule and outputs.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from clones import ROOT, Begun, copy_repository
from featurelens.checksums import checksums, differences

COMMAND = ("--cores", "2")
PLANNING = 0.15
"""Share of the kills that come before a first job."""
TARGETED = 0.6
"""Share of the other kills that wait until a job of a rule seldom hit is writing."""
ENDED = (0, 0, 0, 1, 1, 2, 3)
"""Jobs that end between a start and a kill, as often as they stand here."""
ALONE = 0.15
"""Share of the kills that hit Snakemake alone, as when the system lacks memory, not its group."""
PATIENCE = 120
"""Seconds until what is there after a kill counts as left; a busy machine takes its time."""
HIDDEN = re.compile(r"^\..*\.\d+(\.\w+)?$")
"""How names end of what is being written: the process, and the suffix."""


@dataclass
class Study:
    """A clone with its surroundings."""

    folder: Path
    config: dict

    @property
    def clone(self):
        return self.folder / "clone"

    def __post_init__(self):
        self.clone.mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        copy_repository(self.clone)
        text = yaml.safe_dump(self.config, sort_keys=False)
        (self.clone / "config/config.yaml").write_text(text)

    def environment(self, home):
        """Of its commands: compiled code and fonts are kept in a home, if one is given."""
        caches = {"HOME": home, "NUMBA_CACHE_DIR": home / "numba"} if home else {}
        own = {
            **caches,
            "TMPDIR": self.folder / "tmp",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "Agg",
        }
        return os.environ | {key: str(value) for key, value in own.items()}

    def start(self, home, *more):
        """Begin the command in a process group of its own; what it prints goes to ``run.log``."""
        if home:
            home.mkdir(exist_ok=True)
        log = self.folder / "run.log"
        log.unlink(missing_ok=True)
        log.touch()
        surroundings = {"environment": self.environment(home), "output": log}
        return Begun(self.clone, *COMMAND, *more, **surroundings)

    def run(self, home, *more):
        """The exit status of the command and what it printed."""
        status = self.start(home, *more).wait()
        return status, self.said()

    def said(self):
        return (self.folder / "run.log").read_text()

    def processes(self):
        """Processes that work below the clone."""
        found = []
        for place in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if place.readlink().is_relative_to(self.clone.resolve()):
                    found.append(int(place.parent.name))
        return found

    def writing(self):
        """Files and folders below the results that are being written now, or were at a kill."""
        results = self.clone / "results"
        return [
            path.relative_to(self.clone) for path in results.rglob(".*") if HIDDEN.search(path.name)
        ]


def jobs_told(text):
    """Jobs that Snakemake says it began, by number: rule and outputs; numbers of finished ones.

    A rule goes by the folder of its logs, as ``enrich_features`` for that of SAEs and of controls.
    """
    begun = {}
    for block in re.findall(r"^(?:local)?rule \w+:\n(?:    .*\n)+", text, flags=re.M):
        rule = re.search(r"^    log: \S*?/logs/(\w+)", block, flags=re.M) or re.match(
            r"(?:local)?rule (\w+):", block
        )
        number = re.search(r"^    jobid: (\d+)$", block, flags=re.M)
        outputs = re.search(r"^    output: (.*)$", block, flags=re.M)
        if number:
            begun[int(number[1])] = (rule[1], outputs[1] if outputs else rule[1])
    finished = {int(number) for number in re.findall(r"^Finished jobid: (\d+)", text, flags=re.M)}
    return begun, finished


@dataclass
class Record:
    """What a chain of killed runs showed."""

    seed: int
    kills: int = 0
    planning: int = 0
    alone: int = 0
    rules: Counter = field(default_factory=Counter)
    writing: Counter = field(default_factory=Counter)
    lost_jobs: int = 0
    lost_seconds: list = field(default_factory=list)
    again: list = field(default_factory=list)
    left: list = field(default_factory=list)
    slow_ends: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    studies: int = 0
    different: list = field(default_factory=list)
    seconds: float = 0.0

    def write(self, path):
        path.write_text(json.dumps(self.__dict__ | {"rules": dict(self.rules.most_common())}))


class Chain:
    """A study that is killed and continued until it is complete, then another, and so on.

    Parameters
    ----------
    folder
        Where studies, their home and the record lie.
    config
        Of the study.
    reference
        Checksums of the undisturbed run, and paths of all that it left below ``results``.
    rules
        Rules to hit, each at least once while it is writing.
    seed
        Of the moments.
    target
        What is asked for, with the caches of this machine; all by default, with caches of its own.
    """

    def __init__(self, folder, config, reference, rules, seed, target=()):
        self.folder, self.config = Path(folder), config
        self.reference, self.rules, self.target = reference, set(rules), target
        self.random = random.Random(seed)
        self.record = Record(seed)
        self.home = None if target else self.folder / "home"
        self._planned = 10.0

    def kill(self, times):
        """Kill so often; then let the study under way come to its end."""
        begun = time.monotonic()
        while self.record.kills < times:
            study = Study(self.folder / f"study{self.record.studies}", self.config)
            self._follow(study, times)
            self.record.studies += 1
            self.record.seconds = time.monotonic() - begun
            self.record.write(self.folder / "record.json")
        return self.record

    def _follow(self, study, times):
        finished = set()
        while True:
            self._before = {path.name for path in study.writing()}
            run = study.start(self.home, *self.target)
            if self.record.kills >= times or not self._wait(study, run):
                run.wait()
                if run.returncode == 0:
                    self._count(study, finished)
                    return self._judge(study)
                self.record.failed.append(study.said()[-4000:])
                if len(self.record.failed) > 20:
                    raise AssertionError(self.record.failed[-1])
                continue
            alone = self.random.random() < ALONE
            (os.kill if alone else os.killpg)(run.pid, signal.SIGKILL)
            run.wait()
            self.record.kills += 1
            self.record.alone += alone
            self._count(study, finished)
            self._look_for_left(study)
            self.record.write(self.folder / "record.json")

    def _wait(self, study, run):
        """Wait for the moment of a kill; False if the run has ended before.

        Moments are told by what the run does, so that a slow machine gets as far as a fast one:
        while it plans, or after some jobs have ended and another works, or when a file is being
        written.
        """
        begun = time.time()
        if self.random.random() < PLANNING:
            return self._pause(run, self.random.uniform(0, self._planned))
        awaited = self.random.choice(ENDED)
        while not jobs_told(study.said())[0] and run.poll() is None:
            time.sleep(0.1)
        self._planned = time.time() - begun
        while not self._works(study, begun, awaited):
            if run.poll() is not None:
                return False
            time.sleep(0.1)
        gap = (time.time() - begun) / (1 + awaited) / 2
        if self.random.random() < TARGETED:
            return self._catch_writing(study, run, 4 * gap)
        return self._pause(run, self.random.uniform(0, gap))

    def _works(self, study, begun, awaited):
        """Whether so many jobs have ended, and another has opened its log."""
        ended = jobs_told(study.said())[1]
        logs = (study.clone / "results/demo/logs").rglob("*.log")
        return len(ended) >= awaited and any(_time_of(log) > begun for log in logs)

    def _catch_writing(self, study, run, seconds):
        """Wait until a job of a rule that was seldom killed while it wrote is writing."""
        seldom = min((self.record.writing[rule] for rule in self.rules), default=0)
        until, looked, places = time.monotonic() + seconds, 0.0, []
        while (now := time.monotonic()) < until:
            if run.poll() is not None:
                return False
            if now > looked + 0.2:
                looked = now
                places = [
                    study.clone / Path(output).parent
                    for rule, outputs in self._in_hand(study)
                    if self.record.writing[rule] <= seldom
                    for output in outputs.split(", ")
                ]
            if any(_written_in(place) - self._before for place in set(places)):
                return True
            time.sleep(0.003)
        return True

    def _pause(self, run, seconds):
        with suppress(subprocess.TimeoutExpired):
            run.wait(seconds)
        return run.poll() is None

    def _in_hand(self, study):
        begun, finished = jobs_told(study.said())
        return {begun[number] for number in begun.keys() - finished}

    def _count(self, study, finished):
        """What was in hand, and what began again though it had finished before."""
        begun, ended = jobs_told(study.said())
        self.record.again += [job for job in begun.values() if job in finished]
        finished |= {begun[number] for number in ended if number in begun}
        hand = [begun[number] for number in begun.keys() - ended]
        folders = {str(path.parent) for path in study.writing() if path.name not in self._before}
        self.record.planning += not begun
        self.record.rules.update(rule for rule, _ in hand)
        for rule, outputs in hand:
            if any(folder in outputs for folder in folders):
                self.record.writing[rule] += 1
        now = time.time()
        self.record.lost_jobs += len(hand)
        marks = [
            mark for mark in (study.clone / ".snakemake/incomplete").rglob("*") if mark.is_file()
        ]
        with suppress(OSError, ValueError):
            self.record.lost_seconds.append(
                round(max(now - mark.stat().st_mtime for mark in marks), 2)
            )

    def _look_for_left(self, study):
        """Wait for what the kill left to end; it may take the time that a job is given."""
        begun = time.monotonic()
        if self.random.random() < 0.5:
            return  # the next run begins at once
        while study.processes() and time.monotonic() < begun + PATIENCE:
            time.sleep(0.05)
        self.record.slow_ends.append(round(time.monotonic() - begun, 2))
        self.record.left += [
            Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
            for process in study.processes()
            if Path(f"/proc/{process}").exists()
        ]

    def _judge(self, study):
        """Every result, and nothing else, is as in the undisturbed run; nothing is left over."""
        mine = checksums(study.clone / "results/demo")
        whole = {path: there for path, there in self.reference.items() if path in mine}
        self.record.different += differences(mine, whole if self.target else self.reference)
        begun = time.monotonic()
        while study.processes() and time.monotonic() < begun + PATIENCE:
            time.sleep(0.05)
        # Snakemake leaves temporary folders of its own when it is killed.
        self.record.left += [str(path) for path in (study.folder / "tmp").glob("featurelens*")]
        status, said = study.run(self.home, *self.target)
        if status or "Nothing to be done" not in said:
            self.record.failed.append(said[-4000:])


def _time_of(path):
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _written_in(place):
    """Names of what is being written in a folder, or was at a kill."""
    with suppress(FileNotFoundError):
        return {path.name for path in place.iterdir() if HIDDEN.search(path.name)}
    return set()


def demo():
    """The default configuration."""
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())
