"""Scripts of jobs that need not import the libraries of others anew: forks of one that has.

``python job_server.py socket`` listens until its standard input ends. Who connects sends a script
with its surroundings (:func:`hand_over`, called by ``sandbox/sitecustomize.py`` in a Python that
Snakemake started for a job), and gets the exit status of the process that ran it. More than half
of what a small job takes is the import of pandas, anndata, torch and the like; the library of this
repository is imported by each job for itself.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

FILES = (0, 1, 2)


def hand_over(place, script):
    """Let the server run a script in the surroundings of this process, and end as that ended."""
    message = {"script": script, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        text = json.dumps(message).encode()
        socket.send_fds(connection, [len(text).to_bytes(8, "big")], FILES)
        connection.sendall(text)
        os._exit(int(connection.makefile().readline()))


def receive(connection):
    """What :func:`hand_over` sent, with its files in the place of this process's own."""
    length, files, _, _ = socket.recv_fds(connection, 8, len(FILES))
    for own, theirs in zip(FILES, files, strict=True):
        os.dup2(theirs, own)
        os.close(theirs)
    return json.loads(connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))


def become(message):
    """Turn this process, a fork, into ``python script`` with the surroundings of who asked."""
    import runpy

    os.chdir(message["folder"])
    os.environ.clear()
    os.environ.update(message["environment"])
    script = message["script"]
    added = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:1] = [str(Path(script).parent), *added]
    sys.argv = [script]
    if "FEATURELENS_SANDBOX" in os.environ:
        sys.modules["sandbox.sitecustomize"].begin()
    runpy.run_path(script, run_name="__main__")


def serve(listener):
    """Run what is asked until the input ends; in a process that was forked for a job, the job."""
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [], 1)
        while _reap():
            pass
        if sys.stdin in ready:
            return
        if listener in ready:
            connection, _ = listener.accept()
            if os.fork() == 0:
                return answer(connection)
            connection.close()


def answer(connection):
    """Run a job in a fork of this fork, and say how it ended."""
    message = receive(connection)
    job = os.fork()
    if job == 0:
        connection.close()
        return become(message)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(job, number))
    status = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
    connection.sendall(f"{status if status >= 0 else 128 - status}\n".encode())
    os._exit(0)


def _reap():
    """Whether a child had ended; what it took becomes part of what this process took."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


if __name__ == "__main__":
    from loaded_modules import OTHERS

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(sys.argv[1])
    listening.listen()
    for name in (*OTHERS, "sandbox.sitecustomize"):
        importlib.import_module(name)
    gc.freeze()
    serve(listening)
