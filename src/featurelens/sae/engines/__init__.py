"""Engines, one file each: a :class:`featurelens.sae.engine.Engine`."""
