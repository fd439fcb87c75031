"""Preranked gene set enrichment analysis of chosen features, by gseapy, from local files alone.

Beside the tests of every feature (``enrichment``) this is a closer look at a few: where along the
ranking of all genes a set's genes gather, and which of them lead. Its p come from sets of random
genes, which ignore that genes move together (Goeman & Bühlmann 2007): they order the terms of one
feature and declare nothing. What is declared is declared by ``enrichment``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from featurelens.enrichment.config import GseaConfig
from featurelens.features import lists
from featurelens.features.annotated import choose_features
from featurelens.genesets.sets import Membership
from featurelens.io import InputError
from featurelens.progress import counted

RESULT_COLUMNS = (
    *("feature", "term", "category", "n_genes", "es", "nes", "p", "fdr"),
    *("n_leading", "leading_edge"),
)
RUNNING_COLUMNS = ("feature", "term", "position", "gene", "score", "hit", "running")


class Gsea(NamedTuple):
    """Tables of :func:`run_gsea`."""

    results: pd.DataFrame
    """One row per feature and term."""
    running: pd.DataFrame
    """Running sums of the terms that are drawn, one row per gene."""


def run_gsea(
    dge: Iterable[pd.DataFrame],
    membership: Membership,
    features: Sequence[str],
    *,
    config: GseaConfig,
    log: Callable[[str], None],
) -> Gsea:
    """Preranked GSEA of some features.

    Parameters
    ----------
    dge
        Tables of ``dge.iter_tests``, whole features in each; only rows of ``features`` are kept.
    membership
        Gene sets over the genes of the data, those of a testable size.
    features
        Names of tested features.
    config
        Ranking, permutations, seed.
    log
        Receives one line a feature: genes ranked, and genes left out because they have no rank.

    Returns
    -------
    Gsea
        ``results``: feature, term, category, n_genes (ranked genes of the set), es, nes, p and
        fdr (as gseapy counts them: 0 where no random set of that sign reaches the set), n_leading
        and leading_edge (genes between the peak of the running sum and that end of the ranking,
        the end first, a list of :mod:`featurelens.features.lists`), by falling nes. ``running``:
        feature, term, position (0 is the highest gene), gene, score (what genes are ranked by), hit
        (whether the gene is in the set), running (sum so far, of which es is the extreme), for the
        ``n_shown`` terms of largest nes in each direction.

    Raises
    ------
    InputError
        If a feature is not in ``dge``, or its genes have no rank.
    """
    wanted = [str(feature) for feature in features]
    known = _rows_of(dge, wanted) if wanted else {}
    if not known:
        log("no feature is looked at: none was named, and none is annotated")
        empty = (pd.DataFrame(columns=list(names)) for names in (RESULT_COLUMNS, RUNNING_COLUMNS))
        return Gsea(*empty)
    parts = [
        _of_feature(known[feature], feature, membership, config=config, log=log)
        for feature in counted(wanted, len(wanted), "features", "GSEA", log=log)
    ]
    return Gsea(*(pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)))


def _rows_of(dge: Iterable[pd.DataFrame], features: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Rows of each feature, in the order wanted."""
    known = {
        str(name): rows
        for table in dge
        for name, rows in table[table["feature"].isin(features)].groupby("feature", observed=True)
    }
    for feature in features:
        if feature not in known:
            raise InputError(
                f"gsea: feature {feature!r} was not tested; choose one that has a number of high "
                "cells (n_high) in the table of annotated features"
            )
    return {feature: known[feature] for feature in features}


def chosen_features(table: pd.DataFrame, config: GseaConfig) -> pd.DataFrame:
    """Rows of the table of annotated features that the config asks for, each once.

    The features that are named come first, then those of
    :func:`featurelens.features.annotated.choose_features`; fewer than ``top`` come back where
    fewer are annotated.

    Raises
    ------
    InputError
        If a feature that is named is not live.
    """
    rows = table.set_index(table["feature"].astype(str), drop=False)
    named = [str(number) for number in config.features]
    for name in named:
        if name not in rows.index:
            raise InputError(
                f"config: 'gsea.features' names {name}, which no cell activates; choose from the "
                f"{len(rows)} features of the table of annotated features"
            )
    best = [str(feature) for feature in choose_features(table, config.top)["feature"]]
    return rows.loc[list(dict.fromkeys([*named, *best]))]


def rank_genes(rows: pd.DataFrame, by: str) -> pd.Series:
    """Scores of one feature's genes, highest first, ties by name; genes without a score left out.

    Infinite fold changes (a gene that one side lacks) stand at the ends, at the largest finite
    score of their sign.
    """
    scores = pd.Series(rows[by].to_numpy(dtype=float), index=rows["gene"].astype(str)).dropna()
    finite = scores[np.isfinite(scores)]
    if len(finite):
        scores = scores.clip(finite.min(), finite.max())
    by_name = scores.sort_index()
    return by_name.sort_values(ascending=False, kind="stable")


def _of_feature(
    rows: pd.DataFrame,
    feature: str,
    membership: Membership,
    *,
    config: GseaConfig,
    log: Callable[[str], None],
) -> Gsea:
    ranking = rank_genes(rows, config.rank_by)
    log(
        f"feature {feature}: {len(ranking)} genes ranked by {config.rank_by}, "
        f"{len(rows) - len(ranking)} left out without one"
    )
    if len(ranking) < 2 or not ranking.any():
        raise InputError(
            f"gsea: no gene of feature {feature!r} has a {config.rank_by}; choose another feature"
        )
    found = prerank(ranking, membership, config=config)
    categories = dict(zip(membership.terms, membership.categories, strict=True))
    scores = [
        {
            "feature": feature,
            "term": term,
            "category": categories[term],
            "n_genes": len(result["hits"]),
            "es": result["es"],
            "nes": result["nes"],
            "p": result["pval"],
            "fdr": result["fdr"],
            "n_leading": len(result["leading"]),
            "leading_edge": lists.join(map(lists.entry, result["leading"])),
        }
        for term, result in found.items()
    ]
    table = pd.DataFrame(scores, columns=list(RESULT_COLUMNS))
    table = table.sort_values(["nes", "term"], ascending=[False, True], ignore_index=True)
    drawn = [
        *table[table["nes"] > 0]["term"].head(config.n_shown),
        *table[table["nes"] < 0]["term"].tail(config.n_shown)[::-1],
    ]
    running = [_running(feature, term, ranking, found[term]) for term in drawn]
    empty = pd.DataFrame(columns=list(RUNNING_COLUMNS))
    return Gsea(table, pd.concat(running, ignore_index=True) if running else empty)


def prerank(
    ranking: pd.Series, membership: Membership, *, config: GseaConfig
) -> dict[str, dict[str, Any]]:
    """Scores of the sets by ``gseapy.prerank``.

    Parameters
    ----------
    ranking
        Scores of genes, highest first.
    membership
        Gene sets; of each, only ranked genes count, and sets without any are left out.

    Returns
    -------
    dict
        Term to gseapy's es, nes, pval, fdr, hits (positions of the set's genes), RES (running sum)
        and the names of the leading edge, from the extreme end of the ranking on.
    """
    from gseapy import prerank as gseapy_prerank

    # gseapy changes the case of genes where it believes that a user meant it, and renames
    # repeats; positions as names leave nothing to believe.
    place = {gene: f"G{position}" for position, gene in enumerate(ranking.index)}
    rows = membership.matrix
    sets = {
        term: [
            place[membership.genes[column]]
            for column in rows.indices[rows.indptr[row] : rows.indptr[row + 1]]
            if membership.genes[column] in place
        ]
        for row, term in enumerate(membership.terms)
    }
    sets = {term: genes for term, genes in sets.items() if 0 < len(genes) < len(ranking)}
    if not sets:
        return {}
    outcome = gseapy_prerank(
        pd.DataFrame({"gene": list(place.values()), "score": ranking.to_numpy()}),
        sets,
        min_size=1,
        max_size=len(ranking),
        permutation_num=config.permutations,
        ascending=None,
        threads=1,
        seed=config.seed,
        no_plot=True,
        outdir=None,
    )
    name = {code: gene for gene, code in place.items()}
    return {
        term: result | {"leading": [name[code] for code in result["lead_genes"].split(";")]}
        for term, result in outcome.results.items()
    }


def _running(feature: str, term: str, ranking: pd.Series, result: dict[str, Any]) -> pd.DataFrame:
    hit = np.zeros(len(ranking), dtype=bool)
    hit[result["hits"]] = True
    return pd.DataFrame(
        {
            "feature": feature,
            "term": term,
            "position": np.arange(len(ranking)),
            "gene": ranking.index.to_numpy(),
            "score": ranking.to_numpy(),
            "hit": hit,
            "running": np.asarray(result["RES"], dtype=float),
        },
        columns=list(RUNNING_COLUMNS),
    )
