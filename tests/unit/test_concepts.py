"""Concept space: matrix, labels and layout from small tables."""

import numpy as np
import pandas as pd
import pytest

from featurelens.concepts import ConceptConfig, map_concepts, top_terms
from featurelens.io import InputError

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
    frame["kept_published_05"] = ~frame["kept_fdr"]
    return frame.astype({"feature": "category", "term": "category", "category": "category"})


def var(n=12):
    return pd.DataFrame(
        {"n_active": np.arange(n) * 10, "type": ["local", "global"] * (n // 2)},
        index=[str(number) for number in range(n)],
    )


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
    assert concepts.uns["layout"] == "pca"  # two features are too few for UMAP
    assert concepts.obsm["X_umap"].shape == (2, 2)


def test_any_direction_and_other_filters():
    both = map_concepts(table(), var(), ConceptConfig(direction="any"))
    assert list(both.obs_names) == ["2", "4", "10"]
    other = map_concepts(table(), var(), ConceptConfig(filter="kept_published_05"))
    assert list(other.obs_names) == ["3"]
    np.testing.assert_array_equal(other.obsm["X_umap"], [[0, 0]])


def test_no_annotated_feature_gives_an_empty_space():
    concepts = map_concepts(table().assign(kept_fdr=False), var(), ConceptConfig())
    assert concepts.shape == (0, 0)
    assert concepts.obsm["X_umap"].shape == (0, 2)
    assert concepts.uns["layout"] == "none"
    assert len(top_terms(concepts)) == 0


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


def test_features_with_the_same_terms_are_laid_out():
    rows = [(str(i), f"term {t}", "one", "up", True) for i in range(12) for t in range(3)]
    concepts = map_concepts(table(rows), var(), ConceptConfig())
    assert concepts.uns["layout"] == "umap from a random start"
    assert np.isfinite(concepts.obsm["X_umap"]).all()


def test_top_terms_by_pencil():
    result = top_terms(map_concepts(table(), var(), ConceptConfig()))
    assert list(result.columns) == ["rank", "term", "category", "n_features", "share"]
    assert list(result["term"]) == ["HLA class II", "granzymes", "perforin"]
    assert list(result["n_features"]) == [2, 2, 1]
    assert list(result["share"]) == [1.0, 1.0, 0.5]


def test_unknown_features_are_refused():
    with pytest.raises(InputError, match="feature '10' of the enrichment table"):
        map_concepts(table(), var(6), ConceptConfig())


def test_min_dist_above_spread_is_refused():
    with pytest.raises(ValueError, match=r"min_dist 2.0 is above spread 1.0"):
        ConceptConfig(min_dist=2.0, spread=1.0)
