"""Cells and a model in, one bundle out: embedding, decoder, and where both come from."""
