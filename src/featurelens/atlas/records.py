"""What the page knows of each feature: a row of its table, and a record loaded on demand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from featurelens.atlas.cells import in_steps
from featurelens.atlas.gathered import Gathered
from featurelens.atlas.pack import pack, whole
from featurelens.atlas.terms import KEPT, UP

PER_CHUNK = 100
"""Features whose records lie in one file."""
LOCALITIES = ("local", "regional", "global", "dead")
N_SHOWN = 3
"""Genes that rise most in the table of features."""


def core(gathered: Gathered) -> dict[str, Any]:
    """The table of features, and their places on each map, in the order of the features.

    Genes and terms are places in their lists plus one, types of cells too; 0 is none.
    """
    var, n = gathered.var, len(gathered.var)
    columns = {
        "n_active": whole(var["n_active"], gathered.n_cells),
        "n_in_type": whole(var["n_in_type"], gathered.n_cells),
        "n_high": whole(gathered.sizes["n_high"], gathered.n_cells),
        "n_low": whole(gathered.sizes["n_low"], gathered.n_cells),
        "type": _coded(var["type"], LOCALITIES),
        "type_published": _coded(var["type_published"], LOCALITIES),
        "top_type": whole(_top_type(var, gathered.cells.types), len(gathered.cells.types)),
        "genes": whole(first_genes(gathered), len(gathered.genes)).ravel(),
        "term": whole(_first_terms(gathered), len(gathered.terms)),
    }
    for name in ("fraction_active", "mean", "max", "share_in_type", "effect"):
        columns[name] = as_floats(var[name])
    columns["q"] = minus_log10(var["q"])
    for name, bits in (("n_terms", 2), ("n_terms_published", 8), ("n_terms_within", 16)):
        columns[name] = gathered.counts(bits).astype(np.uint16)
    for name, values in gathered.measures.items():
        columns[name] = as_floats(values)
    maps = []
    for number, layout in enumerate(gathered.maps):
        x, y, box = in_steps(layout.place)
        columns |= {f"x{number}": x, f"y{number}": y}
        maps.append({"name": layout.name, "label": layout.label, "how": layout.how, "box": box})
    return pack(columns, n=n, maps=maps, names=gathered.labels, localities=list(LOCALITIES))


def chunks(gathered: Gathered) -> Iterator[dict[str, Any]]:
    """Records of the features, :data:`PER_CHUNK` in each, one after another."""
    for start in range(0, len(gathered.var), PER_CHUNK):
        yield _chunk(gathered, range(start, min(start + PER_CHUNK, len(gathered.var))))


def _chunk(gathered: Gathered, numbers: range) -> dict[str, Any]:
    cells, steps = gathered.activations.coded(numbers, gathered.var["max"].to_numpy())
    columns: dict[str, NDArray] = {
        "cell_at": _ends(map(len, cells)),
        "cell": np.concatenate(cells),
        "step_at": _ends(map(len, steps)),
        "step": np.concatenate(steps),
    }
    genes = _rows(gathered.leading, numbers)
    columns |= {
        "gene_at": _places(genes, numbers),
        "gene": whole(genes["gene_id"], len(gathered.genes)),
        "gene_leads": genes["leads"].to_numpy().astype(np.uint8),
        "gene_fold": as_floats(genes["log2_fold"]),
        "gene_t": as_floats(genes["t"]),
        "gene_q": minus_log10(genes["q"]),
        "gene_fold_within": as_floats(genes["log2_fold_within"]),
        "gene_q_within": minus_log10(genes["q_within"]),
    }
    terms = _rows(gathered.carried, numbers)
    columns |= {
        "term_at": _places(terms, numbers),
        "term": whole(terms["term_id"], len(gathered.terms)),
        "term_flags": terms["flags"].to_numpy().astype(np.uint8),
        "term_q": minus_log10(terms["q"]),
        "term_effect": as_floats(terms["effect"]),
        "term_hits": as_floats(terms["n_hits"]),
        "term_p_binomial": minus_log10(terms["p_binomial"]),
        "term_p_mannwhitney": minus_log10(terms["p_mannwhitney"]),
        "term_q_within": minus_log10(terms["q_within"]),
    }
    own = slice(numbers.start, numbers.stop)
    varm = gathered.varm
    columns |= {
        "type_mean": as_floats(varm["type_means"][own]).ravel(),
        "type_fraction": as_floats(gathered.fractions[own]).ravel(),
        "type_effect": as_floats(varm["type_effects"][own]).ravel(),
        "type_q": minus_log10(varm["type_q"][own]).ravel(),
        "type_flags": (
            varm["significant"][own].astype(np.uint8)
            + 2 * varm["significant_published"][own].astype(np.uint8)
        ).ravel(),
        "near": whole(gathered.near[0][own], len(gathered.var)).ravel(),
        "near_cosine": gathered.near[1][own].ravel(),
        "near_correlation": gathered.near[2][own].ravel(),
    }
    return pack(
        columns,
        start=numbers.start,
        n=len(numbers),
        why_no_type=list(gathered.var["why_no_type"].astype(str).iloc[own]),
    )


def index(gathered: Gathered) -> dict[str, Any]:
    """Names that can be searched for, and the features behind each gene and term.

    Of a gene, ``gene_rank`` is its place in its feature's list of that direction, from 0 on, with
    the highest bit set where it falls; of a term, ``term_flags`` say which filter keeps it.
    Features stand in the order in which they should be read.
    """
    genes, terms = gathered.leading, gathered.carried
    falls = (genes["log2_fold"] < 0).to_numpy()
    rank = genes.groupby(["number", falls, genes["leads"] > 1], sort=False).cumcount().to_numpy()
    rank = np.minimum(rank, 127)
    order = np.lexsort((genes["number"], rank, genes["leads"] == 2, genes["gene_id"]))
    flags = terms["flags"].to_numpy().astype(np.uint8)
    stage = np.select(
        [flags & KEPT["kept_fdr"] > 0, flags & KEPT["kept_fdr_within"] > 0], [0, 1], 2
    )
    value = np.select(
        [stage == 0, stage == 1], [terms["q"], terms["q_within"]], terms["p_mannwhitney"]
    )
    by_term = np.lexsort((terms["number"], value, flags & UP == 0, stage, terms["term_id"]))
    most = len(gathered.var)
    columns = {
        "gene_at": _ends(np.bincount(genes["gene_id"], minlength=len(gathered.genes))),
        "gene_feature": whole(genes["number"].to_numpy()[order], most),
        "gene_rank": (rank + 128 * falls).astype(np.uint8)[order],
        "term_at": _ends(np.bincount(terms["term_id"], minlength=len(gathered.terms))),
        "term_feature": whole(terms["number"].to_numpy()[by_term], most),
        "term_flags": flags[by_term],
        "term_size": whole(gathered.terms["n_genes"], int(gathered.terms["n_genes"].max() or 0))
        if len(gathered.terms)
        else np.zeros(0, np.uint8),
    }
    return pack(
        columns,
        genes=list(gathered.genes),
        aliases=gathered.aliases,
        terms=gathered.terms["term"].tolist(),
        categories=gathered.terms["category"].tolist(),
        collections=gathered.terms["collection"].tolist(),
    )


def as_floats(values: ArrayLike) -> NDArray[np.float32]:
    """Numbers of four bytes; what is missing is NaN."""
    return np.asarray(values, dtype=float).astype(np.float32)


def minus_log10(p: ArrayLike) -> NDArray[np.float32]:
    """-log10 of p or q, so that the smallest keep their digits; infinite where p is 0."""
    with np.errstate(divide="ignore"):
        return (-np.log10(np.asarray(p, dtype=float)) + 0.0).astype(np.float32)


def _coded(values: pd.Series, levels: tuple[str, ...]) -> NDArray[np.uint8]:
    return pd.Categorical(values.astype(str), levels).codes.astype(np.uint8)


def _top_type(var: pd.DataFrame, types: list[str]) -> NDArray:
    named = var["top_cell_type"].astype(object).where(var["top_cell_type"].notna(), "")
    return pd.Index(types).get_indexer(pd.Index(named.astype(str))) + 1


def first_genes(gathered: Gathered) -> NDArray:
    """Places plus one of the first genes that rise, (n_features, N_SHOWN); 0 is none."""
    rows = gathered.leading
    rows = rows[(rows["leads"] != 2) & (rows["log2_fold"] > 0)]
    place = rows.groupby("number", sort=False).cumcount()
    found = np.zeros((len(gathered.var), N_SHOWN), dtype=np.int64)
    few = place < N_SHOWN
    found[rows["number"][few], place[few]] = rows["gene_id"][few] + 1
    return found


def _first_terms(gathered: Gathered) -> NDArray:
    """The first term of the corrected filter that rises, else the first of any."""
    rows = gathered.carried
    rises = (rows["flags"] & KEPT["kept_fdr"] > 0) & (rows["flags"] & UP > 0)
    ordered = pd.concat([rows[rises], rows[~rises]]).drop_duplicates("number")
    found = np.zeros(len(gathered.var), dtype=np.int64)
    found[ordered["number"]] = ordered["term_id"] + 1
    return found


def _rows(table: pd.DataFrame, numbers: range) -> pd.DataFrame:
    """Rows of some features; the table is in the order of the features."""
    start, end = table["number"].searchsorted([numbers.start, numbers.stop])
    return table.iloc[start:end]


def _places(table: pd.DataFrame, numbers: range) -> NDArray[np.uint32]:
    return _ends(np.bincount(table["number"] - numbers.start, minlength=len(numbers)))


def _ends(lengths: Any) -> NDArray[np.uint32]:
    """Where each of several lists begins, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(list(lengths))]).astype(np.uint32)
