"""Genes tested between the high and the low cells of every feature."""
