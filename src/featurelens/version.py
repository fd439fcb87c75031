"""Version of the package, written into every result that says who made it."""

__version__ = "0.1.0"
