"""Words by which concepts are looked for (paper Figure 3B)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from featurelens.conventions import Convention


def matches(terms: Sequence[str], probe: str, convention: Convention) -> NDArray[np.bool_]:
    """Which terms a probe finds, (n_terms,).

    ``published``: names that contain it, letter by letter (``mlcb_figure_3.py``), so that "ion"
    finds every "regulation". ``corrected``: names that contain it as whole words, in any case.

    Examples
    --------
    >>> terms = ["ion transport", "regulation"]
    >>> [matches(terms, "ion", convention).tolist() for convention in ("published", "corrected")]
    [[True, True], [True, False]]
    """
    if convention == "published":
        return np.array([probe in term for term in terms], dtype=bool)
    words = re.compile(rf"(?<![^\W_]){re.escape(probe)}(?![^\W_])", re.IGNORECASE)
    return np.array([words.search(term) is not None for term in terms], dtype=bool)
