"""Tables that claims are read from, by pencil."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.concepts.space import kept_terms
from featurelens.tables import (
    found_terms,
    local_terms,
    selected_feature_types,
    settings,
    sizes,
    steered_features,
)

NAME = "d/m/s"


@pytest.fixture
def features():
    """Six cells of three types, four features; 0 and 3 are local to a, 1 to b."""
    dense = np.array(
        [
            [4, 0, 0, 1],
            [2, 0, 0, 1],
            [0, 3, 1, 0],
            [0, 1, 0, 0],
            [1, 0, 2, 0],
            [0, 0, 0, 0],
        ],
        dtype=np.float32,
    )
    adata = anndata.AnnData(
        sparse.csr_matrix(dense),
        obs=pd.DataFrame({"cell_type": list("aabbcc")}, index=[f"cell{row}" for row in range(6)]),
        var=pd.DataFrame({"type": ["local", "local", "global", "local"]}, index=list("0123")),
        uns={"cell_types": np.array(["a", "b", "c"])},
    )
    adata.var["type_published"] = adata.var["type"]
    adata.varm["significant"] = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=bool)
    adata.varm["significant_published"] = adata.varm["significant"]
    return adata


def kept():
    pairs = [("0", "x"), ("0", "y"), ("1", "y"), ("2", "z")]
    table = pd.DataFrame(pairs, columns=["feature", "term"])
    table = table.assign(category="all", direction="up", kept_fdr=True)
    return kept_terms({"corrected": table}, list("0123"))


def test_local_features_of_a_type_and_the_terms_of_most(features):
    table = local_terms.tabulate({f"{NAME}/go": kept()}, {NAME: features}, direction="up", most=1)
    rows = table[table["filter"] == "kept_fdr"].set_index("cell_type")
    assert rows["n_local"].to_dict() == {"a": 2, "b": 1, "c": 0}
    assert rows["n_annotated"].to_dict() == {"a": 1, "b": 1, "c": 0}
    assert rows["terms"].to_dict() == {"a": "x", "b": "y", "c": ""}


def test_parts_are_namespaces_or_else_collections():
    terms = pd.DataFrame({"term": ["x", "y", "z"], "namespace": ["bp", "mf", "bp"]})
    table = found_terms.tabulate({NAME: kept()}, {NAME: terms}, direction="up")
    rows = table[table["filter"] == "kept_fdr"].set_index("part")
    assert rows["n_terms"].to_dict() == {"all": 3, "bp": 2, "mf": 1}
    assert rows["n_features"].to_dict() == {"all": 3, "bp": 2, "mf": 2}
    united = terms.assign(namespace=np.nan, collection=["one", "one", "two"])
    assert list(found_terms.parts_of(united)) == ["all", "one", "two"]
    assert list(found_terms.parts_of(united.drop(columns="collection"))) == ["all"]


def test_the_best_feature_of_a_trajectory_in_every_type(features):
    selected = pd.DataFrame(
        {"sae": NAME, "trajectory": "way", "rank": [1, 2], "feature": ["0", "1"]}
    )
    table = selected_feature_types.tabulate(
        {NAME: features}, selected, trajectories={"d": {"way": {"stages": ["b", "a"]}}}
    ).set_index("cell_type")
    assert table["feature"].tolist() == ["0"] * 3
    assert table["is_stage"].to_dict() == {"a": True, "b": True, "c": False}
    # Means 3, 0 and 0.5; the 95th percentile of 1 and 0 is 0.95.
    assert table["mean_relative"].to_dict() == pytest.approx({"a": 1, "b": 0, "c": 0.5 / 3})
    assert table.loc["c", "q95_relative"] == pytest.approx(0.95 / 3)
    assert table.loc["c", "fraction_active"] == 0.5


def test_what_is_steered_among_its_own_activations(features):
    rows = [("0", "set", 3.0), ("0", "add", 3.0), ("0+1", "set", 3.0)]
    selected = pd.DataFrame(rows, columns=["feature", "operation", "steered_value"])
    table = steered_features.tabulate({NAME: selected}, {NAME: features})
    # Active with 4, 2 and 1.
    assert table["of_maximum"].iloc[0] == 3 / 4
    assert table["share_below"].iloc[0] == 2 / 3
    assert table[["of_maximum", "share_below"]].iloc[1:].isna().all(axis=None)


def test_sizes_of_everything_by_name():
    table = sizes.tabulate(
        {"deep": {"n_cells": 5}},
        {"d/m": {"n_cells": 7, "n_genes": 3, "d": 2}},
        {NAME: {"n_features": 40}},
        {f"{NAME}/go": pd.DataFrame({"n_terms_tested": [8, 9]}), "d/m/t/go": pd.DataFrame()},
    )
    found = table.set_index(["name", "size"])["value"].to_dict()
    assert found == {
        ("deep", "n_cells"): 5, ("d/m", "n_cells"): 7, ("d/m", "n_genes"): 3,
        ("d/m", "n_dimensions"): 2, (NAME, "n_features"): 40, (f"{NAME}/go", "n_terms_tested"): 9,
    }  # fmt: skip


def test_settings_are_those_of_the_config_and_of_the_paper():
    table = settings.tabulate({"dge.high_percentile": 95.0}).set_index("key")["value"]
    assert table.to_dict() == {"dge.high_percentile": 95.0, "published.p_of_terms": 0.01}
