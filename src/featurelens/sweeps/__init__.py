"""Grids of SAEs: points, stacks, and what is measured on them."""
