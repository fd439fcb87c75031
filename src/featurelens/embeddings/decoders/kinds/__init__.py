"""Kinds of decoders, a file each, of the name that ``decoder.json`` gives as its type."""
