"""How fast SAEs train, against two baselines on the same data in the same run.

    python -m benchmarks.sae_training

Baselines, one thread each:

reference   the author's loop: a DataLoader that collects rows one by one, torch modules, autograd,
            torch.optim.Adam as it comes, ``loss.item()`` at each step
resident    what a careful user of torch writes: data in one tensor, batches by index, autograd,
            Adam(fused=True), no ``.item()``

The baselines multiply as fast as MKL can, with ``MKL_CBWR=AUTO``, which loses the promise of equal
bytes on other processors; ours take OpenBLAS or compiled loops, which keep it.

Times are processor time of the one thread that works, the least of several rounds in which the
three take turns: other work on the machine slows them less than it would slow a wall clock, but
it shares caches and memory with them, so read ratios, not microseconds.
"""

import json
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

os.environ["MKL_CBWR"] = "AUTO"  # read when torch first multiplies

import numba
import numpy as np

from featurelens.sae import metrics
from featurelens.sae._torch import session, torch
from featurelens.sae.architecture import load_architecture
from featurelens.sae.config import SAEConfig, n_kept, width
from featurelens.sae.engine import load_engine
from featurelens.sae.listing import choose
from featurelens.sae.loop import initial_parameters

RESULTS = Path(__file__).parent / "results"
BATCH = 128
ROUNDS = 5
SHOWN_EVERY = 50
FULL_LENGTH = 500
"""Epochs of the paper's single-cell SAE; `LONG_RUN_EPOCHS=500` runs all of them."""

CASES = [  # d_in, d_sae, architecture, k in percent, share of activations at the start, target
    (4, 8, "vanilla", 10, None, 40),
    (4, 40, "vanilla", 10, None, 25),
    (4, 400, "vanilla", 10, None, 6),
    (4, 4000, "vanilla", 10, None, 4),
    (4, 40, "relu", 10, None, None),
    (4, 8, "topk", 10, None, None),
    (4, 40, "topk", 10, None, None),
    (4, 400, "topk", 10, None, None),
    (4, 4000, "topk", 10, None, None),
    (20, 40, "vanilla", 10, None, None),
    (20, 400, "vanilla", 10, None, None),
    (20, 400, "topk", 10, None, None),
    (20, 10_000, "vanilla", 10, 0.02, 2),
    (20, 10_000, "vanilla", 10, None, None),
    (64, 640, "topk", 10, None, None),
    (150, 750, "vanilla", 10, None, None),
]


class Module(torch.nn.Module):
    """The author's model from given parameters."""

    def __init__(self, config: SAEConfig, start: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.values = torch.nn.ParameterDict({k: torch.tensor(v) for k, v in start.items()})
        self.kept = n_kept(config, len(start["b_enc"])) if config.architecture == "topk" else 0

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstruct ``x``; also gives the activations."""
        p = self.values
        shifted = x + p["b_pre"] if "b_pre" in p else x
        before = torch.nn.functional.linear(shifted, p["W_enc"].T) + p["b_enc"]
        if self.kept:
            top = torch.topk(before, k=self.kept, dim=-1)
            codes = torch.zeros_like(before).scatter_(-1, top.indices, torch.relu(top.values))
        else:
            codes = torch.relu(before)
        return torch.nn.functional.linear(codes, p["W_dec"].T) + p["b_dec"], codes


def loss_of(model: Module, x: torch.Tensor, l1: float) -> torch.Tensor:
    """Mean squared error and mean absolute activation."""
    reconstruction, codes = model(x)
    return torch.nn.MSELoss()(reconstruction, x) + l1 * torch.mean(torch.abs(codes))


def reference_epoch(
    X: np.ndarray, config: SAEConfig, start: dict[str, np.ndarray]
) -> Callable[[], None]:
    """One epoch of the author's loop."""
    model = Module(config, start)
    adam = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    loader = torch.utils.data.DataLoader(torch.from_numpy(X), batch_size=BATCH, shuffle=True)

    def run() -> None:
        total = 0.0
        for x in loader:
            loss = loss_of(model, x, config.l1)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item()

    return run


def resident_epoch(
    X: np.ndarray, config: SAEConfig, start: dict[str, np.ndarray]
) -> Callable[[], None]:
    """One epoch of plain torch with the data resident."""
    model = Module(config, start)
    adam = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    data = torch.from_numpy(X)

    def run() -> None:
        for rows in torch.randperm(len(data)).split(BATCH):
            loss = loss_of(model, data[rows], config.l1)
            adam.zero_grad()
            loss.backward()
            adam.step()

    return run


def our_epoch(
    X: np.ndarray, configs: list[SAEConfig], start: dict[str, np.ndarray], engine: str
) -> Callable[[], None]:
    """One epoch of the engine, all points of a stack, batch order included."""
    stepper = load_engine(engine).make_stepper(X, configs, [start] * len(configs), "cpu")
    rng = np.random.default_rng(0)
    steps = -(-len(X) // BATCH)
    rates = np.full((len(configs), steps), configs[0].learning_rate)

    def run() -> None:
        orders = np.stack([rng.permutation(len(X)) for _ in configs])
        stepper.run_epoch(orders, rates, np.ones_like(rates))

    return run


def least_times(epochs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Least processor seconds of each, taking turns."""
    best = dict.fromkeys(epochs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in epochs.items():
            began = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - began)
    return best


def measure(case: tuple) -> dict:
    """Microseconds per point and step of all three, and their ratios."""
    d_in, d_sae, architecture, k, share, target = case
    config = SAEConfig(
        architecture=architecture, expansion=d_sae / d_in, k=k, learning_rate=1e-5, l1=1e-3
    )
    assert width(config, d_in) == d_sae
    n_steps = max(4, min(94, 150_000 // d_sae))
    X = np.random.default_rng(0).normal(size=(n_steps * BATCH, d_in)).astype(np.float32)
    start = initial_parameters(config, d_in, X.dtype)
    if share is not None:
        start["b_enc"] = -np.quantile(X[:500] @ start["W_enc"], 1 - share, axis=0)
        start["b_enc"] = start["b_enc"].astype(np.float32)
    engine = choose(architecture, d_in, "cpu")
    points = min(20, load_engine(engine).stack_size(d_in, d_sae, BATCH, "cpu"))
    times = least_times(
        {
            "reference": reference_epoch(X, config, start),
            "resident": resident_epoch(X, config, start),
            "ours": our_epoch(X, [config] * points, start, engine),
        }
    )
    times["ours"] /= points
    sae = load_architecture(architecture).fold(start, config)
    micro = {name: seconds / n_steps * 1e6 for name, seconds in times.items()}
    return {
        "d_in": d_in,
        "d_sae": d_sae,
        "architecture": architecture,
        "active": metrics.evaluate(sae, X[:1000]).l0 / d_sae,
        "engine": engine,
        "points": points,
        **{f"{name}_us": round(value, 1) for name, value in micro.items()},
        "over_reference": round(micro["reference"] / micro["ours"], 1),
        "over_resident": round(micro["resident"] / micro["ours"], 1),
        "target_over_reference": target,
    }


def mixture(n_rows: int = 56_714, d_in: int = 20, n_components: int = 22) -> np.ndarray:
    """Rows of a seeded Gaussian mixture, the shape of the paper's bone marrow embedding."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(n_components, d_in))
    spread = rng.uniform(0.2, 0.6, size=(n_components, 1))
    which = rng.choice(n_components, size=n_rows, p=rng.dirichlet(np.full(n_components, 2.0)))
    return (centres[which] + spread[which] * rng.normal(size=(n_rows, d_in))).astype(np.float32)


def long_run(epochs: int) -> dict:
    """First epochs of one 20 to 10,000 SAE with the paper's settings, and the time of all 500."""
    X = mixture()
    config = SAEConfig(architecture="relu", expansion=500, learning_rate=1e-4, l1=1e-3)
    engine = choose("relu", 20, "cpu")
    start = initial_parameters(config, 20, X.dtype)
    stepper = load_engine(engine).make_stepper(X, [config], [start], "cpu")
    rng = np.random.default_rng(0)
    rates = np.full((1, -(-len(X) // BATCH)), config.learning_rate)
    history = []
    for epoch in range(1, epochs + 1):
        began = time.thread_time()
        stepper.run_epoch(rng.permutation(len(X))[None], rates, np.ones_like(rates))
        seconds = time.thread_time() - began
        sae = load_architecture("relu").fold(stepper.parameters(0), config)
        active = metrics.evaluate(sae, X[:2000]).l0 / 10_000
        history.append({"epoch": epoch, "seconds": round(seconds, 2), "active": round(active, 4)})
        print(f"20 -> 10,000, epoch {epoch}: {seconds:.2f} s, {active:.2%} active", flush=True)
    total = sum(epoch["seconds"] for epoch in history)
    shown = [e for e in history if e["epoch"] % SHOWN_EVERY in (0, 1) or e["epoch"] == epochs]
    return {"n_epochs": epochs, "seconds": round(total, 1), "epochs": shown}


def sweep_minutes(rows: list[dict]) -> float:
    """Processor minutes of the 544-point small sweep, interpolated from the measured widths.

    Table S4: widths 8 to 4000, 94 steps per epoch, 100 + 500 + 750 + 1000 epochs over the
    learning rates, 5 + 5 settings of vanilla and relu, 7 of topk (all timed as k = 10 %).
    """
    widths = [8, 20, 40, 80, 200, 400, 800, 4000]
    total = 0.0
    for architecture, settings in (("vanilla", 10), ("topk", 7)):
        known = {
            row["d_sae"]: row["ours_us"]
            for row in rows
            if (row["d_in"], row["architecture"]) == (4, architecture)
        }
        times = np.interp(widths, sorted(known), [known[d_sae] for d_sae in sorted(known)])
        total += times.sum() * settings * 94 * 2350
    return float(total / 1e6 / 60)


def describe_long_run(run: dict) -> str:
    """One sentence on the long run: measured when it ran to its end, else extrapolated."""
    first, last = run["epochs"][0], run["epochs"][-1]
    shares = f"{first['active']:.1%} of features active in epoch 1, {last['active']:.1%} at the end"
    if run["n_epochs"] >= FULL_LENGTH:
        minutes = run["seconds"] / 60
        text = f"{FULL_LENGTH} epochs took {minutes:.1f} minutes of one thread's processor time"
    else:
        minutes = last["seconds"] * FULL_LENGTH / 60
        text = f"{FULL_LENGTH} epochs as long as epoch {last['epoch']} are {minutes:.0f} minutes"
    return f"One 20 to 10,000 SAE on 56,714 rows: {text}; {shares}."


def write(result: dict) -> None:
    """Write the results as JSON and as a table for people."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sae_training.json").write_text(json.dumps(result, indent=2) + "\n")
    lines = [
        "# Training speed of sparse autoencoders",
        "",
        f"{result['date']}, {result['cores']} cores (load {result['load']} at the start: the "
        f"machine was shared), one thread each, batch {BATCH}; {result['versions']}.",
        "Microseconds of processor time per point and step; baselines in "
        f"`benchmarks/sae_training.py`, with MKL_CBWR={os.environ.get('MKL_CBWR')}.",
        "",
        "| d_in | d_sae | architecture | active | engine | points | reference | resident | ours "
        "| x reference | x resident | to reach |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["steps"]:
        lines.append(
            f"| {row['d_in']} | {row['d_sae']} | {row['architecture']} | {row['active']:.0%} "
            f"| {row['engine']} | {row['points']} | {row['reference_us']:,} "
            f"| {row['resident_us']:,} | {row['ours_us']:,} | {row['over_reference']} "
            f"| {row['over_resident']} | {row['target_over_reference'] or ''} |"
        )
    lines += [
        "",
        f"The 544-point small sweep: about {result['sweep_processor_minutes']:.0f} processor "
        "minutes, estimated from the table, metrics not included; `config/laptop.yaml` runs it.",
        "",
        describe_long_run(result["long_run"]),
        "",
    ]
    (RESULTS / "sae_training.md").write_text("\n".join(lines))


def main() -> None:
    """Measure everything and write the results."""
    load = round(os.getloadavg()[0], 1)
    rows = []
    with session(1):
        for case in CASES:
            rows.append(measure(case))
            print(rows[-1], flush=True)
        long = long_run(epochs=int(os.environ.get("LONG_RUN_EPOCHS", "5")))
    write(
        {
            "date": date.today().isoformat(),
            "cores": os.cpu_count(),
            "load": load,
            "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
            f"numpy {np.__version__}, numba {numba.__version__}",
            "steps": rows,
            "sweep_processor_minutes": sweep_minutes(rows),
            "long_run": long,
        }
    )


if __name__ == "__main__":
    main()
