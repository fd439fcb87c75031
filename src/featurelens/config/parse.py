"""From a mapping of YAML to a checked run, or to one line for every mistake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from featurelens.config.checks import contradictions
from featurelens.config.errors import explain, relevant
from featurelens.config.kinds import with_kinds
from featurelens.config.plain import require_plain
from featurelens.config.run import RunConfig
from featurelens.io import InputError
from featurelens.options import adapter, described


def parse_config(config: Mapping[str, Any]) -> RunConfig:
    """Check a run's mapping and return it as :class:`RunConfig`.

    Raises
    ------
    InputError
        With one line for every mistake, each naming the key.
    """
    require_plain(config)
    config = with_kinds(config)
    try:
        run = adapter(RunConfig).validate_json(json.dumps(config), strict=True)
    except ValidationError as error:
        problems = relevant(error.errors())
        lines = dict.fromkeys(explain(problem, config, schema()) for problem in problems)
        raise InputError(*lines) from None
    found = list(contradictions(run))
    if found:
        raise InputError(*(f"config: {line}" for line in found))
    return run


def schema() -> dict[str, Any]:
    """JSON schema of :class:`RunConfig`, for editors and for the workflow catalogue."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | described(RunConfig)
