"""Forms of files of gene sets, a module each, found by listing.

Each has ``ORDER`` (which is asked first), ``is_here(path, lines)``, whether a file with these first
lines is of its form, and ``read(path)``, its sets and what was cut or left out of them, counted.
"""
