"""Files of trained SAEs, one module a package that writes them.

Each has ``is_here(folder)``, whether the folder is of its form, and ``read(folder)``, which folds
what the package does when it encodes into :class:`featurelens.sae.folded.Folded`, or refuses what
cannot be folded by the name that it has in the file.
"""
