"""One table for SAEs and controls: what share is annotated, how specifically, how stably."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.controls.specificity import share_interval, term_specificity
from featurelens.controls.stability import compare_terms
from featurelens.conventions import CONVENTIONS
from featurelens.enrichment.config import FILTERS
from featurelens.enrichment.filters import read_kept
from featurelens.features.breadth import type_specificity
from featurelens.features.matched import match_features
from featurelens.features.sources import Source, parse_source
from featurelens.io import read_anndata, read_table, require_same_names
from featurelens.places import Place

INPUTS = {
    "features": "features/{controlled.source}/features.h5ad",
    "summary": "enrichment/{controlled}/summary.tsv",
    "published": "enrichment/{controlled}/global_published.parquet",
    "corrected": "enrichment/{controlled}/global_corrected.parquet",
}
PARAMS = {"relatives": "{relatives}?"}
OUTPUTS = {
    "controls": """
The SAE beside sources of features that are no trained SAE, all annotated by the same code: random
directions that fire as often, the SAE's initial weights, an SAE trained under a frozen random
decoder, the embedding's own dimensions, and components of measured expression. Share of live
features annotated (with Wilson's 95 % interval) and its null, terms per annotated feature, how
specific terms and activations are, and how stable annotations are over seeds.
""",
    "control_pairs": """
Pairs of sources whose features were matched one to one by the correlation of their activations:
runs of one method with different seeds, and each control with the SAE. The Jaccard index is that
of the matched features' terms, averaged over pairs of features of which either carries a term;
chance is the same with partners exchanged.
""",
}
MEMORY = 8000
READERS = dict.fromkeys(INPUTS, Path)
"""Sources are read one after the other, of enrichment only what is kept."""

REPEATS, CONTROL = "repeats", "SAE and control"
"""Relations of pairs: runs of one method that differ by their seed; an SAE and one control."""

_PAIR_COLUMNS = (
    *("embedding", "collection", "relation", "left", "right", "convention", "filter"),
    *("n_matched", "n_compared", "correlation", "jaccard", "chance", "chance_sd"),
)

_ANNOTATION = ["feature", "term", "direction", "effect"]


@dataclass(frozen=True)
class Annotated:
    """One source of features with everything that is compared."""

    embedding: str
    """Dataset and model."""
    collection: str
    """Gene sets."""
    source: Source
    """What it is."""
    family: str
    """What its repeats are called, which differ by their seed."""
    cells: pd.Index
    """Names of the cells."""
    activations: sparse.csr_matrix
    """(n_cells, n_features)."""
    tau: np.ndarray
    """Specificity of the live features for cell types, (n_live,)."""
    summary: pd.DataFrame
    """Global contrast of ``summary.tsv``, one row per convention and filter."""
    kept: Mapping[str, pd.DataFrame]
    """Annotations (feature, term, direction, effect), by filter."""


def tabulate(
    features: Mapping[str, Path],
    summary: Mapping[str, Path],
    published: Mapping[str, Path],
    corrected: Mapping[str, Path],
    *,
    relatives: Mapping[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:func:`control_tables` of sources in files, by name (dataset/model/source/collection)."""
    kinds = {"features": features, "summary": summary} | {
        "published": published,
        "corrected": corrected,
    }
    annotated = [
        read_annotated(name, {kind: files[name] for kind, files in kinds.items()}, relatives)
        for name in features
    ]
    return control_tables(annotated)


def read_annotated(
    name: str, files: Mapping[str, str | Path], relatives: Mapping[str, str] | None = None
) -> Annotated:
    """Read one source.

    Parameters
    ----------
    name
        dataset/model/source/collection.
    files
        Paths of features, summary, published and corrected.
    relatives
        Of :func:`featurelens.features.sources.relatives`; None where no SAEs are relatives.
    """
    place = Place.parse(name)
    source = parse_source(place.sae)
    features = read_anndata(files["features"])
    live = features.var["n_active"].to_numpy() > 0
    summary = read_table(files["summary"])
    kept: dict[str, pd.DataFrame] = {}
    for convention in CONVENTIONS:
        table = read_kept(files[convention])
        kept |= {name: table.loc[table[name], _ANNOTATION] for name in FILTERS[convention]}
    return Annotated(
        embedding=place.embedding,
        collection=place.collection,
        source=source,
        family=source.family(relatives or {}),
        cells=features.obs_names,
        activations=sparse.csr_matrix(features.X),
        tau=type_specificity(features.varm["type_means"][live]),
        summary=summary[summary["contrast"] == "global"].drop(columns="contrast"),
        kept=kept,
    )


def control_tables(
    annotated: Sequence[Annotated], *, n_permutations: int = 20, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """SAEs and controls side by side, and the pairs of them whose features were matched.

    Parameters
    ----------
    annotated
        All sources; those of one family, embedding and collection are repeats of one another.
    n_permutations, seed
        Of the chance level of agreement.

    Returns
    -------
    table
        One row per source, convention and filter: embedding, collection, source, family, sae,
        kind, seed, the columns of the summary (share annotated, its null, terms per feature),
        n_features, n_tested, share_of_tested (annotated of those tested), share_low and share_high
        (95 % of the share of live features), the columns of
        :func:`~featurelens.controls.specificity.term_specificity`, type_specificity (mean tau of
        live features) and its standard error type_specificity_sem; n_repeats, stability,
        stability_chance and stability_chance_sd (mean over the pairs with other runs of the same
        family); agreement, agreement_chance and agreement_chance_sd (of a control, with the SAE).
    pairs
        One row per pair, convention and filter: embedding, collection, relation (``repeats`` or
        ``SAE and control``), left, right, convention, filter and the entries of
        :func:`~featurelens.controls.stability.compare_terms`.
    """
    pairs = pd.DataFrame(
        _comparisons(annotated, n_permutations=n_permutations, seed=seed),
        columns=list(_PAIR_COLUMNS),
    )
    rows = [row for one in annotated for row in _rows(one, pairs)]
    return pd.DataFrame(rows), pairs


def _rows(one: Annotated, pairs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    known = one.tau[~np.isnan(one.tau)]
    for summary in one.summary.to_dict("records"):
        counts = (int(summary[name]) for name in ("n_annotated", "n_live", "n_tested"))
        n_annotated, n_live, n_tested = counts
        low, high = share_interval(n_annotated, n_live)
        mine = _pairs_of(one, pairs[pairs["filter"] == summary["filter"]])
        yield {
            "embedding": one.embedding,
            "collection": one.collection,
            "source": one.source.name,
            "family": one.family,
            "sae": one.source.sae or "",
            "kind": one.source.kind,
            "seed": one.source.seed,
            **{str(column): value for column, value in summary.items()},
            "n_features": one.activations.shape[1],
            "share_of_tested": n_annotated / n_tested if n_tested else np.nan,
            "share_low": low,
            "share_high": high,
            **term_specificity(one.kept[summary["filter"]]),
            "type_specificity": known.mean() if len(known) else np.nan,
            "type_specificity_sem": _standard_error(known),
            "n_repeats": len(mine[REPEATS]),
            **_means(mine[REPEATS], "stability"),
            **_means(mine[CONTROL], "agreement"),
        }


def _pairs_of(one: Annotated, pairs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Pairs that a source is part of, by relation; an SAE is not judged by its controls."""
    here = pairs[(pairs["embedding"] == one.embedding) & (pairs["collection"] == one.collection)]
    right, either = here["right"] == one.source.name, here["left"] == one.source.name
    return {
        REPEATS: here[(here["relation"] == REPEATS) & (right | either)],
        CONTROL: here[(here["relation"] == CONTROL) & right],
    }


def _means(pairs: pd.DataFrame, name: str) -> dict[str, float]:
    columns = {"jaccard": name, "chance": f"{name}_chance", "chance_sd": f"{name}_chance_sd"}
    return {new: float(pairs[old].astype(float).mean()) for old, new in columns.items()}


def _comparisons(
    annotated: Sequence[Annotated], *, n_permutations: int, seed: int
) -> Iterator[dict[str, Any]]:
    for left, right in combinations(annotated, 2):
        relation = _relation(left, right)
        if relation is None:
            continue
        if relation == CONTROL and left.source.kind != "sae":
            left, right = right, left
        names = (left.source.name, right.source.name)
        require_same_names(left.cells, right.cells, *names)
        matching = match_features(left.activations, right.activations)
        for convention in CONVENTIONS:
            for name in FILTERS[convention]:
                yield {
                    "embedding": left.embedding,
                    "collection": left.collection,
                    "relation": relation,
                    "left": names[0],
                    "right": names[1],
                    "convention": convention,
                    "filter": name,
                } | compare_terms(
                    matching,
                    left.kept[name],
                    right.kept[name],
                    n_permutations=n_permutations,
                    seed=seed,
                )


def _relation(left: Annotated, right: Annotated) -> str | None:
    """Why two sources are compared, or None; repeats by ``controls.seeds`` stand for no SAE."""
    if (left.embedding, left.collection) != (right.embedding, right.collection):
        return None
    a, b = left.source, right.source
    if left.family == right.family:
        return REPEATS
    sae, control = (a, b) if a.kind == "sae" else (b, a)
    first = sae.kind == "sae" and sae.seed is None and control.kind != "sae"
    return CONTROL if first and control.sae in (None, sae.sae) else None


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
