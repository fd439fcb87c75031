"""Geneformer's files from the Hugging Face hub."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from featurelens.embeddings.models.geneformer.config import WEIGHTS, GeneformerModel
from featurelens.embeddings.packages import how_to_get
from featurelens.io import InputError


def fetch(config: GeneformerModel) -> tuple[GeneformerModel, str]:
    """Download what a model needs of its repository into the hub's own cache.

    Returns
    -------
    GeneformerModel, str
        The model with paths on disk, and the full hash of the commit.

    Raises
    ------
    InputError
        If huggingface_hub is not installed, there is no network, or the repository has no such
        revision or file.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise InputError(
            f"geneformer needs the package huggingface_hub; {how_to_get(config)}"
        ) from None
    folder = "" if config.folder in ("", ".") else f"{config.folder.rstrip('/')}/"
    dictionaries = [p for p in (config.tokens, config.medians, config.mapping) if p is not None]
    wanted = [f"{folder}config.json", *dictionaries]
    where = f"{config.repository} at {config.revision}"
    for weights in WEIGHTS:
        try:
            root = Path(
                snapshot_download(
                    repo_id=str(config.repository),
                    revision=config.revision,
                    allow_patterns=[*wanted, f"{folder}{weights}"],
                )
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"{where}: cannot be fetched from the hub ({_line(error)}); check repository, "
                "revision and network, or download the files and give their paths"
            ) from error
        if (root / f"{folder}{weights}").exists():
            break
    missing = [name for name in wanted if not (root / name).exists()]
    if missing:
        raise InputError(f"{where}: has no {missing[0]}; correct the path in the config")
    local = replace(
        config,
        repository=None,
        revision=None,
        folder=str(root / config.folder),
        tokens=str(root / config.tokens),
        medians=str(root / config.medians),
        mapping=None if config.mapping is None else str(root / config.mapping),
    )
    return local, root.name


def _line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
