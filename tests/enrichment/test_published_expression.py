"""Genes and terms under ``published`` against the author's computation, restated in a helper."""

from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import ttest_ind

import author_annotation as author
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset
from featurelens.dge.config import DgeConfig
from featurelens.dge.layout import prepare_bundle
from featurelens.dge.singly import permute_singly
from featurelens.dge.tables import iter_bundle_tests, iter_bundle_ways
from featurelens.embeddings.bundle import Bundle
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.embed import embed
from featurelens.embeddings.expression import expression, own_library
from featurelens.embeddings.models.multidgd.config import MultiDGDModel
from featurelens.enrichment.annotate_bundle import annotate_bundle
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.membership import lay_over
from featurelens.enrichment.null_cells import Expressions
from featurelens.enrichment.term_tests import gene_statistics
from featurelens.genesets.sets import GeneSets
from featurelens.means import Means

REAL = Path(__file__).parents[3] / "shared" / "data" / "multidgd"
CONFIG = DgeConfig(expression="available")
ENRICHMENT = EnrichmentConfig(n_permutations=0, min_genes=1)

# Printed by author_annotation.py under numpy 1.25.2, scipy 1.9.3 and statsmodels 0.14.4: genes with
# q below 1e-5 and terms kept of each feature, and the p of one gene.
PINNED = {
    "decoded": (
        [57, 41, 72, 104, 80, 76],
        [7, 5, 2, 0, 1, 1],
        [1.455129e-13, 6.245853e-1, 4.175528e-13, 3.124431e-16, 2.039037e-10, 1.365621e-15],
    ),
    "measured": (
        [0, 17, 36, 101, 60, 44],
        [0, 0, 3, 0, 2, 2],
        [1.846291e-11, 2.956594e-1, 7.807318e-14, 3.459659e-16, 8.453562e-1, 5.927640e-16],
    ),
}


@pytest.fixture(scope="module")
def made() -> author.Study:
    return author.study()


def bundle_of(made: author.Study, source: str) -> Bundle:
    """The study as a bundle: a decoder of one layer with covariates, or none, as Geneformer."""
    names = [f"c{number}" for number in range(author.N_CELLS)]
    genes = [f"G{number}" for number in range(author.N_GENES)]
    obs = pd.DataFrame({"cell_type": "a", "batch": "1", "library": made.library}, index=names)
    cells = anndata.AnnData(
        obs=obs,
        var=pd.DataFrame({"symbol": genes}, index=genes),
        obsm={"X_emb": made.z.astype(np.float32), "X_cov": made.code.astype(np.float32)},
        layers={"counts": sparse.csr_matrix(made.counts)},
        uns={"library_column": "GEX_n_counts"},
    )
    if source == "measured":
        return Bundle(cells=cells, decoder=NoDecoder(), info={})
    decoder = MLPSoftmaxDecoder(
        weights=(made.weights.T.astype(np.float32),),
        biases=(np.zeros(author.N_GENES, np.float32),),
        r=np.ones(author.N_GENES, np.float32),
        mean_covariate=made.code.mean(axis=0).astype(np.float32),
    )
    return Bundle(cells=cells, decoder=decoder, info={"n_covariates": 2})


def annotated(bundle: Bundle, made: author.Study, log=lambda line: None):
    """Published tests of genes and terms, (n_features, n_genes or n_terms)."""
    activations = sparse.csr_matrix(made.activations)
    means = Means(log=log)
    tests = iter_bundle_tests(
        bundle, activations, config=CONFIG, convention="published", means=means
    )
    dge = pd.concat(list(tests))
    genes = np.array(bundle.cells.var["symbol"])
    sets = GeneSets.of((f"T{i}", "", tuple(genes[term])) for i, term in enumerate(made.terms))
    membership = lay_over(bundle.cells.var, sets, ENRICHMENT)
    annotation = annotate_bundle(
        [gene_statistics(dge, membership)],
        bundle,
        activations,
        membership,
        dge_config=CONFIG,
        config=ENRICHMENT,
        convention="published",
        means=means,
    )
    return dge, annotation.columns["kept_published_05"]


@pytest.mark.parametrize("source", ["decoded", "measured"])
def test_genes_and_terms_are_the_authors(made, source):
    dge, kept = annotated(bundle_of(made, source), made)
    values = made.predicted() if source == "decoded" else made.counts.astype(np.float32)
    significant, n_kept, p = PINNED[source]
    shape = (author.N_FEATURES, author.N_GENES)
    ours = {name: dge[name].to_numpy().reshape(shape) for name in ("log2_fold", "p", "q")}
    for feature, z in enumerate(made.activations.T):
        theirs = author.test_genes(values, z, guard=source == "decoded")
        np.testing.assert_allclose(2.0 ** ours["log2_fold"][feature], theirs.fold, rtol=1e-5)
        for name in ("p", "q"):  # of float32 in scipy, where the expression is
            theirs_too = getattr(theirs, name)
            np.testing.assert_allclose(ours[name][feature], theirs_too, rtol=2e-3, atol=1e-30)
        np.testing.assert_array_equal(kept[feature], author.kept_terms(theirs, made.terms))
    assert (ours["q"] < 1e-5).sum(axis=1).tolist() == significant
    assert kept.sum(axis=1).tolist() == n_kept
    np.testing.assert_allclose(ours["p"][:, 7], p, rtol=1e-4)


def test_the_common_library_and_the_mean_code_give_other_genes(made):
    """What both conventions were given before, and corrected still is: cells differ in z alone."""
    bundle = bundle_of(made, "decoded")
    logits = np.hstack([made.z, np.tile(made.code.mean(axis=0), (author.N_CELLS, 1))])
    shares = np.exp(logits @ made.weights)
    shares *= 1e4 / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(expression(bundle), shares, rtol=1e-4)
    np.testing.assert_allclose(
        expression(bundle, convention="published"), made.predicted(), rtol=1e-4
    )
    theirs = author.test_genes(shares, made.activations[:, 2], guard=True)
    assert abs((theirs.q < 1e-5).sum() - PINNED["decoded"][0][2]) > 5


def test_one_gene_that_is_constant_in_both_sets_empties_a_feature(made):
    """Gene 119 is in no cell that feature 0 compares, so that its q is NaN for every gene."""
    lines = []
    dge, kept = annotated(bundle_of(made, "measured"), made, lines.append)
    first = dge[dge["feature"] == "0"]
    assert first["p"].isna().sum() == 1
    assert first["q"].isna().all()
    assert not kept[0].any()
    assert "published: genes are tested on raw counts" in lines
    assert any(line.startswith("published: 1 of 6 features have a gene") for line in lines)
    without = replace(made, counts=made.counts[:, :-1], terms=made.terms[:, :-1])
    theirs = author.test_genes(without.counts, made.activations[:, 0], guard=False)
    assert (theirs.q < 1e-5).sum() > 20  # what the other genes alone would have said


def test_sets_that_are_constant_and_differ_have_p_zero_without_a_guard():
    """scipy: t is infinite. One cell above the percentile has no variance at all: p is NaN."""
    z = np.r_[np.zeros(50), np.full(148, 1.0), 5.0, 5.0]
    counts = np.column_stack([np.where(z == 5, 3, z == 1), z + 1, np.arange(200.0) % 7 + 1])
    names = [f"c{number}" for number in range(200)]
    cells = anndata.AnnData(
        obs=pd.DataFrame({"cell_type": "a", "batch": "1"}, index=names),
        var=pd.DataFrame({"symbol": list("ABC")}, index=list("ABC")),
        obsm={"X_emb": np.zeros((200, 2), np.float32)},
        layers={"counts": sparse.csr_matrix(counts)},
    )
    bundle = Bundle(cells=cells, decoder=NoDecoder(), info={})
    (table,) = iter_bundle_tests(
        bundle, sparse.csr_matrix(z[:, None]), config=CONFIG, convention="published"
    )
    theirs = author.test_genes(counts, z, guard=False)
    np.testing.assert_allclose(table["p"], theirs.p, rtol=1e-9)
    np.testing.assert_allclose(table["q"], theirs.q, rtol=1e-9)
    assert table["p"].tolist()[:2] == [0, 0]
    assert table["log10_p"].tolist()[:2] == [-np.inf, -np.inf]


def test_his_call_needs_the_scipy_that_he_pinned(made):
    """What his try/except would make of it here is p = 1 of every gene, and no term at all."""
    first, second = np.arange(5.0), np.arange(7.0)
    if not author.BY_PLACE:
        with pytest.raises(TypeError, match="positional"):
            ttest_ind(first, second, 0, False)
    caught = author.Genes(np.ones(author.N_GENES), *np.ones((2, author.N_GENES)))
    assert not author.kept_terms(caught, made.terms).any()
    dge, _ = annotated(bundle_of(made, "decoded"), made)
    assert (dge["p"] < 1).mean() > 0.9


def test_the_library_is_the_named_column_or_the_sum_of_counts(made, tmp_path):
    bundle = bundle_of(made, "decoded")
    library, what = own_library(bundle)
    assert library.tolist() == made.library.tolist()
    assert what == "column 'GEX_n_counts' of obs"
    lines = []
    prepare_bundle(bundle, CONFIG, convention="published", means=Means(log=lines.append))
    own = "published: each cell is decoded with its own covariate code, times its library, "
    assert lines == [f"{own}column 'GEX_n_counts' of obs"]
    file = anndata.AnnData(bundle.cells.layers["counts"], obs=bundle.cells.obs.copy())
    file.obs["GEX_n_counts"] = made.library
    del file.obs["library"]
    file.write_h5ad(tmp_path / "cells.h5ad")
    path = str(tmp_path / "cells.h5ad")
    for column, expected in ((None, made.counts.sum(axis=1)), ("GEX_n_counts", made.library)):
        cells = read_dataset(OwnCells(path=path, cell_type="cell_type", library=column))
        cells.obsm["X_emb"] = bundle.embedding
        library, what = own_library(Bundle(cells=cells, decoder=NoDecoder(), info={}))
        assert library.tolist() == expected.tolist()
        assert (column or "the sum of its counts") in what


def test_one_convention_is_laid_out_at_a_time(made, monkeypatch):
    from featurelens.dge import tables

    asked = []

    def prepare(bundle, config, *, convention, means):
        asked.append(convention)
        return prepare_bundle(bundle, config, convention=convention, means=means)

    monkeypatch.setattr(tables, "prepare_bundle", prepare)
    bundle, activations = bundle_of(made, "decoded"), sparse.csr_matrix(made.activations)
    tests = ["global_published", "global_corrected", "within_type_corrected"]
    found = [
        pd.concat(list(way)) for way in iter_bundle_ways(bundle, activations, tests, config=CONFIG)
    ]
    assert asked == ["published", "corrected"]
    alone = iter_bundle_tests(bundle, activations, config=CONFIG, convention="corrected")
    pd.testing.assert_frame_equal(found[1], pd.concat(list(alone)))
    assert not found[0]["t"].equals(found[1]["t"])


def test_nulls_keep_the_convention_and_each_cells_library(made):
    bundle = bundle_of(made, "decoded")
    expressions = Expressions(bundle, CONFIG)
    for convention, sums in (("published", made.library), ("corrected", np.full(600, 1e4))):
        prepared = expressions.get("tested", convention)
        total = sum(block.sum(axis=1, dtype=float) for block in prepared.blocks)
        np.testing.assert_allclose(total, sums, rtol=1e-4)
    counts = expressions.get("measured", "published")
    total = sum(block.sum(axis=1, dtype=float) for block in counts.blocks)
    np.testing.assert_allclose(total, made.counts.sum(axis=1))
    # Genes change places over cells as parts of the library, and are given in the new cell's.
    prepared = expressions.get("tested", "published")
    everyone = np.zeros(author.N_CELLS, dtype=int)
    alone = permute_singly(prepared, everyone, min_cells=20, seed=(0,))
    shares = np.hstack([alone.block(i).values for i in range(len(alone.blocks))])[:, :-8]
    shares = shares / made.library[:, None]
    before = made.predicted() / made.library[:, None]
    loud = (before > 0.05).sum(axis=0) >= 20
    assert loud.any()
    np.testing.assert_allclose(
        np.sort(shares[:, loud], axis=0), np.sort(before[:, loud], axis=0), rtol=1e-4
    )


@pytest.mark.skipif(not REAL.exists(), reason="the real checkpoint is not beside the repository")
def test_a_real_model_is_decoded_as_its_package_does_it():
    """multiDGD's own answer for 40 cells, each with its own code, times the sum of its counts."""
    dataset = OwnCells(path=str(REAL / "pbmc_small.h5ad"), cell_type="observable", modality="GEX")
    model = MultiDGDModel(
        checkpoint=str(REAL / "pbmc_small.pt"),
        hyperparameters=str(REAL / "pbmc_small_hyperparameters.json"),
    )
    bundle = embed(read_dataset(dataset), model)
    known = np.load(REAL / "pbmc_small_expected.npz", allow_pickle=True)
    library = np.asarray(bundle.cells.layers["counts"].sum(axis=1)).ravel()
    expected = known["decoded_first40"] * library[:40, None]
    found = expression(bundle, convention="published")[:40]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
