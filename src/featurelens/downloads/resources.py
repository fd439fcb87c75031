"""Files of others that a run downloads: data, trained models, ontologies.

They lie in ``resources/``, beside ``results/`` and shared by all runs. Imports nothing heavy,
because the workflow reads the config class while it plans.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from featurelens.downloads.config import DownloadConfig


def fetch_resource(config: DownloadConfig, path: str | Path, **options: Any) -> Path:
    """Download a file; resumed where an earlier call broke off, and checked.

    Parameters
    ----------
    config
        The file.
    path
        Where it goes.
    options
        log, attempts, backoff and timeout of :func:`featurelens.downloads.fetch.fetch`.

    Raises
    ------
    InputError
        As :func:`featurelens.downloads.fetch.fetch` and
        :func:`featurelens.downloads.figshare.fetch_figshare`.
    """
    from featurelens.downloads.fetch import fetch
    from featurelens.downloads.figshare import FigshareFile, fetch_figshare

    if config.url is not None:
        return fetch(config.url, path, sha256=config.sha256, **options)
    file = FigshareFile(int(config.figshare or 0), Path(path).name, config.article)
    fetch_figshare(file, path, api=config.service, **options)
    return fetch(file.url(config.service), path, sha256=config.sha256, **options)
