"""Saved models that embed cells: what their files say, or one line."""

import copy
import json

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

import multidgd_files
import scvi_files
from featurelens.embeddings.models.geneformer.dictionaries import read_vocabulary
from featurelens.embeddings.models.multidgd.fit import read_checkpoint, read_hyperparameters
from featurelens.embeddings.models.scvi.network import decoder_of
from featurelens.embeddings.models.scvi.saved import read_saved
from fuzzed import fuzzed, outcome
from geneformer_files import write_dictionaries
from mutations import spoilt, strange, strange_arrays

STATE = {name: t.numpy() for name, t in multidgd_files.make_model(6).state_dict().items()}
SIZES = {
    "n_features_per_modality": [multidgd_files.N_GENES, multidgd_files.N_PEAKS],
    "modalities": ["GEX", "ATAC"],
    "scaling": "sum",
}


def tensors(arrays):
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


@fuzzed(80)
@given(content=strange(SIZES))
def test_hyperparameters_of_multidgd(content, folder):
    config = multidgd_files.write_model(folder, {})
    (folder / "model.json").write_text(json.dumps(content))
    made = outcome(lambda: read_hyperparameters(config), folder)
    if made is not None:
        assert made.n_genes == content["n_features_per_modality"][made.position]
        assert made.modality == content["modalities"][made.position]


@fuzzed(100)
@given(arrays=strange_arrays(STATE))
def test_a_checkpoint_of_multidgd(arrays, folder):
    config = multidgd_files.write_model(folder, tensors(arrays))
    sizes = read_hyperparameters(config)
    made = outcome(lambda: read_checkpoint(config, sizes), folder)
    if made is not None:
        np.testing.assert_array_equal(
            made.representation, arrays["representation.z"].astype(np.float32)
        )
        decoded = made.decoder.decode(made.representation, covariate=made.covariate)
        assert decoded.shape == (len(made.representation), multidgd_files.N_GENES)


SCVI = scvi_files.content(scvi_files.network())
REGISTRY = json.loads(json.dumps(SCVI["attr_dict"], default=lambda value: None)) | {
    "registry_": SCVI["attr_dict"]["registry_"]
    | {
        "field_registries": {
            "batch": {"state_registry": {"categorical_mapping": scvi_files.BATCHES}}
        }
    }
}


@fuzzed(80)
@given(registry=strange(REGISTRY))
def test_what_scvi_tools_says(registry, folder):
    content = copy.copy(SCVI) | {"attr_dict": registry}
    torch.save(content, folder / "scvi.pt")
    made = outcome(lambda: read_saved(str(folder / "scvi.pt")), folder)
    if made is not None:
        fields = registry["registry_"]["field_registries"]["batch"]["state_registry"]
        assert list(made.batches) == [str(each) for each in np.ravel(fields["categorical_mapping"])]
        assert made.genes.tolist() == scvi_files.GENES


@fuzzed(80)
@given(arrays=strange_arrays({n: t.numpy() for n, t in SCVI["model_state_dict"].items()}))
def test_weights_of_scvi_tools(arrays, folder):
    torch.save(SCVI | {"model_state_dict": tensors(arrays)}, folder / "scvi.pt")
    shares = np.full(len(scvi_files.BATCHES), 1 / 3)
    made = outcome(lambda: decoder_of(read_saved(str(folder / "scvi.pt")), shares), folder)
    if made is not None:
        for name, array in zip(
            ("weight", "bias"), (made.scale_weight, made.scale_bias), strict=True
        ):
            expected = arrays[f"decoder.px_scale_decoder.0.{name}"]
            np.testing.assert_array_equal(array, np.asarray(expected, np.float32))


@fuzzed(100)
@given(data=st.data())
def test_dictionaries_of_geneformer(data, folder):
    files = write_dictionaries(folder, "V1")
    name = data.draw(st.sampled_from(["tokens", "medians"]))
    path = folder / f"{name}_V1.json"
    if data.draw(st.booleans()):
        path.write_bytes(data.draw(spoilt(path.read_bytes())))
    else:
        path.write_text(json.dumps(data.draw(strange(json.loads(path.read_text())))))
    made = outcome(
        lambda: read_vocabulary(files["tokens"], files["medians"], None, series="V1"), folder
    )
    if made is not None:
        said = {key: json.loads((folder / f"{key}_V1.json").read_text()) for key in files}
        assert (made.tokens, made.medians) == (said["tokens"], said["medians"])
