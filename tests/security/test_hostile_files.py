"""Files that would write a folder if anything in them were executed: nothing is."""

import os
import pickle
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import featurelens
from featurelens.config.parse import parse_config
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset
from featurelens.downloads.fetch import fetch
from featurelens.embeddings.models.geneformer.dictionaries import read_dictionary
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.precomputed.files import read_embedding
from featurelens.io import InputError
from featurelens.sae.config import ImportedSAE
from featurelens.sae.model import read_saved
from featurelens.sae.saved import Saved
from featurelens.torch_files import load_safely
from flaky_server import serve, whole
from made_cells import scanpy_like

NAMES = ("../../escaped", "$(mkdir made)", "; mkdir made;", "`mkdir made`", "/escaped", "a\\b|c")


class Makes:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def marker(tmp_path):
    path = tmp_path / "made"
    yield path
    assert not path.exists()


def test_the_marker_marks(tmp_path):
    pickle.loads(pickle.dumps(Makes(tmp_path / "made")))
    assert (tmp_path / "made").is_dir()


def test_a_checkpoint(tmp_path, marker):
    torch.save({"decoder.weight": torch.ones(2), "extra": Makes(marker)}, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"model\.pt: .*torch\.save"):
        load_safely(str(tmp_path / "model.pt"))


@pytest.mark.parametrize(
    "form", ["auto", "dictionary_learning", "overcomplete", "study", "tensors"]
)
def test_weights_of_an_sae(tmp_path, marker, form):
    tensors = {"encoder.weight": torch.ones(3, 2), "bias": torch.ones(2), "extra": Makes(marker)}
    torch.save(tensors, tmp_path / "ae.pt")
    asked = ImportedSAE(path=str(tmp_path / "ae.pt"), format=form)
    with pytest.raises(InputError, match=r"ae\.pt: "):
        read_saved(Saved(asked.path, asked))


@pytest.mark.parametrize("name", ["z.pt", "z.npy"])
def test_an_embedding(tmp_path, marker, name):
    path = tmp_path / name
    if name == "z.pt":
        torch.save({"z": Makes(marker)}, path)
    else:
        np.save(path, np.array([Makes(marker)], dtype=object), allow_pickle=True)
    (tmp_path / "names.txt").write_text("cell0\n")
    names = str(tmp_path / "names.txt")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_embedding(PrecomputedModel(path=str(path), names=names))


def test_a_dictionary(tmp_path, marker):
    path = tmp_path / "tokens.pkl"
    path.write_bytes(pickle.dumps({"ENSG00000000001": Makes(marker)}))
    with pytest.raises(InputError, match=r"tokens\.pkl: "):
        read_dictionary(path)


@pytest.mark.parametrize("place", ["uns/note", "obs/cell_type", "layers/counts"])
def test_cells_with_pickled_bytes(tmp_path, marker, place):
    adata = scanpy_like()
    adata.layers["counts"] = adata.X.copy()
    adata.write_h5ad(tmp_path / "my.h5ad")
    with h5py.File(tmp_path / "my.h5ad", "a") as file:
        if place in file:
            del file[place]
        file[place] = np.array([np.void(pickle.dumps(Makes(marker)))] * adata.n_obs)
        file[place].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    asked = OwnCells(path=str(tmp_path / "my.h5ad"), cell_type="cell_type", counts_layer="counts")
    if place == "uns/note":  # is not read
        assert read_dataset(asked).n_obs == adata.n_obs
    else:
        with pytest.raises(InputError, match=r"my\.h5ad: .*" + place.split("/")[1]):
            read_dataset(asked)


def test_names_that_would_be_paths_or_commands(tmp_path, monkeypatch):
    """Gene sets, cell types and genes are text wherever they go: all files lie in the folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    adata = scanpy_like()
    types = adata.obs["cell_type"].astype(str)
    adata.obs["cell_type"] = types.replace(dict(zip(sorted(set(types)), NAMES, strict=False)))
    genes = list(adata.var_names)
    sets = {name: genes[5 * place : 5 * place + 12] for place, name in enumerate(NAMES)}
    featurelens.annotate(
        adata,
        obsm_key=next(iter(adata.obsm)),
        gene_sets=sets,
        cell_type="cell_type",
        sae={"architecture": "topk", "expansion": 2, "k": 10, "epochs": 2},
        n_permutations=0,
        folder=tmp_path / "here/out",
        log=lambda line: None,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["out"]
    assert not Path("/escaped").exists()


@pytest.mark.parametrize("name", ["../../x", "a;b", "$(mkdir made)", "a b", "a/b"])
@pytest.mark.parametrize("block", ["datasets", "saes", "collections", "simulations", "sweeps"])
def test_names_in_a_config(name, block):
    with pytest.raises(InputError, match=f"'{block}"):
        parse_config({"run": "own", block: {name: {}}})


def test_a_download_that_leaves_encryption(tmp_path, monkeypatch):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    command += f" subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    made = subprocess.run(command.split(), capture_output=True, check=False)
    if made.returncode:
        pytest.skip("openssl makes no certificate here")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    with serve() as plain, secure(certificate, key, plain.on("/b", whole(b"bytes"))) as address:
        with pytest.raises(InputError, match=r"leads from https to http://.*not encrypted"):
            fetch(f"{address}/out", tmp_path / "file.bin", attempts=2, backoff=0.01, timeout=20.0)
        assert plain.asked == []
        fetch(f"{address}/in", tmp_path / "file.bin", attempts=2, backoff=0.01, timeout=20.0)
    assert (tmp_path / "file.bin").read_bytes() == b"kept"


class secure:
    """A server with https: ``/out`` leads to a plain address, ``/in`` to one of its own."""

    def __init__(self, certificate, key, elsewhere):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                away = {"/out": elsewhere, "/in": "/kept"}.get(self.path)
                self.send_response(302 if away else 200)
                self.send_header("Location", away) if away else None
                self.send_header("Content-Length", "0" if away else "4")
                self.end_headers()
                self.wfile.write(b"" if away else b"kept")

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("localhost", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return f"https://localhost:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
