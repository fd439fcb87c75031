"""Peak memory of a process and all that it starts, sampled from ``/proc``."""

import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY = 0.25
"""Seconds between samples."""
SCRIPT = re.compile(rb"scripts/tmp\w*\.(\w+)\.py")
"""How a job's script is called in a command line of Snakemake's."""


class Sampler:
    """Samples the proportional set size of a tree of processes while it is open.

    ``peak`` is the largest sum over all of them, ``by_script`` the largest of a single process by
    the name of its script, both in bytes.
    """

    def __init__(self, root: int) -> None:
        self.peak = 0
        self.by_script: dict[str, int] = {}
        self._root = root
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(EVERY):
            total = 0
            for process in tree(self._root):
                held = proportional_set_size(process)
                total += held
                if name := _script(process):
                    self.by_script[name] = max(self.by_script.get(name, 0), held)
            self.peak = max(self.peak, total)


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def proportional_set_size(process: int) -> int:
    """Bytes that a process holds, shared ones divided by their holders; 0 when it has gone."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def _script(process: int) -> str | None:
    try:
        found = SCRIPT.search(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return None
    return found[1].decode() if found else None
