"""Edit features of the cells of one type, decode, and see where they go and which genes follow.

Paper section 5.2, author's ``supp_19_sc.py``. All cells of the type ``origin`` are encoded, a
feature is edited, and the SAE decodes. Published: the cell becomes what the SAE decodes and is
compared with the original embedding, so that the error of the SAE counts as an effect. Corrected:
the error cancels, and the edit stands beside controls. Both decode each cell with its own
covariates to its own library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from featurelens.io import require_same_names
from featurelens.means import Log
from featurelens.steering import records
from featurelens.steering.choices import choose
from featurelens.steering.config import SteeringConfig
from featurelens.steering.edits import SparseAutoencoder
from featurelens.steering.ranking import rank_features
from featurelens.steering.stage import Stage

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Study:
    """What steering did."""

    effects: pd.DataFrame
    """One row per feature, convention and gene (:data:`featurelens.steering.genes.EFFECT_COLUMNS`);
    empty where nothing decodes to expression."""
    trajectories: anndata.AnnData
    """Every steered cell: normal (its original embedding), steered (as drawn in the paper:
    published, ``picture_factor``) and corrected (as tested)."""
    selected: pd.DataFrame
    """The features, why they were chosen, what was done to them, shares of decoded values that
    were clipped."""
    controls: pd.DataFrame
    """The global feature among its controls, one row each
    (:func:`featurelens.steering.comparison.compare`)."""
    doses: pd.DataFrame
    """Movement of the global feature's cells over doses (:meth:`Doses.follow`)."""
    dose_genes: pd.DataFrame
    """The ten strongest genes over the same doses."""
    ranking: pd.DataFrame
    """Every live feature, set to its mean in the target
    (:func:`featurelens.steering.ranking.rank_features`)."""
    control_effects: anndata.AnnData
    """Controls x genes: log2 effects of every control among which genes were ranked."""


def steer_cells(
    sae: SparseAutoencoder,
    bundle: Bundle,
    features: anndata.AnnData,
    config: SteeringConfig,
    *,
    trajectories: Mapping[str, Any] | None = None,
    others: Mapping[str, SparseAutoencoder] | None = None,
    threads: int = 1,
    log: Log = print,
) -> Study:
    """Steer the cells of one type with one global and several local features.

    The global feature is set by ``rule`` from the target's cells, a local one from its own type's.

    Parameters
    ----------
    sae
        The SAE whose activations ``features`` describes.
    bundle
        Cells, embedding and decoder.
    features
        Of :func:`featurelens.features.describe.describe_features`.
    config
        Cells, target and strength.
    trajectories
        Those of the dataset by name, in plain form, of which the config may name one.
    others
        SAEs that are compared with it, by kind of control (untrained, frozen).
    threads
        Features worked on at once where all are; changes no result.
    log
        Takes one line at a time.

    Raises
    ------
    InputError
        If origin or target is not among the cell types or has too few cells, if a feature that is
        named is dead, or if features and bundle hold other cells.
    """
    require_same_names(
        features.obs_names, bundle.cells.obs_names, "the features", "the bundle's cells"
    )
    selected = choose(features, sae.directions, config, trajectories)
    stage = Stage(sae, bundle, features, config, log)
    if stage.reading is None:
        log("nothing decodes this embedding: effects are in the embedding alone, not on genes")
    edits = [stage.edit(dict(choice)) for _, choice in selected.iterrows()]
    for remark in (line for edit in edits for line in edit.remarks):
        log(f"warning: {remark}")
    nulls = [stage.null(edit) for edit in edits]
    comparison = stage.compare(edits[0], nulls[0], others or {})
    for line in comparison.lines():
        log(line)
    doses, dose_genes = stage.doses(edits[0])
    done = pd.DataFrame([records.told(stage, edit) for edit in edits], index=selected.index)
    return Study(
        effects=records.effects(stage, edits, nulls, comparison),
        trajectories=records.trajectories(stage, edits),
        selected=selected.join(done),
        controls=comparison.table.assign(feature=edits[0].name),
        doses=doses.assign(feature=edits[0].name),
        dose_genes=dose_genes.assign(feature=edits[0].name),
        ranking=rank_features(stage, threads=threads),
        control_effects=records.control_effects(stage, edits, nulls),
    )
