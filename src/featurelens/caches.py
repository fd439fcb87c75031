"""A place for compiled code where neither the packages nor the user's home can be written.

numba keeps what it compiled beside the source, or else in the user's cache. UMAP and others stop at
their import where both are read-only, as in containers and shared installations.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def find_cache() -> None:
    """Set ``NUMBA_CACHE_DIR`` to a folder for temporary files where the user's cache is closed.

    Nothing is changed where it is set, or where the user's cache can be written.
    """
    if VARIABLE in os.environ or _can_write(_users_cache() / "numba"):
        return
    import tempfile

    own = Path(tempfile.gettempdir()) / f"featurelens-numba-{os.getuid()}"
    # Compiled code of others must not be run: a folder that is there already has to be our own.
    if _can_write(own) and not own.is_symlink() and own.stat().st_uid == os.getuid():
        own.chmod(0o700)
        os.environ[VARIABLE] = str(own)


def _users_cache() -> Path:
    set_to = os.environ.get("XDG_CACHE_HOME")
    return Path(set_to) if set_to else Path("~/.cache").expanduser()


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
