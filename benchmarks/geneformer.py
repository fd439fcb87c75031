"""How fast Geneformer embeds: tokens of many cells, and hidden states against its own procedure.

    python -m benchmarks.geneformer

Needs transformers (``make test-models`` sets up an environment that has it). The model has the
shape of the smallest published one, gf-6L-30M-i2048, and random weights. Procedures, one thread
and one order of operations each, all with the second to last layer and the mean over genes:

unsorted     cells in the order of the data, padded to the longest of their batch, through the
             whole masked language model
geneformer   Geneformer's own (``downsample_and_sort`` and ``get_embs``, restated): the same, with
             cells sorted from the longest down
encoder      sorted, in batches as large, but only the layers that are wanted and no head
ours         the same in small batches, as the library chooses them for a CPU

Times are processor time of the one thread that works, the least of several rounds in which the
procedures take turns. ``CELLS=...`` and ``TOKENISED=...`` change the numbers of cells.
"""

import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from scipy import sparse

from featurelens.embeddings.models.geneformer.dictionaries import Vocabulary
from featurelens.embeddings.models.geneformer.encoder import (
    TOKENS_PER_BATCH,
    embed_tokens,
    load_encoder,
)
from featurelens.embeddings.models.geneformer.genes import find_genes
from featurelens.embeddings.models.geneformer.tokens import Tokens, tokenize
from featurelens.embeddings.models.geneformer.variants import SERIES, SIZES
from featurelens.embeddings.models.geneformer.weights import find_model

RESULTS = Path(__file__).parent / "results"
N_GENES = 20_000
LAYER = -1
BATCH = 8
"""Cells a batch of the baselines; their logits over the vocabulary take 1.7 GB at this number."""
ROUNDS = 3


def peak() -> float:
    """Most memory that this process had so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def synthetic_counts(n_cells: int) -> sparse.csr_matrix:
    """Counts of which about a tenth are not zero, with depth and genes as uneven as real ones."""
    rng = np.random.default_rng(0)
    rate = rng.lognormal(-3.2, 1.5, N_GENES)
    parts = []
    for start in range(0, n_cells, 1000):
        depth = rng.lognormal(0, 0.4, (min(1000, n_cells - start), 1))
        parts.append(sparse.csr_matrix(rng.poisson(depth * rate), dtype=np.int32))
    return sparse.vstack(parts, format="csr")


def synthetic_vocabulary(series: str) -> Vocabulary:
    """17,000 of 20,000 genes with tokens; in V2 the last 1,000 columns are other names of genes."""
    rng = np.random.default_rng(1)
    genes = [f"ENSG{number:011d}" for number in range(17_000)]
    special = ["<pad>", "<mask>", *(SERIES[series].special or ())]
    mapping = None
    if series == "V2":
        others = {f"ENSG{N_GENES - 1 - number:011d}": genes[number] for number in range(1000)}
        mapping = {gene: gene for gene in genes} | others
    return Vocabulary(
        tokens={name: token for token, name in enumerate([*special, *genes])},
        medians=dict(zip(genes, rng.lognormal(0.8, 0.6, len(genes)).tolist(), strict=True)),
        mapping=mapping,
    )


def time_tokens(counts: sparse.csr_matrix, series: str) -> dict:
    """Seconds and memory of tokenising all cells."""
    vocabulary = synthetic_vocabulary(series)
    ids = [f"ENSG{number:011d}" for number in range(N_GENES)]
    genes = find_genes(ids, vocabulary, where="synthetic", min_share=0.5)
    names = pd.Index(np.arange(counts.shape[0]).astype(str))
    totals = counts.sum(axis=1).A1
    special = SERIES[series].special
    began, began_here = time.perf_counter(), time.thread_time()
    tokens = tokenize(
        counts,
        totals,
        names,
        genes,
        input_size=SERIES[series].input_size,
        special=None if special is None else (2, 3),
    )
    return {
        "series": series,
        "n_cells": counts.shape[0],
        "n_genes": counts.shape[1],
        "n_counts": counts.nnz,
        "summed_columns": len(genes.columns) - len(genes.tokens),
        "median_tokens": float(np.median(tokens.lengths)),
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(time.thread_time() - began_here, 1),
        "peak_gib": round(peak(), 2),
    }


def synthetic_tokens(n_cells: int, vocabulary: int) -> Tokens:
    """Lists of genes as long as those of blood cells: median 700, a few cut at 2,048."""
    rng = np.random.default_rng(2)
    lengths = np.minimum(rng.lognormal(np.log(700), 0.5, n_cells).astype(int), 2048)
    values = [rng.permutation(np.arange(2, vocabulary))[:length] for length in lengths]
    return Tokens(
        np.concatenate(values).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]),
        pd.Index([f"cell{row}" for row in range(n_cells)]),
        lengths,
    )


def whole_model(model: torch.nn.Module, tokens: Tokens, *, sort: bool) -> np.ndarray:
    """Geneformer's procedure, with or without its sorting; rows are put into the data's order."""
    n_cells = len(tokens.names)
    order = np.argsort(-tokens.lengths, kind="stable") if sort else np.arange(n_cells)
    layer = model.config.num_hidden_layers + LAYER
    values = np.empty((n_cells, model.config.hidden_size), dtype=np.float32)
    for start in range(0, n_cells, BATCH):
        rows = order[start : start + BATCH]
        lengths = torch.from_numpy(tokens.lengths[rows])
        ids = torch.zeros((len(rows), int(lengths.max())), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, : lengths[place]] = torch.from_numpy(tokens.of(row))
        mask = torch.arange(ids.shape[1]) < lengths[:, None]
        with torch.no_grad():
            made = model(
                input_ids=ids, attention_mask=mask.long(), output_hidden_states=True
            ).hidden_states[layer]
        total = made.masked_fill(~mask[:, :, None], 0.0).sum(1)
        values[rows] = (total / lengths[:, None].float()).numpy()
    return values


def ours(encoder: torch.nn.Module, tokens: Tokens, tokens_per_batch: int) -> np.ndarray:
    """What the library does."""
    rows = embed_tokens(
        encoder,
        tokens,
        padding=0,
        pooling="cell",
        special=False,
        tokens_per_batch=tokens_per_batch,
        log=lambda _: None,
    )
    return rows.of(tokens.names, "the benchmark")


def least_times(runs: dict[str, Callable[[], np.ndarray]]) -> dict[str, float]:
    """Least processor seconds of each, taking turns."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - began)
    return best


def time_states(n_cells: int) -> dict:
    """Seconds of each procedure on the same cells, and how far their vectors are apart."""
    size, vocabulary = SIZES["gf-6L-30M-i2048"], SERIES["V1"].vocabulary
    config = transformers.BertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=2048,
        hidden_act="relu",
        pad_token_id=0,
        **size._asdict(),
    )
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        transformers.BertForMaskedLM(config).save_pretrained(folder)
        whole = transformers.BertForMaskedLM.from_pretrained(folder).eval()
        encoder = load_encoder(find_model(folder), layer=LAYER, device="cpu")
    tokens = synthetic_tokens(n_cells, vocabulary)
    longest = int(tokens.lengths.max())
    runs: dict[str, Callable[[], np.ndarray]] = {
        "unsorted": lambda: whole_model(whole, tokens, sort=False),
        "geneformer": lambda: whole_model(whole, tokens, sort=True),
        "encoder": lambda: ours(encoder, tokens, BATCH * longest),
        "ours": lambda: ours(encoder, tokens, TOKENS_PER_BATCH["cpu"]),
    }
    made = {name: run() for name, run in runs.items()}
    apart = {n: float(np.abs(made["ours"] - values).max()) for n, values in made.items()}
    assert max(apart.values()) < 1e-5, apart
    seconds = least_times(runs)
    return {
        "n_cells": n_cells,
        "median_tokens": float(np.median(tokens.lengths)),
        "batch": BATCH,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "times_ours": {name: round(v / seconds["ours"], 2) for name, v in seconds.items()},
        "largest_difference": max(apart.values()),
    }


def write(result: dict) -> None:
    """Write the results as JSON and as tables for people."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "geneformer.json").write_text(json.dumps(result, indent=2) + "\n")
    states = result["states"]
    lines = [
        "# Speed of Geneformer embeddings",
        "",
        f"{result['date']}, {result['cores']} cores (load {result['load']} at the start: the "
        f"machine was shared), one thread; {result['versions']}.",
        "",
        "## Tokens",
        "",
        "Memory is the peak of the whole process, synthetic counts included.",
        "",
        "| series | cells | genes | counts above 0 | columns summed | median tokens "
        "| s on the clock | s of the processor | GiB |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {row['series']} | {row['n_cells']:,} | {row['n_genes']:,} | {row['n_counts']:,} "
            f"| {row['summed_columns']:,} | {row['median_tokens']:,.0f} | {row['seconds']} "
            f"| {row['processor_seconds']} | {row['peak_gib']} |"
            for row in result["tokens"]
        ),
        "",
        "## Hidden states",
        "",
        f"{states['n_cells']} cells of {states['median_tokens']:.0f} tokens (median), gf-6L-30M "
        f"with random weights, second to last layer, batches of {states['batch']} cells. Processor "
        f"time; vectors are at most {states['largest_difference']:.0e} apart. What the procedures "
        "are: `benchmarks/geneformer.py`.",
        "",
        "| procedure | s | times ours |",
        "|---|---|---|",
        *(
            f"| {name} | {seconds} | {states['times_ours'][name]} |"
            for name, seconds in states["seconds"].items()
        ),
        "",
    ]
    (RESULTS / "geneformer.md").write_text("\n".join(lines))


def main() -> None:
    """Measure everything and write the results."""
    load = round(os.getloadavg()[0], 1)
    torch.set_num_threads(1)
    counts = synthetic_counts(int(os.environ.get("TOKENISED", "50000")))
    rows = [time_tokens(counts, series) for series in SERIES]
    print(*rows, sep="\n", flush=True)
    del counts
    states = time_states(int(os.environ.get("CELLS", "64")))
    print(states, flush=True)
    write(
        {
            "date": date.today().isoformat(),
            "cores": os.cpu_count(),
            "load": load,
            "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
            f"transformers {transformers.__version__}, numpy {np.__version__}",
            "tokens": rows,
            "states": states,
        }
    )


if __name__ == "__main__":
    main()
