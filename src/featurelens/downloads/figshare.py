"""Data and trained models of multiDGD on figshare (article 23796198), and how to get them.

A file is asked for at figshare's service, which answers with its present address, size and md5.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from featurelens.downloads.config import API, ARTICLE
from featurelens.downloads.fetch import fetch, fetch_json, recorded_sha256
from featurelens.downloads.transfer import Log
from featurelens.io import InputError, atomic_path, sha256_file


@dataclass(frozen=True)
class FigshareFile:
    """One file of an article."""

    id: int
    """Number of the file at figshare."""
    name: str
    """Name it gets here; a zip archive around a file of that name is unpacked."""
    article: int = ARTICLE
    """Number of the article."""

    def url(self, api: str = API) -> str:
        """Address where figshare describes the file."""
        return f"{api}/articles/{self.article}/files/{self.id}"


@dataclass(frozen=True)
class TrainedModel:
    """Cells and the multiDGD model that was trained on them."""

    data: FigshareFile
    checkpoint: FigshareFile
    hyperparameters: FigshareFile

    @property
    def files(self) -> tuple[FigshareFile, FigshareFile, FigshareFile]:
        """All three."""
        return self.data, self.checkpoint, self.hyperparameters


def _trained(name: str, data: FigshareFile, checkpoint: int, hyperparameters: int) -> TrainedModel:
    return TrainedModel(
        data,
        FigshareFile(checkpoint, f"{name}.pt"),
        FigshareFile(hyperparameters, f"{name}_hyperparameters.json"),
    )


MULTIDGD: Mapping[str, TrainedModel] = MappingProxyType(
    {
        "human_bonemarrow": _trained(
            "human_bonemarrow_l20_h2-3_test50e",
            FigshareFile(41740251, "human_bonemarrow.h5ad"),
            checkpoint=41735907,
            hyperparameters=41735904,
        ),
        "mouse_gastrulation": _trained(
            "mouse_gastrulation_l20_h2-3",
            FigshareFile(41740323, "mouse_gastrulation.h5mu"),
            checkpoint=41735919,
            hyperparameters=41735916,
        ),
        "human_brain": _trained(
            "human_brain_l20_h2-3",
            FigshareFile(41736012, "human_brain.h5mu"),
            checkpoint=41735913,
            hyperparameters=41735910,
        ),
    }
)
"""The three data sets of the paper (its ``00_data_download.py``), by name."""


def fetch_figshare(
    file: FigshareFile,
    path: str | Path,
    *,
    api: str = API,
    log: Log | None = None,
    **options: Any,
) -> Path:
    """Download a file of figshare and unpack it if it comes as a zip archive.

    Parameters
    ----------
    file
        An entry of :data:`MULTIDGD`, or any other.
    path
        Where the file goes, unpacked. A file that is there, by an earlier call or by hand, and has
        not changed since is kept, and figshare is not asked.
    api
        Address of the service.
    log
        Takes progress, one line at a time.
    options
        attempts, backoff and timeout of :func:`featurelens.downloads.fetch.fetch`.

    Raises
    ------
    InputError
        As :func:`featurelens.downloads.fetch.fetch`; or if figshare's answer has no address, or the
        archive is damaged or holds no such file.
    """
    path = Path(path)
    if path.exists():
        return fetch(file.url(api), path, log=log, **options)
    try:
        answer = fetch_json(file.url(api), log=log, **options)
    except InputError as error:
        raise InputError(f"{error}, or put {file.name}, unpacked, at {path} by hand") from error
    if not isinstance(answer, dict) or not answer.get("download_url"):
        raise InputError(f"{file.url(api)}: names no download_url; check article and file number")
    raw = path.with_name(f"{path.name}.download")
    md5 = answer.get("computed_md5") or answer.get("supplied_md5") or None
    fetch(answer["download_url"], raw, md5=md5, size=answer.get("size"), log=log, **options)
    recorded = recorded_sha256(path)
    if zipfile.is_zipfile(raw) and path.suffix not in (".pt", ".zip"):
        extract(raw, file.name, path, sha256=recorded)
    else:
        _require_sha256(raw, recorded, path)
        raw.replace(path)
    for leftover in (raw, raw.with_name(raw.name + ".sha256")):
        leftover.unlink(missing_ok=True)
    return fetch(file.url(api), path, log=log, **options)


def extract(archive: str | Path, name: str, path: str | Path, *, sha256: str | None = None) -> None:
    """Unpack one file of a zip archive, to a path of our choice and all of it or nothing.

    Parameters
    ----------
    archive
        The archive; nothing in it decides where anything is written.
    name
        Name of the file in it, in whatever folder; of an archive of one file, that file.
    path
        Where it goes.
    sha256
        What the file must have, or None.

    Raises
    ------
    InputError
        If the archive is damaged, or holds no such file.
    """
    try:
        with zipfile.ZipFile(archive) as opened, atomic_path(path) as temporary:
            member = _member(opened, name, archive)
            with opened.open(member) as source, temporary.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            _require_sha256(temporary, sha256, Path(path))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(
            f"{archive}: cannot be unpacked ({error}); delete it and fetch it again"
        ) from error


def _member(archive: zipfile.ZipFile, name: str, path: str | Path) -> zipfile.ZipInfo:
    files = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    named = [member for member in files if PurePosixPath(member.filename).name == name]
    chosen = named or files
    if len(chosen) != 1:
        there = ", ".join(member.filename for member in files) or "nothing"
        raise InputError(f"{path}: holds no file {name!r}; there is: {there}")
    return chosen[0]


def _require_sha256(content: Path, sha256: str | None, path: Path) -> None:
    if sha256 is not None and sha256_file(content) != sha256:
        raise InputError(
            f"{path}: what came differs from the first download (its .sha256 has {sha256}); "
            "delete that file to accept another version"
        )
