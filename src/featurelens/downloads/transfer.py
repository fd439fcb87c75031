"""One transfer over HTTP: from where it broke off, with every failure given a name.

Failures that may pass are :class:`PassingError` and are tried again; the rest is told the user.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from featurelens.io import InputError, atomic_path
from featurelens.progress import duration

Log = Callable[[str], None]

BLOCK = 1 << 20
LONGEST_PAUSE = 60.0
SECONDS_BETWEEN_LINES = 10.0
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP status codes that may be gone a moment later."""
WEB_PAGE = re.compile(rb"\s*(<!doctype html|<html|<head|<meta\s|<script)", re.IGNORECASE)
POINTER = b"version https://git-lfs.github.com/spec/"


class PassingError(Exception):
    """Something that may go well at the next attempt."""


@dataclass(frozen=True)
class Part:
    """A file that is not complete, and what its server said of it."""

    file: Path

    @property
    def notes(self) -> Path:
        """File beside it with what the server said."""
        return self.file.with_name(self.file.name + ".json")

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.file.stat().st_size if self.file.exists() else 0

    def read_notes(self) -> dict[str, Any]:
        """What the server said; nothing where no one wrote it down."""
        try:
            notes = json.loads(self.notes.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}

    def discard(self) -> None:
        """Remove the part and its notes."""
        self.file.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)


def repeat(
    action: Callable[[], None],
    part: Part | None,
    *,
    attempts: int,
    backoff: float,
    log: Log,
    give_up: str,
) -> None:
    """Repeat until it succeeds, or ``attempts`` failures in a row have gained no byte."""
    failures, most = 0, part.size if part else 0
    # A server that hands out a few bytes a time would otherwise never come to an end.
    for _ in range(20 * attempts):
        try:
            return action()
        except PassingError as error:
            problem = str(error)
        gained = part is not None and part.size > most
        most = max(most, part.size if part else 0)
        failures = 1 if gained else failures + 1
        if failures >= attempts:
            break
        pause = min(backoff * 2 ** (failures - 1), LONGEST_PAUSE)
        log(f"{problem}; trying again in {pause:.0f} s")
        time.sleep(pause)
    raise InputError(give_up.format(problem=problem))


def transfer(url: str, part: Part, size: int | None, *, timeout: float, log: Log) -> None:
    """Fetch what is missing of a part, from its end where the server allows it."""
    notes = part.read_notes()
    if notes.get("url") != url:
        part.discard()
        notes = {}
    headers = {"Range": f"bytes={part.size}-"} if part.size else {}
    if part.size and notes.get("validator"):
        headers["If-Range"] = notes["validator"]
    with open_url(url, headers, timeout=timeout) as response:
        if response.status == 416:
            if part.size != _total_of_range(response.headers):
                part.discard()
                raise PassingError("the server lost its place in the file")
            return
        start, total = _extent(response, part, notes)
        if size is not None and total not in (None, size):
            part.discard()
            raise InputError(
                f"{url}: the server announces {total:,} bytes, but the file has "
                f"{size:,}; check the address"
            )
        if not start:  # what came before must never stand beside notes of another answer
            part.notes.unlink(missing_ok=True)
            part.file.open("wb").close()
        _write_notes(part, url, response.headers, total)
        received = _append(response, part, start, total, url=url, log=log)
    if total is not None and received != total:
        raise PassingError(f"{received:,} of {total:,} bytes came")


class _StaysSecure(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but none from https to where anybody on the way can change the bytes."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """As the class above; raise :class:`InputError` where encryption would end."""
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise InputError(
                f"{req.full_url}: leads from https to {newurl}, which is not encrypted; "
                "name an address that stays with https"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def open_url(url: str, headers: Mapping[str, str], *, timeout: float) -> Iterator[Any]:
    """Open an address; every way to fail becomes a passing error or a message for the user."""
    plain = {"User-Agent": "featurelens", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=plain | dict(headers))
    opener = urllib.request.build_opener(_StaysSecure)
    try:
        with opener.open(request, timeout=timeout) as response:
            yield response
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                yield error
                return
            if error.code in PASSING:
                raise PassingError(f"the server answered {error.code} {error.reason}") from None
            reason = str(error.reason).splitlines()[0] if error.reason else ""
            raise InputError(
                f"{url}: the server answered {error.code} {reason}; check the address"
            ) from None
    except urllib.error.URLError as error:
        raise PassingError(f"no connection to {urlsplit(url).netloc} ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        what = str(error) or type(error).__name__
        raise PassingError(f"the connection broke ({what})") from None


def _extent(response: Any, part: Part, notes: Mapping[str, Any]) -> tuple[int, int | None]:
    """First byte that comes and size of the whole file, as far as the server says."""
    if response.status == 206:
        match = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        total = int(match[2]) if match and match[2] != "*" else None
        same_file = notes.get("total") in (None, total)
        if match and int(match[1]) == part.size and same_file:
            return part.size, total
        part.discard()
        raise PassingError("the server sent another part of the file than was asked for")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _append(response: Any, part: Part, start: int, total: int | None, *, url: str, log: Log) -> int:
    """Write what comes after ``start``; the number of bytes that the part has then."""
    name, received = part.file.name[1:].removesuffix(".part"), start
    began = told = time.monotonic()
    with part.file.open("r+b" if start else "wb") as file:
        file.seek(start)
        while block := response.read1(BLOCK):  # what is there, so that a kill loses little
            if received == 0:
                _refuse_substitutes(block, response.headers, url)
            _write(file, block)
            received += len(block)
            if time.monotonic() - told > SECONDS_BETWEEN_LINES:
                told = time.monotonic()
                speed = (received - start) / max(told - began, 1e-9)
                log(_progress(name, received, total) + _rate(received, total, speed))
        file.flush()
        os.fsync(file.fileno())
    log(_progress(name, received, total))
    return received


def _write(file: BinaryIO, block: bytes) -> None:
    try:
        file.write(block)
        file.flush()
    except OSError as error:
        raise InputError(f"{file.name}: cannot be written ({error}); make room") from error


def _refuse_substitutes(block: bytes, headers: Message, url: str) -> None:
    """Raise :class:`InputError` if a page or a pointer comes in place of the file."""
    kind = headers.get_content_type() if "Content-Type" in headers else ""
    if kind in ("text/html", "application/xhtml+xml") or WEB_PAGE.match(block):
        raise InputError(
            f"{url}: a web page came instead of the file (a login, a redirect or an error page); "
            "open the address in a browser to see it, and correct it"
        )
    if block.startswith(POINTER):
        raise InputError(f"{url}: a Git LFS pointer came instead of the file; use its own address")


def _write_notes(part: Part, url: str, headers: Message, total: int | None) -> None:
    # A weak validator does not promise equal bytes, so nothing may be resumed on its word.
    tag = headers.get("ETag", "")
    validator = headers.get("Last-Modified") if tag.startswith("W/") or not tag else tag
    with atomic_path(part.notes) as temporary:
        temporary.write_text(json.dumps({"url": url, "validator": validator, "total": total}))


def _total_of_range(headers: Message) -> int | None:
    match = re.match(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _progress(name: str, received: int, total: int | None) -> str:
    if not total:
        return f"{name}: {received / 1e6:,.1f} MB"
    return f"{name}: {received / 1e6:,.1f} of {total / 1e6:,.1f} MB ({received / total:.0%})"


def _rate(received: int, total: int | None, speed: float) -> str:
    """Bytes a second, and the time left where the server told the size."""
    left = f", {duration((total - received) / speed)} left" if total else ""
    return f", {speed / 1e6:,.1f} MB/s{left}"
