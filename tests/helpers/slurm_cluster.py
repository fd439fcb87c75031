"""A Slurm cluster of one node with two simulated GPUs, for as long as a test lasts.

Everything lies in one folder: configuration, state, logs, the text file in which Slurm notes jobs
that have ended. Its daemons listen on ports that were free and end with the cluster, at the latest
with the process that began it. Needs Debian's ``slurm-wlm`` and ``munge``, and root.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

CPUS = 8
"""Processors that the node claims; jobs of one thread then run side by side on fewer."""
MEMORY_MB = 64_000
"""Memory that the node claims. Jobs ask for more than they use."""
DEVICES = ("/dev/zero", "/dev/full")
"""What stands for GPUs: Slurm wants devices, and looks no further."""
CONFIG = """
ClusterName=simulated
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MinJobAge=100000
MessageTimeout=100
TCPTimeout=60
BatchStartTimeout=1000
SlurmdTimeout=0
UnkillableStepTimeout=600
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
Prolog={folder}/prolog
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/finished.txt
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
KillWait=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:2
PartitionName=cpu Nodes={host} Default=YES
PartitionName=gpu Nodes={host}
"""
"""A machine with other work answers late: no node and no job is lost because time has passed."""
PATIENCE = 300
"""Seconds that a daemon or a command may take."""

PROLOG = """#!/bin/sh
echo "$SLURM_JOB_ID $SLURM_JOB_GPUS" >> {folder}/given.txt
"""
"""What the node does before a job: it notes the GPUs that Slurm gives to it."""

SRUN = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""
"""The plugin takes ``SLURM_CONF`` out of the environment of a job before it calls ``srun``."""


class Cluster:
    """The cluster, as a context; ``environment`` is what Slurm's commands need to find it.

    Parameters
    ----------
    folder
        Where everything goes. Short: Slurm's sockets lie below it.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.environment = {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
        }
        self._daemons = []

    def __enter__(self):
        try:
            self._write()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """End every job that still runs, every daemon, and what either has left."""
        if len(self._daemons) == 3 and not self._has_ended():
            with suppress(subprocess.SubprocessError, TimeoutError):
                self.run("scancel", "--full", "--user=root")
                _wait_until(lambda: not self.run("squeue", "--noheader"), seconds=20)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(daemon.pid, signal.SIGKILL)
                daemon.wait()
        for process in self._left():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _left(self):
        """Processes that were begun with this cluster's configuration, such as steps of jobs."""
        own = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if own in path.read_bytes().split(b"\0"):
                    yield int(path.parent.name)

    def run(self, *command):
        """What one of Slurm's commands prints."""
        done = subprocess.run(
            [*map(str, command)],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout

    def jobs(self):
        """Every job that the controller remembers: what ``scontrol show job`` says, by its keys."""
        text = self.run("scontrol", "--oneliner", "show", "job")
        return [_parsed(line) for line in text.splitlines() if line.startswith("JobId=")]

    def finished(self):
        """Every job that has ended: its line in the text file, by its keys."""
        path = self.folder / "finished.txt"
        return [_parsed(line) for line in path.read_text().splitlines()] if path.exists() else []

    def given_gpus(self):
        """Numbers of the GPUs that every job was given when it began, by its id."""
        lines = [line.split() for line in (self.folder / "given.txt").read_text().splitlines()]
        return {job: gpus[0].split(",") if gpus else [] for job, *gpus in lines}

    def _write(self):
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True)
        values = {
            "folder": self.folder,
            "host": socket.gethostname().split(".")[0],
            "controller_port": free_port(),
            "node_port": free_port(),
            "cpus": CPUS,
            "memory": MEMORY_MB,
        }
        (self.folder / "slurm.conf").write_text(CONFIG.format(**values))
        devices = [f"Name=gpu File={device}\n" for device in DEVICES]
        (self.folder / "gres.conf").write_text("".join(devices))
        srun = SRUN.format(folder=self.folder, srun=shutil.which("srun"))
        for name, text in (("prolog", PROLOG.format(folder=self.folder)), ("bin/srun", srun)):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        self.folder.chmod(0o755)

    def _start(self):
        files = [f"--{name}-file={self.folder}/munge.{name}" for name in ("key", "pid", "seed")]
        listening = f"--socket={self.folder}/munge.socket"
        self._begin("munged", "--foreground", "--force", listening, *files)
        _wait_until((self.folder / "munge.socket").exists)
        configuration = ("-D", "-f", self.folder / "slurm.conf")
        self._begin("slurmctld", *configuration)
        self._begin("slurmd", *configuration)
        _wait_until(lambda: self._is_ready() or self._has_ended())
        if ended := self._has_ended():
            raise RuntimeError((self.folder / f"{ended}.out").read_text())

    def _is_ready(self):
        try:
            return set(self.run("sinfo", "--noheader", "--format=%T").split()) == {"idle"}
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False

    def _has_ended(self):
        """Name of a daemon that has ended, or nothing."""
        return next((each.args[3] for each in self._daemons if each.poll() is not None), None)

    def _begin(self, *command):
        with (self.folder / f"{command[0]}.out").open("w") as output:
            daemon = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, command)],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._daemons.append(daemon)


def _parsed(line):
    """Pairs of a key and its value, which may hold spaces."""
    parts = re.split(r"(?:^|\s)([A-Za-z/:]+)=", line.strip())
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def free_port():
    """A port that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until(is_done, seconds=PATIENCE):
    for _ in range(10 * seconds):
        if is_done():
            return
        time.sleep(0.1)
    raise TimeoutError("Slurm did not come so far")


def missing():
    """Why no cluster can be started here; "" where one can."""
    needed = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "setpriv")
    absent = [name for name in needed if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "only root may start a cluster"
    return f"not installed: {', '.join(absent)}" if absent else ""


def memory_mb(text):
    """Megabytes that Slurm means by ``800M`` or ``1.50G``."""
    return round(float(text[:-1]) * {"M": 1, "G": 1024, "T": 1024**2}[text[-1]])


def minutes(text):
    """Minutes that Slurm means by ``1-02:30:00``."""
    days, _, clock = text.rpartition("-")
    hours, some, _ = map(int, clock.split(":"))
    return 24 * 60 * int(days or 0) + 60 * hours + some
