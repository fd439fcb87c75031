"""Geneformer, through the package transformers."""
