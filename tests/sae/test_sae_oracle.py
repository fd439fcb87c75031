"""Our files in SAELens' hands: the same activations and reconstructions."""

import numpy as np
import pytest

from featurelens.sae import architectures, model, training
from featurelens.sae.config import SAEConfig

pytestmark = [
    pytest.mark.oracle,
    # sae-lens and what it imports warn about their own dependencies.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def sae_lens():
    return pytest.importorskip("sae_lens", reason="sae-lens is installed by make test-oracles")


@pytest.mark.parametrize("name", architectures.names())
def test_saelens_encodes_and_decodes_as_we_do(sae_lens, tmp_path, name):
    import torch

    X = np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)
    config = SAEConfig(architecture=name, expansion=5, k=15, epochs=10, learning_rate=1e-2)
    (result,) = training.train(X, [config])
    model.save(result.sae, tmp_path)
    theirs = sae_lens.SAE.load_from_disk(tmp_path, device="cpu")
    with torch.no_grad():
        codes = theirs.encode(torch.from_numpy(X))
        reconstruction = theirs.decode(codes).numpy()
    ours = result.sae.encode(X)
    assert (ours > 0).mean() > 0.01
    np.testing.assert_allclose(codes.numpy(), ours, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(reconstruction, result.sae.decode(ours), rtol=1e-6, atol=2e-6)
