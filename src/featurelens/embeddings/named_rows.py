"""Rows that carry the names of their cells, and are joined by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from featurelens.io import InputError


@dataclass(frozen=True, eq=False)
class NamedRows:
    """An embedding with the names of its cells."""

    values: np.ndarray
    """(n, d) float32."""
    names: pd.Index
    """Unique names, one a row."""
    path: str
    """The file."""

    def of(self, names: pd.Index, cells: str) -> np.ndarray:
        """Rows in the order of ``names``, (n, d).

        Raises
        ------
        InputError
            If either side has a cell that the other lacks; the first one is named.
        """
        for left, right, here, there in (
            (names, self.names, cells, self.path),
            (self.names, names, self.path, cells),
        ):
            missing = left[~left.isin(right)]
            if len(missing):
                raise InputError(
                    f"{there}: has no cell {str(missing[0])!r}, which {here} has "
                    f"({len(missing)} such cells); {self._advice(len(missing) == len(left))}"
                )
        return self.values[self.names.get_indexer(names)]

    def _advice(self, is_all: bool) -> str:
        """What to do where names are missing, all of them or some."""
        first = str(self.names[0]) if len(self.names) else ""
        if not is_all:
            return "make both from the same cells"
        if _is_number(first):
            return (
                f"its rows are called {first}, {self.names[min(1, len(self.names) - 1)]}, ..., as "
                "of a table without cell names; write it with adata.obs_names as its index"
            )
        return f"its names are like {first!r}; make both from the same cells"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
