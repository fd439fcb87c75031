"""Memory of jobs by what they work on: small at the demo's size, enough at the paper's."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.dge import blocks, tables
from featurelens.embeddings.models.geneformer.config import GeneformerModel
from featurelens.embeddings.models.geneformer.variants import SIZES
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.scvi.config import ScviModel
from featurelens.planning import memory
from featurelens.planning.memory import Sizes, megabytes, read_sizes
from featurelens.planning.sizes import SNAKEMAKE

EMPTY = np.zeros((3, 4), np.float32)
DEMO = Sizes(n_cells=700, n_genes=765, n_dimensions=20, n_features=400)
PAPER = Sizes(n_cells=56_714, n_genes=13_431, n_dimensions=20, n_features=10_000)
# Largest memory in MiB of the default run's jobs, by the last lines of their logs.
MEASURED_DEMO = {
    "train": 343, "describe": 178, "steer": 202, "control": 235, "test": 397, "enrich": 379,
    "keep": 204, "map": 387,
}  # fmt: skip


@pytest.mark.parametrize("stage", MEASURED_DEMO)
def test_at_the_demos_size_memory_is_small_and_enough(stage):
    assert 1.5 * MEASURED_DEMO[stage] < megabytes(stage, DEMO) < 1100
    assert MEASURED_DEMO[stage] + SNAKEMAKE < megabytes(stage, DEMO)


# Of config/laptop.yaml's sorted blood cells, whose counts are 16,791 genes wide, by their benchmark
# files, which miss what lies between two looks (docs/snakemake.md).
FACS = Sizes(n_cells=3774, n_genes=16_791, n_dimensions=6, n_features=120)
MEASURED_FACS = {"train": 294, "describe": 261, "steer": 425, "test": 797, "enrich": 720}


@pytest.mark.parametrize("stage", MEASURED_FACS)
def test_at_the_size_of_sorted_blood_cells_memory_is_enough(stage):
    assert 1.5 * MEASURED_FACS[stage] < megabytes(stage, FACS) < 2000
    assert MEASURED_FACS[stage] + SNAKEMAKE < megabytes(stage, FACS)


@pytest.mark.parametrize("stage", [*MEASURED_DEMO, "layout"])
def test_more_of_anything_is_never_less_memory(stage):
    for more in (PAPER, Sizes(700, 765, 20, 10_000), Sizes(56_714, 765, 20, 400)):
        assert megabytes(stage, more) >= megabytes(stage, DEMO)
    # Controls of the cells are two ends of 100 components.
    largest = replace(PAPER, n_features=200) if stage == "control" else PAPER
    assert megabytes(stage, largest) < 16_000


def test_the_layout_of_a_million_cells_has_room():
    """benchmarks/results/scale.md: 2.5 GiB, and Snakemake's own."""
    assert 2.5 * 1074 + SNAKEMAKE < megabytes("layout", Sizes(1_000_000, 2000, 50)) < 4 * 1074


def test_jobs_on_tokens_are_planned_by_tokens(tmp_path):
    """A million states of 512 dimensions of 1,000 cells, in float32: 2 GB, in order once more."""
    cells = Sizes(n_cells=1000, n_genes=2000, n_dimensions=512, n_features=2000)
    tokens = replace(cells, n_tokens=1_000_000)
    for stage in ("train", "describe"):
        assert megabytes(stage, tokens) - megabytes(stage, cells) > 2 * 4 * 512
    for stage in ("test", "enrich", "keep", "map", "layout"):
        assert megabytes(stage, tokens) == megabytes(stage, cells)
    bundle = anndata.AnnData(
        np.zeros((3, 2), np.float32), obs=pd.DataFrame(index=list("abc")), obsm={"X_emb": EMPTY}
    )
    bundle.write_h5ad(tmp_path / "cells.h5ad")
    assert read_sizes(tmp_path / "cells.h5ad") == Sizes(3, 2, 4)
    (tmp_path / "bundle.json").write_text('{"fit": {"n_tokens": 17}}')
    assert read_sizes(tmp_path / "cells.h5ad") == Sizes(3, 2, 4, n_tokens=17)


def test_expression_beyond_what_is_held_lies_in_a_file():
    assert (memory._HELD, memory._ROWS) == (blocks.HELD, tables.ROWS)
    more = replace(PAPER, n_genes=2 * PAPER.n_genes)
    beside = 1.25 * 88 * 512 * PAPER.n_genes / 1e6  # what the tests of more genes take
    assert megabytes("test", more) == pytest.approx(megabytes("test", PAPER) + beside, abs=2)
    assert megabytes("keep", PAPER) < megabytes("enrich", PAPER) / 2


def test_a_network_of_448000_features_would_say_so():
    """500 features per dimension of Geneformer's 896: what max_features spares the paper's run."""
    wide = Sizes(56_714, 13_431, 896, 500 * 896)
    assert megabytes("enrich", wide) > 100_000


def test_dimensions_that_a_config_tells():
    geneformer = GeneformerModel(
        variant="gf-20L-95M-i4096", folder="f", tokens="t.pkl", medians="m.pkl"
    )
    assert PCAModel(n_components=7).dimensions == 7
    assert ScviModel(n_latent=9).dimensions == 9
    assert ScviModel(checkpoint="model.pt").dimensions is None
    assert PrecomputedModel(key="X").dimensions is None
    assert geneformer.dimensions == 896
    published = {name: replace(geneformer, variant=name).dimensions for name in SIZES}
    assert published == {
        "gf-6L-30M-i2048": 256,
        "gf-12L-30M-i2048": 512,
        "gf-12L-95M-i4096": 512,
        "gf-20L-95M-i4096": 896,
        "V2-104M": 768,
        "V2-316M": 1152,
    }
    assert replace(geneformer, variant="V2").dimensions is None
