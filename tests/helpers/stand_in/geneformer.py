"""A model of Geneformer's form, and its dictionaries, as pickles.

Genes of one program have like word embeddings, as in a trained model; all other weights are random.
What such a transformer makes of a cell depends on which genes it reads in which order, so that its
embedding separates cell types.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy import sparse

from stand_in.genes import programs

SPECIAL = ("<pad>", "<mask>", "<cls>", "<eos>")


@dataclass(frozen=True)
class Shape:
    """Sizes: a quarter of the width of gf-20L-95M-i4096, and two of its twenty layers."""

    layers: int = 2
    width: int = 224
    heads: int = 7
    inner: int = 64
    positions: int = 4096


def write_model(
    folder: Path,
    vocabulary: int,
    shape: Shape,
    *,
    alike: Sequence[Sequence[int]] = (),
    seed: int = 0,
) -> None:
    """Write ``config.json`` and ``model.safetensors`` of a BERT model with random weights.

    Word embeddings of the tokens that stand together in ``alike`` share a random direction.
    """
    rng = np.random.default_rng(seed)
    d, inner = shape.width, shape.inner
    config = {
        "architectures": ["BertForMaskedLM"], "attention_probs_dropout_prob": 0.02,
        "hidden_act": "relu", "hidden_dropout_prob": 0.02, "hidden_size": d,
        "initializer_range": 0.02, "intermediate_size": inner, "layer_norm_eps": 1e-12,
        "max_position_embeddings": shape.positions, "model_type": "bert",
        "num_attention_heads": shape.heads, "num_hidden_layers": shape.layers, "pad_token_id": 0,
        "position_embedding_type": "absolute", "type_vocab_size": 2, "vocab_size": vocabulary,
    }  # fmt: skip

    def drawn(*size: int) -> np.ndarray:
        return rng.normal(0, 0.05, size).astype(np.float32)

    def layer_norm(name: str) -> dict[str, np.ndarray]:
        ones, zeros = np.ones(d, dtype=np.float32), np.zeros(d, dtype=np.float32)
        return {f"{name}.weight": ones, f"{name}.bias": zeros}

    def linear(name: str, n_out: int, n_in: int) -> dict[str, np.ndarray]:
        return {f"{name}.weight": drawn(n_out, n_in), f"{name}.bias": drawn(n_out)}

    words = drawn(vocabulary, d)
    for tokens in alike:
        words[list(tokens)] += 2 * drawn(1, d)
    tensors = {
        "bert.embeddings.word_embeddings.weight": words,
        "bert.embeddings.position_embeddings.weight": drawn(shape.positions, d) / 5,
        "bert.embeddings.token_type_embeddings.weight": drawn(2, d),
        "cls.predictions.bias": np.zeros(vocabulary, dtype=np.float32),
    }
    tensors |= layer_norm("bert.embeddings.LayerNorm")
    for number in range(shape.layers):
        layer = f"bert.encoder.layer.{number}"
        for part in ("query", "key", "value"):
            tensors |= linear(f"{layer}.attention.self.{part}", d, d)
        tensors |= linear(f"{layer}.attention.output.dense", d, d)
        tensors |= linear(f"{layer}.intermediate.dense", inner, d)
        tensors |= linear(f"{layer}.output.dense", d, inner)
        tensors |= layer_norm(f"{layer}.attention.output.LayerNorm")
        tensors |= layer_norm(f"{layer}.output.LayerNorm")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def write_dictionaries(
    folder: Path, ids: Sequence[str], counts: sparse.csr_matrix
) -> tuple[int, list[list[int]]]:
    """Write the three dictionaries of series gc95M for the genes of some counts.

    The model knows the genes of the programs, but for every twentieth, and every tenth of the
    others, so that cells are short. Medians are those of the non-zero counts per 10,000 of these
    very cells, as numpy's scalars.

    Returns
    -------
    size, alike
        Size of the vocabulary, and the tokens of each program.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_of_programs = sum(map(len, programs().values()))
    known = [column for column in range(n_of_programs) if column % 20 != 19]
    known += range(n_of_programs, len(ids), 10)
    rates = sparse.csc_matrix(counts.multiply(1e4 / counts.sum(axis=1)))
    medians = {}
    for column in known:
        values = rates.data[rates.indptr[column] : rates.indptr[column + 1]]
        medians[ids[column]] = np.float64(np.median(values)) if len(values) else np.float64(1.0)
    tokens = {name: token for token, name in enumerate([*SPECIAL, *(ids[c] for c in known)])}
    mapping = {ids[column]: ids[column] for column in known}
    for name, content in (
        ("token_dictionary", tokens), ("gene_median_dictionary", medians),
        ("ensembl_mapping_dict", mapping),
    ):  # fmt: skip
        (folder / f"{name}_gc95M.pkl").write_bytes(pickle.dumps(content))
    place = iter(ids)  # genes of the programs come first, in their order
    own = [[tokens.get(next(place)) for _ in genes] for genes in programs().values()]
    return len(tokens), [[token for token in each if token is not None] for each in own]
