"""What is measured on the points of a sweep: a file each."""
