"""A random transformer that reads a cell as Geneformer does: its genes, the highest first."""

import numpy as np


def token_states(counts, *, d=8, length=12, seed=0):
    """States of the last layer and the cell of each, (n_tokens, d) and (n_tokens,).

    A token is a gene of a cell, at most ``length`` of the highest; two layers of two heads.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    genes, places = nn.Embedding(counts.shape[1], d), nn.Embedding(length, d)
    layer = nn.TransformerEncoderLayer(d, nhead=2, dim_feedforward=2 * d, batch_first=True)
    encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False).eval()
    states = []
    with torch.no_grad():
        for row in counts:
            order = np.argsort(-row, kind="stable")
            tokens = torch.as_tensor(order[row[order] > 0][:length].copy())
            read = genes(tokens) + places(torch.arange(len(tokens)))
            states.append(encoder(read[None])[0].numpy())
    cell = np.repeat(np.arange(len(states)), [len(each) for each in states])
    return np.concatenate(states), cell
