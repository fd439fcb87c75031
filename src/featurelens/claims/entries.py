"""What the paper claims: the entries of ``config/claims.yaml``, read and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from annotated_types import Ge, Le, MinLen
from pydantic import ValidationError

from featurelens.claims.reads import Quantity, Read, Scalar
from featurelens.io import InputError
from featurelens.options import STRICT, adapter

Kind = Literal["number", "share", "at_least", "at_most", "between", "order", "one_of"]


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
    all such runs or the name of a run to its text. Without one the sizes that are smaller are
    said."""
    full_scale: dict[str, dict[str, float]] = field(default_factory=dict)
    """From which sizes on a run is not reduced: what (a name of the run, or one in braces) to size
    and least value, as they stand in the table sizes."""
    choice: bool = False
    """Whether the paper chose the value and did not find it; a run that chose otherwise is not
    judged."""
    needs: str = ""
    """Why the claim cannot be judged yet; excludes read."""

    def __post_init__(self) -> None:
        if (self.read is None) == (not self.needs):
            raise ValueError("give either 'read' or 'needs'")
        if self.read is not None:
            _check_expected(self)
        if self.scope and not self.full_scale:
            raise ValueError("'scope' needs 'full_scale', the sizes from which on it does not hold")

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


def _parse(path: str | Path, entry: Any, place: int) -> Claim:
    number = entry.get("number", "") if isinstance(entry, dict) else ""
    name = f"claim {number}{entry.get('part', '')}" if number else f"entry {place}"
    try:
        _refuse_numbers_as_text(entry)
        return adapter(Claim).validate_json(json.dumps(entry), strict=True)
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
