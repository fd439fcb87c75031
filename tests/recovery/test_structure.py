import numpy as np
import pytest

from featurelens.recovery.config import PERCENTILES
from featurelens.recovery.structure import measure_structure
from featurelens.recovery.structure_published import percentiles_with_zeros
from featurelens.recovery.structure_scores import (
    margin_null,
    random_neurons,
    score_programs,
    summarise,
)
from featurelens.simulation.config import HierarchicalSimulation
from featurelens.simulation.hierarchical import draw_connectivity
from featurelens.simulation.simulate import simulate
from featurelens.stats import margins

# Two cells. Genes 0 and 1 are seen in the first, genes 2 and 3 in the second; gene 4 nowhere.
# Program 0 acts on genes 0 and 1, program 1 on genes 2 and 3. Neuron 0 fires on the first cell,
# neuron 1 on the second, neuron 2 on both, neuron 3 never.
# Cosines: neuron 0 (1, 1, 0, 0), neuron 1 (0, 0, 1, 1), neuron 2 (.71, .71, .71, .71).
OBSERVABLES = np.array([[3, 1, 0, 0, 0], [0, 0, 2, 5, 0]], dtype=np.float32)
ACTIVATIONS = np.array([[1, 0, 4, 0], [0, 2, 4, 0]], dtype=np.float32)
CONNECTIVITY = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]], dtype=np.uint8)


def planted(percentile, **options):
    options = {"n_permutations": 0} | options
    structure = measure_structure(
        ACTIVATIONS, OBSERVABLES, CONNECTIVITY, percentiles=[percentile], **options
    )
    return structure.summary.iloc[0], structure.programs


def test_planted_structure_is_found():
    # the median of the twelve cosines is .71: neurons 0 and 1 keep their program, neuron 2 keeps
    # all four genes, hits both programs twice and chooses program 0 (lowest index)
    row, programs = planted(50)
    assert row["threshold"] == pytest.approx(0.5**0.5)
    assert (row["n_neurons"], row["n_genes"], row["n_constant_genes"]) == (3, 4, 1)
    assert programs["n_assigned"].tolist() == [2, 1]
    for name in ("coverage_covered", "coverage_all", "precision", "f1", "best_f1"):
        assert row[name] == pytest.approx(1)
    assert row["n_covered"] == 2


def test_everything_connected_to_everything_covers_one_program_fully():
    # the 20th percentile is 0, so every neuron keeps all genes: two hits for both programs, all
    # choose program 0. It is covered in full with 2 true of 4 edges: F1 = 2 * 2 / (4 + 2) = 2/3.
    row, programs = planted(20)
    assert row["threshold"] == 0
    assert programs["n_assigned"].tolist() == [3, 0]
    assert (row["n_covered"], row["coverage_covered"], row["coverage_all"]) == (1, 1, 0.5)
    assert row["precision"] == pytest.approx(0.5)
    assert row["f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert row["best_f1"] == pytest.approx(2 / 3)
    assert programs["precision"].isna().tolist() == [False, True]


def test_neurons_without_an_edge_are_dropped():
    row, programs = planted(90)  # threshold 1: neuron 2 keeps nothing
    assert row["n_neurons"] == 2
    assert programs["n_assigned"].tolist() == [1, 1]
    assert row["f1"] == pytest.approx(1)


def test_scores_by_hand():
    # 10 genes in program 0, 4 in program 1, none in program 2
    # neuron 0: 8 edges, hits 5 and 2 -> program 0; neuron 1: 6 edges, hits 5 and 3 -> program 0
    # neuron 2: 3 edges, hits 1 and 2 -> program 1; neuron 3: no edges
    n_hits = np.array([[5, 2, 0], [5, 3, 0], [1, 2, 0], [0, 0, 0]])
    table = score_programs(n_hits, np.array([8, 6, 3, 0]), np.array([10, 4, 0]))
    assert table["n_assigned"].tolist() == [2, 1, 0]
    assert table["coverage"].tolist()[:2] == [5 / 10, 2 / 4]
    assert table["precision"].tolist()[:2] == [5 / 6, 2 / 3]  # at a tie the more precise neuron
    np.testing.assert_allclose(table["f1"][:2], [2 * 5 / (6 + 10), 2 * 2 / (3 + 4)])
    np.testing.assert_allclose(table["best_f1"][:2], [10 / 16, 2 * 3 / (6 + 4)])
    assert table.loc[2, ["coverage", "f1", "best_f1"]].isna().all()
    summary = summarise(table)
    assert summary["n_covered"] == 2
    assert summary["coverage_all"] == pytest.approx(0.5)


# Chance levels at the published size, from random neurons:
# percentile, mean over covered programs, mean over all
CHANCE = [
    (20, 0.832, 0.266), (30, 0.738, 0.339), (50, 0.542, 0.434), (70, 0.340, 0.326),
    (90, 0.127, 0.127), (95, 0.070, 0.070), (99, 0.020, 0.020),
]  # fmt: skip


@pytest.mark.slow
def test_random_neurons_give_the_chance_levels_at_the_published_size():
    """12,000 random neurons on the true connectivity; ten seconds.

    How many programs some neuron chooses varies by three from draw to draw, the coverage of those
    hardly at all.
    """
    edges, _ = draw_connectivity(
        HierarchicalSimulation(n_cells=100_000, n_genes=20_000, n_programs=100, n_cell_types=40)
    )
    table = random_neurons(edges, [row[0] for row in CHANCE], n_neurons=12_000, seed=0)
    np.testing.assert_allclose(table["coverage_covered"], [row[1] for row in CHANCE], atol=0.005)
    np.testing.assert_allclose(table["coverage_all"], [row[2] for row in CHANCE], atol=0.04)
    assert table["n_covered"][0] == pytest.approx(32, abs=6)
    assert table["n_covered"][3] == pytest.approx(96, abs=6)


@pytest.fixture(scope="module")
def hierarchical():
    return simulate(HierarchicalSimulation(n_cells=600, n_genes=300))


def test_true_programs_as_neurons_beat_the_null(hierarchical):
    table = measure_structure(
        hierarchical.obsm["programs_active"],
        hierarchical.X,
        hierarchical.varm["connectivity"],
        n_permutations=3,
    ).summary
    assert table["percentile"].tolist() == list(PERCENTILES)
    high = table[table["percentile"].between(80, 95)]
    for name in ("f1", "best_f1", "precision", "coverage_all"):
        assert (high[name] > high[f"null_{name}"] + 3 * high[f"null_sd_{name}"]).all()


def test_null_of_one_neuron_is_its_density(hierarchical):
    """A shuffled neuron of density q hits q of every program: coverage about q."""
    rng = np.random.default_rng(0)
    neuron = rng.random((600, 1)).astype(np.float32)
    table = measure_structure(
        neuron,
        hierarchical.X,
        hierarchical.varm["connectivity"],
        percentiles=[30, 60],
        n_permutations=60,
    ).summary
    # one neuron covers one program: the one of most hits, a little above the density
    assert (table["null_n_covered"] == 1).all()
    np.testing.assert_allclose(table["null_coverage_covered"], [0.7, 0.4], atol=0.12)
    # every shuffle has the density of the neuron, so precision * edges is an integer count
    edges = 1 - table["percentile"] / 100
    assert (table["null_precision"] < 2 * edges).all()


def test_null_keeps_a_neuron_that_has_every_edge():
    # neuron 2 alone, all cosines equal: shuffling cannot change anything
    table = measure_structure(
        ACTIVATIONS[:, 2:3], OBSERVABLES, CONNECTIVITY, percentiles=[0], n_permutations=4
    ).summary
    for name in ("n_covered", "coverage_all", "precision", "f1", "best_f1"):
        assert table[f"null_{name}"][0] == table[name][0]
        assert table[f"null_sd_{name}"][0] == 0


def test_same_seed_same_null(hierarchical):
    arguments = (hierarchical.obsm["programs"], hierarchical.X, hierarchical.varm["connectivity"])
    first, again = (measure_structure(*arguments, seed=3).summary for _ in range(2))
    assert first.equals(again)
    assert first["null_sd_f1"].isna().all()  # one shuffle has no spread
    assert not first.equals(measure_structure(*arguments, seed=4).summary)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="no neuron is active"):
        measure_structure(np.zeros((2, 3)), OBSERVABLES, CONNECTIVITY)
    with pytest.raises(ValueError, match="connectivity has 4 genes and Y 5"):
        measure_structure(ACTIVATIONS, OBSERVABLES, CONNECTIVITY[:4])


def test_margin_null_keeps_what_neurons_and_genes_have(hierarchical, monkeypatch):
    """Every draw that is scored has the margins of the observed pseudo-connectivity."""
    seen = []
    unpack = margins.unpack
    monkeypatch.setattr(margins, "unpack", lambda *a: seen.append(unpack(*a)) or seen[-1])
    rng = np.random.default_rng(0)
    similarity = rng.random((40, 300)) + rng.random(300)
    edges = hierarchical.varm["connectivity"].astype(np.float32)
    thresholds = np.percentile(similarity, [30, 80])
    null = margin_null(similarity, thresholds, edges, n_draws=3, seed=1)
    assert len(seen) == 6
    for place, threshold in enumerate(np.repeat(thresholds, 3)):
        observed = similarity >= threshold
        np.testing.assert_array_equal(seen[place].sum(0), observed.sum(0))
        np.testing.assert_array_equal(seen[place].sum(1), observed.sum(1))
        assert (seen[place] != observed).mean() > 0.1
    summaries = [
        summarise(score_programs(drawn.astype(float) @ edges, drawn.sum(1), edges.sum(0)))
        for drawn in seen[:3]
    ]
    for name in ("coverage_all", "precision", "f1"):
        values = [summary[name] for summary in summaries]
        assert null[f"margin_{name}"][0] == pytest.approx(np.mean(values))
        assert null[f"margin_sd_{name}"][0] == pytest.approx(np.std(values, ddof=1))


def test_margin_null_explains_genes_that_everything_resembles():
    # Neurons choose genes by the genes' popularity alone, and the program has the popular ones.
    # Neurons of the same densities do worse; those that keep the genes' margins do as well.
    rng = np.random.default_rng(4)
    popularity = np.where(np.arange(200) < 40, 1.0, 0.0)
    similarity = popularity + rng.normal(size=(150, 200))
    edges = (popularity > 0)[:, None].astype(np.float32)
    table = measure_structure(
        np.maximum(similarity.T - similarity.min(), 0).astype(np.float32),
        np.eye(200, dtype=np.float32), edges,
        percentiles=[80], n_permutations=6, n_margin_draws=6,
    ).summary.iloc[0]  # fmt: skip
    assert table["coverage_all"] > table["null_coverage_all"] + 5 * table["null_sd_coverage_all"]
    spread = max(table["margin_sd_coverage_all"], 0.01)
    assert table["coverage_all"] == pytest.approx(table["margin_coverage_all"], abs=5 * spread)


def test_without_margin_draws_there_is_no_such_null(hierarchical):
    table = measure_structure(
        hierarchical.obsm["programs"], hierarchical.X, hierarchical.varm["connectivity"],
        percentiles=[50],
    ).summary  # fmt: skip
    assert table.filter(like="margin_").isna().all(axis=None)


def test_random_neurons_of_one_gene_and_one_program():
    # one gene, which program 0 has: a neuron hits it or has no edge and is left out
    table = random_neurons(np.array([[1]]), [50, 99], n_neurons=2_000, seed=0)
    assert table["coverage_all"].tolist() == [1, 1]
    np.testing.assert_allclose(table["density"], [0.5, 0.01], atol=0.03)
    assert table["n_neurons"].tolist() == [2_000, 2_000]


# --- genes that are zero in every cell, as the author counts them --------------------------------


def author_coverage(activations, observables, connectivity, percentile):
    """The notebook's steps one by one; a gene of zeros has a cosine of zero with every neuron."""
    lengths = [np.linalg.norm(part, axis=0) for part in (activations, observables)]
    products = activations.T @ observables
    similarity = products / np.maximum(np.outer(*lengths), 1e-8)
    pseudo = similarity >= np.percentile(similarity, percentile)
    pseudo = pseudo[pseudo.any(axis=1)]
    hits = pseudo.astype(int) @ connectivity
    chosen = hits.argmax(axis=1)
    coverage = np.zeros(connectivity.shape[1])
    for neuron, program in enumerate(chosen):
        share = hits[neuron, program] / connectivity[:, program].sum()
        coverage[program] = max(coverage[program], share)
    covered = coverage[coverage > 0]
    return len(covered), covered.mean(), coverage.mean()


def with_silent_genes(hierarchical, n_silent=16):
    """Programs as neurons; some genes have edges in the truth but counts in no cell."""
    observables = hierarchical.X.copy()
    rng = np.random.default_rng(4)
    silent = rng.choice(observables.shape[1], n_silent, replace=False)
    observables[:, silent] = 0
    neurons = np.maximum(hierarchical.obsm["programs_active"], 0)
    neurons = neurons[:, neurons.any(axis=0)]
    weights = np.abs(rng.normal(size=(neurons.shape[1], 30)))
    mixed = neurons @ weights + rng.random((len(neurons), 30))
    return mixed.astype(np.float32), observables, hierarchical.varm["connectivity"]


def test_silent_genes_count_in_the_authors_percentiles_and_programs(hierarchical):
    neurons, observables, connectivity = with_silent_genes(hierarchical)
    percentiles = (1, 10, 20, 50, 70, 95)
    table = measure_structure(neurons, observables, connectivity, percentiles=percentiles).summary
    assert (table["n_constant_genes"] >= 16).all()  # other genes have no program that is on
    names = ["n_covered", "coverage_covered", "coverage_all"]
    for row in table.itertuples():
        theirs = author_coverage(neurons, observables, connectivity, row.percentile)
        ours = [getattr(row, f"published_{name}") for name in names]
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert (table["published_threshold"] < table["threshold"]).all()
    # At percentile 1 the threshold is zero: every neuron is connected to every gene.
    assert table["published_threshold"].iloc[0] == 0
    assert table["published_n_covered"].iloc[0] == 1
    assert (table["published_coverage_all"] != table["coverage_all"]).any()


def test_without_silent_genes_both_are_one(hierarchical):
    observables, connectivity = hierarchical.X, hierarchical.varm["connectivity"]
    alive = observables.any(axis=0)
    neurons, _, _ = with_silent_genes(hierarchical)
    table = measure_structure(neurons, observables[:, alive], connectivity[alive]).summary
    for name in ("n_covered", "coverage_covered", "coverage_all"):
        np.testing.assert_array_equal(table[f"published_{name}"], table[name])


def test_percentiles_with_zeros_are_numpys():
    values = np.random.default_rng(0).normal(size=(40, 25)).astype(np.float32)
    percentiles = (0, 1, 20, 47.3, 50, 55, 99, 100)
    for n_zeros in (1, 37, 4000):
        whole = np.concatenate([values.ravel(), np.zeros(n_zeros, np.float32)])
        found = percentiles_with_zeros(values, percentiles, n_zeros)
        np.testing.assert_allclose(found, np.percentile(whole, percentiles), rtol=1e-6)
