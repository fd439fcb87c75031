"""The started process: it loads libraries once and forks a copy of itself for every job.

    python -m featurelens.starts.server LISTENER FOLDER MODULE...

A job has the terminal, folder, environment and number of threads of the client that handed it over
(:mod:`featurelens.starts.client`), and is asked to end when the client goes away. The process ends
when its standard input is closed, at the latest with the process that started it. It computes
nothing itself, and serves only while it has a single thread: a copy would lack the others.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any, NoReturn

from featurelens.starts.client import NUMBER

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
        self._selector.register(listener, selectors.EVENT_READ, self._begin)
        self._selector.register(0, selectors.EVENT_READ, self._close)
        self._is_open = True

    def serve(self) -> None:
        """Fork a process for every job until standard input is closed; then end what still runs."""
        while self._is_open:
            for key, _ in self._selector.select():
                key.data(key.fileobj)
        for process, _ in self._running.values():
            os.kill(process, signal.SIGTERM)

    def _close(self, _: Any) -> None:
        self._is_open = False

    def _begin(self, _: Any) -> None:
        connection, _ = self._listener.accept()
        try:
            head, files, _, _ = socket.recv_fds(connection, NUMBER.size, 3)
            [size] = NUMBER.unpack(head)
            job = json.loads(connection.recv(size, socket.MSG_WAITALL))
        except (OSError, ValueError, struct.error):
            connection.close()
            return
        process = os.fork()
        if not process:
            self._leave(connection)
            run(job, files)
        for number in files:
            os.close(number)
        watched = os.pidfd_open(process)
        self._running[watched] = (process, connection)
        self._selector.register(watched, selectors.EVENT_READ, self._end)
        self._selector.register(connection, selectors.EVENT_READ, self._abandon)
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
        for process, other in self._running.values():
            if other is connection:
                os.kill(process, signal.SIGTERM)


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
