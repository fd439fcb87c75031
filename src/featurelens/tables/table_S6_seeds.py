"""**Table S6, over seeds.** Mean numbers of live, local, regional, global and dead features, and of
features active in a cell, over SAEs that differ by their seed alone, under both rules of locality.
``se_published`` divides the deviation of the seeds themselves (n in its denominator) by the root
of their number, as the author does; ``se`` is the standard error of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.features.activations import read_without_activations
from featurelens.features.sources import parse_source
from featurelens.places import Place
from featurelens.tables import table_S6

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {"features": "features/{seeded}/features.h5ad"}
READERS = {"features": read_without_activations}
PARAMS = {"relatives": "{relatives}"}
TOGETHER = "cells"
QUANTITIES = (
    *("live", "local", "regional", "global", "global_paper", "dead"),
    *("share_live", "share_local", "active_per_cell"),
)


def tabulate(features: Mapping[str, AnnData], *, relatives: Mapping[str, str]) -> pd.DataFrame:
    """Means over seeds of what Table S6 counts.

    Parameters
    ----------
    features
        Name (dataset/model/sae) to ``features.h5ad``; at least two of every family.
    relatives
        Of :func:`featurelens.features.sources.relatives`.

    Returns
    -------
    DataFrame
        sae (the family: its name without seeds), convention, quantity (of
        :data:`featurelens.tables.table_S6`), n_seeds, mean, se_published (population deviation
        over the root of n_seeds), se (n_seeds - 1 in its place), min and max.
    """
    table = table_S6.tabulate(features)
    table["sae"] = [family_of(name, relatives) for name in table["sae"]]
    long = table.melt(
        ["sae", "convention"], list(QUANTITIES), var_name="quantity", value_name="value"
    )
    grouped = long.groupby(["sae", "convention", "quantity"], sort=False)["value"]
    n = grouped.size()
    found = pd.DataFrame(
        {
            "n_seeds": n,
            "mean": grouped.mean(),
            "se_published": grouped.std(ddof=0) / n**0.5,
            "se": grouped.std(ddof=1) / n**0.5,
            "min": grouped.min(),
            "max": grouped.max(),
        }
    )
    return found.reset_index()


def family_of(name: str, relatives: Mapping[str, str]) -> str:
    """What an SAE shares with those that differ by their seed alone.

    Examples
    --------
    >>> family_of("blood/pca/topk.seed1", {"topk": "topk"})
    'blood/pca/topk'
    """
    place = Place.parse(name)
    return f"{place.embedding}/{parse_source(place.sae).family(relatives)}"
