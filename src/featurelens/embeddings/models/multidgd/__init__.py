"""multiDGD, from its checkpoint."""
