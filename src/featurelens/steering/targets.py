"""The value that a feature is set to, by rule, and whether cells were ever seen to have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse

from featurelens.io import InputError
from featurelens.steering.config import FEWEST_CELLS

Rule = Literal["mean", "quantile", "maximum", "value"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A rule for a value: of the activations in some cells, times a factor."""

    rule: Rule = "mean"
    """mean and quantile: over all cells of the type, zeros included; maximum: of them; value:
    ``value`` itself."""
    cell_type: str | None = None
    """Whose cells; None takes all."""
    quantile: float = 0.95
    """Which one, for that rule."""
    value: float = 0.0
    """For that rule."""
    factor: float = 1.0
    """What the result is multiplied by."""

    def describe(self) -> str:
        """In words.

        Examples
        --------
        >>> Target(cell_type="B", factor=1.5).describe()
        '1.5 x the mean over B'
        >>> Target(rule="maximum").describe()
        'the maximum over all cells'
        """
        if self.rule == "value":
            text = f"{self.value:g}"
        else:
            what = f"{self.quantile:g} quantile" if self.rule == "quantile" else self.rule
            text = f"the {what} over {self.cell_type or 'all cells'}"
        return text if self.factor == 1 else f"{self.factor:g} x {text}"

    def of(self, activation: np.ndarray, cell_type: np.ndarray) -> float:
        """The value, from the activation of every cell (n,) and the cells' types (n,).

        Raises
        ------
        InputError
            If the type has too few cells.
        """
        if self.rule == "value":
            return self.factor * self.value
        if self.cell_type is not None:
            activation = activation[of_type(cell_type, self.cell_type)]
        found = {
            "mean": lambda: activation.mean(dtype=np.float64),
            "quantile": lambda: np.quantile(activation.astype(np.float64), self.quantile),
            "maximum": lambda: activation.max(),
        }[self.rule]()
        return self.factor * float(found)


def of_type(cell_type: np.ndarray, wanted: str, *, fewest: int = FEWEST_CELLS) -> np.ndarray:
    """Rows of the cells of a type.

    Raises
    ------
    InputError
        If there are fewer than ``fewest``.
    """
    labels = np.asarray(cell_type, dtype=str)
    rows = np.flatnonzero(labels == wanted)
    if len(rows) == 0:
        known = ", ".join(sorted(set(labels)))
        raise InputError(f"no cell is of type {wanted!r}; the types are {known}")
    if len(rows) < fewest:
        raise InputError(
            f"cell type {wanted!r} has {len(rows)} cells, {fewest} are the fewest to steer by; "
            "merge it with a type near to it or choose another one"
        )
    return rows


def activation_of(activations: sparse.csr_matrix | np.ndarray, feature: int) -> np.ndarray:
    """Activation of one feature in every cell, (n_cells,)."""
    column: Any = activations[:, feature]
    return np.asarray(column.toarray() if sparse.issparse(column) else column).ravel()


def beyond(value: float, activation: np.ndarray) -> str:
    """One line where a value lies outside what cells have, or nothing.

    Examples
    --------
    >>> beyond(3.0, np.array([0.0, 2.0]))
    '3 is 1.5 times the highest activation of any cell, 2: what follows is extrapolated'
    """
    highest = float(activation.max())
    if value > highest and highest > 0:
        return (
            f"{value:.3g} is {value / highest:.2g} times the highest activation of any cell, "
            f"{highest:.3g}: what follows is extrapolated"
        )
    if value < 0:
        return f"{value:.3g} is below zero, where no activation lies: zero is taken"
    return ""
