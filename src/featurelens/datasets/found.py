"""What a user did not name of cells, found in them: counts, cell types, batch, names of genes.

Files of CELLxGENE and its Census, of Cell Ranger and of scanpy's tutorials differ in where these
lie, and each has its own words. Nothing is guessed: a place holds counts or it does not, a column
has one of a few names and holds what it should. What is found is said in one paragraph, with the
key that chooses otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from featurelens.datasets.config import RAW, OwnCells, X
from featurelens.datasets.gene_names import are_ensembl, without_version
from featurelens.datasets.plain import NO_SYMBOL, is_missing
from featurelens.datasets.tenx import EXPRESSION, TYPE_COLUMN
from featurelens.datasets.unknown_types import SAYING_NOTHING
from featurelens.io import InputError

NEARLY = 1e-3
"""Counts that are this close to integers were integers before their logarithms were undone."""
COUNT_LAYERS = ("counts", "raw_counts", "count", "raw_count", "raw", "umi", "umis", "umi_counts")
CELL_TYPES = ("cell_type", "celltype", "cell_types", "celltypes", "cell_type_name", "cell_label")
SYMBOLS = (
    *("feature_name", "symbol", "gene_symbol", "gene_symbols", "gene_name", "gene_names"),
    *("gene_short_name", "hgnc_symbol", "mgi_symbol", "features"),
)
IDS = ("ensembl", "feature_id", "gene_id", "gene_ids", "ensembl_id", "ensembl_gene_id")
"""Names of columns, the more telling first; case, dots and dashes in them do not count."""
DONOR = "donor_id"
IN_X = "counts in X"
FEW = 10
"""A batch of fewer cells, at the median, tells nothing of a feature."""


@dataclass(frozen=True)
class Parts:
    """Cells in a file or in memory, by what is looked at in them."""

    path: str
    form: str
    columns: Sequence[str]
    """Columns of the cells."""
    column: Callable[[str], pd.Series]
    values: Mapping[str, Callable[[], np.ndarray]]
    """The first values of each place that has expression: X, raw.X and layers by their names."""
    genes: Callable[[str], pd.DataFrame]
    """Table of the genes of a place."""
    batches: Sequence[str] = ()
    """Columns that the file itself calls its batches."""


class Found(NamedTuple):
    """A config in which nothing is left to be found."""

    config: OwnCells
    lines: tuple[str, ...]
    """What was found, in words."""

    def describe(self) -> str:
        """One paragraph."""
        form, *found = self.lines
        return f"{self.config.path} is {form}: {'; '.join(found)}"


def names_in(batch_condition: Any) -> list[str]:
    """Columns that ``uns['batch_condition']`` of CELLxGENE names: one, or several."""
    return [str(name) for name in np.atleast_1d(np.asarray(batch_condition, dtype=object))]


def complete(parts: Parts, config: OwnCells) -> Found:
    """Find what a config leaves open.

    Raises
    ------
    InputError
        If cell types or counts are not found; it says what was looked for, and what there is.
    """
    lines = [parts.form]
    config, said = _with_counts(parts, config)
    lines += said
    genes = parts.genes(config.counts_layer or X)
    for step in (_with_modality, _with_ids, _with_symbols):
        config, said = step(genes, config)
        lines += said
    for finish in (_with_types, _with_batch):
        config, said = finish(parts, config)
        lines += said
    if "is_primary_data" in parts.columns and not (config.only or {}).get("is_primary_data"):
        primary = parts.column("is_primary_data").astype(str).str.lower() == "true"
        if not primary.all():
            lines.append(
                f"{int((~primary).sum())} of {len(primary)} cells are copies of cells elsewhere "
                "(is_primary_data is False), which only: {is_primary_data: 'True'} leaves out"
            )
    return Found(config, tuple(lines))


def look_like_counts(values: np.ndarray) -> bool:
    """Whether values are non-negative integers, or were before logarithms were undone; and some
    are more than zero.

    Examples
    --------
    >>> [look_like_counts(np.array(row)) for row in ([0.0, 3.0], [0.0, 0.7], [-1, 1], [])]
    [True, False, False, False]
    """
    if values.size == 0 or values.dtype.kind not in "fiub":
        return False
    wide = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(wide - np.round(wide)) <= NEARLY
    return bool(near.all() and (wide >= 0).all() and (wide > 0).any())


def places_of_counts(
    values: Mapping[str, Callable[[], np.ndarray]], without: str = ""
) -> list[str]:
    """Places whose first values are counts, but for one that need not be looked at."""
    return [
        place for place, read in values.items() if place != without and look_like_counts(read())
    ]


ELSEWHERE = "name the layer with the counts as counts_layer"


def remedy_for(values: Mapping[str, Callable[[], np.ndarray]], place: str) -> str:
    """What to do where a place does not hold counts: the places that do, or none."""
    if look_like_counts(values[place]()):
        return ELSEWHERE  # a value further on is at fault
    others = [other for other in values if other != place]
    if not others:
        return "there is no other matrix; give a file with the raw counts of the same cells"
    held = places_of_counts(values, without=place)
    if held:
        more = f" (or {', '.join(held[1:])})" if held[1:] else ""
        return f"{_named(held[0])} holds counts: set counts_layer: {held[0]}{more}"
    return f"neither do {', '.join(map(_named, others))}; give a file with the raw counts"


def _plain(place: str) -> str:
    return place if place == RAW else place.lower()


def _named(place: str) -> str:
    return place if place in (X, RAW) else f"layers[{place!r}]"


def _with_counts(parts: Parts, config: OwnCells) -> tuple[OwnCells, list[str]]:
    if config.counts_layer is not None or not parts.values:
        return replace(config, counts_layer=config.counts_layer or X), []
    if X in parts.values and look_like_counts(parts.values[X]()):
        return replace(config, counts_layer=X), [IN_X]
    held = places_of_counts(parts.values, without=X)
    ranked = [*COUNT_LAYERS, RAW]
    best = [place for place in held if _plain(place) in ranked]
    if len(held) > 1 and not best:
        raise InputError(
            f"{parts.path}: counts are in {', '.join(map(_named, held))}, and in none by a name "
            f"such as counts; say with counts_layer which are meant, as counts_layer: {held[0]}"
        )
    if not held:  # what is wrong with X is said where it is read
        return replace(
            config, counts_layer=X if X in parts.values else next(iter(parts.values))
        ), []
    chosen = min(best, key=lambda place: ranked.index(_plain(place)), default=held[0])
    others = [place for place in held if place != chosen]
    more = f" (also in {', '.join(map(_named, others))}: counts_layer)" if others else ""
    return replace(config, counts_layer=chosen), [f"counts in {_named(chosen)}{more}"]


def _with_modality(genes: pd.DataFrame, config: OwnCells) -> tuple[OwnCells, list[str]]:
    """Genes alone of what Cell Ranger counts, where it counted more."""
    if config.modality is not None or TYPE_COLUMN not in genes:
        return config, []
    kinds = genes[TYPE_COLUMN].astype(str).value_counts()
    if len(kinds) < 2 or EXPRESSION not in kinds:
        return config, []
    others = ", ".join(f"{n} of {kind}" for kind, n in kinds.items() if kind != EXPRESSION)
    found = f"{kinds[EXPRESSION]} features of {EXPRESSION} kept, {others} left out (modality)"
    return replace(config, modality=EXPRESSION, modality_column=TYPE_COLUMN), [found]


def _with_ids(genes: pd.DataFrame, config: OwnCells) -> tuple[OwnCells, list[str]]:
    if config.ensembl is not None:
        return config, []
    for column in _called(IDS, genes.columns):
        if column == "ensembl" or are_ensembl(genes[column].astype(str).tolist()):
            return replace(config, ensembl=column), [f"Ensembl ids in var[{column!r}]"]
    return config, []


def _with_symbols(genes: pd.DataFrame, config: OwnCells) -> tuple[OwnCells, list[str]]:
    if config.symbol is not None:
        return config, []
    names = genes.index.astype(str)
    if not (are_ensembl(names.tolist()) or names.str.fullmatch(r"\d+").all()):
        return config, []
    for column in _called(SYMBOLS, genes.columns):
        values = genes[column].astype(str)
        own_id = np.array([without_version(name) is not None for name in values])
        missing = is_missing(genes[column], NO_SYMBOL)
        if (own_id | missing).mean() > 0.9:
            continue
        known = values[~own_id & ~missing]
        said = [
            f"{len(known) - known.nunique()} repeats",
            f"{int((own_id | missing).sum())} without",
        ]
        return replace(config, symbol=column), [f"symbols in var[{column!r}] ({', '.join(said)})"]
    return config, []


def _with_types(parts: Parts, config: OwnCells) -> tuple[OwnCells, list[str]]:
    if config.cell_type is False:
        return config, []
    said = "" if config.cell_type else "cell types in "
    if config.cell_type is None:
        called = _called(CELL_TYPES, parts.columns)
        if not called:
            return _without_types(parts, config)
        config = replace(config, cell_type=called[0])
    if config.cell_type not in parts.columns:
        return config, []  # the check names what there is
    labels = parts.column(str(config.cell_type)).astype(str)
    sizes = labels.value_counts()
    silent = [name for name in sizes.index if name.strip().lower() in SAYING_NOTHING]
    lines = []
    if said:
        n = int((sizes.drop(silent) > 0).sum())
        lines.append(f"{n} {said}obs[{config.cell_type!r}]")
    if sizes[silent].sum():
        words = ", ".join(map(repr, silent))
        lines.append(f"{sizes[silent].sum()} of {len(labels)} cells are {words}, which is no type")
    return config, lines


def _without_types(parts: Parts, config: OwnCells) -> tuple[OwnCells, list[str]]:
    if not parts.columns:
        return replace(config, cell_type=False), ["no columns of cells, so no cell types"]
    raise InputError(
        f"{parts.path}: no column of cell types was named, and obs has none called "
        f"{', '.join(CELL_TYPES[:3])} or so; there is: {', '.join(parts.columns)}; name one as "
        "cell_type, or write cell_type: false for cells without types"
    )


def _with_batch(parts: Parts, config: OwnCells) -> tuple[OwnCells, list[str]]:
    if config.batch is not None:
        return config, []
    named = [column for column in parts.batches if column in parts.columns]
    candidates = [*(named if len(named) == 1 else []), DONOR]
    for column in candidates:
        if column in parts.columns:
            types = config.cell_type or ""
            labels = parts.column(types) if types in parts.columns else None
            return _judged(column, parts.column(column).astype(str), labels, config)
    return config, []


def _judged(
    column: str, batches: pd.Series, labels: pd.Series | None, config: OwnCells
) -> tuple[OwnCells, list[str]]:
    """Take a column as batch, unless nothing could be compared within its batches."""
    sizes = batches.value_counts()
    why = None
    if len(sizes) < 2:
        why = "is the same in all cells"
    elif np.median(sizes) < FEW:
        why = f"has {len(sizes)} values of {np.median(sizes):g} cells (median)"
    elif labels is not None and labels.nunique() > 1:
        types = labels.astype(str).groupby(batches.to_numpy()).nunique()
        why = "holds cells of a single type in each value" if (types == 1).all() else None
    if why is not None:
        return config, [f"no batch: obs[{column!r}] {why}"]
    return replace(config, batch=column), [f"batch in obs[{column!r}] ({len(sizes)} values)"]


def _called(names: Sequence[str], columns: Iterable[Any]) -> list[str]:
    """Columns that have one of some names, in the order of the names."""
    there = {
        re.sub(r"[\W_]", "", str(column)).lower(): str(column) for column in reversed(list(columns))
    }
    plain = (re.sub(r"[\W_]", "", name).lower() for name in names)
    exact = [name for name in names if name in columns]
    return list(dict.fromkeys([*exact, *(there[name] for name in plain if name in there)]))


def said_of(found: Found) -> Iterator[str]:
    """The paragraph, where something was found that is not as in any plain file."""
    if set(found.lines[1:]) - {IN_X}:
        yield found.describe()
