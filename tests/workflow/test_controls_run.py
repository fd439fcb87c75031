"""Every kind of control and repeat through the workflow, on small SAEs of real cells."""

import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file

from clones import ROOT, copy_repository, run_snakemake, write_config
from featurelens.io import read_anndata
from miniature import shrink

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

KINDS = ["random", "untrained", "frozen", "dimensions", "pca", "ica", "nmf"]
BUNDLE = "pbmc68k/poisson_nmf"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A clone in which the controls of one embedding were made."""
    folder = copy_repository(tmp_path_factory.mktemp("controls"))
    config = shrink(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    config |= {"simulations": {}, "sweeps": {}, "claims": None}
    config["controls"] |= {"kinds": KINDS, "repeat": ["sae", "random", "ica"], "seeds": [1, 2]}
    selection = write_config(folder, config)
    target = "results/demo/figures/figure_controls.png"
    done = run_snakemake(folder, *selection, "--cores", "2", "--show-failed-logs", "--", target)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    return folder / "results/demo"


def weights(results, source):
    return load_file(results / f"sae/{BUNDLE}/{source}/sae_weights.safetensors")


def features(results, source):
    return read_anndata(results / f"features/{BUNDLE}/{source}/features.h5ad")


def test_every_source_has_a_row_under_every_filter(finished):
    table = pd.read_csv(finished / "tables/controls.tsv", sep="\t")
    assert (table.groupby("source").size() == 3).all()
    assert set(table["source"]) == {
        *("topk-x20", "topk-x20.seed1", "topk-x20.seed2"),
        *("topk-x20.random", "topk-x20.random.seed1", "topk-x20.random.seed2"),
        *("topk-x20.untrained", "topk-x20.frozen", "control.dimensions", "control.pca"),
        *("control.ica", "control.ica.seed1", "control.ica.seed2", "control.nmf"),
    }
    assert table["share"].between(0, 1).all()
    assert table["type_specificity"].between(0, 1).all()


def test_repeats_are_compared_with_one_another_and_controls_with_the_sae(finished):
    pairs = pd.read_csv(finished / "tables/control_pairs.tsv", sep="\t")
    once = pairs[pairs["filter"] == "kept_fdr"]
    counts = once["relation"].value_counts()
    # Three pairs of three runs, for each of three methods; eleven controls and repeats of them.
    assert counts.to_dict() == {"SAE and control": 11, "repeats": 9}
    assert pairs["correlation"].between(-1, 1).all()


def test_a_frozen_decoder_is_the_initial_one(finished):
    frozen, untrained = (weights(finished, f"topk-x20.{kind}") for kind in ("frozen", "untrained"))
    assert frozen["W_dec"].tobytes() == untrained["W_dec"].tobytes()
    assert frozen["W_enc"].tobytes() != untrained["W_enc"].tobytes()


def test_seeds_differ(finished):
    runs = [weights(finished, name)["W_dec"] for name in ("topk-x20", "topk-x20.seed1")]
    assert runs[0].shape == runs[1].shape
    assert runs[0].tobytes() != runs[1].tobytes()


def test_random_directions_fire_as_often_in_the_files(finished):
    sae, random = (features(finished, name) for name in ("topk-x20", "topk-x20.random"))
    assert random.var["n_active"].tolist() == sae.var["n_active"].tolist()
    assert random.obs_names.tolist() == sae.obs_names.tolist()


def test_components_say_what_they_are(finished):
    names = features(finished, "control.pca").var["component"]
    assert names.iloc[:3].tolist() == ["pca 1 +", "pca 1 -", "pca 2 +"]
