"""Enrichment of a bundle's features: what the workflow's rule and the call for own data share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

from scipy import sparse

from featurelens.conventions import Convention
from featurelens.dge.config import Contrast, DgeConfig
from featurelens.embeddings.expression import expression_used
from featurelens.enrichment.annotate import Annotation, annotate
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.confirm import UNCONFIRMED, confirm
from featurelens.enrichment.null_cells import Expressions, null_cells
from featurelens.enrichment.nulls import Experiment, Statistics
from featurelens.enrichment.random_genes import attention, describe_universe
from featurelens.enrichment.term_tests import GeneTables
from featurelens.enrichment.verdict import describe_verdict, judge
from featurelens.genesets.sets import Membership
from featurelens.means import ALONE, Means

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


def annotate_tests(
    tables: Mapping[str, str | Path],
    bundle: Bundle,
    activations: sparse.csr_matrix,
    membership: Membership,
    *,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    means: Means = ALONE,
) -> Iterator[Annotation]:
    """:func:`annotate_bundle` for several contrasts and conventions of the same features.

    Parameters
    ----------
    tables
        Files of the genes' tests, by contrast and convention, such as ``global_corrected``.
    """
    expressions = Expressions(bundle, dge_config, means)
    for test, path in tables.items():
        contrast, _, convention = test.rpartition("_")
        annotation = annotate_bundle(
            GeneTables(Path(path), membership),
            bundle,
            activations,
            membership,
            dge_config=dge_config,
            config=config,
            convention=cast(Convention, convention),
            contrast=cast(Contrast, contrast),
            expressions=expressions,
            means=means,
        )
        for row in annotation.summary.itertuples():
            means.log(f"{test}, {row.filter}: {describe_verdict(row)}")
        yield annotation
        del annotation  # before the next one is made


def annotate_bundle(
    statistics: Statistics,
    bundle: Bundle,
    activations: sparse.csr_matrix,
    membership: Membership,
    *,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    convention: Convention,
    contrast: Contrast = "global",
    expressions: Expressions | None = None,
    means: Means = ALONE,
) -> Annotation:
    """Enrich gene sets in every feature of a bundle, beside its nulls.

    Parameters
    ----------
    statistics
        Of the genes of the same activations, convention and contrast: from a file
        (:class:`featurelens.enrichment.term_tests.GeneTables`) or a list of tables
        (:func:`featurelens.enrichment.term_tests.gene_statistics`).
    bundle
        Cells, embedding and decoder.
    activations
        (n_cells, n_features).
    membership
        Of :func:`lay_over`.
    expressions
        For several annotations of one bundle; made here by default.
    means
        With what; sums over cells are made on its device under the nulls. Its log receives what
        the nulls say of the p-values and, if nothing is kept, why.

    Returns
    -------
    Annotation
        The enrichment of every feature and term, the nulls, and a summary, whose column
        expression says what was tested (decoded, surrogate or measured) and whose column verdict
        says what the share means (:func:`featurelens.enrichment.verdict.judge`); it ends with what
        random genes reach (:mod:`featurelens.enrichment.random_genes`) and what was confirmed on
        held-out cells (:data:`featurelens.enrichment.confirm.UNCONFIRMED`).
    """
    cells = None
    if config.n_permutations:
        expressions = expressions or Expressions(bundle, dge_config, means)
        cells = null_cells(expressions, activations, convention, contrast)
    experiment = Experiment(
        statistics=statistics,
        membership=membership,
        cells=cells,
        n_live=_n_live(activations),
        dge_config=dge_config,
        config=config,
        convention=convention,
        contrast=contrast,
        means=means,
    )
    annotation = annotate(experiment)
    summary = annotation.summary.copy()
    summary.insert(1, "expression", expression_used(bundle.decoder, dge_config.expression))
    verdicts = [judge(row) for _, row in summary.iterrows()]
    summary.insert(list(summary).index("share") + 1, "verdict", verdicts)
    universe = describe_universe(
        annotation.tests,
        membership,
        experiment.n_live,
        config=config,
        convention=convention,
    )
    summary = summary.assign(**universe)
    n_terms = len(membership.terms)
    summary["attention"] = [attention(row, n_terms) for _, row in summary.iterrows()]
    for warning in summary["attention"].drop_duplicates():
        if warning:
            means.log(f"ATTENTION: {warning}")
    if config.confirmation is None:
        return replace(annotation, summary=summary.assign(**UNCONFIRMED))
    pairs, confirmed = confirm(
        bundle,
        activations,
        membership,
        dge_config=dge_config,
        config=config,
        convention=convention,
        contrast=contrast,
        means=means,
    )
    summary = summary.merge(confirmed, on="filter", how="left", validate="one_to_one")
    return replace(annotation, summary=summary, confirmed=pairs)


def _n_live(activations: sparse.csr_matrix | sparse.csc_matrix) -> int:
    """Features that some cell activates."""
    columns = sparse.csc_matrix(activations)
    return sum(bool(columns.data[a:b].any()) for a, b in pairwise(columns.indptr))
