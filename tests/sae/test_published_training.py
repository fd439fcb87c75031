"""The author's training of SAEs on cells, restated here in torch, beside ours."""

import numpy as np
import pytest
import torch
from scipy import stats

from featurelens.sae.config import SAEConfig
from featurelens.sae.loop import initial_parameters
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
