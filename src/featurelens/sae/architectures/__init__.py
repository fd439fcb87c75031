"""Architectures, one file each: a :class:`featurelens.sae.architecture.Architecture`."""
