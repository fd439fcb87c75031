"""Gene sets: from files of several forms to one collection, and laid over the genes of a data set.

``sets`` holds what a collection is, ``formats`` the forms of users' files and ``read`` finds the
right one, ``files`` hands sets on between stages, ``ontology`` and ``annotations`` read the Gene
Ontology, ``compiling`` makes of any source what later stages read, ``identifiers`` and ``overlay``
find its genes among those of a data set.
"""
