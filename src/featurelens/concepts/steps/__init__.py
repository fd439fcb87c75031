"""Steps to the space of concepts: a file each."""
