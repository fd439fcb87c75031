"""Annotate features with gene sets: what the workflow and a notebook both call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.cell_sets import DgeConfig
from featurelens.conventions import Convention
from featurelens.decoders import expression
from featurelens.dge import test_expression
from featurelens.embeddings import embed
from featurelens.embeddings.config import PrecomputedModel
from featurelens.enrichment import Annotation, EnrichmentConfig, annotate
from featurelens.features import FeatureConfig, describe_features
from featurelens.genesets import GeneSets, unique_symbols

if TYPE_CHECKING:
    import anndata
    from scipy import sparse

    from featurelens.embeddings.bundle import Bundle
    from featurelens.sae.model import SAE


@dataclass(frozen=True)
class FeatureLens:
    """Everything that :func:`annotate_features` finds."""

    features: anndata.AnnData
    """Cells x features, with the statistics of every feature in ``var``."""
    dge: pd.DataFrame
    """Every gene between the high and the low cells of every feature."""
    enrichment: pd.DataFrame
    """Every gene set in every feature."""
    null: pd.DataFrame
    """Share of features annotated when activations are permuted over cells."""


def annotate_bundle(
    dge: pd.DataFrame,
    bundle: Bundle,
    activations: sparse.csr_matrix,
    sets: GeneSets,
    *,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    convention: Convention,
    log: Callable[[str], None],
) -> Annotation:
    """Enrich gene sets in every feature of a bundle, beside a null of permuted cells.

    Parameters
    ----------
    dge
        Differential expression of the same activations under the same convention.
    bundle
        Cells, embedding and decoder.
    activations
        (n_cells, n_features).
    sets
        Gene sets, by symbol.

    Returns
    -------
    Annotation
        The enrichment of every feature and term, and the null.
    """
    genes = unique_symbols(bundle.cells.var["symbol"])
    membership = sets.membership(genes, min_genes=config.min_genes, max_genes=config.max_genes)
    log(membership.describe())
    return annotate(
        dge,
        activations,
        expression(bundle, library=dge_config.library, source=dge_config.expression),
        genes,
        bundle.cells.obs["batch"].to_numpy(),
        membership,
        dge_config=dge_config,
        config=config,
        convention=convention,
    )


def annotate_features(
    cells: anndata.AnnData,
    sae: SAE,
    sets: GeneSets,
    *,
    key: str,
    features: FeatureConfig | None = None,
    dge: DgeConfig | None = None,
    enrichment: EnrichmentConfig | None = None,
    convention: Convention = "corrected",
    log: Callable[[str], None] = print,
) -> FeatureLens:
    """Annotate every feature of an SAE on an embedding: scFeatureLens in one call.

    Parameters
    ----------
    cells
        As :func:`featurelens.embeddings.datasets.read_dataset` returns them, with the embedding.
    sae
        Trained on ``cells.obsm[key]``.
    sets
        Gene sets (:func:`featurelens.genesets.read_gmt`).
    key
        Key of the embedding in ``obsm``.

    Returns
    -------
    FeatureLens
        Features, differential expression, enrichment and its null. Expression is measured, since
        an embedding of one's own has no decoder.
    """
    dge = dge or DgeConfig(expression="measured")
    bundle = embed(cells, PrecomputedModel(key=key))
    activations = sae.encode_sparse(bundle.cells.obsm["X_emb"])
    described = describe_features(activations, bundle.cells, features or FeatureConfig())
    table = test_expression(
        activations,
        expression(bundle, library=dge.library, source=dge.expression),
        unique_symbols(bundle.cells.var["symbol"]),
        config=dge,
        convention=convention,
    )
    annotation = annotate_bundle(
        table,
        bundle,
        activations,
        sets,
        dge_config=dge,
        config=enrichment or EnrichmentConfig(),
        convention=convention,
        log=log,
    )
    return FeatureLens(described, table, annotation.enrichment, annotation.null)
