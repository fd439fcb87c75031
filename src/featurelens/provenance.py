"""Who made a result: fingerprints of library files, and ids of configurations.

Imports only the standard library, because the workflow calls it while it plans.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).parent


def fingerprint(*names: str) -> str:
    """Twelve hex digits that change when the content of the named library files changes.

    Parameters
    ----------
    names
        Files or folders relative to the package, such as ``"dge.py"`` or ``"sae"``; a folder
        stands for every Python file below it.

    Raises
    ------
    FileNotFoundError
        If a name matches no file: a renamed module must not silently drop out.
    """
    digest = hashlib.sha256()
    for name in sorted(names):
        path = LIBRARY / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        if not files:
            raise FileNotFoundError(f"no Python file under {path}")
        for file in files:
            digest.update(file.relative_to(LIBRARY).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def canonical_json(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces; whole floats are written as integers (1.0 as 1)."""
    return json.dumps(_normalise(content), sort_keys=True, separators=(",", ":"), allow_nan=False)


def config_id(content: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Ten hex digits that name a configuration; values equal to their default do not count.

    A hyperparameter that is added later with a default therefore renames nothing that exists.
    """
    explicit = {
        key: value
        for key, value in content.items()
        if key not in defaults or value != defaults[key]
    }
    return hashlib.sha256(canonical_json(explicit).encode()).hexdigest()[:10]


def _normalise(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _normalise(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normalise(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
