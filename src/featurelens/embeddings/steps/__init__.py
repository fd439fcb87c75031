"""Steps on a bundle: a file each."""
