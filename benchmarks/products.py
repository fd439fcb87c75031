"""What products of matrices cost in training on a CPU: OpenBLAS beside MKL, as both are pinned.

    python -m benchmarks.products

Three rows of each case, in turns in one process each, because MKL is told how to compute when it
starts:

ours      :mod:`featurelens.products`, by OpenBLAS as Haswell
pinned    torch's, by MKL with ``MKL_CBWR=COMPATIBLE``: the same bytes on every processor, too
free      torch's, by MKL with ``MKL_CBWR=AUTO``: as fast as it can, other bytes elsewhere

Times are processor time of one thread, the least of several rounds; read ratios, not milliseconds.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import torch

from featurelens import threads
from featurelens.autoencoder import gradients
from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.training import train
from featurelens.sae.config import SAEConfig
from featurelens.sae.engines import stacked
from featurelens.sae.loop import initial_parameters

RESULTS = Path(__file__).parent / "results"
ROUNDS, TURNS = 3, 3
BATCH = 128
SAES = [(20, 400), (64, 640), (256, 2_560), (512, 5_120)]
"""Inputs and features of SAEs, one at a time."""
AUTOENCODERS = [
    {"latent": 4, "depth": 2},
    {"latent": 4, "depth": 4, "width": "wide"},
    {"latent": 20, "depth": 2, "width": "wide"},
    {"latent": 20, "depth": 4},
]
"""Of the default run, on 500 genes."""


def by_torch() -> None:
    """Have torch multiply in all that is measured here."""

    def product(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        return torch.matmul(a, b, out=out)

    def added(
        shift: torch.Tensor, a: torch.Tensor, b: torch.Tensor, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        return (torch.addmm if a.dim() == 2 else torch.baddbmm)(shift, a, b, out=out)

    for module in (gradients, stacked):
        module.product, module.added_product = product, added


def least(run: Callable[[], object]) -> float:
    """Milliseconds of processor time, the least of several rounds, the first one aside."""
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.thread_time()
        run()
        taken.append(time.thread_time() - began)
    return 1e3 * min(taken[1:])


def measured() -> dict[str, float]:
    """Milliseconds of every case: a step of an SAE, an epoch of an autoencoder."""
    rng, found = np.random.default_rng(0), {}
    with threads.torch_threads(1):
        for d_in, d_sae in SAES:
            config = SAEConfig(architecture="relu", expansion=d_sae / d_in, batch_size=BATCH)
            X = rng.standard_normal((4 * BATCH, d_in), dtype=np.float32)
            start = initial_parameters(config, d_in, np.dtype(np.float32))
            stepper = stacked.StackedStepper(X, [config], [start], "cpu")
            order, each = rng.permutation(len(X))[None], np.full((1, 4), 1e-3)
            name = f"a step of an SAE, {d_in} to {d_sae:,}"
            found[name] = least(lambda s=stepper, o=order, e=each: s.run_epoch(o, e, e)) / 4
        Y = rng.gamma(1, 1, (3_000, 500)).astype(np.float32)
        held_out = np.arange(3_000) % 6 == 0
        for shape in AUTOENCODERS:
            config = AutoencoderConfig(**shape, epochs=3, patience=0)
            name = "an epoch of an autoencoder, " + ", ".join(f"{k} {v}" for k, v in shape.items())
            found[name] = least(lambda c=config: train(Y, held_out, c)) / 3
    return found


def in_a_process(who: str, mkl: str) -> dict[str, float]:
    """The same in a process of its own, in which MKL computes as told."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.products", who],
        env=os.environ | {"MKL_CBWR": mkl},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def write(result: dict) -> None:
    """Write the results as JSON and as a table for people."""
    (RESULTS / "products.json").write_text(json.dumps(result, indent=2) + "\n")
    lines = [
        "# Products of matrices in training on a CPU",
        "",
        f"{result['date']}, {result['cores']} cores (load {result['load']} at the start), one "
        f"thread, batches of {BATCH}; {result['versions']}.",
        "Milliseconds of processor time, the least of three turns (`benchmarks/products.py`).",
        "",
        "| | ours: OpenBLAS, pinned | MKL, pinned | MKL, free | ours / pinned | ours / free |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in result["cases"].items():
        ours, pinned, free = (row[who] for who in ("ours", "pinned", "free"))
        lines.append(
            f"| {name} | {ours:.3g} | {pinned:.3g} | {free:.3g} "
            f"| {ours / pinned:.2f} | {ours / free:.2f} |"
        )
    (RESULTS / "products.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Measure in turns and write the results."""
    load = round(os.getloadavg()[0], 1)
    ways = {"ours": "COMPATIBLE", "pinned": "COMPATIBLE", "free": "AUTO"}
    turns = [{who: in_a_process(who, mkl) for who, mkl in ways.items()} for _ in range(TURNS)]
    cases = {
        name: {who: min(turn[who][name] for turn in turns) for who in ways}
        for name in turns[0]["ours"]
    }
    write(
        {
            "date": date.today().isoformat(),
            "cores": os.cpu_count(),
            "load": load,
            "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
            f"numpy {np.__version__}",
            "cases": cases,
        }
    )
    print((RESULTS / "products.md").read_text())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        if sys.argv[1] != "ours":
            by_torch()
        print(json.dumps(measured()))
    else:
        main()
