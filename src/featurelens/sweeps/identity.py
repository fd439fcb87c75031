"""What a point is called: a hash of its configuration with defaults left out."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces; whole floats are written as integers (1.0 as 1)."""
    return _ENCODER.encode(_normalise(content))


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
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(key): _normalise(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normalise(item) for item in value]
    return value
