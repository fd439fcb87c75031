"""Terms declared on one half of the cells and tested on the other, where the truth is known."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import take_cells
from featurelens.dge.config import DgeConfig
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.enrichment.annotate_bundle import annotate_bundle
from featurelens.enrichment.config import ConfirmationConfig, EnrichmentConfig
from featurelens.enrichment.confirm import confirm
from featurelens.enrichment.halves import split_in_halves
from featurelens.genesets.sets import GeneSets
from featurelens.io import InputError

N_CELLS, N_SETS, SIZE = 800, 10, 12
GENES = [f"G{number}" for number in range(N_SETS * SIZE)]
SETS = GeneSets.of(
    (f"set {n}", "made", tuple(GENES[n * SIZE : (n + 1) * SIZE])) for n in range(N_SETS)
)
DGE = DgeConfig(expression="measured", high_percentile=90, composition="raw")
CONFIG = EnrichmentConfig(n_permutations=20, confirmation=ConfirmationConfig(by="batch"))


def made(seed, n_true, n_false):
    """A bundle of two donors and features, each of which declares one set.

    In every cell each set is on, tripled as a whole, or off. A true feature fires where its set is
    on; a false one does so in the cells that declare alone, and anywhere in the others.
    """
    rng = np.random.default_rng(seed)
    on = rng.random((N_CELLS, N_SETS)) < 0.2
    rates = np.repeat(np.where(on, 3.0, 1.0), SIZE, axis=1) * rng.gamma(2, 2, len(GENES))
    donors = [f"donor {number % 2}" for number in range(N_CELLS)]
    adata = anndata.AnnData(
        sparse.csr_matrix(rng.poisson(rates).astype(np.float32)),
        obs=pd.DataFrame({"type": "T", "donor": donors}, index=[f"c{i}" for i in range(N_CELLS)]),
        var=pd.DataFrame(index=GENES),
        obsm={"X_mine": rng.normal(size=(N_CELLS, 3))},
    )
    cells = take_cells(adata, OwnCells(path="adata", cell_type="type", batch="donor"))
    bundle = embed(cells, PrecomputedModel(key="X_mine"), copy=False)
    halves = split_in_halves(bundle.cells.obs, CONFIG.confirmation)
    of_set = np.arange(n_true + n_false) % N_SETS
    fires = on[:, of_set] & (rng.random((N_CELLS, len(of_set))) < 0.8)
    for feature in range(n_true, n_true + n_false):
        fires[halves.confirming, feature] = rng.random(len(halves.confirming)) < 0.16
    activations = sparse.csr_matrix(fires * rng.uniform(0.5, 1, fires.shape))
    return bundle, activations, halves, [f"set {number}" for number in of_set]


def overlaid(bundle):
    return SETS.membership(list(bundle.cells.var["symbol"]), min_genes=3, max_genes=500)


def confirmed(bundle, activations, config=CONFIG, convention="corrected", **options):
    options = {"dge_config": DGE, "config": config, "convention": convention} | options
    return confirm(bundle, activations, overlaid(bundle), **options)


def test_true_terms_hold_and_false_ones_no_more_often_than_alpha():
    n = n_false = n_wrong = 0
    for seed in range(3):
        bundle, activations, _, own = made(seed, 20, 80)
        pairs = confirmed(bundle, activations).pairs
        is_own = pairs["term"] == pairs["feature"].astype(int).map(dict(enumerate(own)))
        is_true = pairs["feature"].astype(int) < 20
        planted = pairs[is_own]
        assert len(planted) == 100
        assert (planted["direction"] == "up").all()
        assert planted.loc[is_true, "confirmed"].all()
        false = planted.loc[~is_true]
        n, n_false = n + len(false), n_false + int(false["confirmed"].sum())
        n_wrong += int((false["p_confirm"] > 0.5).sum())
        # Of a hundred features ten carry the term: two truly, and the others as chance has it.
        others = planted.loc[is_true, "confirmed_mismatched"]
        assert others.between(1 / 99, 0.16).all()
        assert planted["confirmed_shuffled"].mean() == pytest.approx(0.05, abs=0.025)
    # One-sided p of false claims: at most alpha are below it, and half of them point elsewhere.
    assert 0 < n_false <= stats.binom.ppf(0.999, n, 0.05)
    assert stats.binomtest(n_wrong, n).pvalue > 1e-3


def test_p_is_that_of_scipy_on_the_cells_held_out():
    bundle, activations, halves, _ = made(0, 6, 14)
    config = replace(CONFIG, n_permutations=0)
    found = confirmed(bundle, activations, config)
    counts = bundle.cells.layers["counts"].toarray()[halves.confirming]
    expression = counts / counts.sum(axis=1, keepdims=True) * 1e4
    fires = activations.toarray()[halves.confirming]
    one_sided = np.empty((20, N_SETS, 2))
    for feature, values in enumerate(fires.T):
        n_high = max(round(len(values) * 0.1), DGE.min_cells)
        high = values >= np.sort(values)[-min(n_high, (values > 0).sum())]
        t = stats.ttest_ind(expression[high], expression[values == 0], equal_var=False).statistic
        for number in range(N_SETS):
            inside = np.arange(len(GENES)) // SIZE == number
            for up, side in enumerate(("less", "greater")):
                one_sided[feature, number, up] = stats.mannwhitneyu(
                    t[inside], t[~inside], alternative=side, method="asymptotic"
                ).pvalue
    assert len(found.pairs) > 20
    for row in found.pairs.itertuples():
        mine = one_sided[:, int(row.term.split()[1]), int(row.direction == "up")]
        assert row.p_confirm == pytest.approx(mine[int(row.feature)], rel=0.02, abs=1e-7)
        assert row.confirmed == (mine[int(row.feature)] <= 0.05)
        others = np.delete(mine, int(row.feature))
        assert row.confirmed_mismatched == pytest.approx((others <= 0.05).mean())
    summary = found.summary.iloc[0]
    assert summary["held_out"] == "1 of 2 batches"
    assert summary["n_declared"] == summary["n_retested"] == len(found.pairs)
    assert summary["share_confirmed"] == found.pairs["confirmed"].mean()
    assert np.isnan(summary["share_confirmed_shuffled"])  # nothing was permuted


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_halves_declare_and_keep_what_they_do_by_themselves(convention):
    bundle, activations, halves, _ = made(1, 6, 6)
    found = confirmed(bundle, activations, convention=convention)
    alone = [
        annotated_half(bundle, activations, rows, convention)
        for rows in (halves.declaring, halves.confirming)
    ]
    for name, pairs in found.pairs.groupby("filter"):
        first, second = (table[table[name]] for table in alone)
        keys = ["feature", "term", "direction"]
        assert set(map(tuple, pairs[keys].values)) == set(map(tuple, first[keys].values))
        if convention == "published":
            again = pairs.merge(second[keys], on=keys)
            assert len(again) == pairs["confirmed"].sum() > 0
    assert set(found.pairs["filter"]) == set(found.summary["filter"])


def annotated_half(bundle, activations, rows, convention):
    """The enrichment of one half, through the path of whole bundles."""
    from featurelens.dge.tables import iter_bundle_tests
    from featurelens.enrichment.term_tests import gene_statistics

    half = replace(bundle, cells=bundle.cells[rows].copy())
    tables = iter_bundle_tests(half, activations[rows], config=DGE, convention=convention)
    membership = overlaid(bundle)
    table = annotate_bundle(
        [gene_statistics(table, membership) for table in tables],
        half,
        activations[rows],
        membership,
        dge_config=DGE,
        config=replace(CONFIG, confirmation=None, nulls=()),
        convention=convention,
    ).enrichment
    return table.astype({"feature": str, "term": str, "direction": str})


def test_a_feature_that_the_other_half_lacks_is_not_held_against_its_terms():
    bundle, activations, halves, _ = made(2, 4, 0)
    values = activations.toarray()
    values[halves.confirming, 0] = 0
    found = confirmed(bundle, sparse.csr_matrix(values))
    lost = found.pairs[found.pairs["feature"] == "0"]
    assert len(lost) >= 1
    assert not lost["retested"].any()
    assert lost[["p_confirm", "confirmed_mismatched", "confirmed_shuffled"]].isna().all(axis=None)
    summary = found.summary.iloc[0]
    assert summary["n_declared"] - summary["n_retested"] == len(lost)
    assert summary["share_confirmed"] == found.pairs[found.pairs["retested"]]["confirmed"].mean()


def test_cells_are_halved_within_type_and_batch_and_batches_as_a_whole():
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(
        {"batch": rng.choice(list("abcde"), 500), "cell_type": rng.choice(list("xy"), 500)}
    )
    halves = split_in_halves(cells, ConfirmationConfig(by="cells"))
    assert sorted([*halves.declaring, *halves.confirming]) == list(range(500))
    groups = cells.groupby(["batch", "cell_type"]).indices.values()
    confirms = np.isin(np.arange(500), halves.confirming)
    for rows in groups:
        assert abs(confirms[rows].sum() - len(rows) / 2) <= 0.5
    for seed in range(5):
        halves = split_in_halves(cells, ConfirmationConfig(seed=seed))
        batches = [set(cells["batch"].iloc[rows]) for rows in (halves.declaring, halves.confirming)]
        assert not batches[0] & batches[1]
        assert batches[0] | batches[1] == set("abcde")
        # Five batches of like size: three against two.
        assert abs(len(halves.declaring) - len(halves.confirming)) < 150
        assert halves.how == f"{len(batches[1])} of 5 batches"
    splits = {
        tuple(split_in_halves(cells, ConfirmationConfig(seed=seed)).confirming) for seed in range(5)
    }
    assert len(splits) > 1


def test_one_batch_cannot_be_divided():
    cells = pd.DataFrame({"batch": "one", "cell_type": list("xxyy")})
    with pytest.raises(InputError, match="all cells are of one batch"):
        split_in_halves(cells, ConfirmationConfig(by="batch"))
    halves = split_in_halves(cells, ConfirmationConfig(by="auto"))
    assert halves.how == "half of the cells of each type"
    assert len(halves.declaring) == len(halves.confirming) == 2
