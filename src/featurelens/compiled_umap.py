"""UMAP's loops compiled once: umap-learn compiles them anew in every process, for seven seconds."""

from __future__ import annotations

import warnings
from contextlib import suppress
from types import ModuleType

LOOPS = {
    "utils": ("fast_knn_indices",),
    "umap_": ("smooth_knn_dist", "compute_membership_strengths"),
    "layouts": ("_nb_optimize_layout_euclidean_single_epoch",),
}
"""What is compiled where a UMAP has a seed (umap-learn 0.5.12); a name that is gone is left out."""


def import_umap() -> ModuleType:
    """The package ``umap``, whose loops numba keeps on disk from their first use on.

    They lie in ``__pycache__`` beside the package, or in numba's own cache where that cannot be
    written; where neither can, they are compiled again.
    """
    with warnings.catch_warnings():
        # A variant of UMAP that is not used here wants TensorFlow.
        warnings.filterwarnings("ignore", message="Tensorflow not installed")
        import umap.layouts
        import umap.umap_
        import umap.utils
    for module, names in LOOPS.items():
        home = getattr(umap, module)
        for loop in filter(None, (getattr(home, name, None) for name in names)):
            with suppress(RuntimeError):  # numba's "no locator available"
                loop.enable_caching()
    return umap
