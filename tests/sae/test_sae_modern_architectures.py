"""The field's own architectures, by hand.

One row x = (1, 2) unless said otherwise; encoder columns (1, 0), (0, 1), (1, -1), decoder rows
(1, 0), (0, 1), (0.6, 0.8); b_dec = (0, 1), so that the centred input is (1, 1).
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from featurelens.sae import training
from featurelens.sae.architecture import Step, load_architecture
from featurelens.sae.architectures import batchtopk, matryoshka
from featurelens.sae.config import SAEConfig
from featurelens.sae.listing import architectures, paper_architectures

W_ENC = [[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]]
W_DEC = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
UNIT = {"reduction": "sum", "expansion": 1.5}


def parameters(b_enc=(0.0, 0.5, 0.2), **more):
    arrays = {"W_enc": W_ENC, "W_dec": W_DEC, "b_enc": list(b_enc), "b_dec": [0.0, 1.0], **more}
    return {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=name != "threshold")
        for name, value in arrays.items()
    }


def forward(name, p, *, rows=((1.0, 2.0),), dead=None, **settings):
    config = SAEConfig(architecture=name, **(UNIT | settings))
    x = torch.tensor(rows, dtype=torch.float64)
    dead = None if dead is None else torch.tensor(dead)
    return load_architecture(name).loss(p, x, config, Step(1.0, dead))


def test_standard_weighs_by_decoder_length():
    # before = (1, 1.5, .2) on (1, 1); stretch row 1 to length 3: x̂ = (1,0)+1.5(0,3)+.2(.6,.8)+(0,1)
    # = (1.12, 5.66); errors .12, 3.66; penalty .1 (1 + 1.5·3 + .2)
    p = parameters()
    with torch.no_grad():
        p["W_dec"][1] *= 3
    output = forward("standard", p, l1=0.1)
    assert output.codes.tolist() == [pytest.approx([1, 1.5, 0.2])]
    assert output.error.item() == pytest.approx(0.12**2 + 3.66**2)
    assert output.penalty.item() == pytest.approx(0.1 * 5.7)


def test_standard_starts_short_and_transposed():
    start = load_architecture("standard").init(np.random.default_rng(0), 6, 50)
    np.testing.assert_allclose(np.linalg.norm(start["W_dec"], axis=1), 0.1)
    np.testing.assert_array_equal(start["W_enc"], start["W_dec"].T)


def test_topk_aux_without_dead_features():
    # Two of (1, 1.5, .2): x̂ = (1, 1.5) + (0, 1) = (1, 2.5), error .25.
    output = forward("topk_aux", parameters(), k=67)
    assert output.codes.tolist() == [[1.0, 1.5, 0.0]]
    assert output.error.item() == pytest.approx(0.25)
    assert output.auxiliary == 0


def test_revival_loss_rebuilds_the_error_from_dead_features():
    # e = x - x̂ = (0, -.5), constant. Only feature 2 is dead; before 0.2: ê = .2 (.6, .8).
    # d_in / 2 = 1 wanted and 1 dead. |e - ê|² = .12² + .66²; α = 1/32.
    p = parameters()
    output = forward("topk_aux", p, k=67, dead=[False, False, True])
    expected = (0.12**2 + 0.66**2) / 32
    assert output.auxiliary.item() == pytest.approx(expected)
    output.auxiliary.backward()
    # Gradient reaches the dead feature alone: dL/db_enc,2 = 2/32 (ê - e)·row = 2/32 (.072 + .528)
    assert p["b_enc"].grad.tolist() == pytest.approx([0, 0, 2 / 32 * 0.6])
    assert p["W_dec"].grad[:2].abs().max() == 0


def test_revival_loss_shrinks_with_few_dead_features():
    p = load_architecture("topk_aux").init(np.random.default_rng(0), 8, 16)
    tensors = {name: torch.tensor(value) for name, value in p.items()}
    tensors["b_enc"] += 1.0
    config = SAEConfig(architecture="topk_aux", expansion=2, k=10)
    x = torch.tensor(np.random.default_rng(1).normal(size=(5, 8)))
    dead = torch.zeros(16, dtype=torch.bool)
    dead[3] = True
    found = load_architecture("topk_aux").loss(tensors, x, config, Step(1.0, dead)).auxiliary
    before = (x - tensors["b_dec"]) @ tensors["W_enc"] + tensors["b_enc"]
    kept = torch.zeros_like(before).scatter(1, before.argmax(1, keepdim=True), 1.0) * before
    error = x - (kept.relu() @ tensors["W_dec"] + tensors["b_dec"])
    again = before[:, 3:4].relu() * tensors["W_dec"][3]
    expected = (error - again).square().sum(1).mean() / 8 / 32 / 4  # 1 of the 4 wanted is dead
    assert found.item() == pytest.approx(expected.item())


def test_batchtopk_shares_the_budget_over_rows():
    # Row (1, 2) gives (1, 1.5, .2), row (-1, 4) gives centred (-1, 3): (-1, 3.5, -3.8).
    # k = 1 of 3 per row: the two largest of the batch are 3.5 and 1.5; row 1 could take more.
    p = parameters(threshold=[-1.0])
    output = forward("batchtopk", p, rows=[[1.0, 2.0], [-1.0, 4.0]], k=34)
    assert output.codes.tolist() == [[0, 1.5, 0], [0, 3.5, 0]]
    assert p["threshold"].item() == 1.5
    # Another batch, row (3, 2) alone: centred (3, 1): (3, 1.5, 2.2), keeps 3.
    output = forward("batchtopk", p, rows=[[3.0, 2.0]], k=34)
    assert output.codes.tolist() == [[3.0, 0, 0]]
    assert p["threshold"].item() == pytest.approx(0.99 * 1.5 + 0.01 * 3)


def test_batchtopk_threshold_ignores_batches_without_activity():
    p = parameters(b_enc=(-9.0, -9.0, -9.0), threshold=[0.7])
    output = forward("batchtopk", p, k=34)
    assert not output.codes.any()
    assert p["threshold"].item() == 0.7


def test_unset_threshold_folds_to_zero():
    start = batchtopk.init(np.random.default_rng(0), 3, 6)
    sae = batchtopk.fold(start, SAEConfig(architecture="batchtopk", expansion=2))
    assert sae.threshold.tolist() == [0.0] * 6


def test_matryoshka_adds_the_prefixes():
    assert matryoshka.prefixes(40) == [2, 5, 10, 20]
    assert matryoshka.prefixes(3) == [1]
    # All kept: x̂ = (1, 1.5) + .2 (.6, .8) + (0, 1) = (1.12, 2.66); prefix 1: (1, 1).
    p = parameters(threshold=[-1.0])
    output = forward("matryoshka", p, k=100)
    assert output.error.item() == pytest.approx(0.12**2 + 0.66**2)
    assert output.auxiliary.item() == pytest.approx(0 + 1)


def test_jumprelu_values_and_pseudo_derivatives():
    # No centring: before = (1, 2.5, -.8) + ... with b_enc 0, .5, .2: x W = (1, 2, -1).
    # θ = (1.04, 2, .5): feature 0 is just below (1 < 1.04) and within ε/2 = .05; only 1 fires.
    p = parameters(log_threshold=[math.log(1.04), math.log(2.0), math.log(0.5)])
    output = forward("jumprelu", p, l1=0.3, bandwidth=0.1)
    assert output.codes.tolist() == [pytest.approx([0, 2.5, 0])]
    assert output.penalty.item() == pytest.approx(0.3)
    # x̂ = (0, 3.5), x̂ - x = (-1, 1.5).
    assert output.error.item() == pytest.approx(1 + 2.25)
    (output.error + output.penalty).backward()
    # dL/dθ_0 = (dE/dz_0)(-θ/ε) + .3 (-1/ε) with dE/dz_0 = 2 (-1) and dθ/dlogθ = θ.
    expected = (-2 * -1.04 / 0.1 - 0.3 / 0.1) * 1.04
    assert p["log_threshold"].grad.tolist() == pytest.approx([expected, 0, 0])
    # The encoder learns through firing features only: dE/dz_1 = 2 · 1.5.
    assert p["b_enc"].grad.tolist() == pytest.approx([0, 3.0, 0])


def test_gated_by_hand():
    # centred (1, 1): shared = (1, 1, 0); gate = shared + (-2, .5, .2) = (-1, 1.5, .2)
    # strength = shared e^r + b_mag with r = (0, ln 2, 0), b_mag = (0, -.5, -1): (1, 1.5, 0 cut)
    # codes = (0, 1.5, 0): x̂ = (0, 2.5), error 1 + .25
    # by gate: (1.5 (0,1) + .2 (.6,.8)) + (0,1) = (.12, 2.66): .88² + .66²
    p = parameters(b_enc=(-2.0, 0.5, 0.2), r_mag=[0.0, math.log(2.0), 0.0], b_mag=[0.0, -0.5, -1.0])
    output = forward("gated", p, l1=0.1)
    assert output.codes.tolist() == [pytest.approx([0, 1.5, 0])]
    assert output.error.item() == pytest.approx(1.25)
    assert output.penalty.item() == pytest.approx(0.1 * 1.7)
    assert output.auxiliary.item() == pytest.approx(0.88**2 + 0.66**2)
    output.auxiliary.backward()
    assert p["W_dec"].grad is None
    assert p["b_dec"].grad.abs().sum() > 0  # through the encoder's input only


@pytest.fixture(scope="module")
def mixture():
    """Return sparse sums of 12 unit directions in 6 dimensions, (2000, 6), and the directions."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(12, 6))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    strengths = (rng.random((2000, 12)) < 0.12) * rng.uniform(0.5, 2, (2000, 12))
    return (strengths @ truth).astype(np.float32), truth


@pytest.mark.parametrize("name", architectures()[len(paper_architectures()) :])
def test_training_finds_planted_directions(name, mixture):
    X, truth = mixture
    config = SAEConfig(
        architecture=name,
        expansion=4,
        k=9,
        epochs=40,
        learning_rate=5e-3,
        l1=0.05,
        reduction="sum",
        bandwidth=0.1,
    )
    (result,) = training.train(X, [config])
    assert result.row["status"] == "ok"
    assert result.row["engine"] == "autograd"
    assert result.row["explained_variance"] > 0.85
    rows = result.sae.directions
    lengths = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)
    best = (truth @ rows.T).max(axis=1)
    rng = np.random.default_rng(1)
    random = rng.normal(size=rows.shape)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    assert best.mean() > (truth @ random.T).max(axis=1).mean() + 0.03


@pytest.mark.parametrize("dead_after", [1, 3])
def test_dead_features_are_counted_by_epochs_without_firing(mixture, dead_after):
    X, _ = mixture
    config = SAEConfig(
        architecture="topk_aux", expansion=40, k=0.5, epochs=6, dead_after=dead_after
    )
    (result,) = training.train(X, [config])
    assert result.row["n_dead"] > 100
    terms = result.history["auxiliary"].to_numpy()
    assert (terms[:dead_after] == 0).all()
    assert (terms[dead_after:] > 0).all()
    (without,) = training.train(X, [replace(config, auxiliary=0.0)])
    assert not without.history["auxiliary"].any()
