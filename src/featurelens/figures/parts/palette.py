"""Colours: the paper's own for its variables and architectures, and palettes that never repeat."""

import itertools

import numpy as np
from matplotlib.colors import Colormap, to_hex, to_rgb

VARIABLE_COLOURS = {
    "Y": "#b14c8d",
    "X''": "#0044ad",
    "X'": "#5176e8",
    "X": "#82A0FD",
    "A": "#417a78",
    "B": "#c5a862",
}
"""Hidden and observed variables in the paper's order and colours."""

VARIABLE_MARKERS = {"Y": "o", "X''": "X", "X'": "s", "X": "P", "A": "D", "B": "*"}
"""Markers of Figure 1C, in their filled forms so that an open marker can carry a second meaning."""

ARCHITECTURE_COLOURS = {"vanilla": "#7f7f7f", "relu": "lightseagreen", "topk": "darkorange"}
"""SAE architectures, in the paper's colours."""

ARCHITECTURE_LABELS = {"vanilla": "Vanilla", "relu": "ReLU", "topk": "TopK"}
"""Architecture names as the paper prints them."""

ARCHITECTURE_MARKERS = {"vanilla": "o", "relu": "s", "topk": "^"}
"""A second channel beside colour, for readers who see no hue."""

FALLBACK_COLOUR = "#4d4d4d"
"""For a variable or architecture that the paper does not have."""

_FIRST_COLOURS = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#1b2a5e", "#33bbee",
    "#661100", "#555555", "#92dadd", "#009988", "#832db6", "#d55e00",
)  # fmt: skip
"""In an order in which the nearest two of the first nine lie as far apart as can be, so that a few
categories do not meet in two blues; what is near to an earlier one comes last."""

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)


def activation_map() -> Colormap:
    """The paper's colour map of activations: pale is zero, dark is high (seaborn ``rocket_r``)."""
    # Here, because most figures need none of seaborn, which loads half of scipy.
    from seaborn.cm import rocket_r

    return rocket_r


def distinct_colours(count: int) -> list[str]:
    """``count`` different colours as hex; the first twelve are fixed and colour-blind-safe.

    Further colours are added one at a time, each the candidate that lies farthest from all chosen
    so far, where distance is the smaller of the Oklab distances seen with and without red-green
    blindness (deuteranopia as simulated by Machado et al. 2009). The order never depends on
    ``count``.
    """
    chosen = list(_FIRST_COLOURS[:count])
    if count <= len(_FIRST_COLOURS):
        return chosen
    candidates = _candidates()
    nearest = perceptual_distance(candidates, np.array([to_rgb(c) for c in chosen])).min(axis=1)
    while len(chosen) < count:
        best = int(nearest.argmax())
        chosen.append(to_hex(candidates[best]))
        new = perceptual_distance(candidates, candidates[best : best + 1])[:, 0]
        nearest = np.minimum(nearest, new)
    return chosen


def perceptual_distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Distances of two lists of sRGB colours, (n_left, 3) and (n_right, 3), as (n_left, n_right).

    The smaller of the distance in normal vision and under deuteranopia, in Oklab units
    (black to white is 1).
    """
    return np.minimum(
        _distance(_oklab(left), _oklab(right)),
        _distance(_oklab(left, _DEUTERANOPIA), _oklab(right, _DEUTERANOPIA)),
    )


def _candidates() -> np.ndarray:
    """A regular grid of sRGB colours, neither pale nor nearly black, (n_candidates, 3)."""
    grid = np.array(list(itertools.product(np.linspace(0, 1, 11), repeat=3)))
    lightness = _oklab(grid)[:, 0]
    return grid[(lightness > 0.25) & (lightness < 0.85)]


def _oklab(rgb: np.ndarray, vision: np.ndarray | None = None) -> np.ndarray:
    """Oklab coordinates (Ottosson 2020) of sRGB colours, (n, 3), after a linear vision filter."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if vision is not None:
        linear = np.clip(linear @ vision.T, 0, 1)
    return np.cbrt(linear @ _TO_LMS.T) @ _TO_OKLAB.T


def _distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.linalg.norm(left[:, None, :] - right[None, :, :], axis=2)
