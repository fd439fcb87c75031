"""With what code and config a run began, for jobs that read both again.

On a cluster every job evaluates the workflow anew. What was edited since the run began would take
part in its results, and Snakemake would record them as made by the code that the run was planned
with (docs/cluster.md). So the run notes what it began with, jobs find the note by a variable of the
environment, and end where something that they read is not as noted: what stands before the command
of every job (:meth:`Beginning.note`) runs its script where that can load nothing but what the run
began with (:func:`run`), be it at once or hours later.
"""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.abc import MetaPathFinder
from pathlib import Path
from shlex import join
from typing import Any

from featurelens.io import InputError, write_text
from featurelens.planning.fingerprint import LIBRARY, Fingerprints
from featurelens.planning.sources import PACKAGE

NOTE = "FEATURELENS_BEGAN"
"""Variable that names the file of the note."""
FOLDER = Path(".snakemake/featurelens/began")
CONFIG = "the config"


@dataclass(frozen=True)
class Beginning:
    """What a run, or a job that evaluates it again, is computed with.

    Parameters
    ----------
    code
        Scripts and library as they were read.
    rules
        Folder of the workflow.
    config
        What the run was asked for, in plain values.
    """

    code: Fingerprints
    rules: Path
    config: Mapping[str, Any]

    def state(self) -> dict[str, str]:
        """A hash of the config, and of every file of rules, script and module by its name."""
        files = [self.rules / "Snakefile", *sorted(self.rules.glob("rules/*.smk"))]
        rules = {f"workflow/{path.relative_to(self.rules)}": _hash_of(path) for path in files}
        asked = _hash(json.dumps(self.config, sort_keys=True, default=str))
        return {CONFIG: asked, **rules, **self.code.codes()}

    def note(self) -> str:
        """Note the state for jobs that this process starts; what stands before their commands."""
        text = json.dumps(self.state(), indent=0)
        path = FOLDER / f"{_hash(text)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(text, path)
        os.environ[NOTE] = str(path.resolve())
        return self._command()

    def guarded(self) -> str:
        """What stands before the command of a job of a cluster, so that edited code ends it.

        Raises
        ------
        InputError
            If config, rules or modules that plan in this process are not as noted.
        """
        if NOTE in os.environ:
            _require_readable(
                lambda: {name: code for name, code in self.state().items() if _takes_part(name)}
            )
        return self._command()

    def _command(self) -> str:
        return join([*_python(sys.executable, "main"), str(self.code.scripts)])

    def edited(self) -> list[str]:
        """What is no longer as this process noted it: names of modules and files."""
        if NOTE not in os.environ:
            return []
        try:
            return _edited(replace(self, code=Fingerprints(self.code.scripts)).state())
        except SyntaxError as error:
            return [str(error.filename)]


def _python(program: str, function: str) -> list[str]:
    """Command that calls a function of this module with what follows."""
    start = f"import sys; sys.path.insert(0, {str(LIBRARY.parent)!r}); "
    start += f"from {__name__} import {function}; {function}(*sys.argv[1:])"
    return [program, "-P", "-c", start]


def main(scripts: str, *command: str) -> None:
    """Run the command of a job; of its script, nothing that was edited (:func:`run`)."""
    script = Path(scripts, f"{_name_of(command[-1])}.py")
    if NOTE in os.environ and len(command) == 2 and script.exists():
        command = (*_python(command[0], "run"), scripts, command[1])
    os.execvp(command[0], command)


def run(scripts: str, script: str) -> None:
    """Run a job's copy of a script, unless what it can load was edited; it loads nothing edited."""
    sys.argv = [script]
    sys.path.insert(0, str(Path(script).resolve().parent))
    unedited = _Unedited(scripts)
    try:
        unedited.require(_name_of(script))
        sys.meta_path.insert(0, unedited)
        runpy.run_path(script, run_name="__main__")
    except InputError as error:
        sys.exit(f"error: {error}")


class _Unedited(MetaPathFinder):
    """Finds no module itself; raises :class:`InputError` for one that was edited.

    Scripts load some modules late, such as what writes a result. A file that is as old as it was
    at the start is as it was noted.
    """

    def __init__(self, scripts: str) -> None:
        self._scripts = scripts
        self._ages = {path: path.stat().st_mtime_ns for path in LIBRARY.rglob("*.py")}

    def require(self, script: str) -> None:
        """Raise :class:`InputError` if something that a script can load is not as noted."""
        _require_readable(lambda: Fingerprints(self._scripts).codes(script))

    def find_spec(self, fullname: str, *_: object) -> None:
        parts = fullname.split(".")
        if parts[0] != PACKAGE:
            return
        place = LIBRARY.joinpath(*parts[1:])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.exists() and file.stat().st_mtime_ns != self._ages.get(file):
            _require_readable(lambda: {fullname: Fingerprints(self._scripts).codes()[fullname]})


def _name_of(copy: str) -> str:
    """Name of the script that Snakemake made a copy of."""
    return Path(copy).name.partition(".")[2].removesuffix(".py")


def describe_edits(names: Iterable[str]) -> str:
    """One line about what was edited while a run went on."""
    shown = sorted(names)
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return (
        f"edited since this run began: {', '.join(shown[:3])}{more}; jobs that read it end, for "
        "results would mix two versions. Start the run again: what is finished is kept"
    )


def _require_readable(state: Callable[[], Mapping[str, str]]) -> None:
    """As :func:`_require`, of files that may be half saved."""
    try:
        _require(state())
    except SyntaxError as error:
        raise InputError(describe_edits([str(error.filename)])) from error


def _require(state: Mapping[str, str]) -> None:
    if names := _edited(state):
        raise InputError(describe_edits(names))


def _edited(state: Mapping[str, str]) -> list[str]:
    """Names whose hash is not as noted; none where the note is gone."""
    path = Path(os.environ[NOTE])
    if not path.exists():
        return []
    noted = json.loads(path.read_text())
    return [name for name, code in state.items() if noted.get(name) != code]


def _takes_part(name: str) -> bool:
    """Whether something plans jobs in this process."""
    return name == CONFIG or name.startswith("workflow/") or name in sys.modules


def _hash_of(rules: Path) -> str:
    """Hash of a file of rules without empty lines and lines of remarks."""
    lines = (line.strip() for line in rules.read_text().splitlines())
    return _hash("\n".join(line for line in lines if line and not line.startswith("#")))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
