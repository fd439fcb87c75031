"""Local features of every cell type, how many of them carry gene sets, and which most often (the
paper names local features of three B-cell types by their terms).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pandas as pd

from featurelens.concepts.config import Direction
from featurelens.concepts.space import every_filter
from featurelens.conventions import Convention
from featurelens.features import lists
from featurelens.features.activations import read_without_activations
from featurelens.features.locality import local_types
from featurelens.places import Place

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {
    "kept": "concepts/{annotated}/kept_terms.parquet",
    "features": "features/{saes}/features.h5ad",
}
READERS = {"features": read_without_activations}
PARAMS = {"direction": "{concepts.direction}", "most": 5}
COLUMNS = (*("sae", "convention", "filter", "cell_type", "n_local", "n_annotated", "terms"),)


def tabulate(
    kept: Mapping[str, pd.DataFrame],
    features: Mapping[str, AnnData],
    *,
    direction: Direction,
    most: int,
) -> pd.DataFrame:
    """Annotated local features by cell type.

    Parameters
    ----------
    kept
        Name (dataset/model/sae/collection) to the table of ``concepts.kept_terms``.
    features
        Name (dataset/model/sae) to ``features.h5ad``.
    direction
        Which corrected annotations count.
    most
        Terms that are listed.

    Returns
    -------
    DataFrame
        sae, convention, filter, cell_type, n_local, n_annotated (of these, that carry a term) and
        terms (those that most of them carry); types without a local feature
        stand with 0.
    """
    rows = []
    for sae, label, matrix in every_filter(kept, direction):
        adata = features[Place.parse(sae).source]
        local = local_types(adata, cast(Convention, label["convention"]))
        carried = pd.Series(range(len(matrix.features)), index=list(matrix.features))
        for cell_type in map(str, adata.uns["cell_types"]):
            own = local.index[local == cell_type].astype(str)
            columns = carried.reindex(own).dropna().astype(int).to_numpy()
            found = matrix.matrix[columns]
            counts = Counter(dict(zip(matrix.terms, found.getnnz(axis=0).tolist(), strict=True)))
            common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
            rows.append(
                {"sae": sae, "convention": label["convention"], "filter": label["filter"]}
                | {"cell_type": cell_type, "n_local": len(own), "n_annotated": len(columns)}
                | {"terms": lists.join(lists.entry(term) for term, n in common if n)}
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))
