"""Edits of activations, and what they do to embeddings.

An edit changes some features in the activations z of every cell; the decoder of the SAE, which is
linear, turns the change into a displacement. With ``keep_error`` the embedding moves by
``decode(changed) - decode(original)``, so that what the SAE does not explain of a cell stays as it
is; without it the cell becomes ``decode(changed)``. A cell whose activations do not change keeps
its bytes under either.

In an SAE that keeps the k largest activations the selection may run before or after the edit.
``before``, the default: the encoder selects, then features are overwritten, and one more than k may
be active. ``after``: the edited features keep the values that they were given, and of the others as
many of the largest stay as there is room for, so that no more than k are active. Either way a
feature that is set stays set. Where features are selected by a threshold of their own, as in
BatchTopK SAEs at inference, no feature decides over another and both are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np

from featurelens.io import InputError

Operation = Literal["set", "add", "multiply", "ablate"]
Selection = Literal["before", "after"]


class SparseAutoencoder(Protocol):
    """What steering needs of an SAE."""

    @property
    def directions(self) -> np.ndarray:
        """Decoder rows, (d_sae, d_in)."""

    def encode(self, X: np.ndarray, /) -> np.ndarray:
        """Activations, (n, d_sae)."""

    def decode(self, codes: np.ndarray, /) -> np.ndarray:
        """Reconstructions, (n, d_in)."""


@dataclass(frozen=True)
class Edit:
    """What happens to one feature."""

    feature: int
    """Its number."""
    operation: Operation = "set"
    """set: to ``value``; add: ``value`` to it, at least zero is left; multiply: by ``value``;
    ablate: to zero."""
    value: float = 0.0
    """Not used by ablate."""

    def apply(self, activation: np.ndarray) -> np.ndarray:
        """The activation (n,) after the edit; never below zero.

        Examples
        --------
        >>> Edit(0, "add", -0.5).apply(np.array([0.0, 2.0]))
        array([0. , 1.5])
        """
        if self.operation == "ablate":
            return np.zeros_like(activation)
        if self.operation == "set":
            changed = np.full_like(activation, self.value)
        elif self.operation == "add":
            changed = activation + activation.dtype.type(self.value)
        else:
            changed = activation * activation.dtype.type(self.value)
        return np.maximum(changed, 0)


class Edited(NamedTuple):
    """Cells before and after an edit."""

    before: np.ndarray
    """The control, (n, d) float32: the embedding with ``keep_error``, else as the SAE decodes
    it."""
    after: np.ndarray
    """The edited cells, (n, d) float32."""
    original: np.ndarray
    """Activations of the edited features before, (n, n_edits)."""
    changed: np.ndarray
    """And after."""


def edit_cells(
    sae: SparseAutoencoder,
    X: np.ndarray,
    edits: Sequence[Edit],
    *,
    keep_error: bool = True,
    selection: Selection = "before",
    codes: np.ndarray | None = None,
) -> Edited:
    """Edit features of cells and decode.

    Parameters
    ----------
    X
        Embedding, (n, d).
    edits
        One or several, of different features.
    keep_error
        Whether what the SAE does not explain of a cell stays.
    selection
        When an SAE that keeps the k largest selects them.
    codes
        ``sae.encode(X)`` where it is known, (n, d_sae).

    Raises
    ------
    InputError
        If the SAE has no such feature, or one is edited twice.
    """
    X = np.asarray(X)
    codes = sae.encode(X) if codes is None else codes
    numbers = _numbers(edits, codes.shape[1])
    original = codes[:, numbers]
    changed = np.column_stack([edit.apply(codes[:, edit.feature]) for edit in edits])
    move = (changed.astype(np.float64) - original) @ sae.directions[numbers].astype(np.float64)
    if selection == "after" and _kept(sae) is not None:
        move += _make_room(sae, X, codes, numbers, changed)
    if getattr(sae, "row_units", None) is not None:
        move *= sae.unit_of_rows(X)  # type: ignore[attr-defined]
    before = X if keep_error else _decoded(sae, codes, X)
    moved = (move != 0).any(axis=1, keepdims=True)
    after = np.where(moved, (before + move).astype(before.dtype), before)
    return Edited(before=before, after=after, original=original, changed=changed)


def _decoded(sae: SparseAutoencoder, codes: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Reconstructions in the unit of the embedding, which an SAE may take from the rows alone."""
    if getattr(sae, "row_units", None) is None:
        return sae.decode(codes)
    return sae.decode(codes, X)  # type: ignore[call-arg]


def _numbers(edits: Sequence[Edit], d_sae: int) -> list[int]:
    numbers = [edit.feature for edit in edits]
    for number in numbers:
        if not 0 <= number < d_sae:
            raise InputError(f"no feature {number}: the SAE has {d_sae} features, 0 to {d_sae - 1}")
        if numbers.count(number) > 1:
            raise InputError(f"feature {number} is edited twice; give one edit a feature")
    if not edits:
        raise InputError("no feature to edit; name one or several")
    return numbers


def _kept(sae: SparseAutoencoder) -> int | None:
    """How many features stay per cell; None where nothing makes them compete."""
    if getattr(sae, "in_groups", False):
        raise InputError(
            "selection after is of SAEs that keep the k largest, and this one keeps the largest of "
            "each group; write selection: before"
        )
    k = getattr(sae, "k", None)
    return None if k is None or k >= len(sae.directions) else int(k)


def _make_room(
    sae: SparseAutoencoder, X: np.ndarray, codes: np.ndarray, edited: list[int], changed: np.ndarray
) -> np.ndarray:
    """What a second selection among the features that were not edited moves, (n, d).

    Where an edited feature comes in, the weakest of the others goes; where one goes, the strongest
    that was left out comes in. Nothing happens where as many are active as before.
    """
    k = _kept(sae)
    before = sae.before_selection(X)  # type: ignore[attr-defined]
    others = np.maximum(before, 0)
    others[:, edited] = 0
    room = np.maximum(k - (changed > 0).sum(axis=1), 0)
    taken = (codes[:, edited] > 0).sum(axis=1)
    order = np.argsort(-others, axis=1, kind="stable")
    ranked = np.take_along_axis(others, order, axis=1)
    ranked[np.arange(ranked.shape[1]) >= room[:, None]] = 0
    selected = np.zeros_like(others)
    np.put_along_axis(selected, order, ranked, axis=1)
    present = codes.copy()
    present[:, edited] = 0
    difference = selected.astype(np.float64) - present
    difference[taken == (changed > 0).sum(axis=1)] = 0
    return difference @ sae.directions.astype(np.float64)
