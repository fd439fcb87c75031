"""How many live features carry at least one gene set, in every contrast, convention and filter,
and how many would under four nulls that run the same code: activations permuted over all cells
within batch (complete), within cell type and batch (beyond type), genes that exchange their
statistics (genes), and genes that are permuted over cells singly (singly). p05_mannwhitney and
p05_calibrated are the shares of p below .05 among permuted cells, as tested and calibrated: one in
twenty if p is what it says. Genes were tested on the expression that its column names: decoded by
the model, decoded by a surrogate that was fitted afterwards, or measured; share_measured is the
share of the same features on counts where a model decoded. The verdict says what explains the
share: a null that reaches half of it, or, of decoded expression, counts that lack it. n_annotated
and terms_per_feature_mean count terms of any direction; n_annotated_up and
terms_per_feature_mean_up those alone that the high cells have more of, which Figures 3 and S29 show
of the corrected filter. A filter that keeps nothing says why. share_random_genes is the share that
random lists of as many genes of the same universe would annotate by their hits, and attention says
where these genes are too few to tell. share_confirmed, where that was asked for, is the share of
terms declared on one half of the cells that hold on the other, beside the same of other features
(mismatched) and of permuted cells (shuffled).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from featurelens.places import Place
from featurelens.tables.stacked import stack_named

INPUTS = {
    "summaries": "enrichment/{annotated}/summary.tsv",
    "controls": "enrichment/{beside}/summary.tsv?",
}


def tabulate(
    summaries: Mapping[str, pd.DataFrame], controls: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """How much of each SAE is annotated, in every contrast, convention and filter, with its nulls.

    Parameters
    ----------
    summaries
        Name (dataset/model/sae/collection) to ``summary.tsv``
        (:func:`featurelens.enrichment.summary.summarise`).
    controls
        The same of controls: that of sae has the name dataset/model/sae.untrained/collection, and
        so with sae.random.

    Returns
    -------
    DataFrame
        sae, position, the columns of the summary, and share_untrained and share_random: the share
        of an SAE with its initial weights and of random directions; NaN where this run has none.
    """
    table = stack_named(summaries, "sae")
    keys = ["contrast", "convention", "filter"]
    for kind in ("untrained", "random"):
        shares = {
            name: control.set_index(keys)["share"].to_dict()
            for name in summaries
            if (control := (controls or {}).get(_control_of(name, kind))) is not None
        }
        table[f"share_{kind}"] = [
            shares.get(row["sae"], {}).get(tuple(row[key] for key in keys), np.nan)
            for row in table.to_dict("records")
        ]
    return table


def _control_of(name: str, kind: str) -> str:
    place = Place.parse(name)
    return str(replace(place, sae=f"{place.sae}.{kind}"))
