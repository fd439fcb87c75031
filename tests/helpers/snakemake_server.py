"""Snakemake that need not be imported anew: every command is a process forked from one that has.

``python snakemake_server.py`` reads commands from its standard input, one JSON object a line
(arguments, folder, environment, output, errors: the last two are files), and answers each with the
exit status of the process that ran it. A command with ``begin`` is answered at once with the number
of its process, which leads a process group of its own, and ``{"ended": number}`` with how that
ended. Half of what a dry run takes is the import of Snakemake and
of what it imports; the workflow and the library of this repository are imported by each process
for itself, from the folder that it runs in.
"""

import gc
import importlib
import json
import os
import sys

IMPORTED = (
    "snakemake.cli",
    "snakemake.report.html_reporter",
    "pydantic",
    "h5py",
    "jsonschema",
    "anndata",
)


def become(command):
    """Turn this process, a fork, into ``python -m snakemake`` with the command's surroundings."""
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    for number, place in enumerate((os.devnull, command["output"], command["errors"])):
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["snakemake", *command["arguments"]]
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [command["folder"], *(place for place in added if place not in sys.path)]
    sys.modules["snakemake.cli"].main(command["arguments"])


def serve():
    """Answer until the input ends; in a forked process, return when its command has."""
    commands, answers = sys.stdin, os.fdopen(os.dup(1), "w")
    for line in iter(commands.readline, ""):
        command = json.loads(line)
        child = command.get("ended") or os.fork()
        if child == 0:
            if command.get("begin"):
                os.setsid()
            return become(command)
        if command.get("begin"):
            print(child, file=answers, flush=True)
            continue
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
    return None


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    serve()
