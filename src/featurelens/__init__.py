"""featurelens: what single-cell models have learned, one sparse feature at a time.

The one call for an embedding of one's own is :func:`featurelens.annotate`; everything else is
imported from the module that it belongs to. Importing the package itself loads no library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from featurelens.cell_sets import DgeConfig
    from featurelens.enrichment import EnrichmentConfig
    from featurelens.genesets.config import CollectionConfig
    from featurelens.own_data import annotate
    from featurelens.sae.config import SAEConfig

__version__ = "0.1.0"
__all__ = [
    "CollectionConfig",
    "DgeConfig",
    "EnrichmentConfig",
    "SAEConfig",
    "__version__",
    "annotate",
]

_HOMES = {
    "annotate": "featurelens.own_data",
    "CollectionConfig": "featurelens.genesets.config",
    "DgeConfig": "featurelens.cell_sets",
    "EnrichmentConfig": "featurelens.enrichment",
    "SAEConfig": "featurelens.sae.config",
}
"""Module of each public name, imported when the name is first used."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
