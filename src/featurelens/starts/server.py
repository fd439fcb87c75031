"""The started process: it loads libraries once and forks a copy of itself for every job.

    python -m featurelens.starts.server LISTENER FOLDER MODULE...

A job has the terminal, folder, environment and number of threads of the client that handed it over
(:mod:`featurelens.starts.client`). It is asked to end when the client goes away, and killed if it
has not ended :data:`PATIENCE` seconds later, because its run may begin it again. The process ends
when its standard input is closed, at the latest with the process that started it, and no job
outlives it. It computes nothing itself, and serves only while it has a single thread: a copy would
lack the others.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any, NoReturn

from featurelens.starts.client import NUMBER

PATIENCE = 5.0
"""Seconds that a job has to take back what it has half written."""
DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of ``prctl``: the signal that a process gets when its parent ends."""
THREADS = "OMP_NUM_THREADS"
"""Says how many threads a job has; Snakemake sets those of the other libraries to the same."""


class Server:
    """Jobs that run, and the clients that wait for them.

    Parameters
    ----------
    listener
        Where clients connect.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._running: dict[int, tuple[int, socket.socket]] = {}
        self._asked: dict[int, float] = {}
        self._selector.register(listener, selectors.EVENT_READ, self._begin)
        self._selector.register(0, selectors.EVENT_READ, self._close)
        self._is_open = True

    def serve(self) -> None:
        """Fork a process for every job until standard input is closed; then end what still runs."""
        while self._is_open or self._running:
            for key, _ in self._selector.select(1.0 if self._asked else None):
                # What happened at the same time may have closed it.
                if self._selector.get_map().get(key.fd) == key:
                    key.data(key.fileobj)
            self._kill_overdue()

    def _close(self, closed: Any) -> None:
        self._is_open = False
        for number in (closed, self._listener):
            self._selector.unregister(number)
        for watched in self._running:
            self._ask(watched)

    def _ask(self, watched: int) -> None:
        """Ask a job to end; the second time changes nothing."""
        if watched not in self._asked:
            self._asked[watched] = time.monotonic()
            os.kill(self._running[watched][0], signal.SIGTERM)

    def _kill_overdue(self) -> None:
        for watched, asked in self._asked.items():
            if time.monotonic() > asked + PATIENCE:
                os.kill(self._running[watched][0], signal.SIGKILL)

    def _begin(self, _: Any) -> None:
        connection, _ = self._listener.accept()
        try:
            head, files, _, _ = socket.recv_fds(connection, NUMBER.size, 3)
            [size] = NUMBER.unpack(head)
            job = json.loads(connection.recv(size, socket.MSG_WAITALL))
        except (OSError, ValueError, struct.error):
            connection.close()
            return
        server, process = os.getpid(), os.fork()
        if not process:
            _die_with(server)
            self._leave(connection)
            run(job, files)
        for number in files:
            os.close(number)
        watched = os.pidfd_open(process)
        self._running[watched] = (process, connection)
        self._selector.register(watched, selectors.EVENT_READ, self._end)
        self._selector.register(connection, selectors.EVENT_READ, self._abandon)
        with suppress(OSError):  # a client that is gone already is noticed next
            connection.sendall(NUMBER.pack(process))

    def _leave(self, connection: socket.socket) -> None:
        """Close, in a copy, what belongs to the process that serves."""
        self._selector.close()
        self._listener.close()
        connection.close()
        for watched, (_, other) in self._running.items():
            os.close(watched)
            other.close()

    def _end(self, watched: int) -> None:
        """Tell a client how its job ended."""
        process, connection = self._running.pop(watched)
        self._asked.pop(watched, None)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        self._selector.unregister(watched)
        os.close(watched)
        with suppress(KeyError):
            self._selector.unregister(connection)
        with suppress(OSError):
            connection.sendall(NUMBER.pack(code if code >= 0 else 128 - code))
        connection.close()

    def _abandon(self, connection: socket.socket) -> None:
        """Ask the job of a client that went away to end."""
        self._selector.unregister(connection)
        for watched, (_, other) in self._running.items():
            if other is connection:
                self._ask(watched)


def _die_with(server: int) -> None:
    """Have the kernel kill this copy when the process that it was copied from has ended."""
    ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server:  # it ended before the kernel knew
        os._exit(1)


def run(job: dict[str, Any], files: Sequence[int]) -> NoReturn:
    """Be the job: run a script as Python would, and end without taking the libraries apart."""
    for place, number in enumerate(files):
        os.dup2(number, place)
        os.close(number)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.argv = [job["script"]]
    sys.path.insert(0, str(Path(job["script"]).resolve().parent))
    status = 0
    try:
        take_threads(int(os.environ.get(THREADS, 1)))
        runpy.run_path(job["script"], run_name="__main__")
    except SystemExit as ended:
        status = _status(ended.code)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _status(code: object) -> int:
    """What a process ends with after ``sys.exit(code)``."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


def take_threads(count: int) -> None:
    """Have the libraries that are loaded use as many threads as a job was given."""
    if count == 1:
        return
    from threadpoolctl import threadpool_limits

    threadpool_limits(count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


def main(listener: str, folder: str, *modules: str) -> None:
    """Load modules and serve. Jobs that come before wait; they run plainly if this ends.

    A module that cannot be imported is left to the jobs that need it.
    """
    try:
        with socket.socket(fileno=int(listener)) as listening:
            for name in modules:
                if select.select([0], [], [], 0)[0]:
                    return  # the run has ended meanwhile
                with suppress(Exception):
                    importlib.import_module(name)
            gc.collect()
            gc.freeze()
            if len(list(Path("/proc/self/task").iterdir())) == 1:
                Server(listening).serve()
    finally:
        rmtree(folder, ignore_errors=True)
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
