"""The paper's claims, read from a run's tables and judged.

``config/claims.yaml`` holds one entry per claim of the paper. An entry says where its
number stands in a run's tables, or, with ``needs``, why no run so far can tell; every entry
therefore appears in ``tables/claims.tsv``. A claim is a sentence of the paper, so its verdict is
that of the published convention; the corrected convention and the null stand beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from annotated_types import Ge, Le, MinLen
from pydantic import TypeAdapter, ValidationError

from featurelens.claims.reads import (
    NotReadable,
    Quantity,
    Read,
    Scalar,
    Value,
    as_number,
    evaluate,
    in_order,
    read_value,
    show,
)
from featurelens.conventions import CONVENTIONS
from featurelens.io import InputError
from featurelens.options import STRICT

Kind = Literal["number", "share", "at_least", "at_most", "between", "order", "one_of"]
NULL_IS_CLOSE = 0.8
"""From this share of the observed value on, a null is called close in the note."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of the paper."""

    __pydantic_config__ = STRICT

    number: Annotated[int, Ge(1), Le(46)]
    """Number of the claim in the list of headline numbers."""
    part: str = ""
    """Letter of a part, where one claim needs several values."""
    claim: Annotated[str, MinLen(1)]
    """The claim in one sentence."""
    place: str
    """Section, figure or table of the paper."""
    published: str
    """What the paper says, as text."""
    kind: Kind = "number"
    """What makes the claim hold."""
    expected: float | tuple[float, float] | tuple[Scalar, ...] | None = None
    """Value, bounds, order or list of answers that the value read is compared with."""
    tolerance: Annotated[float, Ge(0)] = 0.0
    """Absolute difference that still counts as reproduced."""
    read: Read | None = None
    """Where the value stands."""
    minus: Read | None = None
    """A second value to subtract."""
    divided_by: Read | None = None
    """A second value to divide by."""
    chance: Read | None = None
    """What the same computation gives under its null."""
    beside: dict[str, Quantity] = field(default_factory=dict)
    """What to set beside the value in the note, each with a name; no verdict depends on it."""
    how: str = ""
    """How the value answers the claim, where that is not plain."""
    scope: str | dict[str, str] = ""
    """How a reduced run differs from the paper where this claim is concerned; either one text for
    all such runs or the name of a run to its text."""
    needs: str = ""
    """Why the claim cannot be judged yet; excludes read."""

    def __post_init__(self) -> None:
        if (self.read is None) == (not self.needs):
            raise ValueError("give either 'read' or 'needs'")
        if self.read is not None:
            _check_expected(self)

    def scope_in(self, run: str) -> str:
        """What to say of a reduced run."""
        return self.scope if isinstance(self.scope, str) else self.scope.get(run, "")

    @property
    def name(self) -> str:
        """Number and part, as in 11a."""
        return f"{self.number}{self.part}"


def read_claims(path: str | Path) -> tuple[Claim, ...]:
    """Read and check the claims of a YAML file.

    Raises
    ------
    InputError
        One line that names file, claim and key.
    """
    try:
        entries = yaml.safe_load(Path(path).read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check 'claims' in the config") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(entries, dict) or list(entries) != ["claims"]:
        raise InputError(f"{path}: expected one key, 'claims', with a list of claims")
    claims = tuple(_parse(path, entry, place) for place, entry in enumerate(entries["claims"], 1))
    names = [claim.name for claim in claims]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: claim {name} occurs {names.count(name)} times; add a 'part'")
    return claims


def judge(
    claims: Iterable[Claim],
    tables: Mapping[str, pd.DataFrame],
    *,
    run: str = "",
    full_scale: bool = False,
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
    full_scale
        Whether the run has the paper's data and sizes; otherwise the note of a judged claim says
        how the run differs.

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
    rows = [_judge(claim, tables, run=run, full_scale=full_scale) for claim in claims]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


_COLUMNS = (
    *("run", "number", "part", "claim", "place", "published", "reproduced_published"),
    *("reproduced_corrected", "null", "tolerance", "verdict", "verdict_corrected", "note"),
)


def _parse(path: str | Path, entry: Any, place: int) -> Claim:
    number = entry.get("number", "") if isinstance(entry, dict) else ""
    name = f"claim {number}{entry.get('part', '')}" if number else f"entry {place}"
    try:
        _refuse_numbers_as_text(entry)
        return TypeAdapter(Claim).validate_json(json.dumps(entry), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"] if part not in ("Read", "Bounds"))
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "unexpected_keyword_argument":
            message = "unknown key; compare with the other claims"
        where = f"{name}, {key}" if key else name
        raise InputError(f"{path}: {where}: {message}") from None
    except ValueError as error:
        raise InputError(f"{path}: {name}: {error}") from None


def _refuse_numbers_as_text(value: Any) -> None:
    """YAML reads 1e-4 as text, which would then match no row."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("published", "part", "claim", "place", "how", "scope", "needs"):
                _refuse_numbers_as_text(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_numbers_as_text(item)
    elif isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return
        raise ValueError(f"{value!r} is text in YAML; write it as 0.0001 or 1.0e-4")


def _check_expected(claim: Claim) -> None:
    expected = claim.expected
    numeric = isinstance(expected, (int, float)) and not isinstance(expected, bool)
    several = isinstance(expected, tuple) and len(expected) > 0
    if claim.kind in ("number", "share", "at_least", "at_most") and not numeric:
        raise ValueError(f"kind {claim.kind} needs one number as 'expected'")
    if claim.kind == "between" and not (several and len(expected) == 2):  # type: ignore[arg-type]
        raise ValueError("kind between needs two numbers as 'expected'")
    if claim.kind in ("order", "one_of") and not several:
        raise ValueError(f"kind {claim.kind} needs a list as 'expected'")
    if (claim.kind == "order") != (claim.read is not None and claim.read.by is not None):
        raise ValueError("kind order and only kind order needs 'by' in 'read'")


def _judge(
    claim: Claim, tables: Mapping[str, pd.DataFrame], *, run: str, full_scale: bool
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
            value = evaluate(quantity, tables, convention)
        except NotReadable as reason:
            reasons[convention] = str(reason)
            continue
        row[f"reproduced_{convention}"] = show(value, share=claim.kind == "share")
        row[verdict] = "reproduced" if _holds(claim, value) else "not reproduced"
    if len(reasons) == len(CONVENTIONS):
        row["note"] = "; ".join(dict.fromkeys(reasons.values()))
        return row
    scope = "" if full_scale else claim.scope_in(run)
    row["null"], close = _null(claim, quantity, tables)
    notes = [
        *([claim.how] if claim.how else []),
        *([f"reduced run: {scope}"] if scope else []),
        *(f"{convention}: {reason}" for convention, reason in reasons.items()),
        *_beside(claim, tables),
        *close,
    ]
    row["note"] = "; ".join(notes)
    return row


def _null(
    claim: Claim, quantity: Quantity, tables: Mapping[str, pd.DataFrame]
) -> tuple[str, list[str]]:
    """The null as text, and a remark where chance explains most of the value."""
    if claim.chance is None:
        return "", []
    share = claim.kind == "share"
    shown, remarks = [], []
    for convention in CONVENTIONS:
        try:
            null = read_value(claim.chance, tables, convention)
            value = evaluate(quantity, tables, convention)
        except NotReadable:
            continue
        shown.append(f"{show(null, share=share)} ({convention})")
        if isinstance(null, float) and isinstance(value, float) and null >= NULL_IS_CLOSE * value:
            remarks.append(f"chance alone comes close or reaches it ({convention})")
    return ", ".join(shown), remarks


def _beside(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """What stands beside the value, under both conventions; once where they agree."""
    share = claim.kind == "share"
    for name, quantity in claim.beside.items():
        shown = []
        for convention in CONVENTIONS:
            with suppress(NotReadable):
                shown.append(show(evaluate(quantity, tables, convention), share=share))
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
