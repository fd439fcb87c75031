"""The table of annotation: shares beside their nulls, for every SAE and control."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from featurelens.tables.named import stack_named


def annotation_summary(
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
    dataset, model, sae, collection = name.split("/")
    return f"{dataset}/{model}/{sae}.{kind}/{collection}"
