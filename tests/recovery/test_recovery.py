import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.metrics import balanced_accuracy_score, r2_score

from featurelens.means import Means
from featurelens.recovery.correlation import distinct_rows
from featurelens.recovery.gradient_probe import gradient_r2
from featurelens.recovery.linear_probes import balanced_accuracy, classify, fit_ridge, joined
from featurelens.recovery.neurons import measure_recovery
from featurelens.recovery.superposition import group_scores, superposition
from featurelens.simulation.config import SmallSimulation
from featurelens.simulation.observables import Observables
from featurelens.simulation.simulate import simulate
from featurelens.simulation.variables import Variables, variables

CONVENTIONS = ["published", "corrected"]


def numeric(values, name="X", level=1):
    return Variables(name, level, "numeric", np.atleast_2d(np.asarray(values, dtype=float).T).T)


def category(codes, name="A"):
    return Variables(name, 2, "category", np.asarray(codes)[:, None])


def random_case(n=200, h=30, seed=0):
    rng = np.random.default_rng(seed)
    neurons = np.maximum(rng.standard_normal((n, h)), 0).astype(np.float32)
    neurons[:, 7] = 0  # dead
    neurons[:, 9] = 2 * neurons[:, 3] + 0.01 * rng.random(n)  # a copy
    truth = rng.standard_normal((n, 4)) + neurons[:, :4]
    truth[:, 2] = -neurons[:, 5] + 0.01 * truth[:, 2]
    return neurons, truth


# measure_recovery ---------------------------------------------------------------------------


def test_published_measures_equal_the_authors_loops():
    """Author's ``02_simulation_vanilla_sweep.py``, loop by loop, with scipy's Pearson r."""
    neurons, truth = random_case()
    live = [j for j in range(30) if (neurons[:, j] > 1e-10).any()]
    redundant = set()
    for a, i in enumerate(live):
        for j in live[a + 1 :]:
            if stats.pearsonr(neurons[:, i], neurons[:, j])[0] > 0.95:
                redundant.add(j)
    r = np.array([[stats.pearsonr(neurons[:, j], x)[0] for x in truth.T] for j in live])
    best = [r[np.argmax(np.abs(r[:, v])), v] for v in range(4)]

    [row] = measure_recovery(neurons, [numeric(truth)], convention="published").to_dict("records")
    assert (row["convention"], row["group"], row["level"]) == ("published", "X", 1)
    assert row["n_live"] == len(live) == 29
    assert row["n_redundant"] == len(redundant) == 1
    assert row["mean_active"] == pytest.approx((neurons > 1e-10).sum(1).mean())
    assert best[2] < -0.95  # so that the sign matters
    assert row["best_correlation"] == pytest.approx(np.mean(best), abs=1e-6)
    assert row["max_correlation"] == pytest.approx(np.max(best), abs=1e-6)
    assert row["n_per_variable"] == pytest.approx((np.abs(r) > 0.95).sum(0).mean())
    assert np.isnan(row["matched_correlation"])


def test_corrected_takes_absolute_correlations():
    neurons, truth = random_case()
    r = np.corrcoef(neurons[:, np.arange(30) != 7].T, truth.T)[:29, 29:]
    [row] = measure_recovery(neurons, [numeric(truth)], convention="corrected").to_dict("records")
    assert row["best_correlation"] == pytest.approx(np.abs(r).max(0).mean(), abs=1e-6)
    assert row["max_correlation"] == pytest.approx(np.abs(r).max(), abs=1e-6)


def test_perfect_but_inverted_neuron():
    values = np.array([0.0, 1, 2, 5])
    neurons = (5 - values)[:, None]
    published, corrected = (
        measure_recovery(neurons, [numeric(values)], convention=c).iloc[0] for c in CONVENTIONS
    )
    assert published["best_correlation"] == pytest.approx(-1)
    assert corrected["best_correlation"] == pytest.approx(1)
    assert published["n_per_variable"] == corrected["n_per_variable"] == 1


def test_matching_gives_every_neuron_one_variable():
    # neuron 0 is the best for both variables; one of them must take neuron 1
    rng = np.random.default_rng(1)
    x = rng.standard_normal((500, 2))
    neurons = np.column_stack([x.sum(1), x[:, 0] + 3 * rng.standard_normal(500)])
    r = np.abs(np.corrcoef(neurons.T, x.T)[:2, 2:])
    assert (r.argmax(0) == 0).all()
    either = max(r[0, 0] + r[1, 1], r[0, 1] + r[1, 0]) / 2
    [row] = measure_recovery(neurons, [numeric(x)], convention="corrected").to_dict("records")
    assert row["matched_correlation"] == pytest.approx(either, abs=1e-6)
    assert row["best_correlation"] == pytest.approx(r[0].mean(), abs=1e-6)
    # with one neuron, one variable is left without: half of the best pair
    row = measure_recovery(neurons[:, :1], [numeric(x)], convention="corrected").iloc[0]
    assert row["matched_correlation"] == pytest.approx(r[0].max() / 2, abs=1e-6)


def test_category_is_scored_by_eta():
    """η² = F (k - 1) / (F (k - 1) + n - k), F from scipy's one-way analysis of variance."""
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, 300)
    neurons = np.abs(rng.standard_normal((300, 5)) + (codes == 2)[:, None] * [0, 0, 3, 0, 1])
    f = stats.f_oneway(*(neurons[codes == level] for level in range(4))).statistic
    eta = np.sqrt(3 * f / (3 * f + 296))
    one_hot = codes[:, None] == np.arange(4)
    r = np.abs(np.corrcoef(neurons.T, one_hot.T.astype(float))[:5, 5:])
    [row] = measure_recovery(neurons, [category(codes)], convention="corrected").to_dict("records")
    assert row["best_correlation"] == pytest.approx(eta.max(), abs=1e-6)
    assert (row["n_variables"], row["n_constant"]) == (1, 0)
    # matched: every level its own neuron; the strongest pair must be level 2 with neuron 2
    assert r[2, 2] / 4 < row["matched_correlation"] <= r.max(0).mean() + 1e-6
    # published: the codes are numbers, so a neuron for the level in the middle is hardly seen
    [row] = measure_recovery(neurons, [category(codes)], convention="published").to_dict("records")
    by_code = np.array([stats.pearsonr(z, codes)[0] for z in neurons.T])
    assert row["best_correlation"] == pytest.approx(by_code[np.abs(by_code).argmax()], abs=1e-6)


def test_order_of_levels_does_not_change_the_corrected_score():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 5, 100)
    neurons = rng.random((100, 6))
    renamed = np.array([3, 0, 4, 1, 2])[codes]
    score = [
        measure_recovery(neurons, [category(c)], convention="corrected").iloc[0]
        for c in (codes, renamed)
    ]
    for column in ("best_correlation", "matched_correlation"):
        assert score[0][column] == pytest.approx(score[1][column], abs=1e-6)


def test_constant_variable_is_nan_as_published_and_left_out_as_corrected():
    neurons, truth = random_case()
    truth = np.column_stack([truth, np.full(200, 3.0)])
    groups = [numeric(truth), numeric(np.zeros(200), "none")]
    published = measure_recovery(neurons, groups, convention="published")
    assert published["best_correlation"].isna().all()
    assert published["n_constant"].tolist() == [1, 1]
    corrected = measure_recovery(neurons, groups, convention="corrected")
    without = measure_recovery(neurons, [numeric(truth[:, :4])], convention="corrected")
    assert corrected["best_correlation"][0] == without["best_correlation"][0]
    assert corrected["n_constant"].tolist() == [1, 1]
    assert np.isnan(corrected["best_correlation"][1])


def test_constant_neuron():
    neurons, truth = random_case()
    neurons[:, 4] = 0.1  # live, never varies
    rows = [measure_recovery(neurons, [numeric(truth)], convention=c).iloc[0] for c in CONVENTIONS]
    assert np.isnan(rows[0]["best_correlation"])
    assert rows[1]["best_correlation"] > 0.5
    assert rows[0]["n_live"] == rows[1]["n_live"] == 29


def test_no_live_neuron_gives_the_authors_zeros_or_nan():
    dead, values = np.zeros((5, 3)), numeric([1, 2, 3, 4, 6])
    published, corrected = (
        measure_recovery(dead, [values], convention=c).iloc[0] for c in CONVENTIONS
    )
    assert (published["best_correlation"], published["n_per_variable"]) == (0, 0)
    assert np.isnan(corrected["best_correlation"])
    assert published["n_live"] == corrected["n_live"] == 0
    assert published["mean_active"] == 0


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_repeating_every_cell_changes_nothing(convention):
    neurons, truth = random_case()
    codes = np.arange(200) % 3
    once = measure_recovery(neurons, [numeric(truth), category(codes)], convention=convention)
    order = np.random.default_rng(0).permutation(600)
    many = [np.tile(part, (3, 1))[order] for part in (neurons, truth)]
    thrice = measure_recovery(
        many[0], [numeric(many[1]), category(np.tile(codes, 3)[order])], convention=convention
    )
    pd.testing.assert_frame_equal(once, thrice, rtol=1e-5)


def test_uneven_repeats_are_weighted():
    neurons, truth = random_case()
    repeats = np.random.default_rng(0).integers(1, 5, 200)
    more = [np.repeat(part, repeats, axis=0) for part in (neurons, truth)]
    row = measure_recovery(more[0], [numeric(more[1])], convention="corrected").iloc[0]
    keep = np.arange(30) != 7
    r = np.abs(np.corrcoef(more[0][:, keep].T, more[1].T)[:29, 29:])
    assert row["best_correlation"] == pytest.approx(r.max(0).mean(), abs=1e-6)
    assert row["mean_active"] == pytest.approx((more[0] > 1e-10).sum(1).mean())


def test_distinct_rows_counts_and_checks():
    a = np.array([[1, 2], [3, 4], [1, 2], [1, 2]], dtype=np.float32)
    first, counts = distinct_rows([a])
    assert sorted(zip(a[first, 0].tolist(), counts.tolist(), strict=True)) == [(1, 3), (3, 1)]
    # two different rows with the same key: r1 r2 + 0 = 0 + r2 r1
    r1, r2 = np.random.default_rng(0).standard_normal(2)
    same_key = np.array([[r2, 0], [0, r1], [r2, 0]])
    assert len(distinct_rows([same_key])[0]) == 3
    # a second part in which the first and third row differ
    first, counts = distinct_rows([a, np.array([[0], [0], [1], [0]])])
    assert (len(first), counts.sum()) == (3, 4)


def test_small_simulation_is_measured_on_its_distinct_cells():
    adata = simulate(SmallSimulation())
    groups = variables(adata)
    first, counts = distinct_rows([adata.X, *(group.values for group in groups)])
    assert len(first) < 120
    assert counts.sum() == 12_000
    row = measure_recovery(adata.X, groups, convention="published").set_index("group")
    assert row.loc["Y", "best_correlation"] == pytest.approx(1, abs=1e-6)
    assert row.loc["X", "best_correlation"] == pytest.approx(1, abs=1e-6)  # X is part of Y
    # corr(A, X3) = 0.87 in the author's own files
    assert row.loc["A", "best_correlation"] == pytest.approx(0.87, abs=0.005)


# superposition ------------------------------------------------------------------------------


def probe_case(n=400, d=6, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    embedding = rng.standard_normal((n, d)) * np.geomspace(0.01, 10, d)
    values = embedding / embedding.std(0) @ rng.standard_normal((d, 5))
    values += noise * rng.standard_normal(values.shape)
    held_out = np.arange(n) >= n - n // 4
    return embedding.astype(np.float32), values, held_out


def test_published_least_squares_is_sklearns_in_sample_score():
    embedding, values, held_out = probe_case()
    table = superposition(
        embedding, [numeric(values)], held_out, convention="published", probe="least_squares"
    )
    targets = values.astype(np.float32)
    expected = [LinearRegression().fit(embedding, y).score(embedding, y) for y in targets.T]
    np.testing.assert_allclose(table["score"], expected, atol=1e-6)
    assert list(table.columns) == [
        "convention", "group", "level", "kind", "variable", "metric", "score", "chance", "rescaled",
    ]  # fmt: skip
    assert table["variable"].tolist() == [0, 1, 2, 3, 4]
    assert set(table["metric"]) == {"r2"}


def test_published_gradient_probe_equals_the_authors_loop():
    embedding, values, held_out = probe_case(n=300, d=5)
    groups = [numeric(values[:, :3]), numeric(values[:, 3:], "Y"), category(np.arange(300) % 4)]
    table = superposition(
        embedding, groups, held_out, convention="published", probe="gradient", epochs=3, seed=4
    )
    y = np.column_stack([values, np.arange(300) % 4]).astype(np.float32)
    generator = torch.Generator().manual_seed(4)
    layer = torch.nn.Linear(5, 6)
    layer.weight.data.uniform_(-(5**-0.5), 5**-0.5, generator=generator)
    layer.bias.data.uniform_(-(5**-0.5), 5**-0.5, generator=generator)
    adam = torch.optim.Adam(layer.parameters(), lr=1e-4)
    inside = [torch.from_numpy(part[~held_out]) for part in (embedding, y)]
    for _ in range(3):
        order = torch.randperm(225, generator=generator)
        for rows in order.split(128):
            loss = torch.nn.functional.mse_loss(layer(inside[0][rows]), inside[1][rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
    with torch.no_grad():
        predicted = layer(torch.from_numpy(embedding[held_out])).numpy()
    truth = y[held_out]
    expected = 1 - ((truth - predicted) ** 2).sum(0) / ((truth - truth.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(table["score"], expected, rtol=1e-4)
    assert table["group"].tolist() == ["X"] * 3 + ["Y"] * 2 + ["A"]
    assert (table["chance"] == 0).all()


def test_gradient_probe_is_undertrained_where_ridge_is_not():
    """A known defect: a perfectly linear variable gets a poor or negative R²."""
    embedding, values, held_out = probe_case(noise=0)
    published, corrected = (
        superposition(embedding, [numeric(values)], held_out, convention=c) for c in CONVENTIONS
    )
    assert (published["score"] < 0.5).all()
    assert (corrected["score"] > 0.9999).all()


def test_corrected_scores_cells_that_the_probe_has_not_seen():
    rng = np.random.default_rng(0)
    embedding, held_out = rng.standard_normal((200, 60)), np.arange(200) >= 100
    groups = [numeric(rng.standard_normal((200, 10))), category(rng.integers(0, 4, 200))]
    table = superposition(embedding, groups, held_out, convention="corrected")
    in_sample = superposition(
        embedding, groups, held_out, convention="published", probe="least_squares"
    )
    assert in_sample["score"][:10].mean() > 0.2  # 60 random numbers explain 60 / 200
    assert table["score"][:10].mean() < 0.05
    assert table["score"][10] == pytest.approx(0.25, abs=0.15)
    assert table["chance"].tolist() == [0.0] * 10 + [0.25]
    assert table["rescaled"][10] == pytest.approx((table["score"][10] - 0.25) / 0.75)


def test_corrected_probe_is_fitted_without_the_held_out_cells():
    # y = x in the training cells, y = -x in the others: errors 2x, so R² = 1 - 4; a probe that
    # had seen all cells would have slope 0.5 and R² = 1 - 1.5² = -1.25
    x = np.random.default_rng(0).standard_normal(400)
    x -= x.mean()
    held_out = np.arange(400) >= 300
    y = np.where(held_out, -x, x)
    table = superposition(x[:, None], [numeric(y)], held_out, convention="corrected")
    assert table["score"][0] == pytest.approx(-3, abs=0.1)


def test_constant_variable_scores_nan():
    embedding, values, held_out = probe_case()
    values[:, 1] = 7
    groups = [numeric(values), category(np.zeros(400, int))]
    for convention in CONVENTIONS:
        table = superposition(embedding, groups, held_out, convention=convention)
        assert table["score"].isna().to_numpy().nonzero()[0].tolist() == [1, 5]


def test_ridge_minimises_generalised_cross_validation():
    """Every penalty tried with an explicit hat matrix."""
    embedding, _, _ = probe_case(n=40)
    rng = np.random.default_rng(8)
    signal = embedding / embedding.std(0) @ rng.standard_normal((6, 200))
    values = signal + rng.uniform(0, 10, 200) * rng.standard_normal((40, 200))
    ridge = fit_ridge(embedding, values)
    standard = (embedding - embedding.mean(0, dtype=float)) / embedding.std(0, dtype=float)
    centred = values - values.mean(0)
    scores = []
    for penalty in np.logspace(-10, 2, 13):
        hat = standard @ np.linalg.solve(
            standard.T @ standard + 40 * penalty * np.eye(6), standard.T
        )
        rss = ((centred - hat @ centred) ** 2).mean(0)
        scores.append(rss / (1 - (1 + np.trace(hat)) / 40) ** 2)
    expected = np.logspace(-10, 2, 13)[np.argmin(scores, axis=0)]
    assert len(set(expected)) > 3
    np.testing.assert_allclose(ridge.penalty, expected)
    for target, penalty in enumerate(ridge.penalty[:20]):
        sklearn = SklearnRidge(alpha=40 * penalty).fit(standard, values[:, target])
        np.testing.assert_allclose(
            ridge.predict(embedding)[:, target], sklearn.predict(standard), atol=1e-6
        )


def test_ridge_survives_a_dead_and_a_repeated_dimension():
    embedding, values, held_out = probe_case(noise=0)
    embedding = np.column_stack([embedding, np.zeros(400), embedding[:, 0]])
    table = superposition(embedding, [numeric(values)], held_out, convention="corrected")
    assert (table["score"] > 0.999).all()


def test_classifier_is_linear_discriminant_analysis():
    rng = np.random.default_rng(5)
    labels = rng.choice([2, 5, 9], 600, p=[0.7, 0.2, 0.1])
    inputs = rng.standard_normal((600, 4)) @ rng.standard_normal((4, 4))
    centres = {2: [0, 0, 0, 0], 5: [1, 2, 0, 1], 9: [-1, 1, 2, 0]}
    inputs += 1.5 * np.array([centres[label] for label in labels])
    train, test = slice(0, 400), slice(400, 600)
    lda = LinearDiscriminantAnalysis(priors=[1 / 3] * 3).fit(inputs[train], labels[train])
    ours = classify(inputs[train], labels[train], inputs[test])
    assert (ours == lda.predict(inputs[test])).mean() > 0.985  # ridge shrinks a little
    score, chance = balanced_accuracy(labels[test], ours)
    assert score == pytest.approx(balanced_accuracy_score(labels[test], ours))
    assert chance == pytest.approx(1 / 3)
    assert score > 0.7


def test_middle_of_three_levels_on_a_line_is_recognised():
    """The batches of the hierarchical simulation shift a cell by 0, 1 or 2."""
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 3, 600)
    embedding = (codes + 0.1 * rng.standard_normal(600))[:, None]
    held_out = np.arange(600) >= 400
    table = superposition(embedding, [category(codes)], held_out, convention="corrected")
    assert table["score"][0] > 0.98
    largest = LinearRegression().fit(embedding[:400], codes[:400, None] == np.arange(3))
    predicted = largest.predict(embedding[400:]).argmax(1)
    assert (predicted == 1).mean() < 0.1  # what the classifier avoids


def test_perfectly_separated_levels():
    codes = np.arange(90) % 3
    held_out = np.arange(90) >= 60
    embedding = np.eye(3)[codes]
    table = superposition(embedding, [category(codes)], held_out, convention="corrected")
    assert table["rescaled"][0] == pytest.approx(1)


def test_embedding_that_says_nothing_scores_chance():
    codes = np.arange(80) % 2
    held_out = np.arange(80) >= 40
    table = superposition(np.zeros((80, 3)), [category(codes)], held_out, convention="corrected")
    assert table["rescaled"][0] == pytest.approx(0)


# observables that are not stored --------------------------------------------------------------


def made_case():
    """200 cells whose 30 genes are sums of 5 programs; an embedding of 3 of the programs."""
    rng = np.random.default_rng(4)
    programs = rng.poisson(3, (200, 5)).astype(np.float32)
    connectivity = rng.binomial(1, 0.4, (30, 5)).astype(np.uint8)
    connectivity[7] = 0  # a constant gene
    made = Observables(programs, connectivity)
    groups = [numeric(programs, "X"), category(rng.integers(0, 4, 200))]
    return programs[:, :3] + rng.normal(0, 0.3, (200, 3)), made, groups


@pytest.mark.parametrize("probe", ["gradient", "least_squares"])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_made_observables_score_as_stored_ones(convention, probe):
    embedding, made, groups = made_case()
    held_out = np.arange(200) >= 150
    settings = {"convention": convention, "probe": probe, "epochs": 5}
    stored = numeric(made.rows(slice(None)), "Y", 0)
    expected = superposition(embedding, [stored, *groups], held_out, **settings)
    found = superposition(embedding, groups, held_out, observed=made, **settings)
    n_constant = (made.connectivity.sum(axis=1) == 0).sum()
    assert found["score"].isna().sum() == n_constant > 0
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("probe", ["gradient", "least_squares"])
def test_blocks_of_columns_score_as_the_whole(convention, probe, monkeypatch):
    embedding, made, groups = made_case()
    held_out = np.arange(200) >= 150
    settings = {"convention": convention, "probe": probe, "epochs": 3, "observed": made}
    whole = superposition(embedding, groups, held_out, **settings)
    monkeypatch.setattr(
        "featurelens.recovery.linear_probes._BLOCK_VALUES", 1_400
    )  # 7 columns of 200 cells, 28 of 50
    blocks = superposition(embedding, groups, held_out, **settings)
    pd.testing.assert_frame_equal(whole, blocks, rtol=1e-6, atol=1e-6)  # sklearn's in float32


def test_joined_targets_by_hand():
    made = Observables(np.array([[1.0, 2.0]]), np.array([[1, 0], [1, 1], [0, 0]]))
    both = joined([made, np.array([[7.0, 5.0]])])
    assert both.rows(slice(None)).tolist() == [[1, 3, 0, 7, 5]]
    assert both.cells.tolist() == [[1, 2, 7, 5]]
    stored = joined([np.array([[1.0]]), np.array([[2]])])
    assert stored.connectivity is None
    assert stored.rows(slice(None)).tolist() == [[1, 2]]


def test_gradient_probe_of_made_targets_equals_a_plain_torch_loop():
    """Author's probe: one linear layer, Adam 1e-4, batches of 128, all targets at once."""
    embedding, made, _ = made_case()
    held_out = np.arange(200) >= 150
    score = gradient_r2(embedding, made, held_out, epochs=4, seed=9, means=Means(threads=1))
    generator = torch.Generator().manual_seed(9)
    layer = torch.nn.Linear(3, 30)
    bound = 3**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    adam = torch.optim.Adam(layer.parameters(), lr=1e-4)
    x = torch.from_numpy(embedding.astype(np.float32))
    y = torch.from_numpy((made.cells @ made.connectivity.T).astype(np.float32))
    for _ in range(4):
        for index in torch.randperm(150, generator=generator).split(128):
            adam.zero_grad()
            torch.nn.functional.mse_loss(layer(x[index]), y[index]).backward()
            adam.step()
    with np.errstate(all="ignore"):
        expected = [
            r2_score(truth, fitted) if truth.any() else np.nan
            for truth, fitted in zip(y[150:].T, layer(x[150:]).detach().T, strict=True)
        ]
    np.testing.assert_allclose(score, expected, rtol=1e-4)


def test_scores_of_groups_are_means_over_variables_that_have_one():
    scores = pd.DataFrame(
        {
            "convention": "corrected",
            "group": ["Y", "Y", "Y", "A"],
            "level": [0, 0, 0, 2],
            "kind": ["numeric"] * 3 + ["category"],
            "variable": [0, 1, 2, 0],
            "metric": ["r2"] * 3 + ["balanced_accuracy"],
            "score": [0.64, -0.5, np.nan, 0.55],
            "chance": [0.0, 0.0, 0.0, 0.1],
            "rescaled": [0.64, -0.5, np.nan, 0.5],
        }
    )
    observed, cell_type = group_scores(scores).to_dict("records")
    assert observed["n_variables"] == 2
    assert observed["score"] == observed["rescaled"] == pytest.approx(0.07)
    assert observed["correlation"] == pytest.approx((0.8 + 0.0) / 2)
    assert (cell_type["score"], cell_type["rescaled"], cell_type["chance"]) == (0.55, 0.5, 0.1)
    assert np.isnan(cell_type["correlation"])
