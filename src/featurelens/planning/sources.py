"""What a fingerprint takes from a file: a hash of its code, and the modules that it names.

What was read is remembered by the hash of a file's bytes. The memory holds as long as this module
and the version of Python, whose syntax trees it reads, stay the same.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from featurelens.io import atomic_path

PACKAGE = "featurelens"


class Source(NamedTuple):
    """What a fingerprint takes from a file."""

    code: str
    """Hash of its syntax tree, without docstrings."""
    names: tuple[str, ...]
    """What it imports of the library: modules, or names in them."""
    packages: tuple[str, ...]
    """Modules and packages of the library that it names in strings."""


def read_sources(files: Mapping[str, Path], *, cache: Path | None) -> dict[str, Source]:
    """Read files, or remember what was read of the same bytes.

    Parameters
    ----------
    files
        Paths by name.
    cache
        File of the memory, replaced where a file is new; None remembers nothing.
    """
    known = _recall(cache)
    sources, read = {}, {}
    for name, path in files.items():
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        sources[name] = read[digest] = known.get(digest) or read_source(content, str(path))
    if cache is not None and read.keys() - known.keys():
        _remember(cache, read)
    return sources


def read_source(content: bytes, path: str = "<unknown>") -> Source:
    """Hash of the code of a file, and the modules of the library that it names.

    Raises
    ------
    SyntaxError
        If the file is not Python, with its path.
    """
    tree = ast.parse(content, path)
    code = hashlib.sha256(_written(tree).encode()).hexdigest()[:16]
    nodes = list(_run_nodes(tree))
    names = (name for node in nodes for name in _imports(node))
    packages = (node.value for node in nodes if _is_module_name(node))  # type: ignore[attr-defined]
    return Source(code, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(packages)))


def _written(value: Any) -> str:
    """A syntax tree as text, without strings that stand alone: docstrings, also of attributes.

    Fields without content are left out, so that a field that a later Python adds changes nothing.
    """
    if isinstance(value, ast.AST):
        fields = [(name, getattr(value, name, None)) for name in value._fields]
        inner = [f"{name}={_written(field)}" for name, field in fields if field not in (None, [])]
        return f"{type(value).__name__}({','.join(inner)})"
    if isinstance(value, list):
        return f"[{','.join(_written(item) for item in value if not _is_text(item))}]"
    return repr(value)


def _is_text(node: Any) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _run_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads, and docstrings."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting.extend(node.orelse)
        elif not _is_text(node):
            waiting.extend(ast.iter_child_nodes(node))


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_ours(alias.name))
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and _is_ours(node.module or ""):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_module_name(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(value, str) or not value.startswith(f"{PACKAGE}."):
        return False
    return all(part.isidentifier() for part in value.split("."))


def _is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _reader() -> str:
    """What the memory depends on besides the files: how they are read, and by which Python."""
    mine = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{mine} {sys.version_info.major}.{sys.version_info.minor}"


def _recall(cache: Path | None) -> dict[str, Source]:
    try:
        stored = json.loads(cache.read_text()) if cache is not None else {}
    except (OSError, ValueError):
        return {}
    if not isinstance(stored, dict) or stored.get("reader") != _reader():
        return {}
    return {
        digest: Source(code, tuple(names), tuple(packages))
        for digest, (code, names, packages) in stored["files"].items()
    }


def _remember(cache: Path, read: Mapping[str, Source]) -> None:
    """Replace the file as a whole, since two runs may write at once; give up where one may not."""
    try:
        with atomic_path(cache) as temporary:
            temporary.write_text(json.dumps({"reader": _reader(), "files": read}))
    except OSError:
        return
