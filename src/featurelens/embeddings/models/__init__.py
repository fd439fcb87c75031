"""Models that embed cells: a folder each, with ``config`` and ``fit``."""
