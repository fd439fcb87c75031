"""Tables of the concept space: counted by hand, and the paper's numbers from a table like it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from featurelens.concepts.probes import matches
from featurelens.concepts.space import kept_terms
from featurelens.tables import concept_probes, concept_sizes, terms_per_feature
from featurelens.tables.concept_frequency import concept_frequencies, frequent_terms
from featurelens.tables.terms_per_feature import describe_counts

FEATURES = [str(number) for number in range(20)]


def kept(pairs, direction="up"):
    table = pd.DataFrame(pairs, columns=["feature", "term"])
    table = table.assign(category="family", direction=direction, kept_fdr=True)
    return kept_terms({"corrected": table}, FEATURES)


ONE = [("0", "T cell activation"), ("0", "cell growth"), ("1", "cell growth"), ("3", "b")]
TERMS = pd.DataFrame(
    {
        "term": ["T cell activation", "cell growth", "b"],
        "level_1": ["immune", "growth", "immune"],
        "level_2": ["activation", "", "activation"],
        "level_3": "",
        "level_4": "",
    }
)


def test_frequencies_by_pencil():
    table = concept_frequencies({"d/x/s/go": kept(ONE)}, {"d/x/s/go": TERMS})
    table = table[table["filter"] == "kept_fdr"]
    terms = table[table["level"] == "term"]
    assert terms["name"].tolist() == ["cell growth", "T cell activation", "b"]
    assert terms["n_features"].tolist() == [2, 1, 1]
    assert terms["rank"].tolist() == [1, 2, 3]
    assert terms["share"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    first = table[table["level"] == "level_1"].set_index("name")
    assert first["n_features"].to_dict() == {"growth": 2, "immune": 2}
    second = table[table["level"] == "level_2"]
    assert second[["name", "n_features", "n_pairs"]].to_numpy().tolist() == [["activation", 2, 2]]
    assert "level_3" not in set(table["level"])


def test_a_feature_counts_once_for_an_ancestor_and_each_pair_for_itself():
    both = kept([("0", "T cell activation"), ("0", "b")])
    table = concept_frequencies({"d/x/s/go": both}, {"d/x/s/go": TERMS})
    row = table[table["level"] == "level_1"].iloc[0]
    assert (row["name"], row["n_features"], row["n_pairs"]) == ("immune", 1, 2)


def test_without_a_table_of_terms_categories_are_level_1():
    table = concept_frequencies({"d/x/s/go": kept(ONE)})
    assert table.loc[table["level"] == "level_1", "name"].tolist() == ["family"]


def test_lower_terms_count_only_when_any_direction_does():
    table = {"d/x/s/go": kept(ONE, direction="down")}
    assert concept_frequencies(table).empty
    assert len(concept_frequencies(table, direction="any")) == 4


def test_table_s7_has_a_column_for_each_sae_and_no_count_where_nothing_was_tested():
    other = kept([("2", "b"), ("5", "b"), ("6", "b"), ("6", "c")])
    tables = {"d/x/s/go": kept(ONE), "d/y/s/go": other, "d/y/s/hallmark": kept([("0", "b")])}
    tables["d/z/s/go"] = kept([])
    table = frequent_terms(concept_frequencies(tables), list(tables))
    go = table[table["collection"] == "go"]
    assert go["term"].tolist() == ["b", "cell growth", "T cell activation", "c"]
    assert go["total"].tolist() == [4, 2, 1, 1]
    assert go["d/x/s"].tolist() == [1, 2, 1, 0]
    assert go["d/y/s"].tolist() == [3, 0, 0, 1]
    assert go["d/z/s"].tolist() == [0, 0, 0, 0]
    hallmark = table[table["collection"] == "hallmark"].iloc[0]
    assert hallmark["d/x/s"] is pd.NA
    assert (hallmark["d/y/s"], hallmark["total"]) == (1, 1)


def test_nothing_annotated_gives_empty_tables():
    nothing = {"d/x/s/go": kept([])}
    frequencies = concept_frequencies(nothing)
    assert frequencies.empty
    assert frequent_terms(frequencies, list(nothing)).empty
    assert concept_sizes.tabulate(nothing).empty
    row = terms_per_feature.tabulate(nothing).set_index("filter").loc["kept_fdr"]
    assert row["n_features"] == 0
    assert np.isnan(row["mean"])
    assert np.isnan(row["sem_published"])


def test_means_over_rising_terms_and_over_all():
    """Feature 1 has terms a and b, of which a rises, 2 has c, which falls: 1 of 1, and 3 of 2."""
    rows = [("1", "a", True), ("1", "b", False), ("2", "c", False)]
    table = pd.DataFrame(rows, columns=["feature", "term", "higher"]).assign(category="")
    kept_ = table.assign(convention="corrected", filter="kept_fdr")
    row = terms_per_feature.tabulate({"d/x/s/go": kept_}).set_index("filter").loc["kept_fdr"]
    assert (row["n_features"], row["mean"]) == (1, 1)
    assert (row["n_features_any"], row["mean_any"]) == (2, 1.5)


def carried_by(counts, n_terms):
    """Annotations in which each feature has a run of terms, so that all terms occur."""
    feature = np.repeat(np.arange(len(counts)), counts)
    term = np.arange(counts.sum()) % n_terms
    return pd.DataFrame(
        {
            "convention": "published",
            "filter": "kept_published_05",
            "feature": feature.astype(str),
            "term": np.char.add("term ", term.astype(str)),
            "category": "",
            "higher": True,
        }
    )


@pytest.mark.parametrize(
    ("n_features", "n_terms", "mean", "deviation", "largest", "sem", "published"),
    [(4374, 2499, 95.46, 85.98, 482, 1.30, 1.72), (5290, 2596, 48.65, 49.93, 254, 0.69, 0.98)],
)
def test_standard_errors_of_the_paper(
    n_features, n_terms, mean, deviation, largest, sem, published
):
    """Counts with the paper's mean, deviation and extremes give its error, and the right one."""
    shape, scale = (mean / deviation) ** 2, deviation**2 / mean
    places = (np.arange(n_features) + 0.5) / n_features
    counts = np.clip(np.round(stats.gamma(shape, scale=scale).ppf(places)), 1, largest).astype(int)
    row = (
        terms_per_feature.tabulate({"d/x/s/go": carried_by(counts, n_terms)})
        .set_index("filter")
        .loc["kept_published_05"]
    )
    assert (row["n_features"], row["n_terms"]) == (n_features, n_terms)
    assert (row["min"], row["max"]) == (1, largest)
    assert row["mean"] == pytest.approx(mean, rel=0.01)
    assert row["sem"] == pytest.approx(stats.sem(counts))
    assert row["sem"] == pytest.approx(sem, abs=0.03)
    assert row["sem_published"] == pytest.approx(published, abs=0.04)


def test_the_deviation_behind_the_published_error_gives_the_right_one():
    # 1.72 x sqrt(2,499 terms) = 85.98 = 1.30 x sqrt(4,374 features)
    assert 1.72 * np.sqrt(2499) / np.sqrt(4374) == pytest.approx(1.30, abs=0.005)
    counts = np.array([1, 3, 8])
    found = describe_counts(counts, 4)
    assert found["sem"] == pytest.approx(stats.sem(counts))
    assert found["sem_published"] == pytest.approx(np.std(counts, ddof=1) / 2)
    assert (found["median"], found["min"], found["max"]) == (3, 1, 8)
    assert np.isnan(describe_counts(np.array([5]), 4)["sem"])


def test_sizes_count_features_of_each_number_of_terms():
    table = concept_sizes.tabulate({"d/x/s/go": kept(ONE)})
    assert table[["n_terms", "n_features"]].to_numpy().tolist() == [[1, 2], [2, 1]]


NAMES = ["regulation", "ion transport", "Ion homeostasis", "T cell growth", "ions", "t cell"]


def test_probes_as_published_find_letters_and_as_corrected_words():
    assert matches(NAMES, "ion", "published").tolist() == [True, True, False, False, True, False]
    assert matches(NAMES, "ion", "corrected").tolist() == [False, True, True, False, False, False]
    assert matches(NAMES, "T cell", "published").tolist() == [False] * 3 + [True, False, False]
    assert matches(NAMES, "T cell", "corrected").tolist() == [False] * 3 + [True, False, True]


def test_punctuation_ends_a_word_and_means_nothing_else():
    names = ["receptor via JAK-STAT", "HALLMARK_IL6_JAK", "JAKE"]
    assert matches(names, "jak", "corrected").tolist() == [True, True, False]
    assert matches(["(a+b) c", "aab"], "a+b", "corrected").tolist() == [True, False]
    assert matches([], "a", "corrected").tolist() == []


def test_probes_stand_under_both_filters():
    found = pd.DataFrame(ONE, columns=["feature", "term"])
    found = found.assign(category="family", direction="+", kept_published_05=True)
    found["kept_published_figures"] = found["feature"] == "0"
    loud = kept_terms({"published": found}, FEATURES)
    table = concept_probes.tabulate(
        {"d/x/s/go": pd.concat([kept(ONE), loud])},
        probes=["cell", "growth"],
        name="kept_fdr",
    )
    counts = table.set_index(["filter", "convention", "probe"])["n_features"]
    assert counts[("kept_fdr", "published", "cell")] == 2
    assert counts[("kept_published_figures", "published", "cell")] == 1
    assert counts[("kept_published_figures", "corrected", "growth")] == 1


def test_probe_table_by_pencil():
    table = concept_probes.tabulate(
        {"d/x/s/go": kept(ONE)}, probes=["cell", "Growth"], name="kept_fdr"
    )
    assert (table.loc[table["filter"] == "kept_published_figures", "n_annotated"] == 0).all()
    table = table[table["filter"] == "kept_fdr"].set_index(["convention", "probe"])
    counts = ["n_terms", "n_features", "n_annotated"]
    assert table.loc[("published", "cell"), counts].tolist() == [2, 2, 3]
    assert table.loc[("published", "cell"), "terms"] == "T cell activation; cell growth"
    assert table.loc[("published", "Growth"), "n_features"] == 0
    assert table.loc[("corrected", "Growth"), "n_features"] == 2
    assert table.loc[("corrected", "Growth"), "share"] == pytest.approx(2 / 3)
