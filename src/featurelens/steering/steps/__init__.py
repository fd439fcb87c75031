"""Steps behind a study of steered cells: a file each."""
