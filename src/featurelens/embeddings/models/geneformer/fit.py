"""Geneformer (Theodoris et al. 2023; V2: Chen et al. 2024), through the package transformers.

A cell becomes the list of its genes in order of their expression (:mod:`.tokens`), a BERT model
reads the list (:mod:`.encoder`), and the states of its tokens are pooled to one vector
(:mod:`.pooling`). There is no decoder; a surrogate can be fitted.

Geneformer's own extractor (``downsample_and_sort`` of its ``perturber_utils.py``) returns cells
sorted by the length of their lists, without their names. Whoever pairs its rows with the cells by
position pairs most of them wrongly; the paper's scripts do so, unless its author changed the
extractor. Here every vector carries its cell's name from tokens to bundle and is joined by it, and
some cells are embedded a second time, alone, to prove it. The convention ``published`` pairs by
position instead, so that what such a mistake does to features and annotations can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from featurelens.datasets.checks import ensembl_ids, require_counts
from featurelens.datasets.config import DatasetConfig, OwnCells
from featurelens.datasets.files import open_cells
from featurelens.embeddings.bundle import Fitted, Origin
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.decoders.surrogate import fit_surrogate
from featurelens.embeddings.models.geneformer.config import GeneformerModel
from featurelens.embeddings.models.geneformer.dictionaries import Vocabulary, read_vocabulary
from featurelens.embeddings.models.geneformer.encoder import (
    TOKENS_PER_BATCH,
    embed_tokens,
    load_encoder,
    n_layers_below,
)
from featurelens.embeddings.models.geneformer.genes import KnownGenes, find_genes
from featurelens.embeddings.models.geneformer.hub import fetch
from featurelens.embeddings.models.geneformer.tokens import Tokens, tokenize
from featurelens.embeddings.models.geneformer.variants import LICENCE, SERIES, SIZES
from featurelens.embeddings.models.geneformer.weights import ModelFiles, find_model, require_fit
from featurelens.embeddings.named_rows import NamedRows
from featurelens.io import InputError, sha256_file
from featurelens.means import Means
from featurelens.threads import torch_threads

if TYPE_CHECKING:
    import anndata


CHECKED_CELLS = 4
"""Cells, evenly spaced, that are embedded once more, alone."""
TOLERANCE = 1e-4
"""Largest difference between the two, in units of the norm; float32 gives about 1e-6."""


class Prepared(NamedTuple):
    """Model, dictionaries and genes that fit together."""

    files: ModelFiles
    vocabulary: Vocabulary
    genes: KnownGenes


def fit(
    cells: anndata.AnnData,
    config: GeneformerModel,
    *,
    means: Means,
) -> Fitted:
    """Embed cells with a trained model; nothing is trained but the surrogate, where asked for.

    Parameters
    ----------
    cells
        ``layers['counts']`` raw; ``var['ensembl']``, or else the names of var, are Ensembl ids.
    config
        The model.
    means
        With what the model runs.

    Raises
    ------
    InputError
        If a file is missing, damaged or of another model, the genes are not known, the counts are
        not raw, or a cell has no gene that is known.
    """
    local, commit = (config, None) if config.repository is None else fetch(config)
    ids = cells.var["ensembl"] if "ensembl" in cells.var.columns else cells.var_names
    prepared = prepare(local, ids, where="the cells: var")
    tokens = _tokenize(cells, local, prepared)
    about = _describe_tokens(tokens, cells, local, prepared)
    means.log(
        f"{about['n_known_genes']} of {cells.n_vars} genes are known "
        f"({about['known_gene_share']:.1%}), with {about['known_count_share']:.1%} of the counts; "
        f"{about['n_truncated']} of {cells.n_obs} cells have more than fit into the model"
    )
    with torch_threads(means.threads):
        scores, deviation = _embed(tokens, local, prepared, means)
    info = about | {
        "repository": config.repository,
        "revision": commit,
        "dictionaries_sha256": _hashes(local),
        "hidden_state": n_layers_below(prepared.files, local.layer),
        "deviation_of_cells_embedded_alone": deviation,
    }
    origin = Origin(
        model_version=config.variant,
        checkpoint_sha256=sha256_file(prepared.files.weights),
        layer=config.layer,
        pooling=config.pooling,
        licence=LICENCE if config.variant in SIZES else None,
    )
    if config.surrogate is None:
        return Fitted(scores, NoDecoder(), info, origin=origin)
    decoder, quality = fit_surrogate(scores, cells, config.surrogate)
    return Fitted(scores, decoder, info | {"surrogate": quality}, origin=origin)


def prepare(config: GeneformerModel, ids: Iterable[str], *, where: str) -> Prepared:
    """Read what is quick to read, and check that model, dictionaries and genes fit together.

    Parameters
    ----------
    config
        The model, with paths on disk.
    ids
        Ensembl id of each gene of the data.
    where
        Place of the ids, for messages.

    Raises
    ------
    InputError
        If they do not.
    """
    vocabulary = read_vocabulary(
        config.tokens, config.medians, config.mapping, series=config.series
    )
    files = find_model(config.folder)
    require_fit(files, vocabulary, config.tokens, variant=config.variant)
    n_layers_below(files, config.layer)
    genes = find_genes(list(ids), vocabulary, where=where, min_share=config.min_gene_share)
    return Prepared(files, vocabulary, genes)


def _tokenize(cells: anndata.AnnData, config: GeneformerModel, prepared: Prepared) -> Tokens:
    counts = sparse.csr_matrix(cells.layers["counts"])
    require_counts(
        counts.data,
        "the cells: layers['counts']",
        lambda place: cells.obs_names[np.searchsorted(counts.indptr, place, "right") - 1],
    )
    names = SERIES[config.series].special
    token_of = prepared.vocabulary.tokens
    return tokenize(
        counts,
        cells.obs["library"].to_numpy(),
        cells.obs_names,
        prepared.genes,
        input_size=SERIES[config.series].input_size,
        special=None if names is None else (token_of[names[0]], token_of[names[1]]),
    )


def _embed(
    tokens: Tokens,
    config: GeneformerModel,
    prepared: Prepared,
    means: Means,
) -> tuple[np.ndarray, float]:
    """Embedding, one row a cell, and how far cells embedded alone are from it at most."""
    encoder = load_encoder(prepared.files, layer=config.layer, device=means.device)

    def embed(part: Tokens, tokens_per_batch: int, log: Callable[[str], None]) -> NamedRows:
        return embed_tokens(
            encoder,
            part,
            padding=prepared.vocabulary.padding,
            pooling=config.pooling,
            special=SERIES[config.series].special is not None,
            tokens_per_batch=tokens_per_batch,
            log=log,
        )

    rows = embed(tokens, config.tokens_per_batch or TOKENS_PER_BATCH[means.device], means.log)
    scores = rows.of(tokens.names, "the cells")
    checked = np.unique(np.linspace(0, len(scores) - 1, CHECKED_CELLS).astype(int))
    some = tokens.take(checked)
    alone = embed(some, 1, lambda _: None).of(some.names, "the cells")
    distances = np.linalg.norm(scores[checked] - alone, axis=1) / np.linalg.norm(alone, axis=1)
    worst = int(distances.argmax())
    if not distances[worst] <= TOLERANCE:
        raise RuntimeError(
            f"cell {some.names[worst]!r} embedded alone is {distances[worst]:.2g} of its norm away "
            "from itself embedded in a batch; rows are mixed up or padding is seen"
        )
    return rows.values if config.convention == "published" else scores, float(distances[worst])


def _describe_tokens(
    tokens: Tokens, cells: anndata.AnnData, config: GeneformerModel, prepared: Prepared
) -> dict[str, Any]:
    genes, series = prepared.genes, SERIES[config.series]
    room = series.input_size - (0 if series.special is None else 2)
    per_gene = np.asarray(cells.layers["counts"].sum(axis=0)).ravel()
    return {
        "n_known_genes": len(genes.columns),
        "known_gene_share": genes.share,
        "known_count_share": float(per_gene[genes.columns].sum() / per_gene.sum()),
        "n_summed_genes": len(genes.columns) - len(genes.tokens),
        "n_truncated": int((tokens.n_known > room).sum()),
        "median_tokens": float(np.median(tokens.lengths)),
    }


def _hashes(config: GeneformerModel) -> dict[str, str]:
    paths = {"tokens": config.tokens, "medians": config.medians, "mapping": config.mapping}
    return {name: sha256_file(path) for name, path in paths.items() if path is not None}


def check(dataset: DatasetConfig, model: GeneformerModel) -> None:
    """Raise an InputError where the files of the model and the dataset do not fit each other."""
    if not isinstance(dataset, OwnCells):
        raise InputError(
            f"{dataset.kind} has too few genes for geneformer, and no Ensembl ids; use cells of "
            "kind h5ad"
        )
    if model.repository is None:
        with open_cells(dataset) as file:
            ids, where = ensembl_ids(file)
            prepare(model, ids, where=where)
