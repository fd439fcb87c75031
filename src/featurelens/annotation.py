"""scFeatureLens from an embedding to a table, in one call: the workflow's stages in its order.

Every stage is the function that the workflow's script of that stage calls, so that a call and a
run give the same table; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.annotated_features import annotated_features
from featurelens.cell_sets import CellSets, Contrast, DgeConfig, split_cells
from featurelens.conventions import CONVENTIONS, Convention
from featurelens.decoders import iter_expression
from featurelens.dge import iter_bundle_tests
from featurelens.embeddings import embed
from featurelens.embeddings.config import OwnCells, PrecomputedModel
from featurelens.embeddings.datasets import take_cells
from featurelens.enrichment import Annotation, Cells, EnrichmentConfig, Experiment
from featurelens.enrichment import annotate as annotate_terms
from featurelens.features import FeatureConfig, describe_features
from featurelens.genesets import GeneSets, Membership, overlay
from featurelens.genesets.compiling import compile_collection
from featurelens.genesets.config import CollectionConfig
from featurelens.io import InputError, sha256_array, write_anndata, write_table
from featurelens.matching import MatchedSets, cell_strata, match_cells
from featurelens.permutation_null import Statistics
from featurelens.prepared import prepare_parts
from featurelens.sae.config import SAEConfig
from featurelens.term_tests import gene_statistics

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.bundle import Bundle
    from featurelens.sae.model import SAE

Log = Callable[[str], None]

ROWS_SEEN = 1_000_000
"""Cells that the default SAE is trained on, counted as often as they come."""


class Annotated(NamedTuple):
    """What :func:`annotate` returns."""

    features: anndata.AnnData
    """Cells x features: activations, with statistics, genes and terms of every feature in var."""
    table: pd.DataFrame
    """One row per live feature, as in the workflow's ``tables/features``."""


def annotate(
    adata: anndata.AnnData,
    *,
    obsm_key: str,
    gene_sets: str | Path | CollectionConfig | Mapping[str, Sequence[str]],
    cell_type: str,
    counts_layer: str | None = None,
    batch: str | None = None,
    symbol: str | None = None,
    sae: SAEConfig | SAE | str | Path | None = None,
    convention: Convention | Literal["both"] = "both",
    dge: DgeConfig | None = None,
    enrichment: EnrichmentConfig | None = None,
    min_genes: int | None = None,
    max_genes: int | None = None,
    n_permutations: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    folder: str | Path | None = None,
    log: Log = print,
) -> Annotated:
    """Train an SAE on an embedding and annotate every feature with gene sets.

    Parameters
    ----------
    adata
        Cells x genes, with raw counts and an embedding; left as it is.
    obsm_key
        The embedding: ``adata.obsm[obsm_key]``, (n_cells, d).
    gene_sets
        A GMT, YAML or JSON file, or a mapping from names of sets to gene symbols.
    cell_type, batch
        Columns of obs. Cells are compared and, under the null, permuted within batch; None puts
        all cells into one.
    counts_layer
        Layer that holds the raw counts; None reads them from ``X``.
    symbol
        Column of var with gene symbols; None takes ``var_names``.
    sae
        What to train (:func:`default_sae` by default), a trained SAE, or the folder of one.
    convention
        ``corrected``, ``published``, or both side by side.
    dge, enrichment
        Choices of the tests; expression is measured by default.
    min_genes, max_genes, n_permutations
        Sizes of the gene sets that are tested and permutations of the null, in the place of those
        in ``enrichment``.
    seed
        Seed of the default SAE and of the permutations.
    device
        Where an SAE is trained.
    folder
        Receives the SAE and every table in full; None writes nothing.
    log
        Receives one line at a time.

    Returns
    -------
    Annotated
        ``features`` (``uns['summary']``: the share of annotated features beside its null) and
        ``table`` (:func:`featurelens.annotated_features.annotated_features`).

    Raises
    ------
    InputError
        If something given cannot be used; one line says what and what to do.
    """
    dge = dge or DgeConfig(expression="measured")
    given: dict[str, Any] = {
        "min_genes": min_genes,
        "max_genes": max_genes,
        "n_permutations": n_permutations,
    }
    enrichment = replace(
        enrichment or EnrichmentConfig(seed=seed),
        **{name: value for name, value in given.items() if value is not None},
    )
    own = OwnCells(
        path="adata",
        cell_type=cell_type,
        counts_layer=counts_layer,
        batch=batch,
        symbol=symbol,
    )
    cells = take_cells(adata, own)
    bundle = embed(cells, PrecomputedModel(key=obsm_key), copy=False)
    membership = lay_over(bundle, as_gene_sets(gene_sets), enrichment)
    log(membership.describe())
    model = _trained(sae, bundle, seed=seed, device=device, folder=folder, log=log)
    activations = model.encode_sparse(bundle.embedding)
    features = describe_features(activations, bundle.cells, FeatureConfig())
    tests: dict[str, pd.DataFrame] = {}
    annotations: dict[str, Annotation] = {}
    for name in CONVENTIONS if convention == "both" else (convention,):
        tests[name] = test_bundle(bundle, activations, config=dge, convention=name, log=log)
        annotations[name] = annotate_bundle(
            [gene_statistics(tests[name], membership)],
            bundle,
            activations,
            membership,
            dge_config=dge,
            config=enrichment,
            convention=name,
            log=log,
        )
    return _collect(features, tests, annotations, folder, log)


def default_sae(n_cells: int, *, seed: int = 0) -> SAEConfig:
    """A TopK SAE, 20 times as wide as the embedding, 5 % active, for any number of cells."""
    return SAEConfig(
        architecture="topk",
        expansion=20,
        k=5,
        learning_rate=1e-3,
        epochs=max(1, round(ROWS_SEEN / n_cells)),
        seed=seed,
    )


def as_gene_sets(
    given: str | Path | CollectionConfig | Mapping[str, Sequence[str]],
) -> GeneSets:
    """Gene sets from a file, an ontology or a mapping; a set without genes counts as too small.

    Raises
    ------
    InputError
        If the file cannot be read, or there is no gene in any set.
    """
    if isinstance(given, (str, Path)):
        given = CollectionConfig(path=str(given))
    if isinstance(given, CollectionConfig):
        return compile_collection(given).sets
    for name, genes in given.items():
        if isinstance(genes, str):
            raise InputError(f"gene_sets: {name!r} is one text; give a list of gene symbols")
    if not any(len(genes) for genes in given.values()):
        raise InputError(
            f"gene_sets: {len(given)} sets without any gene; give names of sets with lists of "
            "gene symbols, or the path of a GMT file"
        )
    return GeneSets(
        names=tuple(map(str, given)),
        descriptions=("",) * len(given),
        genes=tuple(tuple(dict.fromkeys(map(str, genes))) for genes in given.values()),
    )


def lay_over(bundle: Bundle, sets: GeneSets, config: EnrichmentConfig) -> Membership:
    """Gene sets over the symbols of a bundle's genes, those of a testable size."""
    return overlay(
        sets,
        bundle.cells.var,
        min_genes=config.min_genes,
        max_genes=config.max_genes,
        universe=config.universe,
    )


def test_bundle(
    bundle: Bundle,
    activations: sparse.csr_matrix,
    *,
    config: DgeConfig,
    convention: Convention,
    log: Log,
) -> pd.DataFrame:
    """Differential expression of every feature (:func:`featurelens.dge.test_expression`)."""
    tables = iter_bundle_tests(bundle, activations, config=config, convention=convention, log=log)
    return pd.concat(list(tables), ignore_index=True)


test_bundle.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


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
    threads: int = 1,
    log: Log = print,
) -> Annotation:
    """Enrich gene sets in every feature of a bundle, beside its nulls.

    Parameters
    ----------
    statistics
        Of the genes of the same activations, convention and contrast: from a file
        (:class:`featurelens.term_tests.GeneTables`) or a list of tables
        (:func:`featurelens.term_tests.gene_statistics`).
    bundle
        Cells, embedding and decoder.
    activations
        (n_cells, n_features).
    membership
        Of :func:`lay_over`.
    log
        Receives what the nulls say of the p-values and, if nothing is kept, why.

    Returns
    -------
    Annotation
        The enrichment of every feature and term, the nulls, and a summary.
    """
    experiment = Experiment(
        statistics=statistics,
        membership=membership,
        cells=_cells(bundle, activations, dge_config, convention, contrast, threads)
        if config.n_permutations
        else None,
        n_live=int(np.unique(sparse.csc_matrix(activations).nonzero()[1]).size),
        dge_config=dge_config,
        config=config,
        convention=convention,
        contrast=contrast,
        threads=threads,
    )
    return annotate_terms(experiment, log=log)


def _cells(
    bundle: Bundle,
    activations: sparse.csr_matrix,
    config: DgeConfig,
    convention: Convention,
    contrast: Contrast,
    threads: int,
) -> Cells:
    """High and low cells of every feature, and the expression they are compared on."""
    cells = bundle.cells
    parts = iter_expression(bundle, library=config.library, source=config.expression, n_rows=1024)
    prepared = prepare_parts(parts, cells.shape, threads=threads)
    found = split_cells(activations, config=config, convention=convention)
    sets: CellSets | MatchedSets = found
    if contrast == "within_type":
        sets = match_cells(found, cell_strata(cells.obs), config=config)
        prepared = prepared.by(sets.strata, threads=threads)
    return Cells(
        sets=sets,
        prepared=prepared,
        batch=cells.obs["batch"].to_numpy(),
        cell_type=cells.obs["cell_type"].to_numpy(),
    )


def _trained(
    given: SAEConfig | SAE | str | Path | None,
    bundle: Bundle,
    *,
    seed: int,
    device: str,
    folder: str | Path | None,
    log: Log,
) -> SAE:
    """The SAE that was given, read or trained."""
    from featurelens.sae import model
    from featurelens.sae.single import train_one

    if isinstance(given, (str, Path)):
        return model.load(given, data_sha256=sha256_array(bundle.embedding))
    if isinstance(given, model.SAE):
        return given
    config = given or default_sae(bundle.cells.n_obs, seed=seed)
    trained = train_one(bundle.embedding, config, source="adata", device=device, log=log)
    if folder is not None:
        trained.write(Path(folder) / "sae")
    return trained.sae


def _collect(
    features: anndata.AnnData,
    tests: Mapping[str, pd.DataFrame],
    annotations: Mapping[str, Annotation],
    folder: str | Path | None,
    log: Log,
) -> Annotated:
    """Join what the stages found, and write it where a folder is given."""
    summary = pd.concat([part.summary for part in annotations.values()], ignore_index=True)
    shown = "corrected" if "corrected" in tests else "published"
    table = annotated_features(
        features.var,
        tests[shown],
        {name: part.enrichment for name, part in annotations.items()},
    )
    features.var = features.var.join(_found(table, features.var))
    features.uns["summary"] = summary
    for row in summary.itertuples():
        log(
            f"{row.convention}, {row.filter}: {row.n_annotated} of {row.n_live} live features "
            f"annotated ({row.share:.1%}); of permuted cells {row.share_complete:.1%}"
        )
    if folder is not None:
        _write(Path(folder), features, table, summary, tests, annotations)
    return Annotated(features, table)


def _found(table: pd.DataFrame, var: pd.DataFrame) -> pd.DataFrame:
    """What the table adds to the statistics of the features; dead ones have nothing."""
    new = table.set_index("feature").drop(columns=var.columns, errors="ignore").reindex(var.index)
    texts = new.select_dtypes(object).columns
    counts = new.columns.drop(texts)
    return new.assign(**new[texts].fillna(""), **new[counts].fillna(0).astype(int))


def _write(
    folder: Path,
    features: anndata.AnnData,
    table: pd.DataFrame,
    summary: pd.DataFrame,
    tests: Mapping[str, pd.DataFrame],
    annotations: Mapping[str, Any],
) -> None:
    write_anndata(features, folder / "features.h5ad")
    write_table(table, folder / "features.tsv")
    write_table(summary, folder / "summary.tsv")
    for name, part in annotations.items():
        write_table(tests[name], folder / f"dge_{name}.parquet")
        write_table(part.enrichment, folder / f"enrichment_{name}.parquet")
        write_table(part.null, folder / f"null_{name}.parquet")
