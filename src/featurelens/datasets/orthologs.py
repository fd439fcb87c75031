"""Genes of another species that the genes of the data correspond to, from a table of the user's.

Of a table with one row a pair (two columns, or those of BioMart) the column that holds most genes
of the data is theirs, and all others hold names of the other species; MGI's list of classes
(HOM_MouseHumanSequence.rpt) has one row a gene. A symbol that differs by letter case alone is no
ortholog: that says nothing of descent.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from featurelens.datasets.gene_names import without_version
from featurelens.io import InputError

BETWEEN = "|"
"""Stands between several orthologs of a gene in a column of var."""
CLASS, ORGANISM, SYMBOL = "DB Class Key", "Common Organism Name", "Symbol"
"""Columns of MGI's list of classes."""


def read_orthologs(path: str | Path, names: Sequence[Iterable[str]]) -> list[str]:
    """Orthologs of every gene, joined by :data:`BETWEEN`; "" of a gene without.

    Parameters
    ----------
    path
        The table: tabs or commas, with or without a header, plain or gzip.
    names
        Of every gene, its names (symbol, Ensembl id), (n_genes,).

    Raises
    ------
    InputError
        If the file is missing, is no table, or holds no gene of the data.
    """
    known = {_plain(name) for each in names for name in each if name}
    table = _read(path, known)
    held = {str(column): int(table[column].map(_plain).isin(known).sum()) for column in table}
    own = max(held, key=lambda column: held[column])
    if not held[own]:
        shown = ", ".join(sorted(known)[:3])
        has = ", ".join(f"{column} ({', '.join(table[column][:2])})" for column in table)
        raise InputError(
            f"{path}: holds no gene of the data, which are called {shown}; its columns are {has}"
        )
    is_of_classes = {CLASS, ORGANISM, SYMBOL} <= set(table)
    if is_of_classes and own in (CLASS, ORGANISM):
        raise InputError(
            f"{path}: holds genes in its column {own}; its header and its rows have other columns"
        )
    pairs = _of_classes(table, own) if is_of_classes else table
    found: dict[str, dict[str, None]] = {}
    others = [column for column in pairs if column != own]
    for row in pairs[[own, *others]].itertuples(index=False):
        found.setdefault(_plain(row[0]), {}).update(dict.fromkeys(name for name in row[1:] if name))
    return [_joined(found, each) for each in names]


def _joined(found: dict[str, dict[str, None]], names: Iterable[str]) -> str:
    own = [name for name in map(_plain, names) if name]
    orthologs = dict.fromkeys(other for name in own for other in found.get(name, {}))
    return BETWEEN.join(other for other in orthologs if other not in own)


def _plain(name: str) -> str:
    return without_version(name) or name


def _read(path: str | Path, known: set[str]) -> pd.DataFrame:
    """The table as text; a first row without a gene of the data is a header, or goes for one."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check orthologs in the config")
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as lines:
            first = lines.readline()
            separator = "\t" if b"\t" in first else ","
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            header=None,
            compression="gzip" if packed else None,
        ).fillna("")  # cells that a short row lacks
    except (ValueError, OSError, EOFError, zlib.error) as error:
        line = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: cannot be read as a table ({line})") from error
    if table.shape[1] < 2:
        raise InputError(
            f"{path}: has a single column; a table of orthologs has a gene and its ortholog in "
            "each row, with a tab or a comma between them"
        )
    header = [f"column {number + 1}" for number in range(table.shape[1])]
    if known.isdisjoint(map(_plain, table.iloc[0])):
        header, table = table.iloc[0].tolist(), table.iloc[1:]
    table.columns = header
    return table.loc[:, ~table.columns.duplicated()]


def _of_classes(table: pd.DataFrame, own: str) -> pd.DataFrame:
    """Pairs of genes of one class and two species, those of the column ``own`` first."""
    kept = table[[CLASS, ORGANISM, own]]
    pairs = kept.merge(kept, on=CLASS, suffixes=("", " other"))
    pairs = pairs[pairs[ORGANISM] != pairs[f"{ORGANISM} other"]]
    return pairs[[own, f"{own} other"]]
