"""What code made a result: a fingerprint of all that a rule's script can load.

The closure of a script is what its imports load, at the top and inside functions, and what those
load, and so on, with the faces of the packages on the way. A string that holds the full name of a
package or module stands for all that lies below it: this is how :mod:`featurelens.plugins` loads
by name. A job that loads one module of such a package may say so, and the others do not count.
What only a type checker reads (``if TYPE_CHECKING``) is left out. The top face is lazy: what it
imports itself counts always, what it names only where somebody asks it for a name. Files that are
no Python count with the module that reads them: they lie in a folder of its name beside it, as
those of ``atlas/page.py`` in ``atlas/page/``.

Fingerprints are made of syntax trees without docstrings: a remark changes nothing, a change of
code exactly the fingerprints of the scripts it can reach. This module imports the standard
library alone, because the workflow calls it while it plans.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from featurelens.planning.sources import PACKAGE, Source, read_sources

LIBRARY = Path(__file__).parents[1]
CACHE = Path(".snakemake/featurelens/fingerprints.json")
"""What was read of files before; where it cannot be written, planning takes a second longer."""

Chosen = Mapping[str, frozenset[str]]
"""For a package that is loaded by name, the names below it that count."""


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
        self._of: dict[tuple[str, str | None, tuple[tuple[str, frozenset[str]], ...]], str] = {}
        self._read: dict[str, list[str]] = {}
        self._reached: dict[str, frozenset[str]] = {}
        self._listed: dict[tuple[str, frozenset[str] | None], frozenset[str]] = {}

    def of(
        self, script: str, *, beside: str | None = None, **only: str | Iterable[str] | None
    ) -> str:
        """Twelve hex digits that change when code changes that a script can load.

        Parameters
        ----------
        script
            Name of the script, without folder and suffix.
        beside
            What stands for code that is not the library's, such as its hash.
        **only
            For a package that the script loads by name (without the library's name, dots as two
            underscores), the module or modules below it that these jobs load (with dots where
            they lie deeper), or None where they load none; others do not count.
            ``of("draw", figures="figure_1")`` is the code that draws Figure 1. A package that the
            script loads nothing of by name says nothing.

        Raises
        ------
        FileNotFoundError
            If there is no such script, or no such module.
        """
        chosen = {
            f"{PACKAGE}.{package.replace('__', '.')}": frozenset(
                [names] if isinstance(names, str) else names or ()
            )
            for package, names in only.items()
        }
        key = (script, beside, tuple(sorted(chosen.items())))
        if key not in self._of:
            self._of[key] = self._digest(script, beside, chosen)
        return self._of[key]

    def closure(self, script: str, only: Chosen | None = None) -> set[str]:
        """Full names of all modules of the library that a script can load.

        Parameters
        ----------
        script
            Name of the script.
        only
            By the full name of a package, the names below it that count.

        Raises
        ------
        FileNotFoundError
            As :meth:`of`.
        """
        chosen = only or {}
        self._require(chosen)
        reached: set[str] = set()
        waiting = [self._script(script)]
        while waiting:
            source = waiting.pop()
            found = set(self._imported(source))
            if source is not self._modules[PACKAGE]:
                for package in source.packages:
                    found |= self._below(package, chosen.get(package))
            waiting += [self._modules[name] for name in found - reached]
            reached |= found
        return reached

    def codes(self, script: str | None = None) -> dict[str, str]:
        """Hash of each script and module by name, or of one script and of what it can load."""
        names = self._modules if script is None else {f"scripts/{script}", *self.closure(script)}
        return {name: self._code(name) for name in sorted(names)}

    @cached_property
    def _files(self) -> dict[str, Path]:
        return {_module_name(path, self.library): path for path in self.library.rglob("*.py")}

    @cached_property
    def _modules(self) -> dict[str, Source]:
        files = self._files
        scripts = {f"scripts/{path.stem}": path for path in self.scripts.glob("*.py")}
        return read_sources(files | scripts, cache=self._cache)

    def _digest(self, script: str, beside: str | None, chosen: Chosen) -> str:
        parts = [self._script(script).code, beside or ""]
        for name in sorted(self.closure(script, chosen)):
            parts += [f"{name} {self._modules[name].code}", *self._beside(name)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def _code(self, name: str) -> str:
        """Hash of a script or module, and of the files that it reads."""
        beside = self._beside(name) if name in self._files else []
        return " ".join([self._modules[name].code, *beside])

    def _beside(self, module: str) -> list[str]:
        if module not in self._read:
            self._read[module] = list(_read_by(self._files[module]))
        return self._read[module]

    def _script(self, name: str) -> Source:
        try:
            return self._modules[f"scripts/{name}"]
        except KeyError:
            raise FileNotFoundError(f"no script {self.scripts / name}.py") from None

    def _require(self, chosen: Chosen) -> None:
        names = [f"{package}.{name}" for package, below in chosen.items() for name in below]
        if missing := [name for name in names if name not in self._modules]:
            raise FileNotFoundError(f"no module {', '.join(missing)} in {self.library}")

    def _imported(self, source: Source) -> Iterator[str]:
        for name in source.names:
            if name not in self._reached:
                self._reached[name] = frozenset(self._named(name))
            yield from self._reached[name]

    def _named(self, name: str) -> Iterator[str]:
        """Modules that an import of a module, or of a name in one, loads before theirs."""
        module = name if name in self._modules else name.rpartition(".")[0]
        if module == PACKAGE:
            for home in self._modules[PACKAGE].packages:
                yield from self._below(home, None)
        if module not in self._modules:
            raise FileNotFoundError(f"no module {module} in {self.library}, which others import")
        yield from _with_parents(module)

    def _below(self, package: str, names: frozenset[str] | None) -> frozenset[str]:
        """A module or package, and what lies below it, or below some of its names."""
        if (package, names) not in self._listed:
            tops = [package] if names is None else [f"{package}.{name}" for name in names]
            below = tuple(f"{top}." for top in tops)
            listed = [name for name in self._modules if name in tops or name.startswith(below)]
            found = frozenset(name for module in listed for name in _with_parents(module))
            self._listed[package, names] = found
        return self._listed[package, names]


def _read_by(module: Path) -> Iterator[str]:
    """Names and digests of the files that a module reads: those in a folder of its name."""
    for path in sorted(module.with_suffix("").glob("*")):
        if path.is_file() and path.suffix != ".py":
            yield f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def _module_name(path: Path, library: Path) -> str:
    parts = path.relative_to(library.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
