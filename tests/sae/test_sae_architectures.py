import numpy as np
import pytest
import torch

from featurelens.sae.architecture import Step, load_architecture
from featurelens.sae.config import SAEConfig, width
from featurelens.sae.listing import architectures
from featurelens.sae.loop import initial_parameters

NOW = Step(sparsity=1.0, dead=None)

# Two inputs, three features, one row x = (1, 2). With the weights below, by hand:
#   vanilla before = (1*1 + 2*0 + .5, 1*0 + 2*1 - 1, 1*-1 + 2*1 + 0) = (1.5, 1, 1)
W_ENC = [[1.0, 0.0, -1.0], [0.0, 1.0, 1.0]]
W_DEC = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]
B_ENC = [0.5, -1.0, 0.0]
B_DEC = [0.0, -1.0]
ROW = [[1.0, 2.0]]


def parameters(**more):
    arrays = {"W_enc": W_ENC, "W_dec": W_DEC, "b_enc": B_ENC, "b_dec": B_DEC, **more}
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in arrays.items()}


def loss(p, **settings):
    config = SAEConfig(expansion=1.5, **settings)
    x = torch.tensor(ROW, dtype=torch.float64)
    return load_architecture(config.architecture).loss(p, x, config, NOW)


def test_vanilla_by_hand():
    # x̂ = 1.5 (1, 0) + 1 (0, 2) + 1 (1, 1) + (0, -1) = (2.5, 2); errors (1.5, 0): mean 2.25 / 2
    output = loss(parameters(), architecture="vanilla", l1=0.3)
    assert output.codes.tolist() == [[1.5, 1.0, 1.0]]
    assert output.error.item() == pytest.approx(1.125)
    assert output.penalty.item() == pytest.approx(0.3 * 3.5 / 3)


def test_sum_reduction_adds_over_the_width():
    output = loss(parameters(), architecture="vanilla", l1=0.3, reduction="sum")
    assert output.error.item() == pytest.approx(2.25)
    assert output.penalty.item() == pytest.approx(0.3 * 3.5)


def test_relu_adds_its_own_pre_bias():
    # x + b_pre = (0, 3): before = (.5, 2, 3); x̂ = (.5, 0) + (0, 4) + (3, 3) + (0, -1) = (3.5, 6)
    # errors against x itself, (2.5, 4): (6.25 + 16) / 2
    output = loss(parameters(b_pre=[-1.0, 1.0]), architecture="relu", l1=1.0)
    assert output.codes.tolist() == [[0.5, 2.0, 3.0]]
    assert output.error.item() == pytest.approx(11.125)
    assert output.penalty.item() == pytest.approx(5.5 / 3)


def test_topk_keeps_the_largest_and_cuts_negatives():
    # before as for relu (.5, 2, 3); k = 67 % of 3 features = 2: (0, 2, 3)
    output = loss(parameters(b_pre=[-1.0, 1.0]), architecture="topk", k=67, l1=1.0)
    assert output.codes.tolist() == [[0.0, 2.0, 3.0]]
    assert output.penalty == 0
    # x + b_pre = (-3, 0): before = (-2.5, -1, 3); all three kept, two cut
    output = loss(parameters(b_pre=[-4.0, -2.0]), architecture="topk", k=100)
    assert output.codes.tolist() == [[0.0, 0.0, 3.0]]


def test_weights_start_uniform_as_torch_linear_layers_do():
    # Bounds 1/√fan_in, standard deviation bound / √3 (torch.nn.Linear: kaiming_uniform, a = √5).
    config = SAEConfig(architecture="vanilla", expansion=400)
    start = initial_parameters(config, 25, np.dtype(np.float64))
    for name, shape, fan_in in (("W_enc", (25, 10_000), 25), ("W_dec", (10_000, 25), 10_000)):
        reference = torch.nn.Linear(fan_in, 10).weight
        bound = fan_in**-0.5
        assert start[name].shape == shape
        assert abs(start[name]).max() <= bound
        assert abs(start[name]).max() > 0.999 * bound
        assert reference.abs().max().item() <= bound
        assert start[name].std() == pytest.approx(bound / 3**0.5, rel=0.01)
    # The author's BiasLayer: 1/√(own length).
    assert abs(start["b_enc"]).max() == pytest.approx(0.01, rel=0.01)
    assert 0 < abs(start["b_dec"]).max() <= 0.2


@pytest.mark.parametrize("name", ["relu", "topk"])
def test_biases_of_the_pre_bias_kinds_start_at_zero(name):
    start = initial_parameters(SAEConfig(architecture=name, expansion=3), 4, np.dtype(np.float32))
    assert all(not start[bias].any() for bias in ("b_pre", "b_enc", "b_dec"))


@pytest.mark.parametrize("name", architectures())
def test_folded_form_reconstructs_as_training_does(name):
    rng = np.random.default_rng(0)
    config = SAEConfig(architecture=name, expansion=4, k=25)
    entry = load_architecture(name)
    p = {
        key: value + 0.3 * rng.normal(size=value.shape)
        for key, value in initial_parameters(config, 6, np.dtype(np.float64)).items()
    }
    X = rng.normal(size=(50, 6))
    tensors = {key: torch.tensor(value) for key, value in p.items()}
    output = entry.loss(tensors, torch.tensor(X), config, NOW)
    if "threshold" in p:  # the batch's own border: halfway between the last kept and the first cut
        codes = output.codes.numpy()
        before = np.maximum((X - p["b_dec"]) @ p["W_enc"] + p["b_enc"], 0)
        p["threshold"] = np.array([(codes[codes > 0].min() + before[codes == 0].max()) / 2])
    sae = entry.fold(p, config)
    assert (sae.architecture, sae.d_sae) == (name, width(config, 6))
    codes = output.codes.numpy()
    assert 0 < np.count_nonzero(codes) < codes.size
    assert ((sae.encode(X) > 0) == (codes > 0)).all()
    expected = codes @ p["W_dec"] + p["b_dec"]
    np.testing.assert_allclose(sae.decode(sae.encode(X)), expected, rtol=0, atol=1e-12)
    if entry.penalty == "l1":
        # The penalty of training is the folded form's plain L1 norm.
        found = config.l1 * sae.encode(X).mean()
        assert output.penalty.item() == pytest.approx(found)


@pytest.mark.parametrize("name", architectures())
def test_registry_entry_is_complete(name):
    entry = load_architecture(name)
    assert entry.name == name
    assert len(entry.source) > 10
    start = initial_parameters(SAEConfig(architecture=name, expansion=5), 8, np.dtype(np.float32))
    assert start["W_enc"].shape == (8, 40)
    assert start["W_dec"].shape == (40, 8)
    assert set(entry.untrained) <= set(start)
    norms = np.linalg.norm(start["W_dec"], axis=1)
    if entry.unit_decoder:
        np.testing.assert_allclose(norms, 1, rtol=1e-6)
        np.testing.assert_array_equal(start["W_enc"], start["W_dec"].T)
