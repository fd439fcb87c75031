"""Concept space: matrix, labels and layout from small tables."""

from collections import Counter

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.layout import PUBLISHED_CODE
from featurelens.concepts.space import carried, kept_terms, most_frequent
from featurelens.concepts.space import map_concepts as map_kept
from featurelens.io import InputError, read_anndata, write_anndata

ROWS = [
    # feature, term, category, direction, kept
    ("10", "HLA class II", "antigen presentation", "up", True),
    ("10", "granzymes", "cytotoxicity", "up", True),
    ("10", "perforin", "cytotoxicity", "up", True),
    ("2", "granzymes", "cytotoxicity", "up", True),
    ("2", "HLA class II", "antigen presentation", "up", True),
    ("2", "perforin", "cytotoxicity", "down", True),
    ("3", "granzymes", "cytotoxicity", "up", False),
    ("4", "perforin", "cytotoxicity", "down", True),
]


def table(rows=ROWS):
    frame = pd.DataFrame(rows, columns=["feature", "term", "category", "direction", "kept_fdr"])
    return frame.astype({"feature": "category", "term": "category", "category": "category"})


def var(n=12):
    return pd.DataFrame(
        {
            "n_active": np.arange(n) * 10,
            "type": ["local", "global"] * (n // 2),
            "top_cell_type": "B",
        },
        index=[str(number) for number in range(n)],
    )


def map_concepts(enrichment, features, config, terms=None):
    """Both steps at once, from enrichment under the corrected convention to the space."""
    kept = kept_terms({"corrected": enrichment}, features.index)
    return map_kept(kept, features, config, terms)


def test_matrix_and_labels_by_pencil():
    concepts = map_concepts(table(), var(), ConceptConfig())
    # Features in the order of the SAE, terms by name; "4" and the lower perforin do not count.
    assert list(concepts.obs_names) == ["2", "10"]
    assert list(concepts.var_names) == ["HLA class II", "granzymes", "perforin"]
    np.testing.assert_array_equal(concepts.X.toarray(), [[1, 1, 0], [1, 1, 1]])
    assert concepts.X.format == "csr"
    # Feature 2 has one term of each category: the first by name wins.
    assert list(concepts.obs["label"]) == ["antigen presentation", "cytotoxicity"]
    assert list(concepts.obs["n_terms"]) == [2, 3]
    assert list(concepts.obs["n_active"]) == [20, 100]
    assert list(concepts.obs["type"]) == ["local", "local"]
    assert list(concepts.var["category"]) == [
        "antigen presentation", "cytotoxicity", "cytotoxicity",
    ]  # fmt: skip
    assert concepts.uns["n_annotated"] == 3  # "4" as well, by its lower perforin
    assert concepts.uns["layout"] == "pca"  # two features are too few for UMAP
    assert concepts.obsm["X_umap"].shape == (2, 2)


def test_any_direction_and_other_filters():
    both = map_concepts(table(), var(), ConceptConfig(direction="any"))
    assert list(both.obs_names) == ["2", "4", "10"]
    published = table().rename(columns={"kept_fdr": "kept_published_figures"})
    published["kept_published_05"] = ~published["kept_published_figures"]
    kept = kept_terms({"published": published, "corrected": table()}, var().index)
    other = map_kept(kept, var(), ConceptConfig(filter="kept_published_05"))
    assert list(other.obs_names) == ["3"]
    np.testing.assert_array_equal(other.obsm["X_umap"], [[0, 0]])
    # A published filter counts both directions, in tables and here.
    figures = map_kept(kept, var(), ConceptConfig(filter="kept_published_figures"))
    assert list(figures.obs_names) == ["2", "4", "10"]
    # 7 of the 8 rows are kept by two filters each, one by one filter
    assert kept["filter"].value_counts().to_dict() == {
        "kept_published_05": 1, "kept_published_figures": 7, "kept_fdr": 7,
    }  # fmt: skip
    assert list(kept.loc[kept["filter"] == "kept_fdr", "higher"]) == [
        True, True, False, False, True, True, True,
    ]  # fmt: skip


def test_a_pair_that_stands_twice_counts_once():
    doubled = pd.concat([table(), table()], ignore_index=True)
    once, twice = (
        carried(kept_terms({"corrected": rows}, var().index), "kept_fdr", "any").matrix
        for rows in (table(), doubled)
    )
    np.testing.assert_array_equal(once.toarray(), twice.toarray())


TERMS = pd.DataFrame(
    [
        ("HLA class II", "GO:1", 3, "immune system process", "antigen processing", "HLA class II"),
        ("granzymes", "GO:2", 2, "cellular process", "killing", "killing"),
        ("perforin", "GO:3", 4, "immune system process", "killing", "pore formation"),
        ("never found", "GO:4", 1, "growth", "", ""),
    ],
    columns=["term", "id", "level", "level_1", "level_2", "level_3"],
).assign(level_4=None)


def test_labels_at_every_level_by_pencil():
    concepts = map_concepts(table(), var(), ConceptConfig(), TERMS)
    # Feature 2: HLA class II and granzymes; feature 10: these and perforin.
    assert list(concepts.obs["label_1"]) == ["cellular process", "immune system process"]
    assert list(concepts.obs["label_2"]) == ["antigen processing", "killing"]
    assert list(concepts.obs["label_3"]) == ["HLA class II", "HLA class II"]
    assert list(concepts.obs["label_4"]) == ["none", "none"]
    # Level 1: feature 2 has one each, feature 10 two to one. Level 3: 2 has a tie, 10 three.
    assert concepts.uns["n_tied"] == {"label_1": 1, "label_2": 1, "label_3": 2, "label_4": 0}
    assert list(concepts.obs["label"]) == list(concepts.obs["label_1"])
    assert list(concepts.var["id"]) == ["GO:1", "GO:2", "GO:3"]
    assert list(concepts.var["level_2"]) == ["antigen processing", "killing", "killing"]
    assert list(concepts.var["level_4"]) == ["", "", ""]
    assert list(concepts.var["n_features"]) == [2, 2, 1]


def test_most_frequent_agrees_with_counting_one_by_one():
    rng = np.random.default_rng(1)
    dense = rng.random((40, 15)) < 0.3
    dense[0] = False
    names = [["", "a", "b", "c"][code] for code in rng.integers(0, 4, 15)]
    labels, n_tied = most_frequent(sparse.csr_matrix(dense.astype(np.float32)), names)
    ties = 0
    for row, label in zip(dense, labels, strict=True):
        found = Counter(name for name, has in zip(names, row, strict=True) if has and name)
        best = max(found.values(), default=0)
        winners = sorted(name for name, count in found.items() if count == best)
        assert label == (winners[0] if winners else "none")
        ties += len(winners) > 1
    assert n_tied == ties > 0


def test_both_layouts_stand_with_their_parameters(tmp_path):
    concepts = map_concepts(blobs(40), var(40), ConceptConfig(), TERMS)
    text, code = concepts.obsm["X_umap"], concepts.obsm["X_umap_code"]
    assert text.shape == code.shape == (40, 2)
    assert not np.array_equal(text, code)
    assert concepts.uns["parameters"] == {
        "X_umap": {"min_dist": 1.0, "n_neighbors": 10, "spread": 10.0, "seed": 0},
        "X_umap_code": {"min_dist": 0.5, "n_neighbors": 20, "spread": 10.0, "seed": 0},
    }
    same = ConceptConfig(min_dist=0.5, n_neighbors=20)
    again = map_concepts(blobs(40), var(40), same).obsm["X_umap"]
    np.testing.assert_array_equal(again, code)
    assert PUBLISHED_CODE.n_neighbors == 20
    write_anndata(concepts, tmp_path / "concepts.h5ad")
    back = read_anndata(tmp_path / "concepts.h5ad")
    pd.testing.assert_frame_equal(back.obs, concepts.obs, check_categorical=False)
    assert back.uns["parameters"]["X_umap_code"]["n_neighbors"] == 20


def test_no_annotated_feature_gives_an_empty_space():
    concepts = map_concepts(table().assign(kept_fdr=False), var(), ConceptConfig())
    assert concepts.shape == (0, 0)
    assert concepts.obsm["X_umap"].shape == (0, 2)
    assert concepts.uns["layout"] == "none"


def test_principal_axes_keep_distances():
    # Three features at the corners of a triangle: two axes hold everything.
    rows = [(str(i), f"term {i}", "one", "up", True) for i in range(3)]
    concepts = map_concepts(table(rows), var(), ConceptConfig())
    place = concepts.obsm["X_umap"]
    distances = np.linalg.norm(place[:, None] - place[None], axis=2)
    np.testing.assert_allclose(distances, np.sqrt(2) * (1 - np.eye(3)), atol=1e-6)


def blobs(n_features):
    """Features of two kinds that share no term."""
    rng = np.random.default_rng(0)
    rows = []
    for feature in range(n_features):
        kind = feature % 2
        for term in rng.choice(8, size=4, replace=False):
            rows.append((str(feature), f"term {kind}{term}", f"kind {kind}", "up", True))
    return table(rows)


def test_umap_separates_kinds_and_repeats():
    features, config = var(60), ConceptConfig(n_neighbors=8)
    first, again = (map_concepts(blobs(60), features, config) for _ in range(2))
    assert first.uns["layout"] == "umap"
    np.testing.assert_array_equal(first.obsm["X_umap"], again.obsm["X_umap"])
    place, kind = first.obsm["X_umap"], np.arange(60) % 2
    centres = np.array([place[kind == k].mean(axis=0) for k in (0, 1)])
    nearest = np.linalg.norm(place[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == kind).all()


@pytest.mark.parametrize("n_features", [5, 6, 9])
def test_few_features_are_laid_out_without_a_warning(n_features):
    concepts = map_concepts(blobs(n_features), var(), ConceptConfig())
    assert concepts.uns["layout"] == "umap"
    assert np.isfinite(concepts.obsm["X_umap"]).all()


@pytest.mark.parametrize("rest", [0, 1])
def test_features_with_the_same_terms_are_laid_out(rest):
    # Twelve features with the same three terms, and with one of them a fourth.
    rows = [(str(i), f"term {t}", "one", "up", True) for i in range(12) for t in range(3)]
    rows += [(str(i), "term 3", "one", "up", True) for i in range(rest)]
    concepts = map_concepts(table(rows), var(), ConceptConfig())
    assert concepts.uns["layout"] == "umap from a random start"
    assert np.isfinite(concepts.obsm["X_umap"]).all()


def test_islands_of_features_with_the_same_terms_lie_where_they_lay_before():
    # From the spectrum of its graph UMAP places these twelve elsewhere at every call.
    rows = [(str(i), f"term {i // 12} {t}", "one", "up", True) for i in range(24) for t in range(3)]
    rows += [(str(i), f"own {i}", "one", "up", True) for i in range(12, 24)]
    first, again = (map_concepts(table(rows), var(24), ConceptConfig()) for _ in range(2))
    assert first.uns["layout"] == "umap"
    np.testing.assert_array_equal(first.obsm["X_umap"], again.obsm["X_umap"])
    place = first.obsm["X_umap"]
    apart = np.linalg.norm(place[:12].mean(axis=0) - place[12:].mean(axis=0))
    assert apart > 2 * place[:12].std(axis=0).max()


def test_unknown_features_are_refused():
    with pytest.raises(InputError, match="feature '10' of the enrichment table"):
        map_concepts(table(), var(6), ConceptConfig())


def test_min_dist_above_spread_is_refused():
    with pytest.raises(ValueError, match=r"min_dist 2.0 is above spread 1.0"):
        ConceptConfig(min_dist=2.0, spread=1.0)


def test_features_without_a_main_type_are_written(tmp_path):
    features = var().assign(top_cell_type=pd.Categorical([None] * 12, categories=["B"]))
    map_concepts(table(), features, ConceptConfig()).write_h5ad(tmp_path / "concepts.h5ad")
    assert anndata.read_h5ad(tmp_path / "concepts.h5ad").obs["top_cell_type"].isna().all()
