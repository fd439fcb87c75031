"""How every config class of the library is written.

A config class is a frozen, keyword-only dataclass whose fields are each followed by one sentence
of meaning. The class carries :data:`STRICT`, so that a run's YAML is checked against the very
class the library uses: unknown keys are refused, and a number written as text (``1e-4`` without a
dot is text in YAML) is refused instead of guessed.
"""

from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import BeforeValidator, ConfigDict, Discriminator, StringConstraints, Tag

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*(_[A-Za-z0-9-]+)*$")]
"""A name that becomes a folder: letters, digits, single dashes and underscores."""


def values(kind: Any) -> Any:
    """Type of a key that takes one value or a list of them, kept as a tuple."""
    return Annotated[
        tuple[kind, ...],
        MinLen(1),
        BeforeValidator(_as_values, json_schema_input_type=kind | list[kind]),
    ]


def axis(kind: Any) -> Any:
    """Type of a key that takes one value, or a list of which each makes a thing of its own.

    One value stays as it is and a list becomes a tuple, also a list of one: who names the things
    after their values has to know which of the two was written.
    """
    several = Annotated[tuple[kind, ...], MinLen(1)]
    return Annotated[
        Annotated[kind, Tag("one")] | Annotated[several, Tag("several")],
        Discriminator(lambda value: "several" if isinstance(value, (list, tuple)) else "one"),
    ]


def _as_values(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
