"""What files of steps, measures, figures and tables say of themselves, without importing them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

_HEAD_ENDS = re.compile(r"^(?:def|class|@|async def)\b|^@", re.MULTILINE)


class Head(NamedTuple):
    """A file up to its first function or class."""

    docstring: str | None
    literals: dict[str, Any]
    """Values by the names that are assigned to."""


def read_head(path: str | Path, names: Collection[str]) -> Head:
    """The docstring of a file, and the literals that stand under some names in its head.

    Raises
    ------
    ValueError
        If an assignment to one of the names is no literal.
    """
    text = Path(path).read_text()
    end = _HEAD_ENDS.search(text)
    tree = ast.parse(text[: end.start()] if end else text)
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id in names:
                try:
                    found[target.id] = ast.literal_eval(node.value)
                except ValueError:
                    message = f"{path}: {target.id} must be a literal, without names"
                    raise ValueError(message) from None
    return Head(ast.get_docstring(tree), found)
