"""The paper's claims, read from a run's tables and judged.

``config/claims.yaml`` holds one entry per claim of the paper. An entry says where its
number stands in a run's tables, or, with ``needs``, why no run so far can tell; every entry
therefore appears in ``tables/claims.tsv``. A claim is a sentence of the paper, so its verdict is
that of the published convention; the corrected convention and the null stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pandas as pd

from featurelens.claims.entries import Claim
from featurelens.claims.reads import Names, Quantity, evaluate, named, read_value
from featurelens.claims.values import NotReadable, Value, as_number, in_order, show
from featurelens.conventions import CONVENTIONS

NULL_IS_CLOSE = 0.8
"""From this share of the observed value on, a null is called close in the note."""


def judge(
    claims: Iterable[Claim],
    tables: Mapping[str, pd.DataFrame],
    *,
    run: str = "",
    names: Names = MappingProxyType({}),
) -> pd.DataFrame:
    """Judge every claim by the tables of a run.

    Parameters
    ----------
    claims
        Claims in the order in which they are to appear.
    tables
        Table name (file name in ``tables/`` without its ending) to table.
    run
        Name of the run.
    names
        What of the run the names in braces stand for.

    Returns
    -------
    DataFrame
        run, number, part, claim, place, published, reproduced_published, reproduced_corrected,
        null, tolerance, verdict ("reproduced", "not reproduced" or "not judged"; of the published
        convention), verdict_corrected, note.

    Raises
    ------
    InputError
        If a claim names a column that its table does not have.
    """
    rows = [_judge(claim, tables, run=run, names=names) for claim in claims]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


_COLUMNS = (
    *("run", "number", "part", "claim", "place", "published", "reproduced_published"),
    *("reproduced_corrected", "null", "tolerance", "verdict", "verdict_corrected", "note"),
)


def _judge(
    claim: Claim, tables: Mapping[str, pd.DataFrame], *, run: str, names: Names
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_COLUMNS, "") | {
        "run": run,
        "number": claim.number,
        "part": claim.part,
        "claim": claim.claim,
        "place": claim.place,
        "published": claim.published,
        "tolerance": claim.tolerance,
        "verdict": "not judged",
        "verdict_corrected": "not judged",
        "note": claim.needs,
    }
    if claim.read is None:
        return row
    quantity = Quantity(read=claim.read, minus=claim.minus, divided_by=claim.divided_by)
    reasons = {}
    for convention in CONVENTIONS:
        verdict = "verdict" if convention == "published" else "verdict_corrected"
        try:
            value = evaluate(quantity, tables, convention, names)
        except NotReadable as reason:
            reasons[convention] = str(reason)
            continue
        row[f"reproduced_{convention}"] = show(value, share=claim.kind == "share")
        if _holds(claim, value):
            row[verdict] = "reproduced"
        elif claim.choice:
            reasons[convention] = f"a choice of the paper; this run's is {show(value, share=False)}"
        else:
            row[verdict] = "not reproduced"
    if len(reasons) == len(CONVENTIONS):
        row["note"] = "; ".join(dict.fromkeys(reasons.values()))
        return row
    smaller = shortfalls(claim, tables, names)
    scope = (claim.scope_in(run) or ", ".join(smaller)) if smaller else ""
    row["null"], close = _null(claim, quantity, tables, names)
    notes = [
        *([claim.how] if claim.how else []),
        *([f"reduced run: {scope}"] if scope else []),
        *(f"{convention}: {reason}" for convention, reason in reasons.items()),
        *_beside(claim, tables, names),
        *close,
    ]
    row["note"] = "; ".join(notes)
    return row


def shortfalls(claim: Claim, tables: Mapping[str, pd.DataFrame], names: Names) -> list[str]:
    """Where the run is smaller than the paper's study, by its table sizes; nothing at full scale.

    Each size that the claim names and that is below the paper's, with both, or that the run does
    not have.
    """
    sizes = tables.get("sizes", pd.DataFrame(columns=["name", "size", "value"]))
    known = {(name, size): value for name, size, value in sizes.itertuples(index=False)}
    found = []
    for what, asked in claim.full_scale.items():
        try:
            name = named(what, names)
        except NotReadable:
            name = None
        for size, least in asked.items():
            value = known.get((str(name), size))
            if value is None or value < least:
                own = "none" if value is None else f"{value:,.0f}"
                found.append(f"{size} {own} for {least:,.0f}")
    return found


def _null(
    claim: Claim, quantity: Quantity, tables: Mapping[str, pd.DataFrame], names: Names
) -> tuple[str, list[str]]:
    """The null as text, and a remark where chance explains most of the value."""
    if claim.chance is None:
        return "", []
    share = claim.kind == "share"
    shown, remarks = [], []
    for convention in CONVENTIONS:
        try:
            null = read_value(claim.chance, tables, convention, names)
            value = evaluate(quantity, tables, convention, names)
        except NotReadable:
            continue
        shown.append(f"{show(null, share=share)} ({convention})")
        if isinstance(null, float) and isinstance(value, float) and null >= NULL_IS_CLOSE * value:
            remarks.append(f"chance alone comes close or reaches it ({convention})")
    return ", ".join(shown), remarks


def _beside(claim: Claim, tables: Mapping[str, pd.DataFrame], names: Names) -> Iterator[str]:
    """What stands beside the value, under both conventions; once where they agree."""
    share = claim.kind == "share"
    for name, quantity in claim.beside.items():
        shown = []
        for convention in CONVENTIONS:
            with suppress(NotReadable):
                value = evaluate(quantity, tables, convention, names)
                shown.append(show(value, share=share))
        if shown:
            yield f"{name}: {' / '.join(dict.fromkeys(shown))}"


def _holds(claim: Claim, value: Value) -> bool:
    expected: Any = claim.expected
    slack = claim.tolerance + 1e-12
    if claim.kind == "order":
        return in_order(expected, value, slack)
    if claim.kind == "one_of":
        return value in [float(e) if isinstance(e, (int, float)) else e for e in expected]
    number = as_number(value)
    if claim.kind == "at_least":
        return number >= expected - slack
    if claim.kind == "at_most":
        return number <= expected + slack
    if claim.kind == "between":
        return expected[0] - slack <= number <= expected[1] + slack
    return abs(number - expected) <= slack
