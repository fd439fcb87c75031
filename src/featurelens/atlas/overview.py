"""The page that leads to the atlas of every source of features, and sets them side by side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from featurelens.atlas.pack import as_text
from featurelens.atlas.page import write_overview_page
from featurelens.atlas.words import WORDS
from featurelens.io import read_json
from featurelens.version import __version__


def write_overview(folders: Iterable[str | Path], path: str | Path, *, run: str) -> str:
    """Write the page from ``summary.json`` of each folder.

    Parameters
    ----------
    folders
        Of atlases, in the order in which they are listed; they lie below the folder of ``path``.
    path
        ``index.html``.
    run
        Name of the run.

    Returns
    -------
    str
        One line about what was written.
    """
    home = Path(path).parent
    sources = [
        read_json(Path(folder) / "summary.json")
        | {"page": Path(folder).relative_to(home).as_posix() + "/index.html"}
        for folder in folders
    ]
    shown = ("share", "share_complete", "share_beyond_type", "share_singly", "verdict")
    words = {name: dict(zip(("label", "unit", "help"), WORDS[name], strict=True)) for name in shown}
    content = {"run": run, "version": __version__, "sources": sources, "words": words}
    write_overview_page(Path(path), as_text(content))
    return f"{len(sources)} sources of features"
