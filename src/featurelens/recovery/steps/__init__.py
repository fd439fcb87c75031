"""Steps that measure a simulation: a file each."""
