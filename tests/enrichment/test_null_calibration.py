"""On real cells the calibrated p is what it says, on permutations that it has not seen.

The features are rectified random directions of the cells' principal components: sparse, of all
sizes, and related to one another as features of an SAE are.
"""

from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pytest
from scipy import sparse

from featurelens.datasets.config import Pbmc68kReduced
from featurelens.datasets.readers import read_dataset
from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.layout import prepare_expression
from featurelens.dge.matching import match_cells
from featurelens.enrichment.calibration import calibrate
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.exchange import Cells
from featurelens.enrichment.nulls import Experiment, share_below
from featurelens.genesets.files import read_gmt
from featurelens.genesets.sets import unique_symbols

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
FACS = SHARED / "data/cells/pbmc_facs.h5ad"
N_FEATURES = 60


def pbmc68k():
    """Counts, symbols, types and gene sets of the cells that come with scanpy."""
    cells = read_dataset(Pbmc68kReduced())
    sets = read_gmt(ROOT / "config/genesets/blood_families.gmt")
    return cells.layers["counts"].toarray(), cells.var["symbol"], cells.obs["cell_type"], sets


def pbmc_facs():
    """The same of sorted cells: every fourth, their 1,000 most variable genes, Hallmark sets."""
    if not FACS.exists():
        pytest.skip(f"{FACS} is not there; the test needs these cells")
    cells = anndata.read_h5ad(FACS)[::4]
    counts = cells.X.toarray().astype(np.float32)
    shares = counts / counts.sum(axis=1, keepdims=True)
    genes = np.sort(np.argsort(-shares.var(axis=0))[:1000])
    sets = read_gmt(SHARED / "data/genesets/h.all.v7.0.symbols.gmt.gz")
    return counts[:, genes], cells.var["symbol"].iloc[genes], cells.obs["celltype"], sets


def random_features(expression, rng):
    """(n_cells, N_FEATURES): random directions of 15 principal components, rectified."""
    values = np.log1p(expression)
    left, scale, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    along = left[:, :15] * scale[:15] @ rng.normal(size=(15, N_FEATURES))
    bounds = [
        np.quantile(column, share)
        for column, share in zip(along.T, rng.uniform(0.5, 0.95, N_FEATURES), strict=True)
    ]
    return sparse.csr_matrix(np.maximum(along - bounds, 0))


def experiment(data, contrast):
    counts, symbols, types, sets = data()
    expression = counts / counts.sum(axis=1, keepdims=True) * 1e4
    features = random_features(expression, np.random.default_rng(0))
    genes = unique_symbols(symbols)
    dge = DgeConfig(high_percentile=95, expression="measured")
    cells = split_cells(features, config=dge, convention="corrected")
    prepared = prepare_expression(expression)
    if contrast == "within_type":
        cells = match_cells(cells, np.unique(types, return_inverse=True)[1], config=dge)
        prepared = prepared.by(cells.strata)
    config = EnrichmentConfig(n_permutations=20)
    return Experiment(
        statistics=[],
        membership=sets.membership(genes, min_genes=config.min_genes, max_genes=config.max_genes),
        cells=Cells(cells, prepared, np.zeros(len(counts), dtype=int), types.to_numpy()),
        n_live=N_FEATURES,
        dge_config=dge,
        config=config,
        convention="corrected",
        contrast=contrast,
    )


@pytest.mark.parametrize("contrast", ["global", "within_type"])
@pytest.mark.parametrize("data", [pbmc68k, pbmc_facs])
def test_held_out_p_below_05_in_one_case_of_twenty(data, contrast):
    one = experiment(data, contrast)
    null = one.nulls[0]
    n_features = len(one.cells.sets.columns)
    assert n_features >= 20

    def draws(seed, n):
        seeded = replace(one, config=replace(one.config, seed=seed, n_permutations=n))
        return list(seeded.draws(null, n_features))

    fresh = draws(1, 20)
    uncalibrated = np.mean([draw.p05 for draw in fresh])
    for n in (5, 20):
        score = np.stack([draw.score for draw in draws(0, n)])
        calibration = calibrate(score, one.cells.sets.n_low)
        rate = np.mean([share_below(calibration.p(draw.score)[0], 0.05) for draw in fresh])
        print(  # noqa: T201
            f"{data.__name__}, {contrast}, {n} permutations: p below .05 in {rate:.4f} of cases, "
            f"{uncalibrated:.4f} uncalibrated"
        )
        assert rate == pytest.approx(0.05, abs=0.01)
    assert uncalibrated > 0.06
