"""featurelens: what single-cell models have learned, one sparse feature at a time.

The calls for a notebook are :func:`featurelens.annotate`, :func:`featurelens.compare` and
:func:`featurelens.steer`; everything else is imported from the module that it belongs to. Importing
the package itself loads no library, and tells those that are loaded later how to compute
(:mod:`featurelens.portable`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from featurelens.caches import find_cache
from featurelens.portable import pin_this_process, warn_of

if TYPE_CHECKING:
    from featurelens.dge.config import DgeConfig
    from featurelens.enrichment.config import EnrichmentConfig
    from featurelens.features.compare import compare
    from featurelens.genesets.config import CollectionConfig
    from featurelens.sae.config import SAEConfig
    from featurelens.scfeaturelens import annotate
    from featurelens.steering.call import steer
    from featurelens.version import __version__

__all__ = [
    "CollectionConfig",
    "DgeConfig",
    "EnrichmentConfig",
    "SAEConfig",
    "__version__",
    "annotate",
    "compare",
    "steer",
]

_HOMES = {
    "annotate": "featurelens.scfeaturelens",
    "compare": "featurelens.features.compare",
    "steer": "featurelens.steering.call",
    "CollectionConfig": "featurelens.genesets.config",
    "DgeConfig": "featurelens.dge.config",
    "EnrichmentConfig": "featurelens.enrichment.config",
    "SAEConfig": "featurelens.sae.config",
    "__version__": "featurelens.version",
}
"""Module of each public name, imported when the name is first used."""

_EARLY = pin_this_process()
find_cache()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not name.startswith("_"):
        warn_of(_EARLY)
    return getattr(import_module(_HOMES[name]), name)
