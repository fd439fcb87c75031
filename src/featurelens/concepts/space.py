"""Concept space: features by the gene sets they carry, laid out in the plane (paper Figure 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.concepts.config import ConceptConfig, Direction
from featurelens.concepts.layout import PUBLISHED_CODE, Layout, lay_out
from featurelens.conventions import Convention
from featurelens.enrichment.config import FILTERS, HIGHER, Filter, convention_of
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata


LEVELS = ("level_1", "level_2", "level_3", "level_4")
"""Columns with a term's ancestors, from the roots' children down."""


@dataclass(frozen=True)
class Carried:
    """Which features carry which terms: (n_features, n_terms) CSR of float32 ones."""

    features: tuple[str, ...]
    terms: tuple[str, ...]
    matrix: sparse.csr_matrix

    @property
    def per_term(self) -> pd.Series:
        """Number of features that carry each term."""
        counts = np.asarray(self.matrix.sum(axis=0)).ravel().astype(int)
        return pd.Series(counts, index=list(self.terms))

    @property
    def per_feature(self) -> pd.Series:
        """Number of terms that each feature carries."""
        counts = np.asarray(self.matrix.sum(axis=1)).ravel().astype(int)
        return pd.Series(counts, index=list(self.features))

    def over(self, terms: Sequence[str]) -> Carried:
        """The same features over some of the terms, in the order given."""
        columns = pd.Index(self.terms).get_indexer(pd.Index(list(terms)))
        return Carried(self.features, tuple(terms), self.matrix[:, columns])


def direction_of(convention: Convention, direction: Direction) -> Direction:
    """Published annotations count in any direction (the author's tests are two-sided)."""
    return "any" if convention == "published" else direction


def kept_terms(
    enrichments: Mapping[Convention, pd.DataFrame], features: Sequence[str]
) -> pd.DataFrame:
    """The annotations alone, of all filters: thousands of rows where enrichment has millions.

    Parameters
    ----------
    enrichments
        Convention to the table of ``enrichment.enrich``, or to what ``term_filters.read_kept``
        reads of it (columns feature, term, category, direction and the convention's filters).
    features
        Names of all features of the SAE, in its order.

    Returns
    -------
    DataFrame
        convention, filter, feature, term, category, higher (whether the feature's high cells have
        more of the term), each pair once per filter; features in the SAE's order, terms by name.

    Raises
    ------
    InputError
        If a feature of a table is not among ``features``.
    """
    parts = []
    for convention, table in enrichments.items():
        for name in FILTERS[convention]:
            rows = table.loc[
                table[name].to_numpy(dtype=bool), ["feature", "term", "category", "direction"]
            ].astype(str)
            rows = rows.drop_duplicates(["feature", "term"])
            rows["higher"] = rows.pop("direction").isin(HIGHER)
            rows.insert(0, "filter", name)
            rows.insert(0, "convention", convention)
            parts.append(_in_order(rows, features))
    return pd.concat(parts, ignore_index=True)


def carried(kept: pd.DataFrame, name: Filter, direction: Direction) -> Carried:
    """Features x terms of one filter: annotated features in the SAE's order, terms by name."""
    rows = _rows(kept, name, direction)
    features = pd.Index(rows["feature"].unique())
    terms = pd.Index(sorted(rows["term"].unique()))
    places = (
        features.get_indexer(pd.Index(rows["feature"])),
        terms.get_indexer(pd.Index(rows["term"])),
    )
    ones = np.ones(len(rows), dtype=np.float32)
    matrix = sparse.csr_matrix((ones, places), shape=(len(features), len(terms)))
    matrix.sort_indices()
    return Carried(tuple(features), tuple(terms), matrix)


def every_filter(
    kept: Mapping[str, pd.DataFrame], direction: Direction
) -> Iterator[tuple[str, dict[str, object], Carried]]:
    """Every SAE under every filter, with the columns that say so.

    Parameters
    ----------
    kept
        SAE name to the table of :func:`kept_terms`.
    direction
        Which corrected annotations count.
    """
    for position, (sae, table) in enumerate(kept.items(), start=1):
        for convention, names in FILTERS.items():
            for name in names:
                label = {"sae": sae, "position": position}
                label |= {"convention": convention, "filter": name}
                yield sae, label, carried(table, name, direction_of(convention, direction))


def map_concepts(
    kept: pd.DataFrame,
    features_var: pd.DataFrame,
    config: ConceptConfig,
    terms: pd.DataFrame | None = None,
) -> anndata.AnnData:
    """Features x terms as a binary matrix, with ancestors, labels and two layouts.

    Parameters
    ----------
    kept
        Of :func:`kept_terms`; rows of ``config.filter`` and of the configured direction are used.
    features_var
        Table of features (index: their names) with columns n_active, type and top_cell_type.
    terms
        Table of the collection with columns term, id, level, depth and ``LEVELS``; without it the
        category of a gene set stands for its level-1 ancestor and there are no others.

    Returns
    -------
    AnnData
        Annotated features x terms that some feature carries, CSR of zeros and ones. obs: n_terms,
        label_1 to label_4 (most frequent ancestor, at that level, of the feature's terms; ties to
        the first by name; "none" where no term has one), label (label_1), n_active, type,
        top_cell_type. var: category, the columns of ``terms``, n_features. obsm ``X_umap`` (the
        configured layout) and ``X_umap_code`` (the author's code, ``PUBLISHED_CODE``), (n, 2).
        uns: filter, n_annotated (features with a term in any direction), layout and layout_code (of
        ``lay_out``), parameters (of both layouts), n_tied (features whose label of a level is a
        tie).
    """
    import anndata

    convention = convention_of(config.filter)
    matrix = carried(kept, config.filter, direction_of(convention, config.direction))
    var = _describe_terms(matrix, kept, terms)
    adata = anndata.AnnData(matrix.matrix, obs=_describe_features(matrix, features_var), var=var)
    n_tied = {}
    for level in LEVELS:
        label = level.replace("level", "label")
        adata.obs[label], n_tied[label] = most_frequent(matrix.matrix, var[level].tolist())
    adata.obs.insert(1, "label", adata.obs["label_1"])
    configured = Layout(
        min_dist=config.min_dist,
        n_neighbors=config.n_neighbors,
        spread=config.spread,
        seed=config.seed,
    )
    adata.obsm["X_umap"], adata.uns["layout"] = lay_out(matrix.matrix, configured)
    adata.obsm["X_umap_code"], adata.uns["layout_code"] = lay_out(matrix.matrix, PUBLISHED_CODE)
    adata.uns |= {
        "filter": config.filter,
        "n_annotated": len(carried(kept, config.filter, "any").features),
        "parameters": {"X_umap": asdict(configured), "X_umap_code": asdict(PUBLISHED_CODE)},
        "n_tied": n_tied,
    }
    return adata


def most_frequent(matrix: sparse.csr_matrix, names: Sequence[str]) -> tuple[pd.Categorical, int]:
    """For every row the name that most of its columns have, and how many rows have a tie.

    Parameters
    ----------
    matrix
        (n_rows, n_columns) of zeros and ones.
    names
        One for each column; empty where a column has none.

    Returns
    -------
    names, n_tied
        (n_rows,) names, "none" for rows whose columns have none; ties go to the first by name.

    Examples
    --------
    >>> names, n_tied = most_frequent(sparse.csr_matrix([[1, 1, 1], [1, 0, 1]]), ["b", "b", "a"])
    >>> list(names), n_tied
    (['b', 'a'], 1)
    """
    known, groups = indicator_of(names)
    if not known:
        return pd.Categorical(["none"] * matrix.shape[0]), 0
    counts = (matrix @ groups).toarray()
    top = counts.max(axis=1, keepdims=True)
    tied = ((counts == top) & (top > 0)).sum(axis=1) > 1
    labels = np.where(top[:, 0] > 0, np.array(known, dtype=object)[counts.argmax(axis=1)], "none")
    return pd.Categorical(labels), int(tied.sum())


def indicator_of(names: Sequence[str]) -> tuple[list[str], sparse.csr_matrix]:
    """The names that occur, sorted, and (n, n_names) which of them each place has; "" is none."""
    known = sorted({name for name in names if name})
    place = {name: column for column, name in enumerate(known)}
    rows = [row for row, name in enumerate(names) if name]
    columns = [place[names[row]] for row in rows]
    shape = (len(names), len(known))
    return known, sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def _rows(kept: pd.DataFrame, name: Filter, direction: Direction) -> pd.DataFrame:
    chosen = (kept["filter"] == name).to_numpy()
    if direction == "up":
        chosen = chosen & kept["higher"].to_numpy(dtype=bool)
    return kept[chosen]


def _in_order(rows: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    place = pd.Index(list(features), dtype=object).get_indexer(pd.Index(rows["feature"]))
    if (place < 0).any():
        raise InputError(
            f"feature {rows['feature'].iloc[int((place < 0).argmax())]!r} of the enrichment table "
            "is not among the features; make both from the same SAE"
        )
    return rows.iloc[np.lexsort((rows["term"].to_numpy(dtype=str), place))]


def _describe_features(matrix: Carried, var: pd.DataFrame) -> pd.DataFrame:
    obs = pd.DataFrame(index=pd.Index(matrix.features, dtype=object))
    obs["n_terms"] = matrix.per_feature
    named = var.set_axis(var.index.astype(str)).loc[list(matrix.features)]
    for column in ("n_active", "type", "top_cell_type"):
        values = named[column]
        if isinstance(values.dtype, pd.CategoricalDtype):  # text without any value is not written
            values = values.cat.remove_unused_categories()
        obs[column] = values.array
    return obs


def _describe_terms(
    matrix: Carried, kept: pd.DataFrame, terms: pd.DataFrame | None
) -> pd.DataFrame:
    """Category, ancestors and number of features of every term of the matrix."""
    categories = kept.drop_duplicates("term").set_index("term")["category"].rename("category")
    var = pd.DataFrame(index=pd.Index(matrix.terms, dtype=object)).join(categories)
    known = with_ancestors(kept, terms).set_index("term").reindex(var.index)
    for column in [name for name in (*_TEXT, *_NUMBERS) if name in known]:
        values = known[column]
        var[column] = values.astype(float) if column in _NUMBERS else values.fillna("").astype(str)
    var["n_features"] = matrix.per_term
    return var


_TEXT = ("id", "name", "namespace", *LEVELS)
_NUMBERS = ("level", "depth")


def with_ancestors(kept: pd.DataFrame, terms: pd.DataFrame | None) -> pd.DataFrame:
    """Terms with ``LEVELS``, as text, "" where a term has no such ancestor.

    Without a table of terms the category of a gene set stands for its level-1 ancestor.
    """
    if terms is None:
        terms = kept[["term", "category"]].drop_duplicates("term")
        terms = terms.rename(columns={"category": "level_1"}).astype(str)
        return terms.assign(**dict.fromkeys(LEVELS[1:], ""))
    ancestors = {level: terms[level].fillna("").astype(str) for level in LEVELS}
    return terms.assign(term=terms["term"].astype(str), **ancestors)
