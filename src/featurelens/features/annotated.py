"""The table that a scientist opens first: every live feature on one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from featurelens.features import lists
from featurelens.io import InputError
from featurelens.stats.fold_bounds import least_log2_fold

DGE_COLUMNS = ("feature", "gene", "log2_fold", "t", "df", "q", "n_high")
"""What is read of tables of differential expression."""


def annotated_features(
    features: pd.DataFrame,
    dge: pd.DataFrame | Iterable[pd.DataFrame],
    enrichment: Mapping[str, pd.DataFrame],
    *,
    min_cells: int,
    confirmed: pd.DataFrame | None = None,
    alpha: float = 0.05,
    n_genes: int = 5,
    n_terms: int = 5,
) -> pd.DataFrame:
    """One row per live feature: what it is, which genes rise and fall with it, which terms it has.

    Parameters
    ----------
    features
        Feature table (``features.h5ad``'s var), feature numbers as index.
    dge
        Differential expression under the corrected convention, whole or some features at a time
        (:func:`featurelens.dge.feature_tables.iter_feature_tables`, columns :data:`DGE_COLUMNS`).
    enrichment
        Convention to enrichment table; either may be absent.
    min_cells
        Fewest cells in a high or low set that is tested
        (:class:`featurelens.dge.config.DgeConfig`).
    confirmed
        Terms declared on one half of the cells and tested on the other, corrected
        (:class:`featurelens.enrichment.confirm.Confirmation`); None where that was not asked for.
    alpha
        False discovery rate below which a gene is listed.
    n_genes, n_terms
        Lengths of the lists.

    Returns
    -------
    DataFrame
        feature, type, type_published, top_cell_type with share_in_type, n_in_type, effect and q,
        or why_no_type (:mod:`featurelens.features.main_type`), n_active, fraction_active, mean,
        max, n_high, up_genes, down_genes (significant genes, those of the largest least change
        first, :func:`featurelens.stats.fold_bounds.least_log2_fold`) or why_no_genes, terms and
        n_terms (corrected, kept_fdr), terms_published and n_terms_published (the filter of the
        paper's figures; a term of low or depleted genes is marked "(down)"). With ``confirmed``
        also n_declared, n_retested and n_confirmed: terms that one half of the cells declares, of
        these those that the other half can test, and those that it confirms. Lists are those of
        :mod:`featurelens.features.lists`, empty where nothing is significant. The most active
        features stand first.

    Raises
    ------
    InputError
        If no feature is live.
    """
    columns = (
        *("type", "type_published", "top_cell_type", "share_in_type", "n_in_type", "why_no_type"),
        *("effect", "q", "n_active", "fraction_active", "mean", "max"),
    )
    require_live(features)
    live = features[features["n_active"] > 0]
    table = live[list(columns)].copy()
    tables = [dge] if isinstance(dge, pd.DataFrame) else dge
    genes = pd.concat([_genes(part, alpha, n_genes) for part in tables]).reindex(table.index)
    table["n_high"] = genes["n_high"].astype("Int64")
    for name in ("up_genes", "down_genes"):
        table[name] = genes[name].fillna("")
    table["why_no_genes"] = [_why_no_genes(row, min_cells, alpha) for _, row in table.iterrows()]
    for suffix, convention, kept, by in (
        ("", "corrected", "kept_fdr", "q"),
        ("_published", "published", "kept_published_figures", "p_mannwhitney"),
    ):
        if convention not in enrichment:
            continue
        rows = enrichment[convention]
        rows = rows[rows[kept].astype(bool)].sort_values([by, "fold"], ascending=[True, False])
        counts = rows.groupby(rows["feature"].astype(str)).size()
        table[f"terms{suffix}"] = _lists(_with_entries(rows), "entry", table.index, n_terms)
        table[f"n_terms{suffix}"] = counts.reindex(table.index, fill_value=0).astype(int)
    if confirmed is not None:
        table = table.join(_confirmed(confirmed, table.index))
    order = np.lexsort((_numbers(table.index), -table["n_active"].to_numpy()))
    return table.iloc[order].rename_axis("feature").reset_index()


def _confirmed(pairs: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Numbers of terms declared, tested again and confirmed, of each feature."""
    grouped = pairs.groupby(pairs["feature"].astype(str))
    counts = grouped.agg(
        n_declared=("term", "size"),
        n_retested=("retested", "sum"),
        n_confirmed=("confirmed", "sum"),
    )
    return counts.reindex(index, fill_value=0).astype(int)


def require_live(features: pd.DataFrame) -> None:
    """Raise :class:`InputError` if no cell activates any feature."""
    if not (features["n_active"] > 0).any():
        raise InputError(
            f"no cell activates any of the {len(features)} features, so there is nothing to "
            "annotate; train the SAE for longer, or with a lower l1 or a higher k"
        )


def choose_features(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Rows of annotated features, one per cell type in turn, the clearest first.

    Features whose terms go up come before those whose terms all go down; within a type they are
    ordered by their effect in it. Terms of the corrected convention count, or of the published one
    where the table has no others; the column ``shown_terms`` has those that go up in front.
    """
    suffix = "" if "terms" in table else "_published"
    annotated = table[table[f"n_terms{suffix}"] > 0]
    terms = [lists.entries(text) for text in annotated[f"terms{suffix}"].fillna("")]
    ups = [[term for term in listed if not lists.is_down(term)] for listed in terms]
    downs = [[term for term in listed if lists.is_down(term)] for listed in terms]
    ordered = annotated.assign(
        shown_terms=[lists.join([*up, *down]) for up, down in zip(ups, downs, strict=True)],
        n_shown=annotated[f"n_terms{suffix}"],
        only_down=[not up for up in ups],
    ).sort_values(["only_down", "effect"], ascending=[True, False], kind="stable")
    turn = ordered.groupby(ordered["top_cell_type"].astype(str), sort=False).cumcount()
    ordered = ordered.assign(turn=turn).sort_values(["only_down", "turn"], kind="stable")
    return ordered.head(count)


def _genes(dge: pd.DataFrame, alpha: float, n_genes: int) -> pd.DataFrame:
    """Size of the high set and lists of genes of the features in a table, by their names."""
    sizes = dge.groupby("feature", observed=True, sort=False)["n_high"].first()
    index = sizes.index.astype(str)
    ordered = significant_genes(dge, alpha)
    up, down = ordered[ordered["log2_fold"] > 0], ordered[ordered["log2_fold"] < 0]
    lists = {
        "up_genes": _lists(up, "gene", index, n_genes),
        "down_genes": _lists(down, "gene", index, n_genes),
    }
    return pd.DataFrame({"n_high": sizes.to_numpy()} | lists, index=index)


def significant_genes(dge: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Significant genes, those first whose change is largest even at the near end of its interval.

    By fold change alone the first would be genes of few counts in few cells.
    """
    chosen, tested = dge["q"] < alpha, dge["q"].notna()
    counts = [
        which.groupby(dge["feature"], observed=True, sort=False).transform("sum")[chosen]
        for which in (chosen, tested)
    ]
    found = dge[chosen]
    least = least_log2_fold(
        *(found[name].to_numpy(dtype=float) for name in ("log2_fold", "t", "df")),
        n_chosen=counts[0].to_numpy(),
        n_tests=counts[1].to_numpy(),
        alpha=alpha,
    )
    order = np.lexsort((-found["log2_fold"].abs().to_numpy(), -np.abs(least)))
    return found.iloc[order]


def _why_no_genes(row: pd.Series, min_cells: int, alpha: float) -> str:
    """Why a feature of the table lists no gene, or nothing where it lists some."""
    if row["up_genes"] or row["down_genes"]:
        return ""
    if row["n_high"] is not pd.NA:
        return f"tested, but no gene differs at a false discovery rate of {100 * alpha:g} %"
    return too_few_cells(row["n_active"], min_cells) or (
        f"not tested: {row['n_active']} cells activate it, so that fewer than {min_cells} are left "
        "to compare with"
    )


def too_few_cells(n_active: int, min_cells: int) -> str:
    """Why so few active cells are not compared with others, or nothing where they are.

    Examples
    --------
    >>> too_few_cells(3, 20), too_few_cells(20, 20)
    ('not tested: 3 cells activate it, 20 are needed', '')
    """
    if n_active >= min_cells:
        return ""
    number = {0: "no cell activates", 1: "1 cell activates"}.get(n_active)
    return f"not tested: {number or f'{n_active} cells activate'} it, {min_cells} are needed"


def _with_entries(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with their terms as these stand in a list, marked where their genes go down."""
    downs = rows["direction"].astype(str).isin(("-", "down"))
    pairs = zip(rows["term"].astype(str), downs, strict=True)
    return rows.assign(entry=[lists.entry(term, is_down=down) for term, down in pairs])


def _lists(rows: pd.DataFrame, column: str, index: pd.Index, length: int) -> pd.Series:
    """First ``length`` genes (names) or terms (entries) of each feature, in their order."""
    write = lists.entry if column == "gene" else str
    grouped = rows[column].astype(str).groupby(rows["feature"].astype(str), sort=False)
    texts = grouped.agg(lambda values: lists.join(map(write, values.iloc[:length]))).astype(object)
    return texts.reindex(index, fill_value="").astype(str)


def _numbers(index: Iterable[str]) -> np.ndarray:
    """Feature names as numbers, so that 2 comes before 10; the given order for other names."""
    names = list(index)
    if all(str(name).isdecimal() for name in names):
        return np.array([int(name) for name in names])
    return np.arange(len(names))


def table_beside(table: pd.DataFrame, var: pd.DataFrame) -> pd.DataFrame:
    """What the table adds to the statistics of the features; dead ones have nothing.

    A count that the table lacks (``n_high`` of a feature that was not tested) is missing here too.
    """
    new = table.set_index("feature").drop(columns=var.columns, errors="ignore").reindex(var.index)
    texts = new.select_dtypes(object).columns
    counts = new.columns.str.startswith(("n_terms", "n_declared", "n_retested", "n_confirmed"))
    numbers = new.columns[counts]
    return new.assign(**new[texts].fillna(""), **new[numbers].fillna(0).astype(int))
