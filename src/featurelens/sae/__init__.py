"""Sparse autoencoders on one fixed matrix: configure, train many, measure, save, encode.

Way in: ``config`` (one SAE in words), ``training`` (many of them, and the store that remembers
them), ``model`` (a trained one), ``metrics``. Each architecture is one file in ``architectures``,
each way to run the same arithmetic one file in ``engines``. Nothing here knows cells or genes.
"""
