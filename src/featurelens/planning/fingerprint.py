"""What code made a result: a fingerprint of all that a rule's script can load.

The closure of a script is read from syntax trees: its imports, at the top and inside functions, the
imports of what it imports, and so on. A registry that loads by name holds the name of a package
in a string, which stands for every module below it. What only a type checker reads
(``if TYPE_CHECKING``) is left out, and so is the lazy face of the library, since scripts import
from the module that a name belongs to.

A fingerprint is made of syntax trees without docstrings, so that a remark changes nothing and a
change of code exactly what it reaches. Imports only the standard library, because the workflow
calls it while it plans.
"""

from __future__ import annotations

import ast
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

LIBRARY = Path(__file__).parents[1]
PACKAGE = LIBRARY.name
CACHE = Path(".snakemake/featurelens/fingerprints.json")
"""What was read of files before, by the hash of their bytes; a file that cannot be written is no
loss but of half a second."""


class Source(NamedTuple):
    """What a fingerprint takes from a file."""

    code: str
    """Hash of its syntax tree, without docstrings."""
    imports: tuple[str, ...]
    """Modules of the library that it names, in imports or in strings; a package's name may stand
    for a name that its face defines, or for all that lies below it."""


class Fingerprints:
    """Fingerprints of scripts over one state of the library.

    Parameters
    ----------
    scripts
        Folder of the scripts.
    library
        Folder of the package.
    cache
        File that remembers what was read; None remembers nothing.
    """

    def __init__(
        self, scripts: str | Path, *, library: Path = LIBRARY, cache: Path | None = CACHE
    ) -> None:
        self.scripts = Path(scripts)
        self.library = library
        self._cache = cache
        self._known: dict[str, Source] = _read_cache(cache)
        self._n_known = len(self._known)
        self._sources: dict[Path, Source] = {}
        self._files = {_module_name(path, library): path for path in sorted(library.rglob("*.py"))}
        self._of: dict[Any, str] = {}

    def of(self, script: str, *, beside: str | None = None, **only: str | None) -> str:
        """Twelve hex digits that change when code changes that a script can load.

        Parameters
        ----------
        script
            Name of the script, without folder and suffix.
        beside
            What stands for code that is not the library's, such as its hash.
        **only
            For a package that is loaded by name (its dots as two underscores, without the
            library's name), the one module below it that these jobs load, or None where they
            load none of them: another one does not count.

        Raises
        ------
        FileNotFoundError
            If there is no such script, or no such module.
        """
        key = (script, beside, tuple(sorted(only.items())))
        if key not in self._of:
            digest = hashlib.sha256()
            chosen = {name.replace("__", "."): module for name, module in only.items()}
            for name in sorted(self.closure(script, chosen)):
                digest.update(f"{name} {self._source(self._files[name]).code}\n".encode())
            digest.update(self._source(self._script(script)).code.encode())
            digest.update((beside or "").encode())
            self._of[key] = digest.hexdigest()[:12]
            self._remember()
        return self._of[key]

    def closure(self, script: str, only: Mapping[str, str | None] | None = None) -> set[str]:
        """Names of all modules of the library that a script can load."""
        chosen = {f"{PACKAGE}.{package}": module for package, module in (only or {}).items()}
        for package, module in chosen.items():
            if module is not None and f"{package}.{module}" not in self._files:
                raise FileNotFoundError(f"no module {package}.{module} in {self.library}")
        reached: set[str] = set()
        waiting = list(self._named(self._script(script), chosen))
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                if name != PACKAGE:
                    waiting.extend(self._named(self._files[name], chosen))
        return reached

    def _script(self, name: str) -> Path:
        path = self.scripts / f"{name}.py"
        if not path.exists():
            raise FileNotFoundError(f"no script {path}")
        return path

    def _named(self, path: Path, only: Mapping[str, str | None]) -> Iterator[str]:
        for name in self._source(path).imports:
            package, _, everything = name.partition(":")
            if everything:
                yield from self._below(package, only)
            else:
                yield from self._with_parents(self._nearest(name))

    def _below(self, package: str, only: Mapping[str, str | None]) -> Iterator[str]:
        if package not in self._files:
            return
        if package in only and only[package] is None:
            return
        chosen = f"{package}.{only[package]}" if package in only else package
        for name in self._files:
            if name == chosen or name.startswith(f"{chosen}."):
                yield from self._with_parents(name)

    def _nearest(self, name: str) -> str:
        """The module that holds a name: itself, or the one before its last dot."""
        return name if name in self._files else name.rpartition(".")[0]

    def _with_parents(self, name: str) -> Iterator[str]:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            yield ".".join(parts[:end])

    def _source(self, path: Path) -> Source:
        if path not in self._sources:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if digest not in self._known:
                self._known[digest] = read_source(content.decode())
            self._sources[path] = self._known[digest]
        return self._sources[path]

    def _remember(self) -> None:
        if self._cache is not None and len(self._known) > self._n_known:
            _write_cache(self._cache, self._known)
            self._n_known = len(self._known)


def read_source(text: str) -> Source:
    """Hash of the code of a file, and the modules of the library that it names."""
    tree = ast.parse(text)
    _drop_docstrings(tree)
    code = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]
    return Source(code, tuple(dict.fromkeys(_imports(tree))))


def _drop_docstrings(tree: ast.AST) -> None:
    """Leave out every expression that is a string alone: docstrings, also those of attributes."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imports(tree: ast.AST) -> Iterator[str]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.Constant) and _is_module_name(node.value):
            yield f"{node.value!s}:below"
        waiting.extend(ast.iter_child_nodes(node))


def _is_module_name(value: object) -> bool:
    return isinstance(value, str) and _is_ours(value) and value.replace(".", "").isidentifier()


def _is_ours(name: str | None) -> bool:
    return (name is not None and name.startswith(f"{PACKAGE}.")) or name == PACKAGE


def _module_name(path: Path, library: Path) -> str:
    parts = path.relative_to(library.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read_cache(path: Path | None) -> dict[str, Source]:
    try:
        stored = json.loads(path.read_text()) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return {digest: Source(code, tuple(imports)) for digest, (code, imports) in stored.items()}


def _write_cache(path: Path, known: Mapping[str, Source]) -> None:
    """Replace the file as a whole, since two runs may write at once; give up where one may not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump(known, file)
        Path(file.name).replace(path)
    except OSError:
        return
