"""What Snakemake starts for a job: hand its script to the started process, or run it plainly.

    python -IS client.py SOCKET PYTHON SCRIPT

Imports what a bare interpreter has, because every job waits for it. Where no process listens at
SOCKET, or the command is no script for the Python that runs this, the command itself takes over.
"""

import json
import os
import signal
import socket
import struct
import sys

NUMBER = struct.Struct("i")


def main(arguments: list[str]) -> int:
    """Have a command run; return its exit status where it was handed over."""
    address, *command = arguments
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        if len(command) == 2 and command[0] == sys.executable:
            process = _hand_over(connection, address, command[1])
            if process is not None:
                return _wait_for(connection, process)
    os.execvp(command[0], command)


def _hand_over(connection: socket.socket, address: str, script: str) -> int | None:
    """Send a script with terminal, folder and environment; the job's process, if it was begun."""
    job = {"script": script, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
    message = json.dumps(job).encode()
    try:
        connection.connect(address)
        socket.send_fds(connection, [NUMBER.pack(len(message))], [0, 1, 2])
        connection.sendall(message)
        return _number(connection)
    except OSError:
        return None


def _wait_for(connection: socket.socket, process: int) -> int:
    """Pass signals on until a job has ended; its exit status."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(process, received))
    status = _number(connection)
    if status is None:
        sys.stderr.write("error: the process that jobs begin in has ended\n")
        return 1
    return status


def _number(connection: socket.socket) -> int | None:
    received = connection.recv(NUMBER.size, socket.MSG_WAITALL)
    return NUMBER.unpack(received)[0] if len(received) == NUMBER.size else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
