"""featurelens: what single-cell models have learned, one sparse feature at a time."""

__version__ = "0.1.0"
