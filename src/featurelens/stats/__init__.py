"""Statistics of many rows at once, on arrays."""
