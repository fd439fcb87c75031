import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurelens.io import InputError
from featurelens.sae import kernels, training
from featurelens.sae._torch import torch
from featurelens.sae.architecture import load_architecture
from featurelens.sae.architectures import topk
from featurelens.sae.config import SAEConfig, n_kept
from featurelens.sae.engine import load_engine
from featurelens.sae.listing import choose, engines, served
from featurelens.sae.loop import fit_stack, initial_parameters
from featurelens.sae.losses import keep_largest

FAST = [name for name in engines() if name != "autograd"]
SERVED = [(name, kind) for name in FAST for kind in served(name)]


def data(n, d, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 0.5).astype(dtype)


def fit(X, configs, engine):
    entry = load_engine(engine)
    with entry.session(1):
        return [fit for _, fit in sorted(fit_stack(X, configs, entry.make_stepper))]


def test_oracle_is_torch_linear_layers_and_adam():
    """The author's own loop, written with torch modules from the same start and order."""
    X = data(50, 3)
    config = SAEConfig(
        architecture="relu", expansion=2, epochs=2, batch_size=20, learning_rate=1e-2, l1=0.1
    )
    (result,) = fit(X, [config], "autograd")
    start = {k: torch.tensor(v) for k, v in initial_parameters(config, 3, X.dtype).items()}
    encoder, decoder = torch.nn.Linear(3, 6), torch.nn.Linear(6, 3)
    shift = torch.nn.Parameter(start["b_pre"])
    with torch.no_grad():
        encoder.weight.copy_(start["W_enc"].T)
        encoder.bias.copy_(start["b_enc"])
        decoder.weight.copy_(start["W_dec"].T)
        decoder.bias.copy_(start["b_dec"])
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters(), shift], lr=1e-2)
    rng = np.random.default_rng([0, 1])
    for _ in range(2):
        for rows in torch.tensor(X[rng.permutation(50)]).split(20):
            codes = torch.relu(encoder(rows + shift))
            loss = torch.nn.MSELoss()(decoder(codes), rows) + 0.1 * torch.mean(torch.abs(codes))
            adam.zero_grad()
            loss.backward()
            adam.step()
    expected = {
        "W_enc": encoder.weight.T,
        "b_enc": encoder.bias,
        "W_dec": decoder.weight.T,
        "b_dec": decoder.bias,
        "b_pre": shift,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(
            result.parameters[name], value.detach().numpy(), rtol=0, atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize(("engine", "architecture"), SERVED)
@pytest.mark.parametrize("d_in", [4, 5, 20])
@pytest.mark.parametrize("learning_rate", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
def test_200_steps_agree_with_the_oracle_in_float64(engine, architecture, d_in, learning_rate):
    shape = 290, d_in, np.float64  # batches of 64, 64, 64, 64 and 34
    config = SAEConfig(
        architecture=architecture,
        expansion=6.5,
        epochs=40,
        batch_size=64,
        learning_rate=learning_rate,
        l1=0.05,
        warmup=0.1,
        decay=0.1,
        sparsity_warmup=0.2,
    )
    assert_equal_fits(shape, config, engine, 1e-9)


@pytest.mark.parametrize(("engine", "architecture"), SERVED)
@pytest.mark.parametrize(("d_in", "expansion"), [(4, 2), (7, 9), (20, 20)])
@pytest.mark.parametrize(
    ("reduction", "learning_rate"),
    [("paper", 1e-3), ("sum", 1e-3), ("paper", 1e-4), ("paper", 1e-5), ("paper", 1e-6)],
)
def test_200_steps_agree_with_the_oracle_in_float32(
    engine, architecture, d_in, expansion, reduction, learning_rate
):
    """At 1e-5; where the k-th and the next value nearly tie, either may be kept."""
    config = SAEConfig(
        architecture=architecture,
        expansion=expansion,
        epochs=40,
        batch_size=64,
        learning_rate=learning_rate,
        l1=0.01,
        reduction=reduction,
    )
    assert_equal_fits((300, d_in, np.float32), config, engine, 1e-5, tied=1e-2)


@cache
def oracle(shape, config):
    """The fit that all engines are held against, and how many rows nearly tie at the border."""
    ties = []

    def noted(before, k):
        if k < before.shape[1]:
            top = before.detach().topk(k + 1, dim=1).values
            scale = before.detach().abs().amax(1)
            ties.append(int((top[:, k - 1] - top[:, k] < 2e-6 * scale).sum()))
        return keep_largest(before, k)

    with patch.object(topk, "keep_largest", noted):
        (result,) = fit(data(*shape), [config], "autograd")
    return result, sum(ties)


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize(("d_in", "batch_size"), [(4, 140), (9, 64), (20, 50)])
def test_features_that_fire_rarely_agree_too(engine, d_in, batch_size):
    """Two of 300 features per row: most fire in a few rows of a batch or in none."""
    config = SAEConfig(
        architecture="topk",
        expansion=300 / d_in,
        k=0.7,
        epochs=50,
        batch_size=batch_size,
        learning_rate=1e-3,
    )
    assert_equal_fits((4 * batch_size - 30, d_in, np.float64), config, engine, 1e-9)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(n=st.integers(1, 200), share=st.floats(0, 0.2), seed=st.integers(0, 1000))
def test_places_of_rare_features_are_found(n, share, seed):
    rng = np.random.default_rng(seed)
    z = np.where(rng.random((6, n)) < share, rng.random((6, n)), 0)
    fires, places = np.zeros(6, np.int32), np.full((6, kernels.FEW), -1, np.int32)
    total, rare = kernels.activity(z, n, fires, places)
    assert total == pytest.approx(z.sum())
    assert fires.tolist() == np.count_nonzero(z, axis=1).tolist()
    assert rare == np.count_nonzero((fires > 0) & (fires <= kernels.FEW))
    for j in np.flatnonzero(fires <= kernels.FEW):
        assert places[j, : fires[j]].tolist() == np.flatnonzero(z[j]).tolist()


def test_kernels_compile_where_nothing_can_be_cached(monkeypatch):
    def no_locator(*, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(kernels, "njit", no_locator)
    assert kernels.compiled(len) is len


TRAIN_ONCE = """
import hashlib
import numpy as np
from featurelens.sae.config import SAEConfig
from featurelens.sae.training import train
X = np.random.default_rng(0).normal(size=(700, 20)).astype(np.float32)
config = SAEConfig(architecture="topk", expansion=20, k=5, epochs=20, learning_rate=1e-3)
[result] = train(X, [config], engine="fused")
print(hashlib.sha256(result.sae.W_enc.tobytes()).hexdigest())
"""


def test_the_process_that_compiles_gives_the_bytes_of_those_that_find_it_compiled(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", TRAIN_ONCE], env=environment, capture_output=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert len(first) == 65
    assert first == second


def assert_equal_fits(shape, config, engine, tolerance, *, tied=None):
    """To within ``tolerance``, or to within ``tied`` where rows of the oracle nearly tie."""
    expected, n_ties = oracle(shape, config)
    (found,) = fit(data(*shape), [config], engine)
    tolerance = tied if tied is not None and n_ties else tolerance
    assert found.n_steps == expected.n_steps == 200
    assert found.parameters.keys() == expected.parameters.keys()
    for name, value in expected.parameters.items():
        np.testing.assert_allclose(
            found.parameters[name], value, rtol=0, atol=tolerance, err_msg=name
        )
    for name in ("error", "penalty"):
        scale = max(1.0, abs(expected.history[name]).max())
        np.testing.assert_allclose(
            found.history[name], expected.history[name], rtol=0, atol=tolerance * scale
        )


@pytest.mark.parametrize(("engine", "architecture"), SERVED)
@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    d_in=st.sampled_from([3, 5, 7, 10, 31, 33, 50]),
    batch_size=st.sampled_from([7, 31, 33, 64]),
    expansion=st.sampled_from([1, 2.5, 4]),
)
def test_bytes_do_not_depend_on_company(engine, architecture, d_in, batch_size, expansion):
    X = data(batch_size * 2 + 5, d_in)
    base = SAEConfig(
        architecture=architecture, expansion=expansion, epochs=4, batch_size=batch_size
    )
    others = [replace(base, seed=50 + n, l1=0.01, learning_rate=1e-2) for n in range(39)]
    point = replace(base, epochs=5, learning_rate=1e-3)
    (alone,) = trained_bytes(X, [point], engine)
    assert trained_bytes(X, [point, others[0]], engine)[0] == alone
    assert trained_bytes(X, [others[0], point], engine)[1] == alone
    found = trained_bytes(X, [point, *others, point], engine)
    assert found[0] == found[-1] == alone


@pytest.mark.parametrize("architecture", served("autograd"))
def test_bytes_of_the_oracle_do_not_depend_on_company(architecture):
    X = data(70, 5)
    points = [
        SAEConfig(architecture=architecture, expansion=2, epochs=2, seed=n) for n in range(40)
    ]
    (alone,) = trained_bytes(X, points[:1], "autograd")
    assert trained_bytes(X, points[:2], "autograd")[0] == alone
    assert trained_bytes(X, points[1::-1], "autograd")[1] == alone
    found = trained_bytes(X, [*points, points[0]], "autograd")
    assert found[0] == found[-1] == alone


@pytest.mark.parametrize(("engine", "architecture"), SERVED)
def test_metrics_of_full_runs_agree_within_the_spread_of_seeds(engine, architecture):
    """At a rate so high that rounding alone drives weights apart over 1,200 steps."""
    expected, found = (full_runs(name, architecture) for name in ("autograd", engine))
    difference = (found.mean() - expected.mean()).abs()
    assert (difference <= expected.std() + 1e-12).all(), pd.DataFrame(
        {"difference": difference, "spread": expected.std()}
    )


@cache
def full_runs(engine, architecture):
    """Metrics of six seeds, each trained to its end."""
    points = [
        SAEConfig(
            architecture=architecture,
            expansion=10,
            l1=0.01,
            learning_rate=1e-2,
            epochs=150,
            batch_size=64,
            seed=seed,
        )
        for seed in range(6)
    ]
    names = ["loss", "mse", "l1_loss", "explained_variance", "l0", "shrinkage", "n_live"]
    trained = training.train(data(500, 4), points, engine=engine)
    return pd.DataFrame([result.row for result in trained])[names]


def trained_bytes(X, configs, engine):
    trained = training.train(X, configs, engine=engine)
    return [
        b"".join(a.tobytes() for a in (r.sae.W_enc, r.sae.b_enc, r.sae.W_dec, r.sae.b_dec))
        + r.history.to_numpy().tobytes()
        for r in trained
    ]


def test_auto_depends_on_shape_and_device_alone():
    assert choose("vanilla", 4, "cpu") == "fused"
    assert choose("topk", 20, "cpu") == "fused"
    assert choose("relu", 150, "cpu") == "stacked"
    assert choose("vanilla", 4, "cuda") == "stacked"
    assert choose("gated", 4, "cpu") == "autograd"
    for configs in ([1], [1, 2], [2, 1, 3]):
        points = [SAEConfig(architecture="relu", expansion=e) for e in configs]
        groups = training.plan(points, 4, engine="auto", device="cpu")
        assert {name for name, _ in groups} == {"fused"}
        assert sorted(index for _, group in groups for index in group) == list(range(len(points)))


def test_unknown_engine_lists_the_known():
    with pytest.raises(InputError, match="'numba'; there are auto, autograd, fused, stacked"):
        load_engine("numba")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    n_features=st.integers(1, 40),
    share=st.floats(0.01, 1),
    levels=st.sampled_from([2, 5, 1000]),
    seed=st.integers(0, 10_000),
)
def test_compiled_selection_keeps_the_largest(dtype, n_features, share, levels, seed):
    """Against a stable sort; few levels make ties, which the first features win."""
    rng = np.random.default_rng(seed)
    k = max(1, int(share * n_features))
    z = (rng.integers(-levels, levels + 1, size=(n_features, 9)) / levels).astype(dtype)
    z[:, 8] = 1e-40 if dtype == np.float32 else 1e-310
    expected = np.zeros_like(z)
    for b in range(9):
        for j in np.argsort(-z[:, b], kind="stable")[:k]:
            expected[j, b] = max(z[j, b], 0)
    found = z.copy()
    room = [np.zeros(9, dtype) for _ in range(3)]
    kernels.keep_largest(found, 9, k, *room, np.zeros(9, np.int32))
    np.testing.assert_array_equal(found, expected)


def test_top_k_border_is_the_ks_largest():
    config = SAEConfig(architecture="topk", expansion=10, k=15, epochs=1, learning_rate=1e-3)
    X = data(200, 6)
    (result,) = fit(X, [config], "fused")
    sae = load_architecture("topk").fold(result.parameters, config)
    active = (sae.encode(X) > 0).sum(axis=1)
    assert active.max() <= n_kept(config, 60) == 9
