"""scFeatureLens from an embedding to a table, in one call: the workflow's stages in its order.

Every stage is the function that the workflow's script of that stage calls, and hands on what it
found in the same files, so that a call and a run give the same table and memory stays that of a
few features at a time. A test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd

from featurelens.atlas.of_call import atlas_of_call
from featurelens.controls.described import encoded_features
from featurelens.conventions import CONVENTIONS, Convention
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import take_cells
from featurelens.datasets.remarks import hint_in_memory, remarks_in_memory
from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import iter_feature_tables
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.token_rows import read_token_rows
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.filters import read_kept
from featurelens.enrichment.in_folder import annotate_in_folder
from featurelens.enrichment.membership import lay_over
from featurelens.enrichment.verdict import describe_verdict
from featurelens.features.annotated import (
    DGE_COLUMNS,
    annotated_features,
    require_live,
    table_beside,
)
from featurelens.features.config import FeatureConfig
from featurelens.genesets.config import CollectionConfig
from featurelens.genesets.given import as_gene_sets
from featurelens.io import InputError, write_anndata, write_table
from featurelens.means import Log, Means
from featurelens.options import as_config
from featurelens.sae.config import ImportedSAE, SAEConfig

if TYPE_CHECKING:
    import anndata

    from featurelens.sae.model import SAE


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
    obsm_key: str | None = None,
    tokens: PrecomputedModel | Mapping[str, Any] | None = None,
    gene_sets: str | Path | CollectionConfig | Mapping[str, Sequence[str]],
    cell_type: str | Literal[False] | None = None,
    counts_layer: str | None = None,
    batch: str | Literal[False] | None = None,
    symbol: str | None = None,
    orthologs: str | Path | None = None,
    trim_names: bool = False,
    sae: SAEConfig | ImportedSAE | Mapping[str, Any] | SAE | str | Path | None = None,
    convention: Convention | Literal["both"] = "both",
    dge: DgeConfig | Mapping[str, Any] | None = None,
    enrichment: EnrichmentConfig | Mapping[str, Any] | None = None,
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
    tokens
        In its place, a file of token states, several rows a cell: ``{"path": "tokens.h5ad",
        "cell_column": "cell"}`` or another form of
        :class:`featurelens.embeddings.models.precomputed.config.PrecomputedModel`. The SAE is
        trained on them, and its activations are pooled to cells.
    gene_sets
        A GMT, YAML or JSON file, or a mapping from names of sets to gene symbols.
    cell_type, batch
        Columns of obs. Cells are compared and, under the null, permuted within batch. None finds
        them (a column called cell_type or so, donor_id), False puts all cells into one. Labels
        such as unknown and na are no type.
    counts_layer
        ``X``, ``raw.X`` or a layer's name; None finds them.
    symbol
        Column of var with gene symbols; None takes ``var_names``, or finds one where they are ids.
    orthologs
        A table of genes of these cells and their orthologs in the species of the gene sets
        (:mod:`featurelens.datasets.orthologs`).
    trim_names
        Read genes named ``GRCh38_CD3D`` or ``CD3D|ENSG00000167286`` as ``CD3D``, R's ``HLA.DRA``
        as ``HLA-DRA``.
    sae
        What to train (:func:`default_sae` by default), or a trained SAE: itself, its folder or
        file in any form of docs/saved-models.md, or a mapping with that as ``path`` and what the
        files do not say. Unless ``normalise="none"``, one that is trained here is trained at unit
        scale and takes the embedding as it is.
    convention
        ``corrected``, ``published``, or both side by side.
    dge, enrichment
        Choices of the tests, as configs or mappings of their fields. Expression is always what
        was measured, because a call has no decoder.
    min_genes, max_genes, n_permutations
        Sizes of the gene sets that are tested and permutations of the null, in the place of those
        in ``enrichment``.
    seed
        Seed of the default SAE and of the permutations.
    device
        Where the SAE is trained and genes are tested, ``cpu`` or ``cuda``.
    folder
        Receives the SAE, every table in full, and a page to browse, ``atlas/index.html``.
    log
        Receives one line at a time.

    Returns
    -------
    Annotated
        ``features`` (``uns['summary']``: the share of annotated features beside its null;
        ``uns['sae']``: explained variance, dead features and features per cell of the SAE, with
        what to change where most features are dead or active everywhere) and
        ``table`` (:func:`featurelens.features.annotated.annotated_features`).

    Raises
    ------
    InputError
        If something given cannot be used; one line says what and what to do.
    """
    from featurelens.sae.single import at_hand

    means = Means(device=device, log=log)
    dge = _on_counts(dge)
    given: dict[str, Any]
    given = {"min_genes": min_genes, "max_genes": max_genes, "n_permutations": n_permutations}
    enrichment = replace(
        as_config(EnrichmentConfig, enrichment or {"seed": seed}, "enrichment"),
        **{name: value for name, value in given.items() if value is not None},
    )
    own = OwnCells(
        path="adata",
        cell_type=cell_type,
        counts_layer=counts_layer,
        batch=batch,
        symbol=symbol,
        orthologs=None if orthologs is None else str(orthologs),
        trim_names=trim_names,
    )
    cells = take_cells(adata, own, log=log)
    for line in remarks_in_memory(adata, cells, own):
        log(f"note: {line}")
    source = _source(obsm_key, tokens)
    bundle = embed(cells, source, copy=False)
    if "n_cells_without" in bundle.info["fit"]:
        log(f"{bundle.info['fit']['n_cells_without']} cells without embedding are left out")
    rows = None
    if source.has_token_rows:
        rows = read_token_rows(source, bundle.cells.obs_names, "adata")
    sets = as_gene_sets(gene_sets)
    try:
        membership = lay_over(bundle.cells.var, sets, enrichment)
    except InputError as error:
        hint = hint_in_memory(adata, own, sets.distinct)
        raise InputError(f"{error}; {hint}" if hint else str(error)) from None
    log(membership.describe())
    with _folder_or_temporary(folder) as place:
        X = bundle.embedding if rows is None else rows.values
        asked = default_sae(len(X), seed=seed) if sae is None else sae
        model, health = at_hand(asked, X, means=means, folder=place / "sae")
        features = encoded_features(model, bundle.cells, FeatureConfig(), tokens=rows)
        require_live(features.var)
        conventions = CONVENTIONS if convention == "both" else (convention,)
        annotated = {
            name: annotate_in_folder(
                name, bundle, features.X, membership, place, dge=dge, config=enrichment, means=means
            )
            for name in conventions
        }
        confirmed = {name: pairs for name, (_, pairs) in annotated.items()}
        shown: Convention = "corrected" if "corrected" in conventions else "published"
        table = annotated_features(
            features.var,
            iter_feature_tables(place / f"dge_{shown}.parquet", DGE_COLUMNS),
            {name: read_kept(place / f"enrichment_{name}.parquet") for name in conventions},
            min_cells=dge.min_cells,
            confirmed=confirmed.get("corrected"),
        )
        summary = pd.concat([each for each, _ in annotated.values()], ignore_index=True)
        features.var = features.var.join(table_beside(table, features.var))
        features.uns["summary"] = summary
        features.uns["sae"] = health
        write_anndata(features, place / "features.h5ad")
        write_table(table, place / "features.tsv")
        write_table(summary, place / "summary.tsv")
        write_table(pd.DataFrame([health]), place / "sae.tsv")
        if folder is not None:
            log(atlas_of_call(place, adata, bundle.cells.var, features, model.known_directions))
    for row in summary.itertuples():
        log(f"{row.convention}, {row.filter}: {describe_verdict(row)}")
    return Annotated(features, table)


def _source(
    obsm_key: str | None, tokens: PrecomputedModel | Mapping[str, Any] | None
) -> PrecomputedModel:
    """Where the rows lie that an SAE encodes."""
    if (obsm_key is None) == (tokens is None):
        given = "neither" if tokens is None else "both"
        raise InputError(f"{given} of obsm_key and tokens is given; give one of them")
    if tokens is None:
        return PrecomputedModel(key=obsm_key)
    asked = {"rows": "tokens", **tokens} if isinstance(tokens, Mapping) else tokens
    return as_config(PrecomputedModel, asked, "tokens")


def _on_counts(given: DgeConfig | Mapping[str, Any] | None) -> DgeConfig:
    """Choices of the tests; the default of a run's config, decoded expression, is not meant."""
    if given is None or isinstance(given, Mapping):
        return as_config(DgeConfig, {"expression": "measured"} | dict(given or {}), "dge")
    return replace(as_config(DgeConfig, given, "dge"), expression="measured")


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


@contextmanager
def _folder_or_temporary(folder: str | Path | None) -> Iterator[Path]:
    """The folder that was asked for, or one that is gone afterwards."""
    if folder is not None:
        yield Path(folder)
        return
    with TemporaryDirectory(prefix="featurelens-") as temporary:
        yield Path(temporary)
