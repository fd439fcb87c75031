"""What a job says, and where: everything to its log, the one line of a user's mistake to both."""

import errno
import gc
import os
import re
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from featurelens.io import InputError
from featurelens.portable import processor
from featurelens.progress import alive
from featurelens.starts.held import hold_as_job
from featurelens.threads import keep_one_blas_thread

COST = re.compile(
    r"took ([\d.]+) s of processor time, ([\d.]+) s of it to start; peak memory (\d+) MiB"
    r"(?: of (\d+) MB asked for)?(?:; ([\d.]+) s by the clock)?"
)
"""The last line of a log: seconds, those to start, MiB, MB asked for, seconds by the clock."""
REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room, or ask for a larger quota",
    errno.EROFS: "have it made writable",
}
"""What to do where nothing can be written; libraries that know no numbers say the same in words."""


@contextmanager
def job_log(
    path: str | Path, resources: Mapping[str, object] | None = None
) -> Iterator[Callable[[str], None]]:
    """Send standard output and standard error of a script to its log file.

    Yields a function that writes one line to the log at once. An :class:`InputError`, or a place
    where nothing can be written, ends the job with its single line in the log and on the terminal,
    without a traceback; any other exception keeps its traceback in the log and is raised again. A
    job that is asked to end takes back what it has half written. One that says nothing for a minute
    is said to be at work. The last lines say on which processor it ran, and what it took,
    :func:`describe_cost`, beside the memory that it asked for (``resources['mem_mb']``, where there
    is one). BLAS has one thread from here on, so that results do not depend on how many the job was
    given.
    """
    began, started = time.perf_counter(), time.process_time()
    asked = (resources or {}).get("mem_mb")
    hold_as_job()
    _seldom_collect()
    keep_one_blas_thread()
    terminal = os.dup(2)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with _log_of(path) as log:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)

        def say(line: str) -> None:
            log.write(f"{line}\n")  # at once: another thread may write, too

        try:
            with alive(say, lambda: os.fstat(log.fileno()).st_size):
                yield say
        except BaseException as error:
            mistake = str(error) if isinstance(error, InputError) else describe_full(error)
            if mistake is not None:
                os.write(terminal, f"error: {mistake}\n".encode())
            with suppress(OSError):  # the disk may be full
                if mistake is None:
                    traceback.print_exc(file=log)
                else:
                    print(f"error: {mistake}", file=log)
            if mistake is not None:
                raise SystemExit(1) from None
            raise
        finally:
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os.dup2(terminal, 2)
            with suppress(OSError):
                print(f"made on: {describe_machine()}", file=log)
                print(describe_cost(started, asked, time.perf_counter() - began), file=log)
            # At its end Python looks through all that is left, torch's half a million objects too.
            gc.freeze()


@contextmanager
def _log_of(path: str | Path) -> Iterator[TextIO]:
    """A log that is written line by line; what no longer fits on the disk is left out of it."""
    log = Path(path).open("w", buffering=1)  # noqa: SIM115
    try:
        yield log
    finally:
        with suppress(OSError):
            log.close()


def describe_full(error: BaseException) -> str | None:
    """One line for the user if something could not be written for want of room; None otherwise.

    Examples
    --------
    >>> describe_full(OSError(errno.ENOSPC, "No space left on device", "a.h5ad"))
    'a.h5ad: No space left on device; make room, then run it again: what is finished is kept'
    """
    seen: BaseException | None = error
    while seen is not None:
        for number, remedy in REMEDIES.items():
            words = os.strerror(number)
            if getattr(seen, "errno", None) == number or words in str(seen):
                file = getattr(seen, "filename", None) or Path.cwd()
                return f"{file}: {words}; {remedy}, then run it again: what is finished is kept"
        seen = seen.__cause__ or seen.__context__
    return None


def _seldom_collect() -> None:
    """Look for garbage seldom, and never among what the imports made: a job ends soon."""
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def _end(number: int, _: object) -> None:
    """End as an exception does, so that files that were begun are removed."""
    raise SystemExit(128 + number)


def describe_machine() -> str:
    """The processor, with the GPU where this process used one."""
    torch: Any = sys.modules.get("torch")
    used = torch is not None and torch.cuda.is_initialized()
    return ", ".join([processor(), *([torch.cuda.get_device_name()] if used else [])])


def describe_cost(started: float, asked: object, clock: float) -> str:
    """What this process and those it waited for took so far, as one line.

    Parameters
    ----------
    started
        Processor time, in seconds, of this process when what it is for began: what came before is
        Python's start and the script's imports.
    asked
        Megabytes that the job asked for; what is no number, such as None, is not told.
    clock
        Seconds by the clock since then.

    Examples
    --------
    >>> describe_cost(0.8, 2000, 2.5)  # doctest: +ELLIPSIS
    'took ... 0.80 s of it to start; peak memory ... MiB of 2000 MB asked for; 2.50 s by the clock'
    """
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    of = f" of {asked} MB asked for" if isinstance(asked, int) else ""
    return (
        f"took {seconds:.2f} s of processor time, {started:.2f} s of it to start; "
        f"peak memory {_peak_bytes() / 2**20:.0f} MiB{of}; {clock:.2f} s by the clock"
    )


def _peak_bytes() -> int:
    """Most memory that this process held.

    Linux's getrusage counts what the process that started this one held then; its status file does
    not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
