"""The page around the data: markup, style and program, as a folder and as a single file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from featurelens.io import atomic_path

PROGRAM = (
    "elements.js",
    "numbers.js",
    "data.js",
    "state.js",
    "vocabulary.js",
    "search.js",
    "box.js",
    "table.js",
    "pens.js",
    "colours.js",
    "raster.js",
    "maps.js",
    "featuremap.js",
    "cellmap.js",
    "charts.js",
    "tables_of.js",
    "steering.js",
    "detail.js",
    "share.js",
    "start.js",
)
"""Parts of the program in the order in which they are joined."""
OVERVIEW = ("elements.js", "numbers.js", "overview.js")
"""Of the page that leads to the others."""
STYLES = ("base.css", "parts.css", "narrow.css")


def write_folder(folder: Path, always: Mapping[str, str], chunks: Mapping[str, str]) -> None:
    """``index.html`` and ``data/<name>.js``; ``chunks`` are loaded when they are needed."""
    for name, text in [*always.items(), *chunks.items()]:
        _write(folder / "data" / f"{name}.js", f'ATLAS.put("{name}",{text});\n')
    scripts = [f'<script src="data/{name}.js"></script>' for name in always]
    _write(folder / "index.html", _page(scripts, has_files=True))


def write_single(path: Path, always: Mapping[str, str], chunks: Mapping[str, str]) -> None:
    """The same in one file: data lie in blocks that are read when they are needed."""
    blocks = [
        f'<script type="application/json" id="data-{name}">{text}</script>'
        for name, text in [*always.items(), *chunks.items()]
    ]
    _write(path, _page(blocks, has_files=False))


def write_overview_page(path: Path, content: str) -> None:
    """The page that leads to the others, with its data inside."""
    block = f'<script type="application/json" id="data-overview">{content}</script>'
    _write(path, _page([block], has_files=False, program=OVERVIEW, page="overview.html"))


def _page(
    data: Iterable[str],
    *,
    has_files: bool,
    program: tuple[str, ...] = PROGRAM,
    page: str = "index.html",
) -> str:
    """Markup with style and program inside, each known to the policy by its hash."""
    code, style = _joined(program), _joined(STYLES)
    scripts = [_hash(code), *(["'self'", "file:"] if has_files else [])]
    policy = (
        f"default-src 'none'; script-src {' '.join(scripts)}; style-src {_hash(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    markup = _read(page)
    for mark, text in (
        ("{{policy}}", policy),
        ("{{style}}", style),
        ("{{program}}", code),
        ("{{data}}", "\n".join(data)),
    ):
        before, found, after = markup.partition(mark)
        if not found:
            raise ValueError(f"{page} has no {mark}")
        markup = before + text + after
    return markup


def _joined(names: Iterable[str]) -> str:
    """Files one after another; a program's names are its own."""
    text = "\n".join(_read(name) for name in names)
    is_program = "elements.js" in names
    return f'"use strict";\n(() => {{\n{text}\n}})();\n' if is_program else text


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def _read(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
