"""Cells with known truth."""
