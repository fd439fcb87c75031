"""Filters and ranks of features along a trajectory, by pencil and by scipy."""

from itertools import permutations
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy import sparse

from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset
from featurelens.dge.chosen import test_chosen as tested_genes
from featurelens.dge.config import DgeConfig
from featurelens.embeddings.embed import embed
from featurelens.embeddings.registry import build_model
from featurelens.features.annotated import annotated_features
from featurelens.features.candidates import rank_candidates
from featurelens.features.config import FeatureConfig, TrajectoryConfig
from featurelens.features.describe import describe_features
from featurelens.features.trajectory import STEPS, count_filters
from featurelens.io import InputError
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.single import make_and_save
from featurelens.tables import feature_selection

PAUL15 = Path(__file__).parents[3] / "shared/data/cells/paul15_tradeseq_mouse.h5ad"
TYPES = np.repeat(["early", "middle", "late", "other"], [2, 4, 2, 4])
ALONG = TrajectoryConfig(stages=("early", "middle", "late"))
# Means of early, middle, late, other; the later stages weigh 4 : 2.
MEANS = np.array(
    [
        [1, 2, 3, 1],  # later 14/6: above other and early, rising
        [1, 2, 5, 1],  # later 18/6: the same, higher at the end
        [1, 4, 3, 2],  # later 22/6: above both, falls from middle to late
        [4, 1, 2, 1],  # later 8/6: above other only
        [1, 2, 3, 4],  # later 14/6: above early only
        [3, 2, 1, 4],  # later 10/6: above neither
        [0, 0, 0, 0],  # dead
    ]
)
EMBEDDING = {"early": (0, 0), "middle": (2, 1), "late": (4, 0), "other": (9, 9)}
DIRECTIONS = np.array([[1, 5], [0.5, 0], [1, 0], [1, 0], [1, 0], [1, 0], [1, 0]])


def described(means=MEANS, directions=DIRECTIONS, types=TYPES):
    """Features of the given mean in each type, the same in all its cells."""
    places = [list(EMBEDDING).index(name) for name in types]
    cells = anndata.AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(types)}, index=[f"c{n}" for n in range(len(types))]
        ),
        obsm={"X_emb": np.array([EMBEDDING[name] for name in types], dtype=np.float32)},
    )
    codes = sparse.csr_matrix(np.asarray(means, dtype=np.float32)[:, places].T)
    return describe_features(codes, cells, FeatureConfig(), directions=directions)


def test_the_authors_filters_one_after_the_other():
    table = count_filters(described(), ALONG).set_index("step")
    assert table["n_features"].to_dict() == {
        "live": 6, "above_contrast": 4, "above_start": 4, "above_both": 3, "increasing": 2,
    }  # fmt: skip


def test_cells_weigh_alike_in_the_mean_of_several_types():
    """Means 0, 3 of 4 and 2 cells are 1 over cells, 1.5 over types; early has 1.2."""
    assert count_filters(described([[1.2, 0, 3, 0]], np.ones((1, 2))), ALONG).set_index("step")[
        "n_features"
    ].to_dict() == {
        "live": 1, "above_contrast": 1, "above_start": 0, "above_both": 0, "increasing": 0,
    }  # fmt: skip


def test_a_contrast_of_some_types_leaves_the_others_out():
    types = np.append(TYPES, ["last"] * 4)
    EMBEDDING["last"] = (0, 1)
    features = described(np.column_stack([MEANS, [9] * 7]), types=types)
    del EMBEDDING["last"]
    against_all = count_filters(features, ALONG)["n_features"].tolist()
    against_one = TrajectoryConfig(stages=ALONG.stages, contrast=("other",))
    assert against_all == [7, 0, 4, 0, 0]
    assert count_filters(features, against_one)["n_features"].tolist() == [7, 4, 4, 3, 2]


def test_chance_is_what_passes_when_types_exchange_places():
    """One feature of four types with means 1 to 4 and equal sizes: by counting all 24 orders.

    Of (start, middle, late, other): later above other where (m + e) / 2 > o, and so on.
    """
    types = np.repeat(["early", "middle", "late", "other"], 3)
    features = described([[1, 2, 3, 4]], np.ones((1, 2)), types)
    orders = list(permutations([1, 2, 3, 4]))
    passes = {
        "above_contrast": [(m + e) / 2 > o for s, m, e, o in orders],
        "above_start": [(m + e) / 2 > s for s, m, e, o in orders],
        "increasing": [s < m < e and (m + e) / 2 > max(s, o) for s, m, e, o in orders],
    }
    table = count_filters(features, ALONG, n_exchanges=4000).set_index("step")
    for step, expected in passes.items():
        assert table.loc[step, "n_by_chance"] == pytest.approx(np.mean(expected), abs=0.03)
    assert table.loc["live", ["n_by_chance", "n_by_chance_high"]].tolist() == [1, 1]


def test_candidates_are_ranked_by_three_criteria():
    """Step from (0, 0) to (4, 0). Feature 0 rises by 2 along (1, 5): 2 of 4; 1 by 4 along (.5, 0).

    Both move half of the way; 1 is more active at the end; correlations are equal.
    """
    ranked = rank_candidates(described(), ALONG)
    assert ranked["feature"].tolist() == ["1", "0"]
    assert ranked["mean_end"].tolist() == [5, 3]
    assert ranked["mean_start"].tolist() == [1, 1]
    np.testing.assert_allclose(ranked["displacement"], 0.5)
    assert ranked["rank_displacement"].tolist() == [1, 1]
    assert ranked["rank_mean_end"].tolist() == [1, 2]
    assert ranked["mean_rank"].tolist() == [1, pytest.approx(4 / 3)]
    assert ranked["why"].iloc[1] == (
        "passes all three filters; among the 2 that do it is 2nd by activation in late (3), "
        "1st by rank correlation with the stages (1.00), 1st by how far it moves early towards "
        "late (50 % of the way)"
    )


def test_correlation_with_the_stages_is_spearmans():
    rng = np.random.default_rng(0)
    types = rng.choice(["early", "middle", "late", "other"], 300)
    stage = pd.Series(types).map({"early": 0, "middle": 1, "late": 2, "other": 1})
    dense = np.maximum(rng.normal(size=(300, 40)) + 0.3 * stage.to_numpy()[:, None], 0)
    cells = anndata.AnnData(
        obs=pd.DataFrame({"cell_type": pd.Categorical(types)}, index=map(str, range(300))),
        obsm={"X_emb": rng.normal(size=(300, 2))},
    )
    codes = sparse.csr_matrix(dense.astype(np.float32))
    ranked = rank_candidates(describe_features(codes, cells, FeatureConfig()), ALONG)
    assert 3 < len(ranked) < 40
    inside = types != "other"
    for row in ranked.itertuples():
        values = codes.toarray()[inside, int(row.feature)]
        expected = scipy.stats.spearmanr(values, stage[inside]).statistic
        assert row.stage_correlation == pytest.approx(expected, abs=1e-12)
    assert ranked["displacement"].isna().all()
    assert "rank_displacement" not in ranked


def test_where_none_passes_all_filters_the_rule_says_so():
    ranked = rank_candidates(described(MEANS[2:], DIRECTIONS[2:]), ALONG)
    assert ranked["feature"].tolist() == ["0"]
    assert ranked["rule"].iloc[0] == "passes the first two filters, as none passes all three"
    ranked = rank_candidates(described(MEANS[3:], DIRECTIONS[3:]), ALONG)
    assert ranked["rule"].iloc[0] == "is live, as none passes the filters"
    with pytest.raises(InputError, match="no feature is active"):
        rank_candidates(described(MEANS[6:], DIRECTIONS[6:]), ALONG)


def test_a_type_that_no_cell_has_and_one_with_nothing_beside_it():
    with pytest.raises(InputError, match="'lat'"):
        count_filters(described(), TrajectoryConfig(stages=("early", "lat")))
    with pytest.raises(InputError, match="none is left to contrast with"):
        rank_candidates(described(), TrajectoryConfig(stages=("early", "middle", "late", "other")))


def test_the_tables_name_sae_and_trajectory():
    features = {"cells/pca/topk": described(), "cells/nmf/topk": described()}
    trajectories = {"cells": {"ripening": {"stages": list(ALONG.stages), "contrast": []}}}
    counts, chosen = feature_selection.tabulate(features, trajectories=trajectories, most=1)
    assert counts["sae"].tolist() == [name for name in features for _ in STEPS]
    assert chosen[["sae", "position", "trajectory", "feature"]].values.tolist() == [
        ["cells/pca/topk", 1, "ripening", "1"],
        ["cells/nmf/topk", 2, "ripening", "1"],
    ]


@pytest.mark.skipif(not PAUL15.exists(), reason="mouse blood progenitors not at hand")
def test_erythroid_genes_lead_in_the_features_chosen_for_the_erythroid_trajectory(tmp_path):
    """Mouse bone marrow (Paul et al. 2015): the transcripts that define red cells.

    Red cells are 40 % of these, of all ages. The first five features together hold them all:
    haemoglobins lead by fold. The first alone may be of the young, before haemoglobin: of 3,004
    genes the factors Klf1 and Gata1 are among the first 10 and the first 75 by t.
    """
    cells = read_dataset(OwnCells(path=str(PAUL15), cell_type="cell_type"))
    nmf = {"kind": "poisson_nmf", "n_components": 15, "iterations": 100}
    bundle = embed(cells, build_model(nmf))
    trajectory = TrajectoryConfig(stages=("Multipotent progenitors", "Erythrocyte"))
    dge = DgeConfig(high_percentile=95, expression="measured")
    for seed in (0, 1):
        config = SAEConfig(
            architecture="topk", expansion=20, k=5, learning_rate=0.001, epochs=300, seed=seed
        )
        make_and_save(bundle.embedding, config, tmp_path / str(seed), source="a test")
        sae = model.load(tmp_path / str(seed))
        codes = sae.encode_sparse(bundle.embedding)
        features = describe_features(
            codes, bundle.cells, FeatureConfig(), directions=sae.directions
        )
        best = rank_candidates(features, trajectory)["feature"].astype(int).tolist()
        both = sparse.csr_matrix(np.column_stack(
            [codes[:, best[0]].toarray(), codes[:, best[:5]].sum(axis=1)]
        ))  # fmt: skip
        genes = tested_genes(bundle, both, [0, 1], config=dge)
        genes = genes[genes["convention"] == "corrected"]
        names = genes.rename(columns={"t_welch": "t", "q_welch": "q"}).assign(df=100.0)
        names["feature"] = names["feature"].astype(str)
        table = annotated_features(
            describe_features(both, bundle.cells, FeatureConfig()).var,
            names,
            {},
            min_cells=20,
            n_genes=15,
        ).set_index("feature")
        assert {"Hba-a2", "Hbb-b1", "Beta-s"} <= set(table.loc["1", "up_genes"].split("; "))
        for feature in (0, 1):
            own = genes[genes["feature"] == feature].sort_values("t_welch", ascending=False)
            place = {gene: rank for rank, gene in enumerate(own["gene"], start=1)}
            assert place["Klf1"] <= 10, place["Klf1"]
            assert place["Gata1"] <= 75, place["Gata1"]
