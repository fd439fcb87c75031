"""A run as a Workflow Run RO-Crate: results, and from what, with what and on what they were made.

    python -m featurelens.crate results/demo demo.crate.zip

Needs the package rocrate, which ``make crate`` installs apart. Paths in the crate are those of the
repository, so that a crate unpacked in a clone lies where the workflow looks for it
(docs/portable.md). Profile: Workflow Run Crate 0.5, of the Workflow Run RO-Crate working group.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from featurelens.checksums import results_of
from featurelens.io import InputError, read_table, sha256_file
from featurelens.version import __version__

WORKFLOW = "workflow/Snakefile"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
LICENSE = "https://spdx.org/licenses/MIT"
DIGEST = "sha256"
MADE_ON = re.compile(r"^made on: (.*)$", re.MULTILINE)


def write_crate(run: str | Path, path: str | Path, *, root: str | Path = ".") -> None:
    """Write a run as a zipped crate.

    Parameters
    ----------
    run
        Folder of the run below ``root``, as ``results/demo``.
    path
        The file to write.
    root
        The repository.

    Raises
    ------
    InputError
        If the run lacks its configuration, its inputs or its software, which its first job writes.
    """
    folder, root = Path(run), Path(root)
    for name in ("config.yaml", "inputs.tsv", "versions.tsv"):
        if not (root / folder / name).exists():
            raise InputError(f"{folder / name}: no such file; finish the run first")
    from rocrate.rocrate import ROCrate

    crate = ROCrate()
    _describe_root(crate, folder.name)
    workflow = _add_workflow(crate, root)
    inputs = [*_add_inputs(crate, root, folder), *_add_seeds(crate, root / folder / "config.yaml")]
    results = _add_results(crate, root, folder)
    began, ended = _times(root / folder)
    action = _entity(
        crate,
        "#run",
        "CreateAction",
        name=f"Run {folder.name} of featurelens",
        startTime=began,
        endTime=ended,
        actionStatus="http://schema.org/CompletedActionStatus",
    )
    action["instrument"] = workflow
    action["object"] = inputs
    action["result"] = results
    action["environment"] = _add_machines(crate, root / folder)
    crate.root_dataset["mentions"] = action
    crate.write_zip(path)


def _entity(crate: Any, at: str, kind: str, **properties: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, at, properties={"@type": kind, **properties}))


def _describe_root(crate: Any, run: str) -> None:
    crate.name = f"featurelens run {run}"
    crate.description = (
        f"Results of the run {run} of featurelens {__version__}, which annotates features of "
        "sparse autoencoders of single-cell models."
    )
    license_of = _entity(crate, LICENSE, "CreativeWork", name="MIT License", identifier=LICENSE)
    crate.root_dataset["license"] = license_of
    crate.root_dataset["conformsTo"] = [
        _entity(crate, profile, "CreativeWork", name=name, version=profile.rsplit("/", 1)[1])
        for profile, name in PROFILES.items()
    ]


def _add_workflow(crate: Any, root: Path) -> Any:
    """The workflow, with the commit where the repository is one of git's."""
    about = {"name": "featurelens", "version": _commit(root) or __version__, "license": LICENSE}
    workflow = crate.add_workflow(
        root / WORKFLOW, WORKFLOW, main=True, lang="snakemake", properties=about
    )
    lock = root / "requirements.lock"
    if lock.exists():
        crate.add_file(lock, lock.name, properties={"name": "Versions of all packages"})
    return workflow


def _commit(root: Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return f"{__version__}+{done.stdout.strip()}" if done.returncode == 0 else ""


def _add_inputs(crate: Any, root: Path, folder: Path) -> Iterator[Any]:
    """The configuration, and what the user brought: named with its checksum, and not copied."""
    config = root / folder / "config.yaml"
    yield crate.add_file(
        config,
        str(folder / "config.yaml"),
        properties={"name": "Configuration", DIGEST: sha256_file(config)},
    )
    for row in read_table(root / folder / "inputs.tsv").to_dict("records"):
        yield _entity(
            crate,
            f"#input-{row['key']}",
            "CreativeWork",
            name=row["path"],
            description=f"{row['key']}: {row['found']}",
            sha256=row["sha256"],
        )


def _add_seeds(crate: Any, config: Path) -> Iterator[Any]:
    import yaml

    for key, value in _seeds(yaml.safe_load(config.read_text())):
        yield _entity(crate, f"#{key}", "PropertyValue", name=key, value=str(value))


def _seeds(block: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every key named seed or seeds that has a value, with all keys above it."""
    if isinstance(block, list):
        block = {str(number): part for number, part in enumerate(block)}
    if not isinstance(block, Mapping):
        return
    for name, value in block.items():
        if name in ("seed", "seeds") and value is not None:
            yield f"{key}{name}", value
        else:
            yield from _seeds(value, f"{key}{name}.")


def _add_results(crate: Any, root: Path, folder: Path) -> list[Any]:
    return [
        crate.add_file(
            root / folder / file,
            str(folder / file),
            properties={DIGEST: sha256_file(root / folder / file)},
        )
        for file in results_of(root / folder)
        if file != "config.yaml"
    ]


def _times(folder: Path) -> tuple[str, str]:
    """When the first and the last log of a run were closed, else its configuration was written."""
    logs = [*folder.glob("logs/**/*.log"), folder / "config.yaml"]
    moments = [datetime.fromtimestamp(log.stat().st_mtime, UTC) for log in logs]
    return tuple(f(moments).isoformat(timespec="seconds") for f in (min, max))  # type: ignore


def _add_machines(crate: Any, folder: Path) -> list[Any]:
    """Processors and GPUs that the logs name, and the software with its versions."""
    logs = sorted(folder.glob("logs/**/*.log"))
    machines = sorted({found for log in logs for found in MADE_ON.findall(log.read_text())})
    rows = [("machine", machine) for machine in machines]
    for row in read_table(folder / "versions.tsv").to_dict("records"):
        rows.append((row["package"], row["version"]))
    return [
        _entity(crate, f"#with-{number}", "PropertyValue", name=name, value=str(value))
        for number, (name, value) in enumerate(rows)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a crate; 2 where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m featurelens.crate")
    parser.add_argument("run", help="folder of a finished run, as results/demo")
    parser.add_argument("crate", help="file to write, as demo.crate.zip")
    given = parser.parse_args(arguments)
    try:
        write_crate(given.run, given.crate)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
