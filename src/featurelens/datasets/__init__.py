"""Cells as users bring them: read, checked, counted."""
