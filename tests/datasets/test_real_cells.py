"""Real cells through bundle, SAE and decoder, where they are at hand."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from scipy import sparse

from featurelens.datasets.checks import check_dataset
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset
from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes
from featurelens.dge.layout import prepare_expression
from featurelens.embeddings.bundle import read_bundle, write_bundle
from featurelens.embeddings.counts import whole
from featurelens.embeddings.embed import embed
from featurelens.embeddings.expression import expression
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.registry import check_model
from featurelens.sae.config import SAEConfig
from featurelens.sae.training import train

CELLS = Path(__file__).parents[3] / "shared/data/cells"
FACS, PAUL = CELLS / "pbmc_facs.h5ad", CELLS / "paul15_tradeseq_mouse.h5ad"
needs_facs = pytest.mark.skipif(not FACS.exists(), reason=f"{FACS.name} is not at hand")
needs_paul = pytest.mark.skipif(not PAUL.exists(), reason=f"{PAUL.name} is not at hand")


def through_a_sae(bundle, **options):
    """Decoded expression of the reconstructions that an SAE makes of an embedding."""
    config = SAEConfig(
        architecture="topk", expansion=10, k=20, epochs=30, learning_rate=1e-3, batch_size=64
    )
    [trained] = train(bundle.embedding, [config])
    assert trained.evaluation.explained_variance > 0.9
    reconstructed = trained.sae.decode(trained.sae.encode(bundle.embedding))
    return bundle.decode(reconstructed, rows=np.arange(len(reconstructed)), **options)


@needs_facs
def test_sorted_blood_cells_with_their_published_topics(tmp_path):
    dataset = OwnCells(path=str(FACS), cell_type="celltype", symbol="symbol")
    model = PrecomputedModel(key="X_poisson_nmf", factors="poisson_nmf_F")
    check_dataset(dataset, cell_types=("CD34+", "CD14+ Monocyte"))
    check_model(dataset, model)
    cells = read_dataset(dataset)
    assert cells.shape == (3774, 16791)
    # The topic model's sizes are the totals of the counts.
    np.testing.assert_allclose(cells.obs["nmf_size"], cells.obs["library"], rtol=1e-3)
    write_bundle(embed(cells, model), tmp_path)
    bundle = read_bundle(tmp_path)
    mean = bundle.decode(bundle.embedding, library=1).mean(axis=0, dtype=np.float64)
    counts = whole(bundle.cells.layers["counts"])
    shares = (counts.multiply(1 / counts.sum(axis=1))).mean(axis=0).A1
    assert np.corrcoef(mean, shares)[0, 1] > 0.99
    # What defines three of the sorted types: CD79A of B cells, NKG7 of NK cells, LYZ of monocytes.
    decoded = through_a_sae(bundle)
    types = bundle.cells.obs["cell_type"].astype(str)
    for gene, expected in (("CD79A", "CD19+ B"), ("NKG7", "CD56+ NK"), ("LYZ", "CD14+ Monocyte")):
        [column] = np.flatnonzero(bundle.cells.var["symbol"] == gene)
        by_type = {t: decoded[(types == t).to_numpy(), column].mean() for t in types.unique()}
        assert max(by_type, key=by_type.get) == expected


@needs_facs
def test_gene_tests_of_sorted_blood_cells_equal_scipy():
    # Counts of 2,100 of 16,791 genes, most of them rarely seen, between cells with and without a
    # topic.
    dataset = OwnCells(path=str(FACS), cell_type="celltype", symbol="symbol")
    model = PrecomputedModel(key="X_poisson_nmf", factors="poisson_nmf_F")
    bundle = embed(read_dataset(dataset), model)
    active = sparse.csr_matrix(np.maximum(bundle.embedding - 0.3, 0))
    symbols = bundle.cells.var["symbol"].astype(str).to_numpy()
    genes = np.flatnonzero((np.arange(len(symbols)) % 8 == 0) | (symbols == "CD79A"))
    symbols, counts = symbols[genes], expression(bundle, source="measured")[:, genes]
    sets = split_cells(active, config=DgeConfig(), convention="corrected")
    tests = test_genes(sets, prepare_expression(counts), config=DgeConfig(), convention="corrected")
    cell_type = bundle.cells.obs["cell_type"].astype(str).to_numpy()
    for row, (high, low) in enumerate(zip(sets.high.toarray(), sets.low().toarray(), strict=True)):
        first = counts[high > 0].astype(np.float64) * tests.factor[row]
        second = counts[low > 0].astype(np.float64)
        known = (first.var(axis=0) > 0) | (second.var(axis=0) > 0)
        np.testing.assert_array_equal(np.isnan(tests.p[row]), ~known)
        expected = scipy.stats.ttest_ind(first[:, known], second[:, known], equal_var=False)
        np.testing.assert_allclose(tests.t[row, known], expected.statistic, rtol=1e-9, atol=1e-12)
        tiny = expected.pvalue < 1e-300
        logarithm = tests.log10_p[row, known]
        p = np.log10(expected.pvalue[~tiny])
        np.testing.assert_allclose(logarithm[~tiny], p, rtol=1e-9, atol=1e-12)
        assert (logarithm[tiny] < -299).all()
        if (cell_type[high > 0] == "CD19+ B").mean() > 0.9:
            assert "CD79A" in symbols[np.argsort(-np.nan_to_num(tests.t[row]))[:10]]


@needs_paul
@pytest.mark.parametrize(
    "model",
    [PCAModel(n_components=15), PoissonNMFModel(n_components=10, iterations=60)],
    ids=lambda model: model.kind,
)
def test_the_red_blood_cell_trajectory_of_the_mouse(tmp_path, model):
    cells = read_dataset(OwnCells(path=str(PAUL), cell_type="cell_type"))
    assert cells.shape == (2660, 3004)
    write_bundle(embed(cells, model), tmp_path)
    bundle = read_bundle(tmp_path)
    decoded = through_a_sae(bundle)
    measured = expression(bundle, source="measured")
    types = bundle.cells.obs["cell_type"]
    red, other = (types == t for t in ("Erythrocyte", "Monocytes"))
    # Per 10,000 counts, in erythrocytes; a twentieth of it in monocytes.
    for gene, in_red in (("Klf1", 21), ("Car2", 115)):
        column = bundle.cells.var_names.get_loc(gene)
        assert measured[red, column].mean() == pytest.approx(in_red, rel=0.1)
        assert decoded[red, column].mean() == pytest.approx(in_red, rel=0.4)
        assert decoded[red, column].mean() > 4 * decoded[other, column].mean()
