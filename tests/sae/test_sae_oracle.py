"""Our files in SAELens' hands: the same activations and reconstructions."""

import numpy as np
import pytest

from featurelens.sae import model, training
from featurelens.sae.config import SAEConfig
from featurelens.sae.listing import architectures

pytestmark = [
    pytest.mark.oracle,
    # sae-lens and what it imports warn about their own dependencies.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def sae_lens():
    return pytest.importorskip("sae_lens", reason="sae-lens is installed by make test-oracles")


@pytest.mark.parametrize("name", architectures())
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


@pytest.mark.parametrize("is_folded", [False, True])
@pytest.mark.parametrize("name", ["standard", "topk", "jumprelu", "gated"])
def test_we_encode_saelens_own_files_as_saelens_does(sae_lens, tmp_path, name, is_folded):
    """Saved by SAELens with its defaults: b_dec from the input, TopK by decoder norm."""
    import torch

    own, settings = sae_lens.saes.sae.SAE, {"d_in": 12, "d_sae": 48}
    if name == "topk":
        settings |= {"k": 5, "rescale_acts_by_decoder_norm": True}
    theirs = own.from_dict({"architecture": name, **settings})
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        if is_folded and name == "topk":
            theirs.fold_W_dec_norm()
    theirs.save_model(tmp_path)
    X = np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)
    with torch.no_grad():
        codes = theirs.encode(torch.from_numpy(X))
        reconstruction = theirs.decode(codes).numpy()
    ours = model.load(tmp_path)
    assert (codes.numpy() > 0).mean() > 0.05
    np.testing.assert_allclose(ours.encode(X), codes.numpy(), rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(ours.decode(ours.encode(X)), reconstruction, rtol=1e-4, atol=1e-4)


def test_saelens_keeps_what_our_file_says_of_training(sae_lens, tmp_path):
    X = np.random.default_rng(0).normal(size=(100, 6)).astype(np.float32)
    (result,) = training.train(X, [SAEConfig(architecture="topk", expansion=4, k=10, epochs=1)])
    model.save(result.sae, tmp_path / "ours")
    again = sae_lens.SAE.load_from_disk(tmp_path / "ours", device="cpu")
    again.save_model(tmp_path / "theirs")
    metadata = model.load(tmp_path / "theirs").metadata
    assert metadata == result.sae.metadata
