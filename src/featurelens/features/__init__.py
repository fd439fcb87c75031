"""What features do in cells: how often, where, how locally."""
