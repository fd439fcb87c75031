"""What a figure or table is called in the report, which lists its entries by the alphabet."""

from __future__ import annotations

import re

CATEGORIES = {"Figure": "3 Figures", "Table": "4 Tables"}
"""In the order in which they are read: the claims and the annotated features come first."""
_NUMBERED = re.compile(r"(figure|table)_(S?)(\d+)(.*)")
_TITLE = re.compile(r"(?:(?:Figure|Table) \w+[.,] )?(.+?)[.:?;]?(?:(?<=[.:?;])\s|$)", re.S)


def labels_of(name: str, caption: str, kind: str) -> dict[str, str]:
    """Labels of an entry: its number, S2 before S10, and what its caption begins with.

    Parameters
    ----------
    name
        Of the file, such as ``figure_S2`` or ``controls``.
    caption
        In reStructuredText.
    kind
        ``Figure`` or ``Table``, of what has no number.

    Examples
    --------
    >>> labels_of("figure_S2", "**Figure S2. Cells of both.** **A** The first.", "Figure")
    {'entry': 'Figure S02', 'shows': 'Cells of both'}
    >>> labels_of("figure_3_published", "**Figure 3, published.** Points.", "Figure")["entry"]
    'Figure 3, published'
    >>> labels_of("controls", "One row: a source.", "Table")
    {'entry': 'Table: controls', 'shows': 'One row'}
    """
    found = _NUMBERED.fullmatch(name)
    if found:
        numbered, letter, number, rest = found.groups()
        further = re.sub("^_", ", ", rest).replace("_", " ")
        entry = f"{numbered.title()} {letter}{number.zfill(2) if letter else number}{further}"
    else:
        entry = f"{kind}: {name.removeprefix('figure_').replace('_', ' ')}"
    title = _TITLE.match(caption.replace("**", ""))
    return {"entry": entry, "shows": " ".join(title.group(1).split()) if title else ""}
