"""Steps on the features of a source: a file each."""
