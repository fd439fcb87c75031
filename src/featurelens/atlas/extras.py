"""GSEA, steering and terms confirmed on held-out cells, as plain JSON by feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from featurelens.atlas.material import Material

N_GENES = 20
"""Genes of a steered feature, those of the largest effects."""
N_SETS = 6
"""Gene sets of GSEA that are listed for each direction."""
N_CONFIRMED = 20
"""Terms of a feature that are listed with what held-out cells say of them."""


def extras(material: Material) -> dict[str, Any]:
    """GSEA and confirmation by collection and feature, steering by feature; or nothing of them."""
    gsea = {
        name: _gsea(collection.gsea, collection.running)
        for name, collection in material.collections.items()
        if collection.gsea is not None
    }
    confirmed = {
        name: _confirmed(collection.confirmed)
        for name, collection in material.collections.items()
        if collection.confirmed is not None
    }
    return {"gsea": gsea, "steering": _steering(material), "confirmed": confirmed}


def _confirmed(pairs: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Terms that one half of the cells declares for each feature, the surest first.

    Of each ``[term, rises, q in that half, p in the other, holds]``, null for what the other half
    could not test; ``counts`` are those declared, tested again and confirmed, ``chance`` the shares
    that other features and permuted cells confirm of them.
    """
    found = {}
    for feature, rows in pairs.groupby(pairs["feature"].astype(str), sort=False):
        ordered = rows.sort_values(["q", "term"], kind="stable")
        known = ordered["retested"].astype(bool)
        found[str(feature)] = {
            "counts": [len(rows), int(known.sum()), int(rows["confirmed"].sum())],
            "chance": [
                _short(ordered[f"confirmed_{null}"].mean()) for null in ("mismatched", "shuffled")
            ],
            "terms": [
                [
                    str(row.term),
                    row.direction == "up",
                    _short(row.q),
                    _short(row.p_confirm),
                    bool(row.confirmed) if row.retested else None,
                ]
                for row in ordered.head(N_CONFIRMED).itertuples()
            ],
        }
    return found


def _short(value: Any) -> float | None:
    """Three digits; None where there is no number."""
    return None if np.isnan(value) else float(f"{value:.3g}")


def _gsea(scores: pd.DataFrame, running: pd.DataFrame | None) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for feature, rows in scores.groupby(scores["feature"].astype(str), sort=False):
        ends = pd.concat([rows.head(N_SETS), rows.tail(N_SETS)]).drop_duplicates("term")
        columns = ["term", "n_genes", "es", "nes", "p", "fdr", "n_leading", "leading_edge"]
        found[str(feature)] = records(ends[columns])
    if running is not None:
        for (of, term), curve in running.groupby(["feature", "term"], sort=False):
            for entry in found.get(str(of), []):
                if entry["term"] == term:
                    entry["curve"] = _corners(curve)
    return found


def _corners(curve: pd.DataFrame) -> dict[str, Any]:
    """The running sum at each gene of the set and just before it: between them it falls evenly."""
    running, hit = curve["running"].to_numpy(float), curve["hit"].to_numpy(bool)
    at = np.flatnonzero(hit)
    corners = np.unique(np.concatenate([[0], at, np.maximum(at - 1, 0), [len(running) - 1]]))
    return {
        "n": len(running),
        "hits": at.tolist(),
        "x": corners.tolist(),
        "y": np.round(running[corners], 5).tolist(),
    }


def _steering(material: Material) -> dict[str, list[dict[str, Any]]]:
    """What steering chose a feature for, and the genes that change most with it."""
    selected = material.tables.get("steering_selected")
    effects = material.tables.get("steering_effects")
    if selected is None or effects is None or "feature" not in selected:
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    effects = effects[effects["convention"].astype(str) == "corrected"]
    # Without a decoder there is no row, and so no type of the column either.
    effects = effects.astype({"log2_fold": float})
    keys = [name for name in ("feature", "role") if name in selected and name in effects]
    for _, row in selected.iterrows():
        own = effects
        for key in keys:
            own = own[own[key].astype(str) == str(row[key])]
        own = own[np.isfinite(own["log2_fold"])]
        order = np.argsort(-own["log2_fold"].abs().to_numpy(), kind="stable")[:N_GENES]
        shown = ["gene", "mean_control", "mean_steered", "log2_fold", "p", "q"]
        genes = own.iloc[order][[name for name in shown if name in own]]
        entry: dict[str, Any] = {
            "facts": {str(name): value for name, value in row.items() if name != "feature"},
            "genes": records(genes.astype({"gene": str})),
        }
        if str(row.get("role")) == "global":
            entry["controls"] = _controls(material.tables.get("steering_controls"))
            entry["doses"] = _doses(material.tables.get("steering_doses"))
        found.setdefault(str(row["feature"]), []).append(entry)
    return found


def _controls(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """The steered feature and each kind of control: how many, their medians, how many exceed it."""
    if table is None or "feature" not in set(table["kind"]):
        return []
    own = float(table.loc[table["kind"] == "feature", "efficiency"].iloc[0])
    shown = ["efficiency", "specificity", "precision"]
    return [
        {
            "kind": str(kind),
            "n": len(rows),
            "n_above": int((rows["efficiency"] > own).sum()),
            **{name: float(rows[name].median()) for name in shown},
        }
        for kind, rows in table.groupby("kind", sort=False)
    ]


def _doses(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """How far the cells came at each dose of the edit; nothing where no doses were asked for."""
    if table is None or "dose" not in table:
        return []
    shown = ["dose", "activation", "beyond_range", "way", "way_low", "way_high", "share_arrived"]
    return records(table[shown].sort_values("dose"))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows by the names of the columns."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
