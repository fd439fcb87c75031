"""The atlas of one source of features: a folder that opens from a disk, and a single file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from featurelens.atlas.extras import extras
from featurelens.atlas.gathered import Gathered, gather
from featurelens.atlas.material import Material
from featurelens.atlas.pack import as_text
from featurelens.atlas.page import write_folder, write_single
from featurelens.atlas.records import PER_CHUNK, chunks, core, first_genes, index
from featurelens.atlas.words import WORDS
from featurelens.io import write_json
from featurelens.version import __version__

SCHEMA = 1
"""Of the data; a page that finds another number says so."""
MOST_MEGABYTES = 25
"""A single file above this is said to be too large for mail."""


def build_atlas(material: Material, folder: str | Path, *, overview: str | None = None) -> str:
    """Write ``index.html``, ``data/``, ``atlas.html`` and ``summary.json`` to a folder.

    The same material makes the same bytes.

    Parameters
    ----------
    material
        What the pages are made from.
    folder
        Where they are written.
    overview
        Address of the page of all sources, seen from ``index.html``; None where there is none.

    Returns
    -------
    str
        One line about what was written.
    """
    return write_atlas(gather(material), Path(folder), overview=overview)


def write_atlas(gathered: Gathered, folder: Path, *, overview: str | None = None) -> str:
    """Write what was gathered, as :func:`build_atlas` says."""
    material = gathered.material
    always = {
        "meta": as_text(_meta(gathered) | {"overview": overview}),
        "core": as_text(core(gathered)),
        "cells": as_text(gathered.cells.packed()),
        "index": as_text(index(gathered)),
        "extras": as_text(extras(material)),
    }
    records = {f"c{number:03d}": as_text(chunk) for number, chunk in enumerate(chunks(gathered))}
    write_folder(folder, always, records)
    write_single(folder / "atlas.html", always, records)
    write_json(_summary(gathered), folder / "summary.json")
    size = (folder / "atlas.html").stat().st_size / 1e6
    note = "" if size <= MOST_MEGABYTES else f", more than {MOST_MEGABYTES} MB"
    return (
        f"{material.name}: {len(gathered.var)} features, {gathered.cells.rule}; "
        f"atlas.html {size:.1f} MB{note}"
    )


def _meta(gathered: Gathered) -> dict[str, Any]:
    material = gathered.material
    words = {
        name: dict(zip(("label", "unit", "help"), text, strict=True))
        for name, text in WORDS.items()
    }
    return {
        "schema": SCHEMA,
        "version": __version__,
        "name": material.name,
        "run": material.run,
        "n_cells": gathered.n_cells,
        "n_genes": len(material.genes),
        "n_features": len(gathered.var),
        "per_chunk": PER_CHUNK,
        "words": words,
        "measures": list(gathered.measures),
        "health": material.health or {},
        "shares": _shares(material),
        "lacking": dict(material.lacking),
        "has_directions": material.directions is not None,
        "has_within": "within_type_corrected" in material.dge,
        "collections": list(material.collections),
    }


def _shares(material: Material) -> list[dict[str, Any]]:
    """Shares of annotated features beside those of the nulls, by collection."""
    shown = (
        *("contrast", "convention", "filter", "expression", "n_live", "n_annotated", "share"),
        *("verdict", "share_complete", "share_beyond_type", "share_singly", "share_genes"),
    )
    return [
        {"collection": name} | {key: row[key] for key in shown if key in row}
        for name, collection in material.collections.items()
        if collection.summary is not None
        for row in collection.summary.to_dict("records")
    ]


def _summary(gathered: Gathered) -> dict[str, Any]:
    """What the page of all sources of a run says of this one."""
    carried = gathered.carried[gathered.carried["flags"] & 2 > 0]
    rises = carried[carried["flags"] & 1 > 0]
    terms: dict[str, list[int]] = {}
    for term, number in zip(rises["term"], rises["number"], strict=True):
        terms.setdefault(str(term), []).append(int(number))
    genes: dict[str, list[int]] = {}
    for number, places in enumerate(first_genes(gathered).tolist()):
        for place in filter(None, places):
            genes.setdefault(gathered.genes[place - 1], []).append(number)
    types = gathered.var["top_cell_type"].value_counts()
    return {
        "name": gathered.material.name,
        "n_features": len(gathered.var),
        "n_live": int((gathered.var["n_active"] > 0).sum()),
        "n_annotated": int((gathered.counts(2) > 0).sum()),
        "shares": [
            {key: None if value != value else value for key, value in row.items()}
            for row in _shares(gathered.material)
        ],
        "terms": {term: terms[term] for term in sorted(terms)},
        "genes": {gene: genes[gene] for gene in sorted(genes)},
        "types": {str(name): int(count) for name, count in sorted(types.items()) if count},
    }
