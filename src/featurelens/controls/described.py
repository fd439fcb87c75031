"""Features of any source in an embedding: of an SAE, of a control of it, or of the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from featurelens.controls.components import describe_control
from featurelens.controls.config import ControlConfig
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.features.sources import parse_source
from featurelens.io import sha256_array
from featurelens.sae import model

if TYPE_CHECKING:
    import anndata


def describe_source(
    cells: anndata.AnnData,
    name: str,
    *,
    weights: Sequence[str | Path],
    config: FeatureConfig,
    controls: ControlConfig,
    log: Callable[[str], None],
) -> anndata.AnnData:
    """Features of a source by its name, from its weights or from the cells alone.

    Parameters
    ----------
    cells
        Of a bundle: ``X`` log1p counts per 10,000 (sparse), ``obsm['X_emb']`` the embedding.
    name
        As in paths (:mod:`featurelens.features.sources`).
    weights
        Files of its weights in one folder; a control of the cells has none.
    log
        Receives how many features there are of each kind.

    Returns
    -------
    AnnData
        Cells x features, of :func:`featurelens.features.describe.describe_features`.

    Raises
    ------
    InputError
        If the name is no source's, if the SAE was trained on another embedding, or if expression
        does not vary.
    """
    source = parse_source(name)
    if source.sae is None:
        return describe_control(cells, source, config=controls, features=config, log=log)
    X = cells.obsm["X_emb"]
    sae = model.load(Path(weights[0]).parent, data_sha256=sha256_array(X))
    features = describe_features(sae.encode_sparse(X), cells, config, directions=sae.directions)
    log(features.var["type"].value_counts().to_string())
    return features
