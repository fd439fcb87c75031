"""Small Geneformer models and dictionaries on disk, in the forms that real ones have."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from featurelens.embeddings.models.geneformer.config import GeneformerModel

SHARED = Path(__file__).parents[3] / "shared" / "data"
V1 = {
    "tokens": SHARED / "geneformer/token_dictionary_gc30M.json.gz",
    "medians": SHARED / "geneformer/gene_median_dictionary_gc30M.json.gz",
}
PBMC = SHARED / "cells/pbmc_facs.h5ad"
GENES = [f"ENSG{number:011d}" for number in range(1, 7)]


def write_json(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def write_dictionaries(folder, series, *, n_genes=6, medians=None):
    """Invented dictionaries of the form of a series; no real one of V2 is freely at hand.

    Gene number i has the id ``ENSG0000000000i`` and, in V1, token i + 1, in V2 token i + 3.
    """
    genes = [f"ENSG{number:011d}" for number in range(1, n_genes + 1)]
    special = ["<pad>", "<mask>"] if series == "V1" else ["<pad>", "<mask>", "<cls>", "<eos>"]
    medians = medians or {gene: 1 + 0.5 * place for place, gene in enumerate(genes)}
    return {
        "tokens": write_json(
            folder / f"tokens_{series}.json",
            {name: token for token, name in enumerate([*special, *genes])},
        ),
        "medians": write_json(folder / f"medians_{series}.json", medians),
    }


def bert_config(vocabulary, *, layers=2, width=8, heads=2, inner=16, positions=2048):
    """What ``config.json`` of a Geneformer model holds, with other sizes."""
    return {
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.02,
        "hidden_act": "relu",
        "hidden_dropout_prob": 0.02,
        "hidden_size": width,
        "initializer_range": 0.02,
        "intermediate_size": inner,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": positions,
        "model_type": "bert",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "type_vocab_size": 2,
        "vocab_size": vocabulary,
    }


def write_zeros(folder, config):
    """A folder with the names and shapes of a BERT model and zeros for weights."""
    folder.mkdir(exist_ok=True)
    d, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "bert.embeddings.word_embeddings.weight": (config["vocab_size"], d),
        "bert.embeddings.position_embeddings.weight": (config["max_position_embeddings"], d),
        "bert.embeddings.token_type_embeddings.weight": (2, d),
        "bert.embeddings.LayerNorm.weight": (d,),
        "bert.embeddings.LayerNorm.bias": (d,),
        "cls.predictions.bias": (config["vocab_size"],),
    }
    for layer in range(config["num_hidden_layers"]):
        for part, shape in {
            "attention.self.query": (d, d),
            "attention.self.key": (d, d),
            "attention.self.value": (d, d),
            "attention.output.dense": (d, d),
            "attention.output.LayerNorm": (d,),
            "intermediate.dense": (inner, d),
            "output.dense": (d, inner),
            "output.LayerNorm": (d,),
        }.items():
            shapes[f"bert.encoder.layer.{layer}.{part}.weight"] = shape
            shapes[f"bert.encoder.layer.{layer}.{part}.bias"] = shape[:1]
    (folder / "config.json").write_text(json.dumps(config))
    tensors = {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


def write_model(folder, series, **options):
    """Invented dictionaries and a model of zeros that fit together."""
    dictionaries = write_dictionaries(folder, series)
    n_special, positions = (2, 2048) if series == "V1" else (4, 4096)
    config = bert_config(6 + n_special, positions=positions)
    return GeneformerModel(
        variant=series, folder=write_zeros(folder / "model", config), **dictionaries | options
    )
