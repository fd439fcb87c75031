"""Tables of a run, from the tables of its stages."""
