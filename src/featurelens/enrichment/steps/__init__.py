"""Steps behind the tests of gene sets: a file each."""
