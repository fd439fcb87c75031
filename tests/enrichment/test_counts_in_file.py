"""A bundle whose counts stay in its file gives the tests and nulls of one in memory."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.datasets.assemble import assemble
from featurelens.dge import blocks
from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import write_feature_tables
from featurelens.dge.tables import iter_bundle_ways
from featurelens.embeddings.bundle import read_bundle, write_bundle
from featurelens.embeddings.decoders.config import RidgeSurrogate
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.enrichment.annotate_bundle import annotate_tests
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.genesets.sets import GeneSets

WAYS = ("global_published", "global_corrected", "within_type_corrected")
GENES = [f"G{number}" for number in range(40)]


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(240, 3))
    rates = np.exp(0.4 * z @ rng.normal(size=(3, 40)))
    obs = pd.DataFrame(
        {"cell_type": rng.choice(["a", "b"], size=240), "batch": "all", "library": 1.0},
        index=[f"c{number}" for number in range(240)],
    )
    counts = sparse.csr_matrix(rng.poisson(rates).astype(np.int32))
    obs["library"] = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    made = assemble(counts=counts, obs=obs, var=pd.DataFrame({"symbol": GENES}, GENES), what="made")
    made.obsm["X_z"] = z
    return made


@pytest.mark.parametrize(
    ("surrogate", "source", "held"),
    [(None, "measured", 0), (None, "measured", 2**30), (RidgeSurrogate(alpha=5.0), "decoded", 0)],
)
def test_tests_and_nulls_are_those_in_memory(cells, tmp_path, monkeypatch, surrogate, source, held):
    in_memory = embed(cells, PrecomputedModel(key="X_z", surrogate=surrogate))
    write_bundle(in_memory, tmp_path / "bundle")
    z = in_memory.embedding
    activations = sparse.csr_matrix(np.maximum(np.concatenate([z, -z], axis=1) - 0.3, 0))
    sets = GeneSets(("one", "two"), ("", ""), (tuple(GENES[:8]), tuple(GENES[5:20])))
    membership = sets.membership(GENES, min_genes=1, max_genes=40)
    dge = DgeConfig(expression=source, high_percentile=90, min_cells=5)
    found = {}
    for name, bundle, at_most in (
        ("memory", in_memory, 2**30),
        ("file", read_bundle(tmp_path / "bundle"), held),
    ):
        monkeypatch.setattr(blocks, "HELD", at_most)
        paths = {way: tmp_path / f"{name}_{way}.parquet" for way in WAYS}
        ways = iter_bundle_ways(bundle, activations, WAYS, config=dge)
        for tables, path in zip(ways, paths.values(), strict=True):
            write_feature_tables(tables, path)
        annotations = annotate_tests(
            paths,
            bundle,
            activations,
            membership,
            dge_config=dge,
            config=EnrichmentConfig(n_permutations=2, n_control_permutations=1),
        )
        found[name] = [(each.enrichment, each.null, each.summary) for each in annotations]
    for ours, expected in zip(found["file"], found["memory"], strict=True):
        for one, other in zip(ours, expected, strict=True):
            pd.testing.assert_frame_equal(one, other, check_exact=True)
