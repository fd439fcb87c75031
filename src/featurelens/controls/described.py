"""Features of any source in an embedding: of an SAE, of a control of it, or of the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from featurelens.controls.components import describe_control
from featurelens.controls.config import ControlConfig
from featurelens.embeddings.token_rows import TokenRows
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
    tokens: TokenRows | None = None,
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
    tokens
        Behind the embedding, where its rows are means of them
        (:func:`featurelens.embeddings.token_rows.token_rows_of`): what the SAE encodes.
    log
        Receives how many features there are of each kind.

    Returns
    -------
    AnnData
        Cells x features, of :func:`featurelens.features.describe.describe_features`; of tokens,
        :func:`encoded_features`.

    Raises
    ------
    InputError
        If the name is no source's, if the SAE was trained on another embedding, or if expression
        does not vary.
    """
    source = parse_source(name)
    if source.sae is None:
        return describe_control(cells, source, config=controls, features=config, log=log)
    X = cells.obsm["X_emb"] if tokens is None else tokens.values
    sae = model.load(Path(weights[0]).parent, data_sha256=sha256_array(X))
    features = encoded_features(sae, cells, config, tokens=tokens)
    log(features.var["type"].value_counts().to_string())
    return features


def encoded_features(
    sae: model.SAE,
    cells: anndata.AnnData,
    config: FeatureConfig,
    *,
    tokens: TokenRows | None = None,
) -> anndata.AnnData:
    """Features of an SAE in cells.

    Of tokens, ``X`` holds their activations pooled to cells as ``tokens.pooling`` says, the other
    pooling is in ``layers`` by its name, and ``uns['pooling']`` says which is which.
    """
    if tokens is None:
        codes = sae.encode_sparse(cells.obsm["X_emb"])
        return describe_features(codes, cells, config, directions=sae.known_directions)
    pooled = tokens.pooled(sae.encode_sparse)
    features = describe_features(
        pooled.of(tokens.pooling), cells, config, directions=sae.known_directions
    )
    other = pooled.other(tokens.pooling)
    features.layers[other] = pooled.of(other)
    features.uns["pooling"] = {"X": tokens.pooling, "layer": other, "n_tokens": len(tokens.values)}
    return features
