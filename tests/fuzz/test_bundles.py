"""Bundles one of whose files is another: the same bundle, or one line."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save
from scipy import sparse

from featurelens.embeddings.bundle import Fitted, make_bundle, read_bundle, write_bundle
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.decoders.kinds.pca import PCADecoder
from featurelens.embeddings.models.pca.config import PCAModel
from fuzzed import fuzzed, outcome
from mutations import spoilt, strange, strange_arrays

RNG = np.random.default_rng(3)
N_CELLS, N_GENES, D = 5, 4, 2


def single(*shape):
    return np.abs(RNG.normal(size=shape)).astype(np.float32)


DECODERS = {
    "none": NoDecoder(),
    "pca": PCADecoder(components=single(D, N_GENES), mean=single(N_GENES)),
    "linear_simplex": LinearSimplexDecoder(factors=single(D, N_GENES)),
    "mlp_softmax": MLPSoftmaxDecoder(
        weights=(single(3, D), single(N_GENES, 3)),
        biases=(single(3), single(N_GENES)),
        r=single(N_GENES),
        mean_covariate=np.zeros(0, np.float32),
    ),
}


@pytest.fixture(scope="module")
def bundles(folder):
    """Files of a bundle of each decoder, by name."""
    counts = RNG.poisson(3, (N_CELLS, N_GENES)) + 1
    cells = anndata.AnnData(
        sparse.csr_matrix(np.log1p(counts).astype(np.float32)),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(list("aabbb")),
                "library": counts.sum(axis=1).astype(float),
            },
            index=[f"c{place}" for place in range(N_CELLS)],
        ),
        var=pd.DataFrame({"symbol": list("ABCD")}, index=[f"E{place}" for place in range(N_GENES)]),
        layers={"counts": sparse.csr_matrix(counts.astype(np.int32))},
    )
    made = {}
    for kind, decoder in DECODERS.items():
        place = folder / kind
        write_bundle(make_bundle(cells, Fitted(single(N_CELLS, D), decoder, {}), PCAModel()), place)
        made[kind] = {file.name: file.read_bytes() for file in place.iterdir()}
    return made


def check(folder, bundles, kind, name, data):
    """Read the bundle with one file in the place of another; what it says is what the files say."""
    place = folder / kind
    for file, content in (bundles[kind] | {name: data}).items():
        (place / file).write_bytes(content)
    made = outcome(lambda: read_bundle(place), place)
    if made is None:
        return
    original = bundles[kind]
    assert made.info == json.loads((place / "bundle.json").read_text())
    assert made.info["embedding_sha256"] == json.loads(original["bundle.json"])["embedding_sha256"]
    said = json.loads((place / "decoder.json").read_text())["type"]
    assert made.decoder.type == said
    if said == kind != "none":
        found = {
            n: a.astype(float)
            for n, a in load((place / "decoder.safetensors").read_bytes()).items()
        }
        mine = made.decoder.tensors()
        assert all(np.array_equal(mine[n].astype(float), found[n], equal_nan=True) for n in mine)
        assert made.decoder.shape == (D, N_GENES)
        with np.errstate(all="ignore"):  # of weights that are far from any that were trained
            decoded = made.decode(made.embedding)
        assert decoded.shape == (N_CELLS, N_GENES)


KINDS = st.sampled_from(sorted(DECODERS))


@fuzzed(150)
@given(data=st.data(), kind=KINDS, name=st.sampled_from(["bundle.json", "decoder.json"]))
def test_json_of_strange_things(data, kind, name, folder, bundles):
    content = data.draw(strange(json.loads(bundles[kind][name])))
    check(folder, bundles, kind, name, json.dumps(content).encode())


@fuzzed(100)
@given(data=st.data(), name=st.sampled_from(["bundle.json", "decoder.json", "decoder.safetensors"]))
def test_spoilt_files(data, name, folder, bundles):
    check(folder, bundles, "pca", name, data.draw(spoilt(bundles["pca"][name])))


@fuzzed(150)
@given(data=st.data(), kind=st.sampled_from(["pca", "linear_simplex", "mlp_softmax"]))
def test_decoders_of_another_form(data, kind, folder, bundles):
    arrays = data.draw(strange_arrays(load(bundles[kind]["decoder.safetensors"])))
    packed = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    check(folder, bundles, kind, "decoder.safetensors", packed)


@fuzzed(30)
@given(share=st.floats(0, 1, exclude_max=True))
def test_cells_that_were_cut_off(share, folder, bundles):
    whole = bundles["none"]["cells.h5ad"]
    place = folder / "none"
    for file, content in (
        bundles["none"] | {"cells.h5ad": whole[: int(share * len(whole))]}
    ).items():
        (place / file).write_bytes(content)
    assert outcome(lambda: read_bundle(place), place) is None
