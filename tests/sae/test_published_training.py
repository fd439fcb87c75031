"""The author's training of SAEs on cells, restated here in torch, beside ours."""

import numpy as np
import pytest
import torch
from scipy import stats

from featurelens.sae.config import SAEConfig
from featurelens.sae.loop import initial_parameters, stops_early
from featurelens.sae.splits import ORDER, generator
from featurelens.sae.training import train
from featurelens.sweeps.points import expand_grid, point_id

OPTIONS = {"architecture": "vanilla", "l1": 1e-3, "learning_rate": 1e-4}


def author_layers(d_in: int, d_sae: int, seed: int) -> tuple[torch.nn.Linear, torch.nn.Linear]:
    """The SAE of 02_experiments/singlecell/01_sae_training.py: Linear, ReLU, Linear."""
    torch.manual_seed(seed)
    return torch.nn.Linear(d_in, d_sae), torch.nn.Linear(d_sae, d_in)


def rows_of_length(length: float, n: int = 640, d: int = 20) -> np.ndarray:
    X = np.random.default_rng(0).normal(size=(n, d))
    return (length * X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)


def test_a_linear_start_is_that_of_two_torch_layers():
    config = SAEConfig(**OPTIONS, expansion=100, initialisation="linear")
    start = initial_parameters(config, 40, np.dtype(np.float64))
    encoder, decoder = author_layers(40, 4000, seed=0)
    torchs = {"W_enc": encoder.weight.T, "b_enc": encoder.bias}
    torchs |= {"W_dec": decoder.weight.T, "b_dec": decoder.bias}
    assert set(start) == set(torchs)
    for name, theirs in torchs.items():
        values = theirs.detach().numpy()
        assert start[name].shape == values.shape
        assert stats.ks_2samp(start[name].ravel(), values.ravel()).pvalue > 0.01, name
    # torch.nn.Linear: ±1/√40 = ±.158 and ±1/√4000 = ±.0158; the simulations' class: the reverse.
    assert np.abs(start["b_enc"]).max() == pytest.approx(40**-0.5, rel=0.01)
    assert np.abs(start["b_dec"]).max() == pytest.approx(4000**-0.5, rel=0.2)
    own = initial_parameters(SAEConfig(**OPTIONS, expansion=100), 40, np.dtype(np.float64))
    assert np.abs(own["b_enc"]).max() == pytest.approx(4000**-0.5, rel=0.01)
    assert all(np.array_equal(own[name], start[name]) for name in ("W_enc", "W_dec"))


def author_live_share(X: np.ndarray, d_sae: int, epochs: int, seed: int) -> float:
    """Share of features above 1e-10 in some row, after his loop over shuffled batches of 128."""
    encoder, decoder = author_layers(X.shape[1], d_sae, seed)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-4)
    rows = torch.from_numpy(X)
    for _ in range(epochs):
        for batch in torch.randperm(len(rows)).split(128):
            x = rows[batch]
            z = torch.relu(encoder(x))
            loss = ((decoder(z) - x) ** 2).mean() + 1e-3 * z.abs().mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    with torch.no_grad():
        return float((torch.relu(encoder(rows)) > 1e-10).any(0).float().mean())


@pytest.mark.parametrize("engine", ["autograd", "stacked", "fused"])
def test_features_stay_alive_as_in_the_authors_runs(engine):
    """The encoder's bias, up to .22, decides which features rows of length .1 can reach."""
    X = rows_of_length(0.1)
    theirs = np.mean([author_live_share(X, 400, epochs=8, seed=seed) for seed in range(3)])

    def ours(start: str) -> float:
        configs = [
            SAEConfig(**OPTIONS, expansion=20, epochs=8, seed=seed, initialisation=start)
            for seed in range(3)
        ]
        return np.mean([one.row["n_live"] / 400 for one in train(X, configs, engine=engine)])

    assert 0.5 < theirs < 0.7  # two in five features are dead before the first step, and stay so
    assert ours("linear") == pytest.approx(theirs, abs=0.05)
    assert ours("own") > 0.8


def test_one_grid_holds_architectures_with_and_without_a_linear_start():
    grid = {"architecture": ("vanilla", "relu"), "expansion": (20,), "l1": (1e-3,), "k": (10.0,)}
    configs = expand_grid(grid | {"initialisation": ("linear",)})
    starts = {config.architecture: config.initialisation for config in configs}
    assert starts == {"vanilla": "linear", "relu": "own"}
    with pytest.raises(ValueError, match="a start of vanilla, not of relu; leave it out"):
        SAEConfig(architecture="relu", expansion=20, initialisation="linear")


def test_a_start_that_is_not_written_renames_no_point():
    # Hashes of points as they were before the key was there.
    known = {"vanilla": "14b44f3df6", "topk": "d66e1a88af"}
    for name, identifier in known.items():
        assert point_id("small/latent4", SAEConfig(architecture=name, expansion=10)) == identifier
    linear = SAEConfig(architecture="vanilla", expansion=10, initialisation="linear")
    assert point_id("small/latent4", linear) not in known.values()


# --- losses --------------------------------------------------------------------------------------


def author_losses(X: np.ndarray, config: SAEConfig) -> list[float]:
    """Validation losses of 01_sae_training_rebuttal_sweep_*.py from our weights and batch order.

    The sum over the training batches goes on over the held-out ones; it is divided by their number.
    """
    n_train = int(len(X) * 0.9)
    start = initial_parameters(config, X.shape[1], np.dtype(np.float32))
    p = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    adam = torch.optim.Adam(list(p.values()), lr=config.learning_rate)
    rows, held_out = torch.from_numpy(X[:n_train]), torch.from_numpy(X[n_train:])
    order = generator(config, ORDER)

    def loss(x: torch.Tensor) -> torch.Tensor:
        z = torch.relu(x @ p["W_enc"] + p["b_enc"])
        x_hat = z @ p["W_dec"] + p["b_dec"]
        return torch.nn.functional.mse_loss(x_hat, x) + config.l1 * z.abs().mean()

    losses = []
    for _ in range(config.epochs):
        total = 0.0
        for batch in torch.from_numpy(order.permutation(n_train)).split(128):
            batch_loss = loss(rows[batch])
            adam.zero_grad()
            batch_loss.backward()
            adam.step()
            total += batch_loss.item()
        batches = held_out.split(128)
        total += sum(loss(x).item() for x in batches)
        losses.append(total / len(batches))
    return losses


SWEEP = OPTIONS | {
    "expansion": 5,
    "learning_rate": 1e-3,
    "validation_fraction": 0.1,
    "convention": "published",
    "initialisation": "linear",
}


def test_the_sweep_over_cells_never_resets_its_sum():
    # 3,000 rows: 22 training batches, and held-out batches of 128, 128 and 44.
    X = rows_of_length(1.0, n=3000)
    unreset = SAEConfig(**SWEEP, epochs=4, validation="unreset")
    plain = SAEConfig(**SWEEP, epochs=4)
    found, without = (one.history for one in train(X, [unreset, plain], engine="autograd"))
    np.testing.assert_allclose(found["validation_loss"], author_losses(X, unreset), rtol=1e-5)
    np.testing.assert_array_equal(found["train_loss"], without["train_loss"])
    ratio = found["validation_loss"] / without["validation_loss"]
    assert ratio.between(7, 35).all()  # the inflation that an audit of the author's code found


def test_a_shorter_last_batch_counts_as_much_as_the_others():
    X = rows_of_length(1.0, n=3000)
    X[-44:] *= 3
    (one,) = train(X, [SAEConfig(**SWEEP, epochs=1)], engine="autograd")
    held_out = X[2700:]
    codes = one.sae.encode(held_out)
    error = ((one.sae.decode(codes) - held_out) ** 2).mean(axis=1) + 1e-3 * codes.mean(axis=1)
    batches = [error[:128].mean(), error[128:256].mean(), error[256:].mean()]
    assert one.history["validation_loss"].item() == pytest.approx(np.mean(batches), rel=1e-5)
    assert abs(np.mean(batches) / error.mean() - 1) > 0.2


def test_the_training_sum_can_stop_a_run_that_still_gets_better():
    """Early stopping looks at the inflated loss: here the training loss rises while others fall."""
    held_out = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
    training = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    unreset = [9 * a + b for a, b in zip(training, held_out, strict=True)]
    assert not stops_early(held_out, 3)
    assert stops_early(unreset, 3)


def author_epochs(losses: list[float], patience: int) -> int:
    """Epochs that his sweep runs: it looks before each, at the losses of those before."""
    seen: list[float] = []
    for epoch, loss in enumerate(losses):
        if epoch > patience and min(seen[-patience:]) > min(seen):
            break
        seen.append(loss)
    return len(seen)


@pytest.mark.parametrize("seed", range(20))
def test_the_sweep_looks_before_each_epoch(seed):
    losses = list(np.random.default_rng(seed).normal(size=30) + 0.2 * abs(np.arange(30) - seed))
    ran = next(
        (n for n in range(1, 31) if stops_early(losses[:n], 4, looks_before=True)), len(losses)
    )
    assert ran == author_epochs(losses, 4)
    rising = list(range(30))  # the first epoch is the best: he stops after the fifth
    assert author_epochs(rising, 4) == 5
    assert stops_early(rising[:5], 4, looks_before=True)
    assert not stops_early(rising[:5], 4)


def test_only_published_runs_leave_the_sum():
    with pytest.raises(ValueError, match="unreset is of the convention published; leave it out"):
        SAEConfig(**SWEEP | {"convention": "corrected"}, validation="unreset")
    grid = {name: (value,) for name, value in SWEEP.items()} | {"k": (10.0,)}
    both = grid | {"convention": ("published", "corrected"), "validation": ("unreset",)}
    kinds = {config.convention: config.validation for config in expand_grid(both)}
    assert kinds == {"published": "unreset", "corrected": "held_out"}
