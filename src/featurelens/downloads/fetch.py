"""Files from the network: resumed where they broke off, checked, and whole or not there at all.

A checksum that nobody publishes is recorded beside the file at its first download and enforced from
then on, so that a file which changes at its source is noticed. Only the standard library is used,
because these functions run in jobs that need nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from featurelens.downloads.transfer import BLOCK, Log, Part, open_url, repeat, transfer
from featurelens.io import InputError, atomic_path, sha256_file


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is known of a file before it comes."""

    sha256: str | None = None
    """Published, or recorded at the first download."""
    md5: str | None = None
    """Published."""
    size: int | None = None
    """Published number of bytes."""


def fetch(
    url: str,
    path: str | Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    attempts: int = 5,
    backoff: float = 2.0,
    timeout: float = 60.0,
    log: Log | None = None,
) -> Path:
    """Download a file, unless it is there already and is what it should be.

    An interrupted download leaves a hidden ``.part`` file and is resumed by the next call.

    Parameters
    ----------
    url
        An http or https address.
    path
        Where the file goes; ``<path>.sha256`` is written beside it.
    sha256, md5, size
        What is published of the file; without sha256 that of the first download is enforced.
    attempts
        Failures in a row, without a byte gained, after which the download is given up.
    backoff
        Seconds before the second attempt; doubled each time, at most a minute.
    timeout
        Seconds without any answer after which an attempt fails.
    log
        Takes progress, one line at a time.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    InputError
        If there is no network, the address is wrong, something else than the file comes (a web
        page, fewer bytes than promised), or size or checksum differ.
    """
    path = Path(path)
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"{url}: is no http or https address; correct it")
    expected = Expected(sha256=sha256 or recorded_sha256(path), md5=md5, size=size)
    if path.exists():
        _record(path, _verified(path, expected, f"{path} (already there)"))
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Part(path.with_name(f".{path.name}.part"))
    try:
        repeat(
            lambda: transfer(url, part, expected.size, timeout=timeout, log=log or _silent),
            part,
            attempts=attempts,
            backoff=backoff,
            log=log or _silent,
            give_up=f"{url}: {{problem}}; check the network, or download it by hand to {path}",
        )
    except InputError:
        if not part.size:
            part.discard()
        raise
    try:
        digest = _verified(part.file, expected, url)
    except InputError:
        part.discard()
        raise
    _record(path, digest)
    part.file.replace(path)
    part.discard()
    return path


def fetch_json(
    url: str,
    *,
    attempts: int = 5,
    backoff: float = 2.0,
    timeout: float = 60.0,
    log: Log | None = None,
) -> Any:
    """Answer of a web service, parsed.

    Raises
    ------
    InputError
        If there is no network, or the answer is no JSON.
    """
    answer: list[bytes] = []

    def ask() -> None:
        with open_url(url, {}, timeout=timeout) as response:
            answer.append(response.read(16 * BLOCK))

    repeat(
        ask,
        None,
        attempts=attempts,
        backoff=backoff,
        log=log or _silent,
        give_up=f"{url}: {{problem}}; check the network",
    )
    try:
        return json.loads(answer[-1])
    except ValueError:
        start = answer[-1][:40].decode("utf-8", "replace").replace("\n", " ")
        raise InputError(f"{url}: answered {start!r} instead of JSON; check the address") from None


def recorded_sha256(path: str | Path) -> str | None:
    """Checksum that was recorded beside a file, or None."""
    record = _record_path(Path(path))
    if not record.exists():
        return None
    digest = record.read_text().split(maxsplit=1)[:1]
    if not digest or not re.fullmatch(r"[0-9a-f]{64}", digest[0]):
        raise InputError(f"{record}: holds no checksum; delete it to record a new one")
    return digest[0]


def _verified(path: Path, expected: Expected, what: str) -> str:
    """sha256 of a file that is what was expected."""
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{what}: is empty; check the address")
    if expected.size is not None and size != expected.size:
        raise InputError(
            f"{what}: has {size:,} bytes instead of {expected.size:,}; delete it and fetch it again"
        )
    digest = sha256_file(path)
    if expected.sha256 is not None and digest != expected.sha256.lower():
        raise InputError(
            f"{what}: has sha256 {digest}, not {expected.sha256}; it changed or is damaged "
            "(delete the file to fetch it again, its .sha256 to accept another version)"
        )
    if expected.md5 is not None:
        with path.open("rb") as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if md5 != expected.md5.lower():
            raise InputError(
                f"{what}: has md5 {md5}, not the published {expected.md5}; it changed or is "
                "damaged; delete it and fetch it again"
            )
    return digest


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _record(path: Path, digest: str) -> None:
    """Write the checksum in the form of ``sha256sum``, so that ``sha256sum -c`` reads it."""
    if recorded_sha256(path) != digest:
        with atomic_path(_record_path(path)) as temporary:
            temporary.write_text(f"{digest}  {path.name}\n")


def _silent(line: str) -> None:
    """Take a line and say nothing."""
