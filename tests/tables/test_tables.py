"""Tables: every number is counted by hand or by scipy."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from featurelens.enrichment.config import ALL_FILTERS
from featurelens.features.annotated import annotated_features, choose_features
from featurelens.tables import annotation, local_features, table_S6, table_S6_seeds
from featurelens.tables.stacked import stack_named
from figure_inputs import dge, enrichment, features


def test_stacked_tables_carry_name_and_position():
    stacked = stack_named(
        {"b": pd.DataFrame({"x": [1, 2]}), "empty": pd.DataFrame(), "a": pd.DataFrame({"x": [3]})},
        "sae",
    )
    assert stacked["sae"].tolist() == ["b", "b", "a"]
    assert stacked["position"].tolist() == [1, 1, 3]
    assert list(stacked.columns) == ["sae", "x", "position"]
    assert stack_named({}, "sae").empty


def test_feature_types_count_both_conventions():
    var = pd.DataFrame(
        {
            "type_published": ["local", "local", "regional", "global", "dead"],
            "type": ["local", "global", "global", "global", "dead"],
            "type_published_shuffled": ["local", "local", "local", "regional", "dead"],
            "type_shuffled": ["global", "global", "local", "global", "dead"],
            "fraction_active": [0.1, 0.2, 0.3, 0.9, 0.0],
        }
    )
    table = table_S6.tabulate({"one": SimpleNamespace(var=var)}).set_index("convention")
    published = table.loc["published"]
    assert published[["live", "local", "regional", "global", "dead"]].tolist() == [4, 2, 1, 1, 1]
    assert published["global_paper"] == 2
    assert published["share_live"] == pytest.approx(0.8)
    assert published["share_local"] == pytest.approx(0.5)
    # mean features active per cell = sum over features of the share of cells: 1.5
    assert published["active_per_cell"] == pytest.approx(1.5)
    assert published["share_active_per_cell"] == pytest.approx(1.5 / 4)
    assert table.loc["corrected", "local"] == 1
    assert table["local_shuffled"].to_dict() == {"published": 3, "corrected": 1}
    assert table["regional_shuffled"].to_dict() == {"published": 1, "corrected": 0}


def test_feature_types_of_a_dead_sae_are_not_a_number():
    dead = ("type_published", "type", "type_published_shuffled", "type_shuffled")
    var = pd.DataFrame({name: ["dead"] for name in dead} | {"fraction_active": [0.0]})
    table = table_S6.tabulate({"one": SimpleNamespace(var=var)})
    assert table["share_live"].tolist() == [0, 0]
    assert table["share_local"].isna().all()


def test_active_features_per_cell_equal_those_counted_in_the_matrix():
    cells = features()
    table = table_S6.tabulate({"one": cells})
    per_cell = (cells.X.toarray() > 0).sum(axis=1).mean()
    assert table["active_per_cell"].iloc[0] == pytest.approx(per_cell)


def test_local_features_name_types_that_have_none():
    var = pd.DataFrame(
        {
            "type_published": ["local", "local", "global"],
            "type": ["local", "global", "global"],
        }
    )
    # Columns B, NK, T. Under the published rule the second feature is local to T.
    varm = {
        "significant": np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0]], bool),
        "significant_published": np.array([[1, 0, 0], [0, 0, 1], [1, 1, 0]], bool),
    }
    cells = pd.Series(["T", "B", "T", "NK"], dtype="category")
    one = SimpleNamespace(
        var=var,
        obs=pd.DataFrame({"cell_type": cells}),
        varm=varm,
        uns={"cell_types": np.array(["B", "NK", "T"], dtype=object)},
    )
    table = local_features.tabulate({"one": one}).set_index(["convention", "cell_type"])
    assert table["n_local"].to_dict() == {
        ("published", "B"): 1, ("published", "NK"): 0, ("published", "T"): 1,
        ("corrected", "B"): 1, ("corrected", "NK"): 0, ("corrected", "T"): 0,
    }  # fmt: skip
    assert table.loc[("corrected", "T"), "n_cells"] == 2


def rows(pairs, kept):
    """An enrichment table of the given (feature, term) pairs, all kept under ``kept``."""
    table = pd.DataFrame(pairs, columns=["feature", "term"])
    table["category"] = "family"
    for name in ALL_FILTERS:
        table[name] = name == kept
    return table


def test_annotation_summary_joins_controls_by_name():
    def summary(*shares):
        return pd.DataFrame(
            {
                "contrast": ["global", "within_type"],
                "convention": "corrected",
                "filter": "kept_fdr",
                "share": shares,
            }
        )

    table = annotation.tabulate(
        {"cells/pca/topk/go": summary(0.8, 0.5), "cells/nmf/topk/go": summary(0.7, 0.4)},
        {"cells/pca/topk.random/go": summary(0.3, 0.2).iloc[:1]},
    )
    assert table["share"].tolist() == [0.8, 0.5, 0.7, 0.4]
    np.testing.assert_array_equal(table["share_random"], [0.3, np.nan, np.nan, np.nan])
    assert table["share_untrained"].isna().all()


def test_annotated_features_list_significant_genes_by_fold_and_terms_by_q():
    var = features(n_features=4).var.iloc[:3].copy()
    var["n_active"] = [5, 300, 0]
    genes = pd.DataFrame(
        {
            "feature": ["0"] * 5,
            "gene": ["up2", "up1", "down1", "weak", "unknown"],
            "log2_fold": [1.0, 3.0, -2.0, 5.0, 9.0],
            "t": [5.0, 6.0, -5.0, 1.0, np.nan],
            "df": 40.0,
            "q": [0.01, 0.001, 0.04, 0.5, np.nan],
            "n_high": 20,
        }
    )
    found = pd.DataFrame(
        {
            "feature": ["0", "0", "0"],
            "term": ["second", "first", "lost"],
            "direction": ["down", "up", "up"],
            "q": [0.02, 0.01, 0.001],
            "p_mannwhitney": 0.01,
            "fold": 1.0,
            "kept_fdr": [True, True, False],
        }
    )
    table = annotated_features(var, genes, {"corrected": found}, min_cells=310)
    # feature 2 is dead; feature 1 is active in more cells and comes first
    assert table["feature"].tolist() == ["1", "0"]
    row = table.set_index("feature").loc["0"]
    assert row["up_genes"] == "up1; up2"
    assert row["down_genes"] == "down1"
    assert row["terms"] == "first; second (down)"
    assert row["n_terms"] == 2
    assert row["n_high"] == 20
    other = table.set_index("feature").loc["1"]
    assert other["terms"] == ""
    assert other["n_terms"] == 0
    assert other["n_high"] is pd.NA
    assert other["why_no_genes"] == "not tested: 300 cells activate it, 310 are needed"
    assert row["why_no_genes"] == ""


def test_names_that_look_like_lists_or_directions_stay_whole():
    found = pd.DataFrame(
        {
            "feature": "0",
            "term": ["UV response (down)", "one; two", "plain"],
            "direction": ["up", "down", "down"],
            "q": [0.01, 0.02, 0.03],
            "p_mannwhitney": 0.01,
            "fold": 1.0,
            "kept_fdr": True,
        }
    )
    genes = pd.DataFrame(
        {"feature": ["0"], "gene": ["A; B"], "log2_fold": 2.0, "t": 9.0, "df": 40.0, "q": 0.01}
    ).assign(n_high=20)
    var = features(n_features=4).var.iloc[:1].assign(n_active=300)
    table = annotated_features(var, genes, {"corrected": found}, min_cells=20)
    assert table["terms"].tolist() == ['"UV response (down)"; "one; two" (down); plain (down)']
    assert table["up_genes"].tolist() == ['"A; B"']
    assert choose_features(table, 1)["only_down"].tolist() == [False]


def test_a_gene_of_few_cells_does_not_stand_before_a_sure_one():
    """Four of 100 genes are chosen; 40 degrees of freedom, level .05 · 4 / 100: c = 3.31.

    HBB, 4 times the mean at t = 33: 1 + 3 (1 - 3.31 / 33) = 3.70. RARE, 8 times at t = 3.7:
    1 + 7 (1 - 3.31 / 3.7) = 1.74. DOWN, a quarter at t = -33: 1 - .75 · .90 = .33, SLIGHT .92.
    """
    var = features(n_features=3).var.iloc[:1].assign(n_active=90)
    genes = pd.DataFrame(
        {
            "feature": "0",
            "gene": ["RARE", "HBB", "SLIGHT", "DOWN"] + [f"G{i}" for i in range(96)],
            "log2_fold": [3.0, 2.0, -4.0, -2.0] + [0.1] * 96,
            "t": [3.7, 33.0, -3.6, -33.0] + [0.5] * 96,
            "df": 40.0,
            "q": [0.04, 0.0, 0.04, 0.0] + [0.9] * 96,
            "n_high": 30,
        }
    )
    [row] = annotated_features(var, genes, {}, min_cells=20).to_dict("records")
    assert row["up_genes"] == "HBB; RARE"
    assert row["down_genes"] == "DOWN; SLIGHT"


def test_a_feature_without_genes_says_why():
    var = features(n_features=3).var.copy()
    var["n_active"] = [12, 650, 90]
    genes = pd.DataFrame(
        {"feature": ["2"], "gene": ["A"], "log2_fold": [1.0], "q": [0.06], "n_high": [30]}
    ).assign(t=2.0, df=40.0)
    table = annotated_features(var, genes, {}, min_cells=20).set_index("feature")
    assert table["why_no_genes"].to_dict() == {
        "0": "not tested: 12 cells activate it, 20 are needed",
        "1": "not tested: 650 cells activate it, so that fewer than 20 are left to compare with",
        "2": "tested, but no gene differs at a false discovery rate of 5 %",
    }


def test_annotated_features_hold_one_row_per_live_feature():
    var = features(n_features=30).var
    found = {name: enrichment(name) for name in ("published", "corrected")}
    table = annotated_features(var, dge(), found, min_cells=2, n_genes=3, n_terms=2)
    assert set(table["feature"]) == set(var.index[var["n_active"] > 0])
    assert (table["up_genes"].str.count(";") <= 2).all()
    assert (table["terms"].str.count(";") <= 1).all()
    assert table["n_active"].is_monotonic_decreasing
    genes = dge()
    chunks = [part for _, part in genes.groupby(genes["feature"].astype(int) // 4)]
    assert len(chunks) > 2
    in_parts = annotated_features(var, iter(chunks), found, min_cells=2, n_genes=3, n_terms=2)
    pd.testing.assert_frame_equal(in_parts, table)


def test_means_over_seeds_by_pencil():
    def of(n_local, n_global):
        kinds = ["local"] * n_local + ["global"] * n_global + ["dead"] * (10 - n_local - n_global)
        columns = ("type", "type_published", "type_shuffled", "type_published_shuffled")
        var = pd.DataFrame(dict.fromkeys(columns, kinds) | {"fraction_active": 0.1})
        return SimpleNamespace(var=var)

    cells = {"d/m/s": of(1, 3), "d/m/s.seed1": of(2, 3), "d/m/t": of(3, 3), "d/n/s": of(9, 0)}
    table = table_S6_seeds.tabulate(cells, relatives={"s": "s", "t": "s"})
    chosen = table[(table["sae"] == "d/m/s") & (table["convention"] == "published")]
    local = chosen.set_index("quantity").loc["local"]
    # 1, 2, 3: mean 2, population deviation sqrt(2/3), sample deviation 1
    assert local["n_seeds"] == 3
    assert local["mean"] == 2
    assert local["se_published"] == pytest.approx((2 / 3) ** 0.5 / 3**0.5)
    assert local["se"] == pytest.approx(1 / 3**0.5)
    assert chosen.set_index("quantity").loc["dead", "mean"] == pytest.approx((6 + 5 + 4) / 3)
    assert chosen.set_index("quantity").loc["global_paper", "se"] == 0
