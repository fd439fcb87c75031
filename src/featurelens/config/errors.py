"""What is wrong with a run's configuration, in one line for every mistake."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from featurelens.options import FORMS

UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
MISSING = ("missing", "missing_keyword_only_argument", "missing_argument")


def relevant(problems: Sequence[Any]) -> list[Any]:
    """Problems without those that only follow from another.

    A list whose items are wrong is reported as too short as well, and a key with a typo as missing
    as well as unknown.
    """
    unknown = [problem["loc"] for problem in problems if problem["type"] in UNKNOWN]
    return [
        problem
        for problem in problems
        if not (problem["type"] == "too_short" and _has_deeper(problem, problems))
        and not (problem["type"] in MISSING and _is_misspelt(problem["loc"], unknown))
    ]


def explain(problem: Any, config: Mapping[str, Any], document: dict[str, Any]) -> str:
    """One line for one pydantic problem: the key, what is wrong, what to do.

    Parameters
    ----------
    problem
        Element of ``ValidationError.errors()``.
    config
        The mapping that was checked.
    document
        JSON schema of the mapping, where the known keys are looked up.
    """
    path, parent = _locate(problem["loc"], config)
    key, value, kind = _dotted(path), problem["input"], problem["type"]
    if kind in UNKNOWN:
        known = _known_keys(path[:-1], parent, document)
        return f"config: unknown key '{key}'{suggest(str(path[-1]), known)}"
    if kind in MISSING:
        return f"config: '{key}' is missing; add it"
    if isinstance(value, str) and kind in ("float_type", "int_type"):
        return f"config: '{key}' is {value!r}, {_no_number(value)}"
    if kind == "string_pattern_mismatch" and problem["ctx"]["pattern"] in FORMS:
        is_key = problem["loc"][-1] == "[key]"
        what = f"{_dotted(path[:-2])}' has the name" if is_key else f"{key}' is"
        return f"config: '{what} {value!r}, should be {FORMS[problem['ctx']['pattern']]}"
    if kind == "union_tag_not_found":
        return f"config: '{key}' has no 'kind'; add one"
    message = problem["msg"].replace("Input should be", "should be").replace("Value error, ", "")
    shown = f" is {value!r}," if isinstance(value, (str, int, float, bool)) else ":"
    return f"config: '{key}'{shown} {message}{_suggest_choice(problem)}"


def absent_file(key: str, path: str) -> str:
    """What to say of a file that is not there."""
    return (
        f"config: '{key}' names {path!r}, which does not exist; "
        "correct the path (it is relative to the working directory)"
    )


def _no_number(value: str) -> str:
    """What is wrong with a text that stands for a number."""
    try:
        number = f"{float(value):.10f}".rstrip("0").rstrip(".")
    except ValueError:
        return "not a number"
    message = f"which YAML reads as text; write {number}"
    if re.fullmatch(r"[-+]?[0-9.]+", value):
        message += " without quotes (in braces behind --config all is text, so use a file)"
    return message


def _has_deeper(problem: Any, problems: Sequence[Any]) -> bool:
    loc = problem["loc"]
    return any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in problems
    )


def _is_misspelt(loc: tuple[Any, ...], unknown: Sequence[tuple[Any, ...]]) -> bool:
    beside = [str(other[-1]) for other in unknown if other[:-1] == loc[:-1]]
    return bool(difflib.get_close_matches(str(loc[-1]), beside, n=1))


def _locate(loc: tuple[Any, ...], config: Any) -> tuple[list[Any], Any]:
    """The part of pydantic's location that exists in the config, and the mapping around it.

    Pydantic adds the names of union branches to a location; they are no keys of the file.
    """
    path: list[Any] = []
    here, parent = config, config
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(here, Mapping) and (part in here or last):
            parent, here = here, here.get(part)
            path.append(part)
        elif isinstance(here, (list, tuple)) and isinstance(part, int) and part < len(here):
            parent, here = here, here[part]
            path.append(part)
    return path, parent


def _dotted(path: list[Any]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _known_keys(path: list[Any], parent: Any, document: dict[str, Any]) -> list[str]:
    """Keys that the schema knows at a place of the config."""
    nodes = [document]
    for part in path:
        nodes = [child for node in nodes for child in _children(node, part, document)]
    known: list[str] = []
    for node in nodes:
        for option in _resolve(node, document):
            kind = option.get("properties", {}).get("kind", {}).get("const")
            if kind is None or not isinstance(parent, Mapping) or parent.get("kind") == kind:
                known.extend(option.get("properties", {}))
    return known


def _children(
    node: dict[str, Any], part: Any, document: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for option in _resolve(node, document):
        if isinstance(part, int) and "items" in option:
            yield option["items"]
        elif part in option.get("properties", {}):
            yield option["properties"][part]
        else:
            yield from option.get("patternProperties", {}).values()


def _resolve(node: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        yield from _resolve(document["$defs"][node["$ref"].rsplit("/", 1)[-1]], document)
    elif "anyOf" in node or "oneOf" in node:
        for option in node.get("anyOf", node.get("oneOf", [])):
            yield from _resolve(option, document)
    else:
        yield node


def _suggest_choice(problem: Any) -> str:
    if problem["type"] != "literal_error" or not isinstance(problem["input"], str):
        return ""
    choices = [word.strip("'") for word in re.findall(r"'[^']+'", problem["ctx"]["expected"])]
    close = difflib.get_close_matches(problem["input"], choices, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def suggest(word: str, known: Sequence[str]) -> str:
    """The nearest known word as a question, or the list of known words."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if known else ""
