"""Compare high and low cells of one type, in genes and in a second modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featurelens.dge.config import DgeConfig, HighLowConfig
from featurelens.dge.high_low import all_high_low
from featurelens.embeddings.bundle import read_bundle
from featurelens.embeddings.modalities import read_modality
from featurelens.io import in_folder
from featurelens.options import build

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.embeddings.bundle import Bundle
    from featurelens.means import Means

INPUTS = {
    "bundle": "embeddings/{dataset}/{model}/{of_bundle}",
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
    "modalities": "embeddings/{dataset}/{model}/cells_{of_modalities}.h5ad",
    "selected": "steering/{of_steered}/selected.tsv",
}
READERS = {"bundle": in_folder(read_bundle), "modalities": list}
"""A modality is read when it is compared, and no other beside it."""
OUTPUTS = {
    "genes": "dge/{dataset}/{model}/{sae}/high_low.tsv",
    "sets": "dge/{dataset}/{model}/{sae}/high_low_sets.tsv",
}
PARAMS = {
    "names": "{of_modalities}",
    "asked": "datasets/{dataset}/high_low",
    "config": "dge",
}
THREADS = 2
MEMORY = "test"
MINUTES = 60


def make(
    bundle: Bundle,
    features: AnnData,
    modalities: Sequence[str],
    selected: Sequence[pd.DataFrame],
    *,
    names: Sequence[str],
    asked: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any],
    means: Means,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare what the config asks for; ``modalities`` are files by their ``names``."""
    folders = {name: Path(path).parent for name, path in zip(names, modalities, strict=True)}
    genes, sets = all_high_low(
        bundle,
        features,
        [build(HighLowConfig, each) for each in asked],
        config=build(DgeConfig, config),
        selected=next(iter(selected), None),
        read=lambda name: read_modality(folders[name], name),
        means=means,
    )
    means.log(sets.to_string(index=False))
    return genes, sets
