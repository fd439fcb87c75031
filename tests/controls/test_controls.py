"""Controls: names, activations, specificity, stability, against pencil, numpy and scikit-learn."""

from dataclasses import replace
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy import sparse

from featurelens.controls.components import components, describe_control, halves
from featurelens.controls.config import ControlConfig, contradictions
from featurelens.controls.described import describe_source
from featurelens.controls.directions import random_directions
from featurelens.controls.drawn import drawn_control
from featurelens.controls.plan import controlled, sources
from featurelens.controls.specificity import share_interval, term_specificity
from featurelens.controls.stability import compare_terms, pair_jaccard
from featurelens.enrichment.config import ALL_FILTERS
from featurelens.features.breadth import type_specificity
from featurelens.features.config import FeatureConfig
from featurelens.features.matched import match_features
from featurelens.features.sources import parse_source, relatives, trained_config
from featurelens.io import InputError, sha256_array, write_anndata, write_table
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.model import SAE
from featurelens.sae.training import train
from featurelens.tables.controls import control_tables, read_annotated

RNG = np.random.default_rng(0)
SAES = {"topk": SAEConfig(architecture="topk", expansion=4, seed=3)}


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sae", "kind", "seed", "family"),
    [
        ("topk-x20", "topk-x20", "sae", None, "topk-x20"),
        ("topk-x20.seed2", "topk-x20", "sae", 2, "topk-x20"),
        ("topk-x20.frozen", "topk-x20", "frozen", None, "topk-x20.frozen"),
        ("topk-x20.random.seed11", "topk-x20", "random", 11, "topk-x20.random"),
        ("control.pca", None, "pca", None, "control.pca"),
        ("control.nmf.seed1", None, "nmf", 1, "control.nmf"),
    ],
)
def test_names_come_apart(name, sae, kind, seed, family):
    source = parse_source(name)
    assert (source.sae, source.kind, source.seed, source.family({})) == (sae, kind, seed, family)


@pytest.mark.parametrize("name", ["control", "control.frozen", "topk.pca", "topk.frozen.x", "a/b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InputError, match="names no source of features"):
        parse_source(name)


def test_sources_of_a_config_in_order():
    config = ControlConfig(kinds=("nmf", "pca", "random"), seeds=(1, 2), repeat=("sae", "nmf"))
    assert sources(config, ["a", "b"]) == [
        *("a.seed1", "a.seed2", "b.seed1", "b.seed2", "a.random", "b.random"),
        *("control.nmf", "control.nmf.seed1", "control.nmf.seed2", "control.pca"),
    ]
    assert sources(ControlConfig(), ["a"]) == []


def test_relatives_differ_by_their_seed_alone():
    base = SAES["topk"]
    saes = {"a": base, "b": replace(base, k=3), "c": replace(base, seed=9)}
    assert relatives(saes) == {"a": "a", "b": "b", "c": "a"}
    kin = relatives(saes)
    assert parse_source("c").family(kin) == parse_source("a.seed4").family(kin) == "a"
    assert parse_source("c.random.seed1").family(kin) == "a.random"
    annotated = [f"d/m/{name}/go" for name in "abc"]
    config = ControlConfig(kinds=("frozen",), saes=("c",))
    assert controlled(config, annotated, saes) == ["d/m/c/go", "d/m/a/go", "d/m/c.frozen/go"]


def test_what_is_controlled_follows_the_annotated_saes():
    saes = {name: replace(SAES["topk"], k=k) for name, k in (("a", 1), ("b", 2))}
    annotated = ["d/m/a/go", "d/m/b/go", "d/n/a/go", "d/m/a/hallmark"]
    config = ControlConfig(kinds=("pca", "random"), embeddings=("d/m",), collections=("go",))
    assert controlled(config, annotated, saes) == [
        *("d/m/a/go", "d/m/b/go", "d/m/a.random/go", "d/m/b.random/go", "d/m/control.pca/go")
    ]
    only = replace(config, saes=("b",), embeddings=None, kinds=(), seeds=(4,))
    assert controlled(only, annotated, saes) == ["d/m/b/go", "d/m/b.seed4/go"]
    assert controlled(ControlConfig(), annotated, saes) == []


def test_what_is_trained_for_a_name():
    assert trained_config("topk", SAES) == SAES["topk"]
    assert trained_config("topk.seed7", SAES).seed == 7
    frozen = trained_config("topk.frozen", SAES)
    assert (frozen.trained, frozen.seed) == ("encoder", 3)
    assert trained_config("topk.untrained", SAES).trained == "nothing"
    for name in ("relu", "topk.random", "control.pca"):
        with pytest.raises(InputError, match="is not trained"):
            trained_config(name, SAES)


def test_contradictions_of_a_config():
    config = ControlConfig(kinds=("pca",), seeds=(3,), repeat=("sae", "ica"), saes=("tpok",))
    found = contradictions(config, embeddings=[], saes=SAES, collections=["go"])
    messages = [message for message, _, _ in found]
    assert len(messages) == 3
    assert "no 'datasets'" in messages[0]
    assert "'controls.saes' names 'tpok'" in messages[1]
    assert "'controls.repeat' names 'ica'" in messages[2]
    own = ControlConfig(seeds=(3,))
    [(message, _, _)] = contradictions(own, embeddings=["d/m"], saes=SAES, collections=["go"])
    assert "'controls.seeds' has 3, which 'topk' has already" in message
    assert not list(contradictions(ControlConfig(), embeddings=[], saes={}, collections=[]))


# ---- activations ---------------------------------------------------------------------------------


def cells_of(counts, embedding=None):
    labels = np.where(np.arange(len(counts)) % 2, "a", "b")
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(labels), "batch": "all", "library": 1.0},
        index=[f"cell{row}" for row in range(len(counts))],
    )
    if embedding is None:
        embedding = RNG.normal(size=(len(counts), 3)).astype(np.float32)
    return anndata.AnnData(
        sparse.csr_matrix(counts, dtype=np.float32), obs=obs, obsm={"X_emb": embedding}
    )


@pytest.fixture
def cells():
    """Log expression of exact rank 3 (of centred data): four positive mixtures of rank 3."""
    weights = RNG.exponential(size=(60, 3))
    return cells_of(weights @ RNG.exponential(size=(3, 12)))


def test_halves_by_pencil():
    # One component (1, -2, 4) cut at 1, another (0, 3, -1) cut at 0.
    scores = np.array([[1.0, 0.0], [-2.0, 3.0], [4.0, -1.0]])
    ends = halves(scores, np.array([1.0, 0.0])).toarray()
    assert ends.tolist() == [[0, 0, 0, 0], [0, 3, 3, 0], [3, 0, 0, 1]]


def test_dimensions_are_cut_at_their_median(cells):
    found = components(cells, "dimensions", n_components=50, seed=0)
    ends = halves(found.scores, found.centre)
    assert (ends > 0).sum(axis=0).tolist() == [[30] * 6]


def test_pca_is_the_singular_value_decomposition(cells):
    found = components(cells, "pca", n_components=2, seed=0)
    dense = cells.X.toarray().astype(float)
    left, size, _ = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found.scores), np.abs(left * size)[:, :2], rtol=1e-5)


def test_ica_finds_independent_sources():
    hidden = RNG.uniform(size=(3000, 2))
    mixed = cells_of(hidden @ np.array([[1.0, 0.4, 0.2], [0.3, 1.0, 0.7]]))
    found = components(mixed, "ica", n_components=2, seed=0)
    r = np.abs(np.corrcoef(found.scores.T, hidden.T)[:2, 2:])
    assert np.sort(r.max(axis=0))[0] > 0.99
    assert found.converged


@pytest.mark.parametrize("method", ["pca", "ica", "nmf", "dimensions"])
def test_controls_of_cells_are_features_of_the_same_cells(cells, method):
    lines = []
    config = ControlConfig(kinds=(method,), n_components=9)
    source = parse_source(f"control.{method}")
    features = describe_control(
        cells, source, config=config, features=FeatureConfig(), log=lines.append
    )
    assert features.obs_names.tolist() == cells.obs_names.tolist()
    assert features.X.min() >= 0
    assert features.n_vars == (3 if method == "nmf" else 6)  # rank 3, or 3 dimensions
    first = f"{method} 1" if method == "nmf" else f"{method} 1 +"
    assert features.var["component"].iloc[0] == first
    if method != "dimensions":
        assert lines[0] == "9 components asked for, 3 kept: the rank of expression"


def test_a_source_is_described_from_its_weights_or_from_the_cells(cells, trained, tmp_path):
    X, sae = trained
    model.save(sae, tmp_path)
    here = cells.copy()
    here.obsm["X_emb"] = X[: cells.n_obs]
    config = ControlConfig(kinds=("pca",), n_components=9)
    options = {"config": FeatureConfig(), "controls": config, "log": lambda line: None}
    weights = [tmp_path / "cfg.json", tmp_path / "sae_weights.safetensors"]
    encoded = describe_source(here, "topk", weights=weights, **options)
    np.testing.assert_array_equal(encoded.X.toarray(), sae.encode(here.obsm["X_emb"]))
    of_cells = describe_source(here, "control.pca", weights=[], **options)
    assert of_cells.var["component"].iloc[0] == "pca 1 +"
    with pytest.raises(InputError, match="names no source"):
        describe_source(here, "topk.pca", weights=weights, **options)


def test_expression_that_does_not_vary_cannot_be_decomposed():
    with pytest.raises(InputError, match="does not vary"):
        components(cells_of(np.ones((10, 4))), "pca", n_components=2, seed=0)


@pytest.fixture(scope="module")
def trained():
    X = np.random.default_rng(1).normal(size=(5000, 6)).astype(np.float32)
    config = SAEConfig(architecture="topk", expansion=5, k=10, epochs=2, learning_rate=1e-3)
    [found] = train(X, [config])
    return X, found.sae


def test_random_directions_fire_exactly_as_often(trained):
    X, sae = trained
    sae.b_enc[4] = -1e6  # a dead feature
    directions = random_directions(sae, X, seed=0)
    expected = (sae.encode(X) > 0).sum(axis=0)
    assert expected[4] == 0
    assert 0 < np.median(expected) < len(X)
    assert (directions.encode(X) > 0).sum(axis=0).tolist() == expected.tolist()
    assert (directions.encode_sparse(X, 999) > 0).sum(axis=0).tolist() == [expected.tolist()]
    np.testing.assert_allclose(np.linalg.norm(directions.W_dec, axis=1), 1, rtol=1e-6)
    again, other = (random_directions(sae, X, seed=seed) for seed in (0, 1))
    assert again.W_enc.tobytes() == directions.W_enc.tobytes()
    assert np.abs(np.sum(other.W_dec * directions.W_dec, axis=1)).mean() < 0.6


def test_random_directions_of_features_that_always_fire():
    X = RNG.normal(size=(40, 2)).astype(np.float32)
    eye = np.eye(2, dtype=np.float32)
    always = SAE("relu", eye, np.full(2, 100, dtype=np.float32), eye, np.zeros(2))
    assert (random_directions(always, X, seed=0).encode(X) > 0).all()


def test_a_random_control_is_written_with_its_origin(trained, tmp_path):
    X, sae = trained
    about = {"data_sha256": sha256_array(X)}
    model.save(
        SAE(sae.architecture, sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec, sae.k, None, about),
        tmp_path,
    )
    source = parse_source("topk.random.seed5")
    control = drawn_control(tmp_path, X, source, config=ControlConfig())
    model.save(control, tmp_path / "random")
    read = model.load(tmp_path / "random", data_sha256=sha256_array(X))
    assert (read.metadata["matches"], read.metadata["seed"]) == ("topk", 5)
    assert (read.encode(X) > 0).sum() == (sae.encode(X) > 0).sum()
    with pytest.raises(InputError, match="trained on data with sha256"):
        drawn_control(tmp_path, X + 1, source, config=ControlConfig())


# ---- specificity ---------------------------------------------------------------------------------


def table_of(*rows):
    columns = ["feature", "term", "direction", "effect"]
    return pd.DataFrame(rows, columns=columns)


def test_specificity_of_terms_by_pencil():
    kept = table_of(
        ("0", "a", "up", 0.9), ("1", "a", "up", 0.1), ("2", "a", "up", 0.75), ("2", "b", "up", 0.25)
    )
    found = term_specificity(kept)
    assert found["commonest_term"] == "a"
    assert found["commonest_term_share"] == 1.0
    assert found["effective_terms"] == pytest.approx(
        np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    )
    assert found["effect"] == pytest.approx((0.8 + 0.8 + 0.5 + 0.5) / 4)
    even = table_of(*((str(i), f"term{i}", "up", 0.5) for i in range(7)))
    assert term_specificity(even)["effective_terms"] == pytest.approx(7)


def test_specificity_without_annotations_is_missing():
    found = term_specificity(table_of())
    assert found["commonest_term"] == ""
    assert np.isnan(found["effective_terms"])


def test_tau_by_pencil():
    # Yanai's tau: all alike 0; one type only 1; (4, 2, 0): (0 + 0.5 + 1) / 2; never active NaN.
    means = np.array([[2.0, 2, 2], [0, 5, 0], [4, 2, 0], [0, 0, 0]])
    np.testing.assert_allclose(type_specificity(means), [0, 1, 0.75, np.nan])
    assert np.isnan(type_specificity(np.ones((2, 1)))).all()


def test_interval_of_a_share_is_wilsons():
    # Wilson 1927 by hand for 8 of 10 at z = 1.96: (0.4902, 0.9433).
    assert share_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=2e-4)
    assert np.isnan(share_interval(0, 0)).all()


# ---- stability -----------------------------------------------------------------------------------


@pytest.fixture
def run():
    dense = np.maximum(RNG.normal(size=(200, 8)), 0)
    dense[:, 5] = 0
    return sparse.csr_matrix(dense)


def test_matching_finds_a_shuffled_run_and_leaves_out_what_is_dead(run):
    order = RNG.permutation(8)
    matching = match_features(run, run[:, order])
    assert matching.left.tolist() == [0, 1, 2, 3, 4, 6, 7]
    assert order[matching.right].tolist() == matching.left.tolist()
    np.testing.assert_allclose(matching.correlation, 1)


def test_matched_correlations_are_numpys(run):
    other = sparse.csr_matrix(np.maximum(RNG.normal(size=(200, 5)), 0))
    matching = match_features(run, other)
    for left, right, r in zip(matching.left, matching.right, matching.correlation, strict=True):
        expected = np.corrcoef(run.toarray()[:, left], other.toarray()[:, right])[0, 1]
        assert r == pytest.approx(expected)


def test_a_run_compared_with_itself_is_perfectly_stable(run):
    kept = table_of(*((str(i), f"t{j}", "up", 0.9) for i in (0, 1, 3) for j in range(i, i + 2)))
    found = compare_terms(match_features(run, run), kept, kept)
    assert (found["jaccard"], found["n_compared"], found["n_matched"]) == (1.0, 3, 7)
    assert found["correlation"] == pytest.approx(1)
    assert found["chance"] < 0.5


def test_agreement_by_pencil():
    matching = SimpleNamespace(
        left=np.array([0, 1, 2, 3]), right=np.array([5, 6, 7, 8]), correlation=np.ones(4)
    )
    left = table_of(
        ("0", "a", "up", 1), ("0", "b", "up", 1), ("1", "a", "up", 1), ("9", "a", "up", 1)
    )
    right = table_of(("5", "b", "up", 1), ("6", "a", "down", 1), ("7", "c", "up", 1))
    # {a, b} and {b}: 1/2; opposite directions: 0; nothing and {c}: 0; nothing at all: left out.
    found = compare_terms(matching, left, right)
    assert found["jaccard"] == pytest.approx(0.5 / 3)
    assert found["n_compared"] == 3


def test_chance_is_the_mean_over_all_exchanges():
    matching = SimpleNamespace(left=np.arange(3), right=np.arange(3), correlation=np.ones(3))
    kept = table_of(*((str(i), f"t{i}", "up", 1) for i in range(3)))
    found = compare_terms(matching, kept, kept, n_permutations=4000)
    # One term a feature, all different: a pair agrees with probability 1/3.
    assert found["chance"] == pytest.approx(1 / 3, abs=0.02)


def test_jaccard_of_rows_is_scipys():
    left, right = (RNG.random((30, 9)) < 0.3 for _ in range(2))
    found = pair_jaccard(
        sparse.csr_matrix(left.astype(float)), sparse.csr_matrix(right.astype(float))
    )
    for a, b, value in zip(left, right, found, strict=True):
        if (a | b).any():
            assert value == pytest.approx(1 - scipy.spatial.distance.jaccard(a, b))
        else:
            assert np.isnan(value)


# ---- the table -----------------------------------------------------------------------------------

TERMS = ("a", "b", "c")


def write_source(folder, dense, carried):
    """Files of one source: features, a summary, and enrichment of features with some terms."""
    cells = cells_of(np.ones((len(dense), 2)))
    features = anndata.AnnData(
        sparse.csr_matrix(dense, dtype=np.float32),
        obs=cells.obs,
        var=pd.DataFrame(
            {"n_active": (dense > 0).sum(axis=0)}, index=map(str, range(dense.shape[1]))
        ),
        varm={"type_means": np.stack([dense[::2].mean(axis=0), dense[1::2].mean(axis=0)], axis=1)},
    )
    write_anndata(features, folder / "features.h5ad")
    tested = np.flatnonzero((dense > 0).any(axis=0))
    table = pd.DataFrame(
        [(str(f), t, "up", 0.8, t in carried.get(f, "")) for f in tested for t in TERMS],
        columns=["feature", "term", "direction", "effect", "kept"],
    )
    rows = []
    for convention, filters in (
        ("published", ("kept_published_05", "kept_published_figures")),
        ("corrected", ("kept_fdr",)),
    ):
        carries = {name: table["kept"] & (name in filters) for name in ALL_FILTERS}
        kept = table.assign(**carries)
        write_table(kept, folder / f"{convention}.parquet")
        rows += [
            {"contrast": "global", "convention": convention, "filter": name}
            | {"n_live": len(tested), "n_tested": len(tested)}
            | {
                "n_annotated": len(carried),
                "share": len(carried) / len(tested),
                "share_complete": 0.1,
            }
            for name in filters
        ]
    write_table(pd.DataFrame(rows), folder / "summary.tsv")
    kinds = {"features": "h5ad", "summary": "tsv", "published": "parquet", "corrected": "parquet"}
    return {kind: folder / f"{kind}.{suffix}" for kind, suffix in kinds.items()}


@pytest.fixture
def annotated(tmp_path):
    """An SAE, the same again as its repeat, and a control whose last feature is dead."""
    dense = np.maximum(np.random.default_rng(2).normal(size=(50, 4)), 0)
    order = [2, 0, 3, 1]
    found = []
    for name, matrix, carried in (
        ("topk", dense, {0: "ab", 1: "c"}),
        ("topk.seed1", dense[:, order], {1: "ab", 3: "c"}),
        ("control.pca", dense * [1, 1, 1, 0], {0: "a", 1: "a", 2: "a"}),
    ):
        folder = tmp_path / name
        files = write_source(folder, matrix, carried)
        found.append(read_annotated(f"d/m/{name}/go", files))
    return found


def test_the_table_of_controls_by_pencil(annotated):
    table, pairs = control_tables(annotated)
    assert table["source"].tolist() == [
        s for s in ("topk", "topk.seed1", "control.pca") for _ in "123"
    ]
    assert set(table["embedding"]) == {"d/m"}
    fdr = table[table["filter"] == "kept_fdr"].set_index("source")
    assert fdr["share"].tolist() == [0.5, 0.5, 1.0]
    assert fdr["n_features"].tolist() == [4, 4, 4]
    assert fdr["n_tested"].tolist() == [4, 4, 3]
    assert fdr["commonest_term_share"].tolist() == [0.5, 0.5, 1.0]
    np.testing.assert_allclose(fdr["effective_terms"], [3, 3, 1])
    assert (fdr["share_low"] < fdr["share"]).all()
    # The repeat holds the same features in another order, so every pair agrees.
    assert fdr["stability"].tolist()[:2] == [1.0, 1.0]
    assert np.isnan(fdr.loc["control.pca", "stability"])
    assert fdr["n_repeats"].tolist() == [1, 1, 0]
    # Of the control, the SAE's features 0 and 1 carry {a, b} and {c} against {a} and {a}, and
    # feature 2 nothing against {a}; feature 3 is dead in it. (1/2 + 0 + 0) / 3.
    assert fdr.loc["control.pca", "agreement"] == pytest.approx(0.5 / 3)
    assert np.isnan(fdr.loc["topk", "agreement"])
    of_fdr = pairs[pairs["filter"] == "kept_fdr"].set_index("relation")
    assert of_fdr.loc["repeats", ["left", "right"]].tolist() == ["topk", "topk.seed1"]
    assert of_fdr.loc["repeats", ["jaccard", "n_compared", "n_matched"]].tolist() == [1.0, 2, 4]
    assert of_fdr.loc["SAE and control", ["left", "right"]].tolist() == ["topk", "control.pca"]
    assert len(of_fdr) == 2  # a repeat is not compared with controls


def test_pairs_do_not_depend_on_the_order_of_sources(annotated):
    forth, back = (control_tables(order)[1] for order in (annotated, annotated[::-1]))
    control = [pairs[pairs["relation"] == "SAE and control"] for pairs in (forth, back)]
    assert control[0]["jaccard"].tolist() == control[1]["jaccard"].tolist()
    assert control[1]["left"].unique().tolist() == ["topk"]


def test_repeats_on_other_cells_are_refused(annotated):
    left, right, _ = annotated
    renamed = replace(right, cells=pd.Index([f"x{name}" for name in right.cells]))
    with pytest.raises(InputError, match="'cell0' against 'xcell0'"):
        control_tables([left, renamed])
