"""One vector a cell out of one vector a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def pool(
    states: torch.Tensor, lengths: torch.Tensor, *, pooling: str, special: bool
) -> torch.Tensor:
    """Summarise the hidden states of the tokens of each cell.

    Parameters
    ----------
    states
        (n_cells, n_tokens, d).
    lengths
        Tokens of each cell, padding excluded, (n_cells,).
    pooling
        ``cell``: mean over the gene tokens, without padding and special tokens. ``cls``: state of
        the first token.
    special
        Whether a special token comes before the genes and another one after them.

    Returns
    -------
    torch.Tensor
        (n_cells, d), as Geneformer's ``emb_mode`` of the same name gives it.
    """
    import torch

    if pooling == "cls":
        return states[:, 0]
    places = torch.arange(states.shape[1], device=states.device)
    first = 1 if special else 0
    genes = (places >= first) & (places < lengths[:, None] - first)  # (n_cells, n_tokens)
    weights = genes.to(states.dtype) / genes.sum(dim=1, keepdim=True)
    return torch.bmm(weights[:, None], states).squeeze(1)
