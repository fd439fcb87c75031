"""The stacked engine on a GPU, and, without one, the bookkeeping around its CUDA graphs."""

from dataclasses import replace

import numpy as np
import pytest

from featurelens.means import Means
from featurelens.sae import training
from featurelens.sae._torch import torch
from featurelens.sae.config import SAEConfig
from featurelens.sae.engines.stacked import StackedStepper
from featurelens.sae.listing import served
from featurelens.sae.loop import fit_stack

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
KINDS = served("stacked")
X = np.random.default_rng(0).normal(size=(290, 20)).astype(np.float32)


def points(architecture, n=5, epochs=3):
    """Points that end at different epochs, so that the stack shrinks on its way."""
    base = SAEConfig(
        architecture=architecture, expansion=6, batch_size=64, l1=0.01, learning_rate=1e-3
    )
    return [replace(base, seed=seed, epochs=epochs + seed % 2) for seed in range(n)]


def repeated(call):
    """Stand in for a CUDA graph: warm-up calls change the state, replays write into one output."""
    for _ in range(3):
        output = call()
    return output, lambda: output.copy_(call())


@pytest.mark.parametrize("architecture", KINDS)
def test_replayed_steps_are_the_steps_themselves(architecture):
    def make(*args):
        return StackedStepper(*args, capture=repeated)

    plain = sorted(fit_stack(X, points(architecture), StackedStepper))
    replayed = sorted(fit_stack(X, points(architecture), make))
    for (_, expected), (_, found) in zip(plain, replayed, strict=True):
        assert found.history["error"].tolist() == expected.history["error"].tolist()
        for name, value in expected.parameters.items():
            np.testing.assert_array_equal(found.parameters[name], value)


def weights(results):
    return [np.concatenate([r.sae.W_enc.ravel(), r.sae.W_dec.ravel()]) for r in results]


@needs_gpu
@pytest.mark.parametrize("architecture", KINDS)
def test_gpu_agrees_with_the_oracle(architecture):
    stack = points(architecture, epochs=40)
    found = weights(training.train(X, stack, engine="stacked", means=Means(device="cuda")))
    expected = weights(training.train(X, stack, engine="autograd"))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@needs_gpu
@pytest.mark.parametrize("architecture", KINDS)
def test_gpu_repeats_a_stack_to_the_byte_and_others_closely(architecture):
    stack = points(architecture, n=40)
    first, again = (weights(training.train(X, stack, means=Means(device="cuda"))) for _ in range(2))
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    (alone,) = weights(training.train(X, stack[:1], means=Means(device="cuda")))
    np.testing.assert_allclose(alone, first[0], rtol=0, atol=1e-5)


@needs_gpu
@pytest.mark.parametrize("architecture", served("autograd"))
def test_every_architecture_trains_on_a_gpu(architecture):
    (result,) = training.train(X, points(architecture, n=1), means=Means(device="cuda"))
    assert result.row["status"] == "ok"
