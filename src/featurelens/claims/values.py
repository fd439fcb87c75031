"""Values that claims are about: a number, a name, or numbers of several names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Value = float | str | dict[str, float]


class NotReadable(Exception):
    """The run's tables do not hold the value; the message says what is missing."""


def as_number(value: Value) -> float:
    """The value where it is one number, which a name or an order is not."""
    if not isinstance(value, float):
        raise NotReadable(f"{value} is no single number")
    return value


def in_order(expected: Sequence[str], value: Value, slack: float) -> bool:
    """Whether no name of the list is exceeded by its successor; every name must have a value."""
    if not isinstance(value, dict) or any(name not in value for name in expected):
        return False
    numbers = [value[name] for name in expected]
    return all(a >= b - slack for a, b in pairwise(numbers))


def show(value: Value, *, share: bool) -> str:
    """The value as text, a share in percent."""
    if isinstance(value, dict):
        ranked = sorted(value.items(), key=lambda item: -item[1])
        return " > ".join(f"{name} {number:.2f}" for name, number in ranked)
    if isinstance(value, str):
        return value
    if share:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
