"""Several collections as one, from their compiled forms."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.genesets.compiling import TERM_COLUMNS, Collection, Counts
from featurelens.genesets.sets import GeneSets, Row


def unite(parts: Mapping[str, tuple[GeneSets, pd.DataFrame]]) -> Collection:
    """Put the sets of several collections into one.

    A set that stands in several with the same genes is kept once, from the first. Sets that share
    a name and not their genes are told apart by the collection, in brackets behind the name.

    Parameters
    ----------
    parts
        Name of a collection to its sets and its terms, of the same order
        (:func:`featurelens.genesets.compiling.compile_collection`).

    Returns
    -------
    Collection
        Sets in the order of the parts. terms: the columns of ``TERM_COLUMNS`` and collection, the
        part that a set is from. counts: of sets read from each part, and of those kept once.
    """
    genes: dict[str, set[frozenset[str]]] = {}
    for sets, _ in parts.values():
        for name, _, members in sets.rows:
            genes.setdefault(name, set()).add(frozenset(members))
    rows: list[Row] = []
    terms: list[pd.DataFrame] = []
    seen: set[str] = set()
    for part, (sets, table) in parts.items():
        known = table.set_index("term", drop=False)
        own = {name: name if len(genes[name]) == 1 else f"{name} ({part})" for name in sets.names}
        new = [row for row in sets.rows if own[row[0]] not in seen]
        rows += [(own[name], about, members) for name, about, members in new]
        kept = known.loc[[name for name, _, _ in new]].reset_index(drop=True)
        terms.append(kept.assign(term=[own[name] for name in kept["term"]], collection=part))
        seen |= set(own.values())
    together = GeneSets.of(rows)
    counts: Counts = {"source": "union"}
    counts |= {f"n_sets_of_{part}": len(sets.names) for part, (sets, _) in parts.items()}
    counts |= {"n_sets_in_several": sum(len(s.names) for s, _ in parts.values()) - len(rows)}
    counts |= {"n_sets": len(together.names), "n_genes": len(together.distinct)}
    table = pd.concat(terms, ignore_index=True)
    return Collection(together, table[[*TERM_COLUMNS, "collection"]], counts)
