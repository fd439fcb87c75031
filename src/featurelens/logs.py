"""What a job says, and where: everything to its log, the one line of a user's mistake to both."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from featurelens.io import InputError


@contextmanager
def job_log(path: str | Path) -> Iterator[Callable[[str], None]]:
    """Send standard output and standard error of a script to its log file.

    Yields a function that writes one line to the log at once. An :class:`InputError` ends the job
    with its single line in the log and on the terminal, without a traceback; any other exception
    keeps its traceback in the log and is raised again.
    """
    terminal = os.dup(2)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", buffering=1) as log:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield lambda line: print(line, file=log)
        except InputError as error:
            print(f"error: {error}", file=log)
            os.write(terminal, f"error: {error}\n".encode())
            raise SystemExit(1) from None
        except BaseException:
            traceback.print_exc(file=log)
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(terminal, 2)
