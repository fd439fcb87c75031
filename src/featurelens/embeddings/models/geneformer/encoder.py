"""Hidden states of a Geneformer model, from tokens to one vector a cell.

Geneformer runs its whole masked language model and keeps one hidden state. Here the layers above
that state and the head over the vocabulary are never made, and attention over padding is masked,
so the states are the same and the work is less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from featurelens.embeddings.models.geneformer.config import GeneformerModel
from featurelens.embeddings.models.geneformer.pooling import pool
from featurelens.embeddings.models.geneformer.tokens import Tokens
from featurelens.embeddings.models.geneformer.weights import ModelFiles
from featurelens.embeddings.named_rows import NamedRows
from featurelens.embeddings.packages import how_to_get
from featurelens.io import InputError
from featurelens.progress import Progress

if TYPE_CHECKING:
    import torch


TOKENS_PER_BATCH = {"cpu": 2048, "cuda": 65_536}
"""What is fast: caches of a CPU hold little, and a GPU wants work."""


def n_layers_below(files: ModelFiles, layer: int) -> int:
    """Number of layers up to a hidden state: 0 is the last one, -1 the second to last.

    Geneformer takes ``hidden_states[n_layers + layer]``, and ``hidden_states[0]`` are the
    embeddings before the first layer.

    Raises
    ------
    InputError
        If the model has not that many layers.
    """
    n_layers = files.architecture.size.num_hidden_layers
    if n_layers + layer < 0:
        raise InputError(
            f"layer of geneformer is {layer}, but the model of {files.folder} has {n_layers} "
            f"layers; give 0 to {-n_layers}"
        )
    return n_layers + layer


def load_encoder(files: ModelFiles, *, layer: int, device: str) -> Any:
    """Load the model up to a hidden state, in float32.

    Raises
    ------
    InputError
        If transformers is not installed, or there is no such device or layer.
    """
    import torch

    n_layers = n_layers_below(files, layer)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("geneformer is to run on cuda, but torch sees no GPU; run it on cpu")
    with _quiet_transformers() as transformers:
        config = transformers.BertConfig.from_pretrained(files.folder)
        config.num_hidden_layers = n_layers
        encoder = transformers.BertModel.from_pretrained(
            files.folder,
            config=config,
            add_pooling_layer=False,
            dtype=torch.float32,
            local_files_only=True,
        )
    return encoder.eval().to(device)


def embed_tokens(
    encoder: Any,
    tokens: Tokens,
    *,
    padding: int,
    pooling: str,
    special: bool,
    tokens_per_batch: int,
    log: Callable[[str], None],
) -> NamedRows:
    """Embed cells, the longest first, so that cells of like length share a batch.

    Parameters
    ----------
    encoder
        From :func:`load_encoder`.
    tokens
        Of all cells.
    padding
        Token that fills up shorter cells.
    pooling, special
        As :func:`featurelens.embeddings.models.geneformer.pooling.pool` takes them.
    tokens_per_batch
        Most tokens of a batch, padding included; a longer cell is a batch of its own.

    Returns
    -------
    NamedRows
        Embeddings in the order in which they were made, each with the name of its cell.
    """
    import torch

    order = np.argsort(-tokens.lengths, kind="stable")
    values = np.empty((len(order), encoder.config.hidden_size), dtype=np.float32)
    progress = Progress(log, int(tokens.lengths.sum()), "tokens", "")
    with torch.inference_mode():
        for batch in batches(tokens.lengths[order], tokens_per_batch):
            states, lengths = _forward(encoder, tokens, order[batch], padding)
            pooled = pool(states, lengths, pooling=pooling, special=special)
            values[batch] = pooled.cpu().numpy()
            progress.what = f"{batch.stop:,} of {len(order):,} cells embedded"
            progress.advance(int(tokens.lengths[order[batch]].sum()))
    log(f"{len(order):,} of {len(order):,} cells embedded")
    return NamedRows(values, tokens.names[order], "the embedding")


def batches(lengths: np.ndarray, tokens_per_batch: int) -> Iterator[slice]:
    """Runs of cells, sorted from the longest down, that fit into a batch when padded."""
    first = 0
    while first < len(lengths):
        last = min(first + max(1, tokens_per_batch // int(lengths[first])), len(lengths))
        yield slice(first, last)
        first = last


def _forward(
    encoder: Any, tokens: Tokens, rows: np.ndarray, padding: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states (n_cells, n_tokens, d) of some cells, and their lengths (n_cells,)."""
    import torch

    lengths = tokens.lengths[rows]
    padded = np.full((len(rows), lengths.max()), padding, dtype=np.int64)
    for place, row in enumerate(rows):
        padded[place, : lengths[place]] = tokens.of(row)
    ids = torch.from_numpy(padded).to(encoder.device)
    n_tokens = torch.from_numpy(lengths).to(encoder.device)
    mask = None
    if lengths.min() < lengths.max():
        mask = torch.arange(padded.shape[1], device=encoder.device) < n_tokens[:, None]
    return encoder(input_ids=ids, attention_mask=mask).last_hidden_state, n_tokens


@contextmanager
def _quiet_transformers() -> Iterator[Any]:
    """Give transformers without its bars and its list of the weights that are left out here."""
    try:
        import transformers
    except ImportError:
        raise InputError(
            f"geneformer needs the package transformers; {how_to_get(GeneformerModel)}"
        ) from None
    logging = transformers.utils.logging
    before, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield transformers
    finally:
        logging.set_verbosity(before)
        if had_bars:
            logging.enable_progress_bar()
