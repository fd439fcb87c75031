"""**Gene sets that steering changes.** For each steered feature under the corrected convention the
gene sets whose genes its edit changes most, one way or the other: effect is the probability that a
gene of the set is changed more than another one, z its Mann-Whitney score over genes. p is the rank
of z among those of the n_controls controls that move the same cells equally far, q Benjamini and
Hochberg's over the sets of a feature; z_controls, the root mean square of the controls' z, is 1
where the genes of a set change independently. The strongest of each feature are listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.membership import lay_over
from featurelens.enrichment.steered_terms import TERM_COLUMNS, steered_terms
from featurelens.genesets.files import read_gmt
from featurelens.options import build

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.genesets.sets import GeneSets

INPUTS = {
    "effects": "steering/{steered_annotated.source}/effects.parquet",
    "controls": "steering/{steered_annotated.source}/control_effects.h5ad",
    "sets": "genesets/{steered_annotated.collection}/sets.gmt",
}
PARAMS = {"enrichment": "{enrichment}", "most": 50}
READERS = {"sets": read_gmt}
TOGETHER = "cells"


def tabulate(
    effects: Mapping[str, pd.DataFrame],
    controls: Mapping[str, AnnData],
    sets: Mapping[str, GeneSets],
    *,
    enrichment: Mapping[str, Any],
    most: int,
) -> pd.DataFrame:
    """Gene sets of every steered feature.

    Parameters
    ----------
    effects, controls
        Name (dataset/model/sae/collection) to ``effects.parquet`` and ``control_effects.h5ad``
        (:class:`featurelens.steering.study.Study`).
    sets
        Name to the collection.
    enrichment
        Sizes of sets and universe, in plain form.
    most
        Sets of one feature that are listed.

    Returns
    -------
    DataFrame
        sae, position, role, and :data:`featurelens.enrichment.steered_terms.TERM_COLUMNS`; empty
        where nothing decodes.
    """
    config = build(EnrichmentConfig, enrichment)
    found = [
        _terms(effects[name], controls[name], sets[name], config, most).assign(
            sae=name, position=position
        )
        for position, name in enumerate(effects, start=1)
        if len(effects[name])
    ]
    columns = ["sae", "position", "role", *TERM_COLUMNS]
    if not found:
        return pd.DataFrame(columns=columns)
    return pd.concat(found, ignore_index=True)[columns]


def _terms(
    effects: pd.DataFrame, controls: AnnData, sets: GeneSets, config: EnrichmentConfig, most: int
) -> pd.DataFrame:
    """The strongest sets of every feature of one SAE."""
    membership = lay_over(controls.var, sets, config)
    corrected = effects[effects["convention"] == "corrected"]
    tables = []
    for feature, genes in corrected.groupby("feature", sort=False):
        mine = (controls.obs["feature"].astype(str) == str(feature)).to_numpy()
        effect = genes["log2_fold"].to_numpy(dtype=float)
        of_controls = np.asarray(controls.X[mine])
        terms = steered_terms(str(feature), effect, of_controls, membership).head(most)
        tables.append(terms.assign(role=str(genes["role"].iloc[0])))
    return pd.concat(tables, ignore_index=True)
