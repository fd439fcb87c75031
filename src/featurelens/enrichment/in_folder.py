"""Genes and gene sets of a bundle's features under one convention, all tables in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from scipy import sparse

from featurelens.conventions import Convention
from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import write_feature_tables
from featurelens.dge.tables import iter_bundle_tests
from featurelens.enrichment.annotate_bundle import annotate_bundle
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.term_tests import GeneTables
from featurelens.genesets.sets import Membership
from featurelens.means import Means

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


def annotate_in_folder(
    convention: Convention,
    bundle: Bundle,
    activations: sparse.csr_matrix,
    membership: Membership,
    place: Path,
    *,
    dge: DgeConfig,
    config: EnrichmentConfig,
    means: Means,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Differential expression and enrichment under one convention, written.

    Returns the summary, and what was confirmed on held-out cells where that is asked for.
    """
    path = place / f"dge_{convention}.parquet"
    tests = iter_bundle_tests(bundle, activations, config=dge, convention=convention, means=means)
    write_feature_tables(tests, path)
    annotation = annotate_bundle(
        GeneTables(path, membership),
        bundle,
        activations,
        membership,
        dge_config=dge,
        config=config,
        convention=convention,
        means=means,
    )
    annotation.write(
        place / f"enrichment_{convention}.parquet",
        place / f"null_{convention}.parquet",
        confirmed=place / f"confirmed_{convention}.tsv",
    )
    return annotation.summary, annotation.confirmed
