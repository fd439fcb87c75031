"""Features and the terms that they share: one space, one map, comparisons between SAEs."""
