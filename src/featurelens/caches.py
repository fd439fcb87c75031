"""A place for compiled code where neither the packages nor the user's home can be written.

numba keeps what it compiled beside the source, or else in the user's cache. UMAP and others stop at
their import where both are read-only, as in containers and shared installations.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def find_cache() -> None:
    """Set ``NUMBA_CACHE_DIR`` to a folder for temporary files where the user's cache is closed.

    Nothing is changed where it is set, or where the user's cache can be written.
    """
    if VARIABLE in os.environ or _can_hold(_users_cache() / "numba"):
        return
    import tempfile

    own = Path(tempfile.gettempdir()) / f"featurelens-numba-{os.getuid()}"
    with suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        # Compiled code of others must not be run: a folder that is there already has to be our own.
        if not own.is_symlink() and own.stat().st_uid == os.getuid():
            own.chmod(0o700)
            os.environ[VARIABLE] = str(own)


def _users_cache() -> Path:
    set_to = os.environ.get("XDG_CACHE_HOME")
    return Path(set_to) if set_to else Path("~/.cache").expanduser()


def _can_hold(folder: Path) -> bool:
    """Whether a folder can be written, or made: an import makes none that nobody needs."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK)
