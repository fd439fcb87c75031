"""A look at the user's files while the workflow is read, before Snakemake plans a job.

Imports the standard library and config classes alone; what reads the files is loaded when there is
one that was not found good before.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from featurelens.config.errors import absent_file
from featurelens.config.run import RunConfig
from featurelens.downloads.config import belongs_to
from featurelens.io import InputError, atomic_path
from featurelens.options import brought
from featurelens.planning.place import SKEW
from featurelens.planning.plan import Plan
from featurelens.sae.config import to_import

SEEN = Path(".snakemake/featurelens/inputs.json")
"""Hash of what was found good last, and remarks on it; where it cannot be written, files are
looked at every time."""


def check_early(plan: Plan, *, dry: bool, code: Callable[[], str], seen: Path = SEEN) -> list[str]:
    """Look at every file that a run is given, unless all were found good before and did not change.

    Parameters
    ----------
    plan
        The run. Files that it is going to download are left for later.
    dry
        Whether nothing is computed: files may then be absent, and what names them is left out.
    code
        Gives the fingerprint of the code that looks; a first look does not wait for it.
    seen
        File that remembers what was found good.

    Returns
    -------
    list of str
        One line for each file that is absent, and for what is unusual though it can be read.

    Raises
    ------
    InputError
        With one line for the first mistake that was found.
    """
    pending = [file for file in plan.resources if not Path(file).exists()]
    named = [
        (key, path)
        for key, path in named_files(plan.config)
        if not any(belongs_to(file, path) for file in pending)
    ]
    absent = [(key, path) for key, path in named if not Path(path).exists()]
    if absent and not dry:
        raise InputError(absent_file(*absent[0]))
    waiting = [*pending, *(path for _, path in absent)]

    for key, file in named:
        _require_past(key, Path(file))

    def state() -> str:
        return _state(plan.user_files, [path for _, path in named], waiting, code())

    known = _read(seen)
    if not known or known.get("state") != state():
        from featurelens.planning.inputs import find_inputs

        found = find_inputs(**plan.user_files, pending=waiting)
        remarks = [line for row in found for line in row.remarks]
        known = {"state": state(), "remarks": remarks}
        with suppress(OSError), atomic_path(seen) as path:
            path.write_text(json.dumps(known))
    stops = [f"a run would stop: {absent_file(key, path)}" for key, path in absent]
    return [*known["remarks"], *stops]


def _require_past(key: str, path: Path) -> None:
    """Raise :class:`InputError` for a file that is dated later than now.

    What is made of it would be older than it, so that Snakemake would refuse it, or make it again
    at every start.
    """
    if path.exists() and (dated := path.stat().st_mtime) > time.time() + SKEW:
        shown = time.strftime("%Y-%m-%d %H:%M", time.localtime(dated))
        raise InputError(
            f"{key}: {path} is dated {shown}, which lies ahead; correct the clock, or give it the "
            f"time of now: touch {path}"
        )


def named_files(run: RunConfig) -> Iterator[tuple[str, str]]:
    """Key and path of every file and folder that a run names."""
    parts: dict[str, Any] = {
        f"datasets.{name}.cells": block.cells for name, block in run.datasets.items()
    }
    parts |= {
        f"datasets.{dataset}.models.{name}": model
        for dataset, block in run.datasets.items()
        for name, model in block.models.items()
        if model.files
    }
    parts |= {f"saes.{name}": sae for name, sae in to_import(run.saes).items()}
    parts |= {f"collections.{name}": block for name, block in run.collections.items()}
    parts |= {"enrichment.universe": run.enrichment.universe}
    for key, part in parts.items():
        for option, path in brought(part).items():
            yield f"{key}.{option}", path
    if run.claims is not None:
        yield "claims", run.claims


def _state(
    parts: Mapping[str, Any], paths: Sequence[str], waiting: Sequence[str], code: str
) -> str:
    """Hash of what a look depends on: config, code, and sizes and times of the files."""
    files = [
        (str(file), (seen := file.stat()).st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        for path in map(Path, paths)
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path] if path.exists() else [])
    ]
    text = json.dumps([parts, files, sorted(waiting), code, str(Path.cwd())])
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
