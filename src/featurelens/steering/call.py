"""Steering as one call, for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.embeddings.bundle import Bundle, read_bundle
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.io import InputError
from featurelens.means import Log
from featurelens.options import as_config
from featurelens.steering import records
from featurelens.steering.choices import require_live
from featurelens.steering.config import SteeringConfig
from featurelens.steering.edits import Edit, Edited, Operation, SparseAutoencoder
from featurelens.steering.movement import Centroids, movement
from featurelens.steering.stage import Stage
from featurelens.steering.targets import Target, activation_of, beyond

if TYPE_CHECKING:
    import anndata

    from featurelens.sae.model import SAE

GIVEN = "cells given"
"""Type of cells that were given by name or by a mask, while they are steered."""

OF_RUNS = (
    *("features", "rule", "quantile", "factor", "picture_factor", "n_local", "trajectory"),
    *("further_origins", "pictured", "local_types"),
)
"""Fields of the config that a call says otherwise."""


@dataclass(frozen=True, eq=False)
class Steered:
    """What :func:`steer` returns."""

    cells: pd.DataFrame
    """One row a steered cell: displacement, progress and efficiency towards the target's mean,
    nearest type before and after (:class:`featurelens.steering.movement.Movement`)."""
    before: np.ndarray
    """Their control, (n, d)."""
    after: np.ndarray
    """The edited cells, (n, d)."""
    genes: pd.DataFrame
    """Effects (:data:`featurelens.steering.genes.EFFECT_COLUMNS`), the largest first; empty where
    nothing decodes."""
    controls: pd.DataFrame
    """The edit among its controls (:class:`featurelens.steering.comparison.Comparison`)."""
    doses: pd.DataFrame
    """Movement over doses (:meth:`featurelens.steering.doses.Doses.follow`)."""
    dose_genes: pd.DataFrame
    """The ten strongest genes over the same doses."""
    remarks: tuple[str, ...]
    """What should be known of it, a line each."""


def steer(
    data: Bundle | anndata.AnnData | str | Path,
    sae: SAE | str | Path,
    feature: int | str | Sequence[int | str],
    cells: str | Sequence[str] | np.ndarray,
    *,
    to: str | float | Target | None = None,
    towards: str | None = None,
    operation: Operation = "set",
    convention: Convention | Literal["both"] = "corrected",
    others: Mapping[str, SparseAutoencoder] | None = None,
    obsm_key: str = "X_emb",
    cell_type: str = "cell_type",
    log: Log = print,
    **options: Any,
) -> Steered:
    """Edit a feature in some cells and see where they go and which genes follow.

    Parameters
    ----------
    data
        A bundle, its folder, or cells with an embedding in ``obsm[obsm_key]``, which without a
        decoder move in the embedding alone.
    sae
        The SAE of that embedding, or its folder.
    feature
        Its number; several are edited together.
    cells
        A cell type, names of cells, or a mask (n_cells,).
    to
        What the feature is set to, or what is added: the mean over a cell type, ``"maximum"`` over
        all cells, a number, or a :class:`featurelens.steering.targets.Target`. For ``multiply`` a
        number; not used by ``ablate``.
    towards
        Cell type that movement is measured towards; by default the type that ``to`` names.
    operation
        set, add, multiply or ablate.
    convention
        ``corrected``, ``published``, or both. Published drops the error of the SAE and compares
        with the original embedding.
    others
        SAEs whose most similar feature is a further control, by kind (untrained, frozen).
    cell_type
        Column of obs, of cells that are no bundle.
    options
        Any other field of :class:`featurelens.steering.config.SteeringConfig`, such as keep_error,
        selection, doses, donor, n_controls and seed.

    Raises
    ------
    InputError
        If something given cannot be used; one line says what and what to do.
    """
    bundle = _bundle(data, obsm_key, cell_type)
    model = _model(sae)
    bundle, origin = _with_origin(bundle, cells)
    numbers = _numbers(feature)
    target = _target(to, operation)
    towards = towards or target.cell_type
    labels = bundle.cells.obs["cell_type"].astype(str).to_numpy()
    if towards is None:
        raise InputError(
            "name the cell type that movement is measured towards: towards='...'; types are "
            + ", ".join(sorted(set(labels) - {origin}))
        )
    config = _config(options, origin=origin, target=towards, operation=operation)
    features = describe_features(
        model.encode_sparse(bundle.embedding), bundle.cells, FeatureConfig()
    )
    stage = Stage(model, bundle, features, config, log)
    edits, remarks = [], []
    for number in numbers:
        require_live(features, number)
        activation = activation_of(features.X, number)
        value = target.of(activation, labels)
        edits.append(Edit(number, operation, value))
        remark = beyond(value, activation) if operation == "set" else ""
        remarks += [f"feature {number}: {remark}"] if remark else []
    if stage.reading is None:
        remarks.append("nothing decodes this embedding: effects are in the embedding alone")
    for remark in remarks:
        log(f"note: {remark}")
    choice = {"feature": "+".join(map(str, numbers)), "role": "given", "cell_type": towards}
    steered = stage.apply(choice, edits, edits, remarks)
    null = stage.null(steered)
    comparison = stage.compare(steered, null, others or {})
    lines = list(comparison.lines())
    for line in lines:
        log(line)
    conventions = CONVENTIONS if convention == "both" else (convention,)
    genes = records.effects(stage, [steered], [null], comparison, conventions=conventions)
    doses, dose_genes = stage.doses(steered)
    shown = steered.published if convention == "published" else steered.corrected
    return Steered(
        cells=_cells(stage, shown),
        before=shown.before,
        after=shown.after,
        genes=genes.sort_values("log2_fold", key=np.abs, ascending=False, ignore_index=True),
        controls=comparison.table,
        doses=doses,
        dose_genes=dose_genes,
        remarks=(*remarks, *lines),
    )


def _bundle(data: Any, obsm_key: str, cell_type: str) -> Bundle:
    """A bundle of whatever was given."""
    import anndata

    if isinstance(data, Bundle):
        return data
    if isinstance(data, (str, Path)):
        return read_bundle(data)
    if obsm_key not in data.obsm:
        known = ", ".join(map(repr, data.obsm)) or "nothing"
        raise InputError(f"obsm has no {obsm_key!r}; it has {known}: name one as obsm_key")
    if cell_type not in data.obs:
        known = ", ".join(map(repr, data.obs))
        raise InputError(f"obs has no {cell_type!r}; it has {known}: name one as cell_type")
    obs = data.obs.copy()
    obs["cell_type"] = pd.Categorical(obs[cell_type].astype(str))
    if "batch" not in obs:
        obs["batch"] = "all"
    embedding = np.ascontiguousarray(data.obsm[obsm_key], dtype=np.float32)
    cells = anndata.AnnData(obs=obs, obsm={"X_emb": embedding})
    return Bundle(cells=cells, decoder=NoDecoder(), info={})


def _model(sae: Any) -> SAE:
    from featurelens.sae import model

    return model.load(sae) if isinstance(sae, (str, Path)) else sae


def _with_origin(bundle: Bundle, cells: Any) -> tuple[Bundle, str]:
    """The bundle with the chosen cells as one type, and the name of that type."""
    labels = bundle.cells.obs["cell_type"].astype(str)
    if isinstance(cells, str):
        return bundle, cells
    chosen = np.asarray(cells)
    if chosen.dtype == bool:
        if chosen.shape != (len(labels),):
            raise InputError(f"the mask of cells has shape {chosen.shape}, not ({len(labels)},)")
    else:
        absent = pd.Index(chosen.astype(str)).difference(labels.index)
        if len(absent):
            raise InputError(
                f"cell {absent[0]!r} is not among the cells ({len(absent)} such names); "
                "give a cell type, names of obs_names, or a mask"
            )
        chosen = labels.index.isin(chosen.astype(str))
    return replace(bundle, cells=_renamed(bundle.cells, labels.mask(chosen, GIVEN))), GIVEN


def _renamed(cells: anndata.AnnData, labels: pd.Series) -> anndata.AnnData:
    """The same cells of other types; matrices in files have no copies."""
    import anndata

    return anndata.AnnData(
        X=cells.X,
        obs=cells.obs.assign(cell_type=pd.Categorical(labels)),
        var=cells.var,
        uns=dict(cells.uns),
        obsm=dict(cells.obsm),
        varm=dict(cells.varm),
        layers=dict(cells.layers),
    )


def _numbers(feature: int | str | Sequence[int | str]) -> list[int]:
    given = [feature] if isinstance(feature, (int, str, np.integer)) else list(feature)
    try:
        return [int(number) for number in given]
    except ValueError:
        raise InputError(
            f"feature {feature!r} is no number; features are called by their numbers, from 0"
        ) from None


def _target(to: str | float | Target | None, operation: Operation) -> Target:
    if isinstance(to, Target):
        return to
    if operation == "ablate":
        return Target(rule="value", cell_type=to if isinstance(to, str) else None)
    if to is None:
        raise InputError(f"{operation} needs 'to': a cell type, 'maximum', or a number")
    if isinstance(to, str):
        if operation == "multiply":
            raise InputError(f"multiply takes a number, not {to!r}; set takes a cell type")
        return Target(rule="maximum") if to == "maximum" else Target(cell_type=to)
    return Target(rule="value", value=float(to))


def _config(options: dict[str, Any], **given: Any) -> SteeringConfig:
    """The stage's own config, of what was given and other options.

    Raises
    ------
    InputError
        If it has no such field, or may not have that value.
    """
    for name in sorted(set(OF_RUNS) & set(options)):
        raise InputError(f"steer: {name!r} is for runs; feature, cells and to say it; drop it")
    return as_config(SteeringConfig, options | given, "steer")


def _cells(stage: Stage, edited: Edited) -> pd.DataFrame:
    """Movement of every cell, towards means of types over all cells."""
    centroids = Centroids.of(stage.bundle.embedding, stage.labels)
    config = stage.config
    moved = movement(
        edited.before, edited.after, centroids, target=config.target, origin=config.origin
    )
    return pd.DataFrame(
        {
            **{name: getattr(moved, name) for name in ("displacement", "progress", "efficiency")},
            "nearest_before": centroids.nearest(edited.before),
            "nearest_after": centroids.nearest(edited.after),
            "activation_before": edited.original[:, 0],
            "activation_after": edited.changed[:, 0],
        },
        index=stage.features.obs_names[stage.rows],
    )
