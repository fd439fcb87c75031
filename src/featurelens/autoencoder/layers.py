"""Sizes of the layers of an autoencoder, and how many weights they have."""

from __future__ import annotations

from itertools import pairwise

from featurelens.autoencoder.config import AutoencoderConfig


def layer_sizes(n_genes: int, latent: int, *, depth: int, width: str) -> list[int]:
    """Sizes from the genes to the embedding, both included: depth + 1 numbers.

    At 20,000 genes these are the author's. ``wide``: evenly spaced from ``n_genes / 2`` to
    ``latent``, the ends left out. ``narrow``: ``max(150, 2 latent)``, before it one layer of
    ``max(1000, 2 latent)`` when depth exceeds 2. The author's 150 and 1000 belong to 20,000 genes;
    for other numbers of genes they are scaled with them, so that narrow stays narrower than wide.
    """
    if depth == 1:
        hidden = []
    elif width == "wide":
        step = (n_genes // 2 - latent) / depth
        hidden = [int(layer * step + latent) for layer in range(depth - 1, 0, -1)]
    else:
        first, later = n_genes // 20, 3 * n_genes // 400
        hidden = [max(first, 2 * latent)] if depth > 2 else []
        hidden += [max(later, 2 * latent)] * (depth - 1 - len(hidden))
    return [n_genes, *hidden, latent]


def count_weights(n_genes: int, config: AutoencoderConfig) -> int:
    """How many weights and biases an autoencoder has, encoder and decoder together."""
    return sum((d_in + 1) * d_out for d_out, d_in in layer_shapes(n_genes, config))


def layer_shapes(n_genes: int, config: AutoencoderConfig) -> list[tuple[int, int]]:
    """(d_out, d_in) of every Linear layer, encoder first."""
    sizes = layer_sizes(n_genes, config.latent, depth=config.depth, width=config.width)
    encoder = [(d_out, d_in) for d_in, d_out in pairwise(sizes)]
    return encoder + [(d_in, d_out) for d_out, d_in in reversed(encoder)]
