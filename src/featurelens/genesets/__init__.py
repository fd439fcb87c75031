"""Gene sets: from files of several forms to one collection, and laid over the genes of a data set.

``sets`` holds what a collection is, ``files`` reads GMT, YAML and JSON, ``ontology`` and
``annotations`` read the Gene Ontology, ``compiling`` makes of any source what later stages read,
``identifiers`` and ``overlay`` find its genes among those of a data set.
"""

__all__ = [
    "GeneSets",
    "Membership",
    "overlay",
    "read_gmt",
    "read_sets",
    "unique_symbols",
    "write_gmt",
]
