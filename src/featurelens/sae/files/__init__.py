"""Files of trained SAEs, one module a package that writes them.

Each has ``read(saved)``, which folds what the package does when it encodes into
:class:`featurelens.sae.folded.Folded`, or refuses what cannot be folded by the name that it has in
the file. A form is known by the names of its files, ``is_here(saved)``, and where there are none
by those of its tensors, ``is_of(tensors)``. ``saved`` is :class:`featurelens.sae.saved.Saved`.
"""
