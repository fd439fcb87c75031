"""Configs as dataclasses: strict options, plain form and back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from annotated_types import MinLen
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
)

from featurelens.io import InputError

T = TypeVar("T")

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=False)
"""Of every config class: a key that it does not have is a mistake."""


@dataclass(frozen=True)
class Users:
    """Mark of an option that names what the user brings: a file, or a folder with files."""

    inside: tuple[str, ...] = ()
    """Files of a folder that are read where they are there; none where it is no folder."""


def _expanded(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))  # noqa: PTH111


File = Annotated[str, MinLen(1), AfterValidator(_expanded), Users()]
"""Path of a file that the user brings; ~ and $HOME in it are replaced."""


FORMS: dict[str, str] = {}
"""What a text has to be, in words, by its regular expression."""


def form(pattern: str, meaning: str) -> StringConstraints:
    """Mark of a text of some form; ``meaning`` says in words what a message asks for."""
    FORMS[pattern] = meaning
    return StringConstraints(pattern=pattern)


def brought(config: Any) -> dict[str, str]:
    """Files and folders of the user's that a config names, by the key that names them."""
    hints = get_type_hints(type(config), include_extras=True)
    marked = (name for name, hint in hints.items() if any(_marks(hint)))
    return {name: path for name in marked if (path := getattr(config, name)) is not None}


def user_files(config: Any) -> dict[str, str]:
    """Files of the user's that a config names, by the key that names them; those of folders last.

    Parameters
    ----------
    config
        A frozen dataclass, some of whose fields are marked by :class:`Users`.
    """
    files: dict[str, str] = {}
    inside: dict[str, str] = {}
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        for mark in _marks(hint):
            path = getattr(config, name)
            if path is not None and not mark.inside:
                files[name] = path
            elif path is not None:
                inside |= {f"{name}/{file}": f"{path}/{file}" for file in mark.inside}
    return files | inside


def _marks(hint: Any) -> Iterator[Users]:
    if isinstance(hint, Users):
        yield hint
    for part in get_args(hint):
        yield from _marks(part)


Name = Annotated[
    str,
    form(
        r"^[A-Za-z0-9][A-Za-z0-9-]*(_[A-Za-z0-9-]+)*$",
        "a name of letters, digits, dashes and single underscores, without dots or spaces",
    ),
]
"""A name that becomes a folder."""


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


def as_plain(config: Any) -> dict[str, Any]:
    """A run, or another config, as dictionaries, lists and scalars, every default written out."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def build(kind: Any, plain: Mapping[str, Any]) -> Any:
    """A config object of ``kind`` from its plain form."""
    return adapter(kind).validate_json(json.dumps(plain), strict=True)


def as_config(kind: type[T], given: T | Mapping[str, Any], what: str) -> T:
    """A config object that was given in a call, or made from a mapping of its fields.

    Raises
    ------
    InputError
        If it is neither, or a field is unknown or has no valid value; the message begins with
        ``what``.
    """
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        raise InputError(
            f"{what} is a {type(given).__name__}; give a {kind.__name__}, or a mapping"
        )
    try:
        return adapter(kind).validate_python(dict(given))  # type: ignore[arg-type]
    except ValidationError as error:
        [problem, *_] = error.errors()
        field = ".".join(map(str, problem["loc"]))
        raise InputError(f"{what}: {field!r}: {problem['msg']}; see {kind.__name__}") from None


@cache
def described(kind: Any) -> dict[str, Any]:
    """JSON schema of ``kind``, with the docstrings of keys as descriptions.

    To read docstrings from the sources takes longer than all the rest, so only a schema does.
    """
    before = STRICT["use_attribute_docstrings"]
    STRICT["use_attribute_docstrings"] = True
    try:
        return TypeAdapter(kind).json_schema()
    finally:
        STRICT["use_attribute_docstrings"] = before


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What checks and makes values of ``kind``; made once, for it takes a while."""
    return TypeAdapter(kind)
