import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from featurelens.io import InputError
from featurelens.sae import model
from featurelens.sae.model import SAE


@pytest.fixture(params=["standard", "topk", "jumprelu"])
def sae(request):
    rng = np.random.default_rng(0)
    shapes = [(5, 12), (12,), (12, 5), (5,)]
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    kind = {
        "standard": {},
        "topk": {"k": 3},
        "jumprelu": {"threshold": rng.uniform(0, 1, 12).astype(np.float32)},
    }[request.param]
    return SAE("vanilla", *arrays, metadata={"data_sha256": "a" * 64}, **kind)


@pytest.fixture
def X():
    return np.random.default_rng(1).normal(size=(30, 5)).astype(np.float32)


def test_encoding_by_a_plain_loop(sae, X):
    expected = np.zeros((len(X), 12))
    for row, x in enumerate(X.astype(np.float64)):
        before = x @ sae.W_enc + sae.b_enc
        kept = np.argsort(before)[-sae.k :] if sae.k else np.arange(12)
        for j in kept:
            if before[j] > (0 if sae.threshold is None else sae.threshold[j]):
                expected[row, j] = before[j]
    codes = sae.encode(X)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, expected, atol=1e-5)
    reconstruction = expected @ sae.W_dec + sae.b_dec
    np.testing.assert_allclose(sae.decode(codes), reconstruction, atol=1e-4)


def test_sparse_equals_dense_in_any_chunks(sae, X):
    for chunk in (1, 7, 4096):
        sparse = sae.encode_sparse(X, chunk_rows=chunk)
        assert sparse.dtype == np.float32
        np.testing.assert_allclose(sparse.toarray(), sae.encode(X), atol=1e-6)
        np.testing.assert_allclose(sae.decode(sparse), sae.decode(sae.encode(X)), atol=1e-5)
    assert sae.encode_sparse(X[:0]).shape == (0, 12)


def test_wrong_width_is_refused(sae):
    with pytest.raises(InputError, match=r"5 inputs cannot encode data of shape \(3, 4\)"):
        sae.encode(np.zeros((3, 4)))


def test_round_trip_gives_the_same_bytes(sae, X, tmp_path):
    model.save(sae, tmp_path / "one")
    loaded = model.load(tmp_path / "one", data_sha256="a" * 64)
    assert loaded.encode(X).tobytes() == sae.encode(X).tobytes()
    assert (loaded.architecture, loaded.k, loaded.metadata) == ("vanilla", sae.k, sae.metadata)
    model.save(loaded, tmp_path / "two")
    for name in (model.CONFIG, model.WEIGHTS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_config_file_has_what_saelens_reads(sae, tmp_path):
    model.save(sae, tmp_path)
    config = json.loads((tmp_path / "cfg.json").read_text())
    kind = "topk" if sae.k else "standard" if sae.threshold is None else "jumprelu"
    assert config["architecture"] == kind
    assert (config["d_in"], config["d_sae"], config["dtype"]) == (5, 12, "float32")
    assert config["apply_b_dec_to_input"] is False
    assert config["normalize_activations"] == "none"


def test_other_data_are_refused_unless_nothing_is_asked(sae, tmp_path):
    model.save(sae, tmp_path)
    with pytest.raises(InputError, match=r"trained on data with sha256 aaaaaaaaaaaa…, not bbbb"):
        model.load(tmp_path, data_sha256="b" * 64)
    model.load(tmp_path)


MEMORY = """
import resource, sys
import numpy as np
from featurelens.sae.model import SAE
k = int(sys.argv[1])
rng = np.random.default_rng(0)
X = rng.normal(size=(56714, 20)).astype("f")
W = (rng.normal(size=(20, 10000)) / 20**0.5).astype("f")
bias = np.full(10000, 0.0 if k else -2.08, "f")
codes = SAE("vanilla", W, bias, W.T.copy(), np.zeros(20, "f"), k=k or None).encode_sparse(X)
print(codes.nnz / len(X), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("k", [0, 190])
def test_encoding_the_papers_cells_stays_below_one_and_a_half_gibibytes(k):
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, str(k)], check=True, capture_output=True, text=True
    )
    active, gibibytes = map(float, run.stdout.split())
    assert 180 < active < 220
    assert gibibytes < 1.5


def break_weights(folder, content):
    (folder / model.WEIGHTS).write_bytes(content)


def test_damaged_files_are_refused_in_one_line(sae, tmp_path):
    model.save(sae, tmp_path)
    whole = (tmp_path / model.WEIGHTS).read_bytes()
    for content in (whole[:-9], b"", whole[:4], pickle.dumps({"W_enc": [1.0]})):
        break_weights(tmp_path, content)
        with pytest.raises(InputError, match=r"sae_weights\.safetensors: damaged") as caught:
            model.load(tmp_path)
        assert "\n" not in str(caught.value)


def test_other_faults_of_a_folder(sae, tmp_path):
    with pytest.raises(InputError, match="nowhere: no such file or folder; train the SAE first"):
        model.load(tmp_path / "nowhere")
    model.save(sae, tmp_path)
    config = json.loads((tmp_path / "cfg.json").read_text())
    for change, message in (
        ({"d_sae": 13}, r"\(12, 5\).*asks for.*\(13, 5\)"),
        ({"architecture": "temporal"}, "'temporal' cannot be read"),
        ({"normalize_activations": "expected_average_only_in"}, "input_scale"),
    ):
        (tmp_path / "cfg.json").write_text(json.dumps(config | change))
        with pytest.raises(InputError, match=message):
            model.load(tmp_path)
    (tmp_path / "cfg.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        model.load(tmp_path)
    model.save(sae, tmp_path)
    (tmp_path / model.WEIGHTS).unlink()
    with pytest.raises(InputError, match=r"no SAE of a form that is known \(found cfg\.json\)"):
        model.load(tmp_path)
