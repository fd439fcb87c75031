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

from featurelens.controls.config import Source, parse_source
from featurelens.controls.specificity import share_interval, term_specificity, type_specificity
from featurelens.controls.stability import compare_terms, match_features
from featurelens.conventions import CONVENTIONS
from featurelens.io import read_anndata, read_table, require_same_names
from featurelens.term_filters import FILTERS

KEYS = ("embedding", "collection", "source", "sae", "kind", "seed")
"""Which source, in both tables."""
STABILITY = ("n_repeats", "stability", "stability_chance", "stability_chance_sd")

_PAIR_COLUMNS = (
    *("embedding", "collection", "family", "left", "right", "convention", "filter"),
    *("n_matched", "n_compared", "correlation", "jaccard", "chance", "chance_sd"),
)


@dataclass(frozen=True)
class Annotated:
    """One source of features with everything that is compared."""

    embedding: str
    """Dataset and model."""
    collection: str
    """Gene sets."""
    source: Source
    """What it is."""
    cells: pd.Index
    """Names of the cells."""
    activations: sparse.csr_matrix
    """(n_cells, n_features)."""
    tau: np.ndarray
    """Specificity of the live features for cell types, (n_live,)."""
    summary: pd.DataFrame
    """Of :func:`featurelens.enrichment.summarise`, one row per convention and filter."""
    n_tested: Mapping[str, int]
    """Features that were tested, by convention."""
    kept: Mapping[str, pd.DataFrame]
    """Annotations (feature, term, direction, effect), by filter."""


def read_annotated(name: str, files: Mapping[str, str | Path]) -> Annotated:
    """Read one source.

    Parameters
    ----------
    name
        dataset/model/source/collection.
    files
        Paths of features, summary, published and corrected.
    """
    dataset, model, source, collection = name.split("/")
    features = read_anndata(files["features"])
    live = features.var["n_active"].to_numpy() > 0
    n_tested: dict[str, int] = {}
    kept: dict[str, pd.DataFrame] = {}
    for convention in CONVENTIONS:
        filters = FILTERS[convention]
        columns = ["feature", "term", "direction", "effect", *filters]
        table = read_table(files[convention], columns=columns)
        n_tested[convention] = table["feature"].nunique()
        kept |= {kind: table.loc[table[kind].astype(bool), columns[:4]] for kind in filters}
    return Annotated(
        embedding=f"{dataset}/{model}",
        collection=collection,
        source=parse_source(source),
        cells=features.obs_names,
        activations=sparse.csr_matrix(features.X),
        tau=type_specificity(features.varm["type_means"][live]),
        summary=read_table(files["summary"]),
        n_tested=n_tested,
        kept=kept,
    )


def control_tables(
    annotated: Sequence[Annotated], *, n_permutations: int = 20, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """SAEs and controls side by side, and the comparisons of their repeats.

    Parameters
    ----------
    annotated
        All sources; those of one family (:attr:`Source.family`), embedding and collection are
        repeats of one another.
    n_permutations, seed
        Of the chance level of stability.

    Returns
    -------
    table
        One row per source, convention and filter: embedding, collection, source, sae, kind, seed,
        the columns of the summary (share annotated, its null, terms per feature), n_features,
        n_tested, share_low and share_high (95 %), the columns of
        :func:`~featurelens.controls.specificity.term_specificity`, type_specificity (mean tau of
        live features) and its standard error type_specificity_sem, n_repeats (other runs of the
        same family), stability (mean over them of the Jaccard index of matched features' terms),
        stability_chance and stability_chance_sd (with partners exchanged).
    pairs
        One row per pair of repeats, convention and filter: embedding, collection, family, left,
        right, convention, filter and the entries of
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
    source = one.source
    about = {"sae": source.sae or "", "kind": source.kind, "seed": source.seed}
    for summary in one.summary.to_dict("records"):
        low, high = share_interval(int(summary["n_annotated"]), int(summary["n_live"]))
        yield {
            "embedding": one.embedding,
            "collection": one.collection,
            "source": source.name,
            **about,
            **{str(column): value for column, value in summary.items()},
            "n_features": one.activations.shape[1],
            "n_tested": one.n_tested[summary["convention"]],
            "share_low": low,
            "share_high": high,
            **term_specificity(one.kept[summary["filter"]]),
            "type_specificity": known.mean() if len(known) else np.nan,
            "type_specificity_sem": _standard_error(known),
            **_stability(one, summary["filter"], pairs),
        }


def _stability(one: Annotated, name: str, pairs: pd.DataFrame) -> dict[str, float]:
    """Mean over the comparisons that a source takes part in."""
    mine = (
        (pairs["embedding"] == one.embedding)
        & (pairs["collection"] == one.collection)
        & (pairs["filter"] == name)
        & ((pairs["left"] == one.source.name) | (pairs["right"] == one.source.name))
    )
    means = pairs.loc[mine, ["jaccard", "chance", "chance_sd"]].astype(float).mean()
    return dict(zip(STABILITY, (int(mine.sum()), *means), strict=True))


def _comparisons(
    annotated: Sequence[Annotated], *, n_permutations: int, seed: int
) -> Iterator[dict[str, Any]]:
    families: dict[tuple[str, str, str], list[Annotated]] = {}
    for one in annotated:
        key = (one.embedding, one.collection, one.source.family)
        families.setdefault(key, []).append(one)
    for (embedding, collection, family), members in families.items():
        for left, right in combinations(members, 2):
            names = (left.source.name, right.source.name)
            require_same_names(left.cells, right.cells, *names)
            matching = match_features(left.activations, right.activations)
            for convention in CONVENTIONS:
                for name in FILTERS[convention]:
                    yield {
                        "embedding": embedding,
                        "collection": collection,
                        "family": family,
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


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
