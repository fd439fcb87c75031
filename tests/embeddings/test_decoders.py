"""From embedding to expression, by pencil."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

import featurelens
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.decoders.kinds.pca import PCADecoder
from featurelens.embeddings.decoders.kinds.scvi import ScviDecoder
from featurelens.embeddings.decoders.kinds.surrogate import SurrogateDecoder
from featurelens.embeddings.decoders.registry import (
    decoder_class,
    kinds,
    load_decoder,
    save_decoder,
)
from featurelens.io import InputError

# Two factors over three genes; columns sum to 1.
FACTORS = np.array([[0.5, 0.0], [0.5, 0.2], [0.0, 0.8]], dtype=np.float32)
SIMPLEX = LinearSimplexDecoder(factors=FACTORS)
# One component over two genes.
LINE = PCADecoder(
    components=np.array([[np.log(2), -np.log(2)]], dtype=np.float32),
    mean=np.array([np.log(4), np.log(2)], dtype=np.float32),
)
# One hidden unit, ReLU(z + 2 c), then logits (h, 0) for two genes.
NETWORK = MLPSoftmaxDecoder(
    weights=(np.array([[1, 2]], dtype=np.float32), np.array([[1], [0]], dtype=np.float32)),
    biases=(np.zeros(1, dtype=np.float32), np.zeros(2, dtype=np.float32)),
    r=np.array([1.5, 3], dtype=np.float32),
    mean_covariate=np.array([0.5 * np.log(3)], dtype=np.float32),
)
# One hidden unit, ReLU(z + 2 of the first batch), then logits (h, 0) for two genes.
BATCHED = ScviDecoder(
    weights=(np.array([[1, 2, 0]], dtype=np.float32),),
    biases=(np.zeros(1, dtype=np.float32),),
    scale_weight=np.array([[1], [0]], dtype=np.float32),
    scale_bias=np.zeros(2, dtype=np.float32),
    theta=np.array([2, 5], dtype=np.float32),
    shares=np.array([0.75, 0.25], dtype=np.float32),
)
SURROGATE = SurrogateDecoder(
    weights=LINE.components, intercept=LINE.mean, smearing=np.array([1, 3], dtype=np.float32)
)
DECODABLE = {
    "pca": LINE,
    "linear_simplex": SIMPLEX,
    "mlp_softmax": NETWORK,
    "scvi": BATCHED,
    "surrogate": SURROGATE,
}


def test_simplex_inside():
    # 0.25 of the first and 0.75 of the second: 0.125, 0.125 + 0.15, 0.6, times 1,000.
    decoded = SIMPLEX.decode(np.array([[0.25, 0.75]]), library=1000)
    np.testing.assert_allclose(decoded, [[125, 275, 600]], rtol=1e-6)
    assert SIMPLEX.share_clipped(np.array([[0.25, 0.75]])) == 0


def test_simplex_outside_is_clipped_and_renormalised():
    # z = (1.5, -0.5): 0.75, 0.75 - 0.1 = 0.65, -0.4; clipped 0.75, 0.65, 0 of 1.4 in all.
    z = np.array([[1.5, -0.5]])
    decoded = SIMPLEX.decode(z, library=14)
    np.testing.assert_allclose(decoded, [[7.5, 6.5, 0]], rtol=1e-6)
    # 0.4 of 0.75 + 0.65 + 0.4 = 1.8 lay below zero.
    assert np.isclose(SIMPLEX.share_clipped(z), 0.4 / 1.8)


def test_pca_is_undone_by_expm1():
    # z = 1: ln 8 and ln 1, so 7 and 0 counts; z = 0: 3 and 1; z = -1: ln 2 and ln 4, 1 and 3.
    decoded = LINE.decode(np.array([[1.0], [0.0], [-1.0]]), library=4)
    np.testing.assert_allclose(decoded, [[4, 0], [3, 1], [1, 3]], atol=1e-6)


def test_pca_clips_below_zero():
    # z = 2: ln 16 and ln 1/2, so 15 and -0.5; the second is cut off.
    np.testing.assert_allclose(LINE.decode(np.array([[2.0]]), library=10), [[10, 0]], atol=1e-6)
    assert np.isclose(LINE.share_clipped(np.array([[2.0]])), 0.5 / 15.5)


def test_every_decoder_is_tested_here():
    assert kinds() == (*DECODABLE, "none")


def test_network_by_hand():
    # z = 0, c = ln(3) / 2: h = ln 3, so e^h : 1 = 3 : 1. z = -ln 27: h = ln(1/9), cut off at 0.
    decoded = NETWORK.decode(np.array([[0.0], [-np.log(27)]]), library=8)
    np.testing.assert_allclose(decoded, [[6, 2], [4, 4]], rtol=1e-6)
    # Own codes: h = 0 + 2 * 0 = 0, and h = -ln 9 + 2 ln 9 = ln 9.
    codes = np.array([[0.0], [np.log(9)]])
    own = NETWORK.decode(np.array([[0.0], [-np.log(9)]]), covariate=codes, library=10)
    np.testing.assert_allclose(own, [[5, 5], [9, 1]], rtol=1e-6)
    assert NETWORK.shape == (1, 2)
    assert NETWORK.dispersion.tolist() == [1.5, 3]
    assert NETWORK.share_clipped(np.zeros((1, 1))) == 0


def test_network_stays_finite_far_away():
    decoded = NETWORK.decode(np.array([[1e4]]), library=10)
    np.testing.assert_allclose(decoded, [[10, 0]])


def test_surrogate_by_hand():
    # z = 0: 3 and 1 as of the line, times 1 and 3.
    np.testing.assert_allclose(SURROGATE.decode(np.zeros((1, 1)), library=6), [[3, 3]], rtol=1e-6)


def test_only_the_network_knows_dispersion_and_covariates():
    z, code = np.array([[0.3]]), np.array([[5.0]])
    assert LINE.dispersion is None
    assert NoDecoder().dispersion is None
    assert np.array_equal(LINE.decode(z, covariate=code), LINE.decode(z))


def test_library_may_differ_from_cell_to_cell():
    decoded = SIMPLEX.decode(np.array([[1.0, 0.0], [1.0, 0.0]]), library=np.array([2.0, 20.0]))
    np.testing.assert_allclose(decoded, [[1, 1, 0], [10, 10, 0]], rtol=1e-6)


def test_nothing_above_zero_is_nan_not_zero():
    decoded = SIMPLEX.decode(np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 0.0]]))
    assert np.isnan(decoded[:2]).all()
    assert np.isfinite(decoded[2]).all()


@given(
    seed=st.integers(0, 1000),
    library=st.floats(1, 1e6),
    name=st.sampled_from(sorted(DECODABLE)),
)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_rows_sum_to_the_library_and_nothing_is_negative(seed, library, name):
    decoder = DECODABLE[name]
    z = np.random.default_rng(seed).uniform(0.1, 2, (5, decoder.shape[0]))
    decoded = decoder.decode(z, library=library)
    assert decoded.dtype == np.float32
    assert (decoded >= 0).all()
    np.testing.assert_allclose(decoded.sum(axis=1), library, rtol=1e-5)
    # One cell decoded alone is the cell decoded among others.
    np.testing.assert_allclose(decoder.decode(z[2:3], library=library), decoded[2:3], rtol=1e-5)


@pytest.mark.parametrize(
    "decoder", [*DECODABLE.values(), NoDecoder()], ids=lambda decoder: decoder.type
)
def test_saved_and_loaded(decoder, tmp_path):
    save_decoder(decoder, tmp_path)
    loaded = load_decoder(tmp_path)
    assert type(loaded) is type(decoder)
    assert loaded.shape == decoder.shape
    assert (load_file(tmp_path / "decoder.safetensors") == {}) == (decoder.type == "none")
    assert list(loaded.tensors()) == list(decoder.tensors())
    for name, value in decoder.tensors().items():
        assert np.array_equal(loaded.tensors()[name], value)
        assert loaded.tensors()[name].dtype == value.dtype
    assert decoder_class(decoder.type) is type(decoder)


DOUBLING = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from featurelens.embeddings.decoders.decoder import ByAmount


@dataclass(frozen=True, eq=False)
class DoublingDecoder(ByAmount):
    type: ClassVar[str] = "doubling"
    weights: np.ndarray

    @property
    def shape(self):
        return self.weights.shape

    def _amounts(self, z, covariate):
        return 2 * z @ self.weights


DECODER = DoublingDecoder
"""
ASK = """
import sys
import numpy as np
from featurelens.embeddings.decoders.registry import decoder_class, load_decoder, save_decoder

save_decoder(decoder_class("doubling")(np.array([[3.0, 1.0]])), sys.argv[1])
loaded = load_decoder(sys.argv[1])
print(loaded.type, *loaded.decode(np.ones((1, 1)), library=8)[0])
"""


def test_a_decoder_is_one_file(tmp_path):
    library = tmp_path / "featurelens"
    shutil.copytree(featurelens.__path__[0], library, ignore=shutil.ignore_patterns("__pycache__"))
    (library / "embeddings/decoders/kinds/doubling.py").write_text(DOUBLING)
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["doubling", "6.0", "2.0"]  # 6 and 2 of 8


def test_no_decoder_says_what_to_use_instead():
    with pytest.raises(InputError, match="no decoder; use expression 'measured'"):
        NoDecoder().decode(np.zeros((1, 1)))
    assert np.isnan(NoDecoder().share_clipped(np.zeros((1, 1))))


def test_unknown_type_and_broken_files(tmp_path):
    with pytest.raises(InputError, match=r"decoder\.json: no such file"):
        load_decoder(tmp_path)
    save_decoder(SIMPLEX, tmp_path)
    path = tmp_path / "decoder.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=r"decoder\.safetensors: cannot be read"):
        load_decoder(tmp_path)
    (tmp_path / "decoder.json").write_text('{"type": "mlp"}')
    with pytest.raises(InputError, match="type 'mlp' is not one of pca, linear_simplex, mlp_"):
        load_decoder(tmp_path)
