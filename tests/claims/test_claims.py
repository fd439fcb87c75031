"""Claims are read from hand-made tables whose answers are plain to see."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from featurelens.claims.entries import read_claims
from featurelens.claims.judge import judge
from featurelens.io import InputError
from featurelens.planning.outputs import read_output

REPOSITORY = Path(__file__).parents[2]

TABLE = pd.DataFrame(
    {
        "convention": ["published"] * 4 + ["corrected"] * 4,
        "group": ["Y", "A", "X", "X"] * 2,
        "size": [1, 2, 3, 4] * 2,
        "score": [0.99, 0.8, 0.1, 0.3, 0.95, 0.5, 0.6, 0.8],
        "other": [1.0, 2.0, 4.0, 8.0] * 2,
        "kind": list("abcd") * 2,
    }
)


def entry(**changes):
    base = {
        "number": 1,
        "claim": "A sentence.",
        "place": "section 4.1",
        "published": "0.2",
        "kind": "number",
        "expected": 0.2,
        "tolerance": 0.05,
        "read": {"table": "scores", "where": {"group": "X"}, "column": "score", "reduce": "mean"},
    }
    return {key: value for key, value in (base | changes).items() if value is not None}


def judged(tmp_path, *entries, tables=None, **options):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": list(entries)}))
    return judge(read_claims(path), {"scores": TABLE} if tables is None else tables, **options)


def test_a_number_is_judged_under_both_conventions(tmp_path):
    row = judged(tmp_path, entry()).iloc[0]
    # published: (0.1 + 0.3) / 2 = 0.2; corrected: (0.6 + 0.8) / 2 = 0.7
    assert row["reproduced_published"] == "0.2"
    assert row["reproduced_corrected"] == "0.7"
    assert row["verdict"] == "reproduced"
    assert row["verdict_corrected"] == "not reproduced"


def test_the_columns_of_the_verdicts_are_those_agreed(tmp_path):
    agreed = [
        "number", "claim", "place", "published", "reproduced_published", "reproduced_corrected",
        "null", "tolerance", "verdict", "note",
    ]  # fmt: skip
    assert set(agreed) <= set(judged(tmp_path, entry()).columns)


@pytest.mark.parametrize(
    ("kind", "expected", "tolerance", "verdict"),
    [
        ("number", 0.25, 0.05, "reproduced"),
        ("number", 0.26, 0.05, "not reproduced"),
        ("share", 0.15, 0.05, "reproduced"),
        ("at_least", 0.2, 0.0, "reproduced"),
        ("at_least", 0.21, 0.0, "not reproduced"),
        ("at_most", 0.2, 0.0, "reproduced"),
        ("at_most", 0.19, 0.0, "not reproduced"),
        ("between", [0.1, 0.2], 0.0, "reproduced"),
        ("between", [0.21, 0.3], 0.0, "not reproduced"),
        ("one_of", [0.3, 0.5], 0.0, "not reproduced"),
    ],
)
def test_kinds_compare_as_they_say(tmp_path, kind, expected, tolerance, verdict):
    claim = entry(kind=kind, expected=expected, tolerance=tolerance)
    assert judged(tmp_path, claim)["verdict"].tolist() == [verdict]


@pytest.mark.parametrize(
    ("expected", "tolerance", "verdict"),
    [
        (["Y", "A", "X"], 0.0, "reproduced"),
        (["A", "Y", "X"], 0.0, "not reproduced"),
        (["A", "Y", "X"], 0.2, "reproduced"),
        (["Y", "A", "B"], 0.2, "not reproduced"),
    ],
)
def test_an_order_may_be_missed_by_the_tolerance_only(tmp_path, expected, tolerance, verdict):
    read = {"table": "scores", "column": "score", "reduce": "mean", "by": "group"}
    claim = entry(kind="order", expected=expected, tolerance=tolerance, read=read)
    row = judged(tmp_path, claim).iloc[0]
    assert row["verdict"] == verdict
    assert row["reproduced_published"] == "Y 0.99 > A 0.80 > X 0.20"


PUBLISHED = TABLE[TABLE["convention"] == "published"]


@pytest.mark.parametrize(
    ("reduce", "value"),
    [
        ("mean", 0.5475),
        ("median", 0.55),
        ("min", 0.1),
        ("max", 0.99),
        ("sum", 2.19),
        ("count", 4),
        ("n_unique", 4),
        ("sd_log10", np.log10(PUBLISHED["score"]).std(ddof=1)),
    ],
)
def test_reductions(tmp_path, reduce, value):
    read = {"table": "scores", "column": "score", "reduce": reduce}
    claim = entry(kind="number", expected=float(value), tolerance=1e-9, read=read)
    assert judged(tmp_path, claim)["verdict"].tolist() == ["reproduced"]


@pytest.mark.parametrize(
    ("reduce", "column", "along", "kind", "expected"),
    [
        ("argmax", "score", "size", "one_of", [1]),
        ("argmin", "score", "size", "one_of", [3]),
        ("argmax", "score", "kind", "one_of", ["a"]),
        # other doubles with each step of size: log 2, 4, 8 against log 2, 3, 4
        (
            "loglog_slope", "other", "size", "number",
            float(np.polyfit(np.log([1, 2, 3, 4]), np.log([1, 2, 4, 8]), 1)[0]),
        ),
        (
            "spearman", "score", "size", "number",
            float(stats.spearmanr(PUBLISHED["size"], PUBLISHED["score"]).statistic),
        ),
    ],
)  # fmt: skip
def test_reductions_along_a_second_column(tmp_path, reduce, column, along, kind, expected):
    read = {"table": "scores", "column": column, "reduce": reduce, "along": along}
    claim = entry(kind=kind, expected=expected, tolerance=1e-9, read=read)
    assert judged(tmp_path, claim)["verdict"].tolist() == ["reproduced"]


@pytest.mark.parametrize(
    ("where", "mean"),
    [
        ({"size": [1, 3]}, (0.99 + 0.1) / 2),
        ({"size": {"above": 2}}, (0.1 + 0.3) / 2),
        ({"size": {"above": 1, "below": 3}}, 0.8),
        ({"group": "X", "size": 4}, 0.3),
        ({"convention": "corrected", "group": "Y"}, 0.95),
    ],
)
def test_conditions(tmp_path, where, mean):
    read = {"table": "scores", "where": where, "column": "score", "reduce": "mean"}
    claim = entry(expected=mean, tolerance=1e-9, read=read)
    assert judged(tmp_path, claim)["verdict"].tolist() == ["reproduced"]


def test_columns_may_differ_between_conventions(tmp_path):
    read = {
        "table": "scores",
        "where": {"size": 4},
        "column": {"published": "score", "corrected": "other"},
        "reduce": "mean",
    }
    row = judged(tmp_path, entry(read=read)).iloc[0]
    assert (row["reproduced_published"], row["reproduced_corrected"]) == ("0.3", "8")


def test_a_second_read_is_subtracted_or_divides(tmp_path):
    second = {"table": "scores", "where": {"group": "A"}, "column": "score", "reduce": "mean"}
    table = judged(tmp_path, entry(minus=second), entry(number=2, divided_by=second))
    # 0.2 - 0.8 and 0.2 / 0.8
    assert table["reproduced_published"].tolist() == ["-0.6", "0.25"]


def test_a_null_that_comes_close_is_named(tmp_path):
    chance = {"table": "scores", "where": {"size": 3}, "column": "score", "reduce": "mean"}
    row = judged(tmp_path, entry(chance=chance)).iloc[0]
    # published: 0.1 of 0.2, far; corrected: 0.6 of 0.7, close
    assert row["null"] == "0.1 (published), 0.6 (corrected)"
    assert "chance alone" in row["note"]
    assert "(corrected)" in row["note"]
    assert "(published)" not in row["note"]


LARGE = {"deep": {"n_programs": 100}, "{multidgd}": {"n_features": 10000}}


def sizes(n_programs, n_features):
    rows = [("deep", "n_programs", n_programs), ("blood/pca/topk", "n_features", n_features)]
    rows += [("wide", "n_programs", 100)]
    return pd.DataFrame(rows, columns=["name", "size", "value"])


@pytest.mark.parametrize(
    ("n_programs", "n_features", "names", "is_reduced"),
    [
        (100, 10000, {"multidgd": "blood/pca/topk"}, False),
        (120, 20000, {"multidgd": "blood/pca/topk"}, False),
        (20, 10000, {"multidgd": "blood/pca/topk"}, True),
        (100, 300, {"multidgd": "blood/pca/topk"}, True),
        (100, 10000, {"multidgd": "blood/pca/other"}, True),
        (100, 10000, {}, True),
    ],
)
def test_a_run_is_reduced_by_its_sizes_whatever_it_is_called(
    tmp_path, n_programs, n_features, names, is_reduced
):
    claim = entry(scope="20 programs", full_scale=LARGE)
    tables = {"scores": TABLE, "sizes": sizes(n_programs, n_features)}
    note = judged(tmp_path, claim, tables=tables, run="paper", names=names)["note"].tolist()
    assert note == (["reduced run: 20 programs"] if is_reduced else [""])


def test_what_is_smaller_is_said_where_a_claim_says_nothing_of_the_run(tmp_path):
    claim = entry(scope={"demo": "small"}, full_scale=LARGE)
    tables = {"scores": TABLE, "sizes": sizes(100, 300)}
    names = {"multidgd": "blood/pca/topk"}
    row = judged(tmp_path, claim, tables=tables, run="mine", names=names).iloc[0]
    assert row["note"] == "reduced run: n_features 300 for 10,000"


def test_without_sizes_a_run_is_reduced(tmp_path):
    claim = entry(scope="20 programs", full_scale=LARGE)
    assert judged(tmp_path, claim)["note"].tolist() == ["reduced run: 20 programs"]


def test_names_of_the_run_stand_where_braces_are(tmp_path):
    read = {"table": "scores", "column": "score", "reduce": "sum"}
    names = {"one": "Y", "some": ("A", "X"), "left": "a", "right": "b"}
    table = TABLE.assign(pair=["a/b", "a/c", "a/b", "b/a"] * 2)
    for where, value in (
        ({"group": "{one}"}, "0.99"),
        ({"group": "{some}"}, "1.2"),
        ({"group": ["{one}", "{some}"]}, "2.19"),
        ({"pair": "{left}/{right}"}, "1.09"),
    ):
        claim = entry(read=read | {"where": where})
        row = judged(tmp_path, claim, tables={"scores": table}, names=names).iloc[0]
        assert row["reproduced_published"] == value, where
    row = judged(tmp_path, entry(read=read | {"where": {"group": "{none}"}}), names=names).iloc[0]
    assert row["verdict"] == "not judged"
    assert row["note"] == "this run has nothing for none (its config, under 'paper')"


def test_words_are_found_in_any_case(tmp_path):
    read = {"table": "scores", "column": "score", "reduce": "sum"}
    table = TABLE.assign(term=["ion transport", "Gas (O2) Transport", "growth", "x"] * 2)
    for words, value in ((["Ion", "GAS ("], "1.79"), (["transport", "growth"], "1.89")):
        claim = entry(read=read | {"where": {"term": {"contains": words}}})
        row = judged(tmp_path, claim, tables={"scores": table}).iloc[0]
        assert row["reproduced_published"] == value


def test_the_spread_is_the_range_over_the_mean(tmp_path):
    read = {"table": "scores", "column": "other", "reduce": "spread"}
    # 1, 2, 4, 8: (8 - 1) / 3.75
    assert judged(tmp_path, entry(read=read))["reproduced_published"].tolist() == ["1.87"]
    alone = entry(read=read | {"where": {"group": "Y"}})
    assert judged(tmp_path, alone)["note"].tolist() == ["one value of other alone"]


def test_a_choice_that_differs_is_no_failure(tmp_path):
    row = judged(tmp_path, entry(choice=True)).iloc[0]
    assert (row["verdict"], row["verdict_corrected"]) == ("reproduced", "not judged")
    row = judged(tmp_path, entry(choice=True, expected=99)).iloc[0]
    assert (row["verdict"], row["verdict_corrected"]) == ("not judged", "not judged")
    assert row["note"].startswith("a choice of the paper; this run's is 0.2")


def test_a_scope_may_differ_between_runs(tmp_path):
    claim = entry(scope={"demo": "20 programs", "laptop": "1,000 genes"}, full_scale=LARGE)
    absent = "reduced run: n_programs none for 100, n_features none for 10,000"
    for run, note in (("demo", "reduced run: 20 programs"), ("paper", absent)):
        assert judged(tmp_path, claim, run=run)["note"].tolist() == [note]
    assert judged(tmp_path, claim, run="demo")["run"].tolist() == ["demo"]


def test_the_note_says_how_and_what_stands_beside(tmp_path):
    second = {"table": "scores", "where": {"group": "A"}, "column": "score", "reduce": "mean"}
    absent = second | {"table": "nothing"}
    beside = {
        "A": {"read": second},
        "X less A": {"read": entry()["read"], "minus": second},
        "an absent value": {"read": absent},
    }
    claim = entry(beside=beside, how="mean of X", scope="small", full_scale=LARGE)
    row = judged(tmp_path, claim).iloc[0]
    # 0.8 and 0.5; 0.2 - 0.8 and 0.7 - 0.5
    assert row["note"] == "mean of X; reduced run: small; A: 0.8 / 0.5; X less A: -0.6 / 0.2"


def test_the_largest_and_the_smallest_are_those_of_rows_that_passed_before(tmp_path):
    read = {"table": "scores", "column": "score", "reduce": "mean"}
    for where, mean in (
        ({"size": {"at": "largest"}}, 0.3),
        ({"group": ["Y", "A"], "size": {"at": "largest"}}, 0.8),
        ({"group": "X", "size": {"at": "smallest"}}, 0.1),
    ):
        claim = entry(expected=mean, tolerance=1e-9, read=read | {"where": where})
        assert judged(tmp_path, claim)["verdict"].tolist() == ["reproduced"]


def test_the_most_frequent_value_answers_and_a_tie_is_none_of_its_values(tmp_path):
    read = {"table": "scores", "column": "score", "reduce": "mode", "along": "group"}
    claim = entry(kind="one_of", expected=["X"], read=read)
    # Y, A, X, X
    assert judged(tmp_path, claim)["reproduced_published"].tolist() == ["X"]
    tie = entry(kind="one_of", expected=["X"], read=read | {"where": {"size": [1, 2]}})
    row = judged(tmp_path, tie).iloc[0]
    assert row["reproduced_published"] == "A = Y"
    assert row["verdict"] == "not reproduced"
    among = entry(kind="one_of", expected=["A"], read=read | {"where": {"size": [1, 2]}})
    assert judged(tmp_path, among)["verdict"].tolist() == ["not reproduced"]


def test_each_convention_reads_its_own_training_where_there_is_one(tmp_path):
    table = TABLE.assign(training=["published", "corrected"] * 4)
    row = judged(tmp_path, entry(), tables={"scores": table}).iloc[0]
    # X of sizes 3 (published) and 4 (corrected): 0.1 as published, 0.8 as corrected
    assert (row["reproduced_published"], row["reproduced_corrected"]) == ("0.1", "0.8")
    row = judged(tmp_path, entry(), tables={"scores": table.assign(training="corrected")}).iloc[0]
    assert row["reproduced_published"] == "0.2"


@pytest.mark.parametrize(
    ("changes", "tables", "reason"),
    [
        ({}, {}, "table scores is not in this run"),
        ({}, {"scores": TABLE.head(0)}, "table scores is empty"),
        ({}, {"scores": TABLE.assign(score=np.nan)}, "no value of score"),
        ({}, {"scores": TABLE.query("group != 'X'")}, "no value of score"),
        ({"read": None, "needs": "bone marrow", "expected": None}, None, "bone marrow"),
    ],
)
def test_what_cannot_be_read_is_not_judged_and_says_why(tmp_path, changes, tables, reason):
    row = judged(tmp_path, entry(**changes), tables=tables).iloc[0]
    assert row["verdict"] == "not judged"
    assert row["reproduced_published"] == ""
    assert reason in row["note"]


def test_one_convention_alone_is_judged(tmp_path):
    tables = {"scores": TABLE.query("convention == 'corrected'")}
    row = judged(tmp_path, entry(expected=0.7), tables=tables).iloc[0]
    assert row["verdict"] == "not judged"
    assert row["verdict_corrected"] == "reproduced"
    assert row["note"].startswith("published: ")


def test_an_unknown_column_stops_with_its_name(tmp_path):
    read = {"table": "scores", "column": "skore", "reduce": "mean"}
    with pytest.raises(InputError, match=r"table scores has no column 'skore'; it has convention"):
        judged(tmp_path, entry(read=read))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerence": 0.1}, r"claim 1, tolerence: unknown key"),
        ({"number": 47}, r"claim 47, number: .*46"),
        ({"kind": "nearly"}, r"claim 1, kind: "),
        ({"expected": "0.2"}, r"claim 1: '0.2' is text in YAML"),
        ({"expected": [0.1, 0.2]}, r"claim 1: kind number needs one number"),
        ({"kind": "between"}, r"claim 1: kind between needs two numbers"),
        ({"kind": "order", "expected": ["a"]}, r"claim 1: kind order .* needs 'by'"),
        ({"scope": "small"}, r"claim 1: 'scope' needs 'full_scale'"),
        ({"needs": "more"}, r"claim 1: give either 'read' or 'needs'"),
        ({"read": None}, r"claim 1: give either 'read' or 'needs'"),
        (
            {"read": {"table": "t", "column": "c", "reduce": "spearman"}},
            r"claim 1, read: 'along' belongs to",
        ),
        (
            {"read": {"table": "t", "column": "c", "reduce": "mean", "filter": {}}},
            r"claim 1, read.filter: unknown key",
        ),
        (
            {"read": {"table": "t", "column": "c", "reduce": "mean", "where": {"l1": "1e-4"}}},
            r"claim 1: '1e-4' is text in YAML",
        ),
    ],
)
def test_a_mistake_stops_with_one_line_that_names_file_and_claim(tmp_path, changes, message):
    with pytest.raises(InputError, match=rf"claims\.yaml: {message}") as caught:
        judged(tmp_path, entry(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims: [", "not valid YAML"),
        ("- number: 1", "expected one key, 'claims'"),
        ("claims: [3]", "entry 1"),
    ],
)
def test_a_file_that_is_no_list_of_claims_stops(tmp_path, text, message):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_claims(path)
    assert "\n" not in str(caught.value)


def test_repeated_claims_and_a_missing_file_stop(tmp_path):
    with pytest.raises(InputError, match="claim 1 occurs 2 times"):
        judged(tmp_path, entry(), entry())
    with pytest.raises(InputError, match=r"nothing\.yaml: no such file"):
        read_claims(tmp_path / "nothing.yaml")


def test_the_shipped_claims_list_all_46_in_order():
    claims = read_claims(REPOSITORY / "config" / "claims.yaml")
    numbers = [claim.number for claim in claims]
    assert sorted(set(numbers)) == list(range(1, 47))
    assert numbers == sorted(numbers)
    assert {claim.number for claim in claims if claim.read is None} == {26}
    table = judge(claims, {})
    assert (table["verdict"] == "not judged").all()
    assert (table["note"] != "").all()


def test_captions_exist_for_every_figure_and_table():
    report, library = REPOSITORY / "workflow/report", REPOSITORY / "src/featurelens"
    figures = [f"figure_{name}" for name in ("1", "2", "3", "S4", "S13")]
    tables = ["table_S4", "table_S5", "table_S6", "table_S7", "claims", "annotation"]
    captions = {}
    for path in [*library.glob("figures/figure_*.py"), *library.glob("tables/*.py")]:
        if path.stem not in ("__init__", "making", "stacked"):
            captions |= read_output(path).outputs
    captions = {name: captions[name] for name in (*figures, *tables) if name != "claims"}
    captions |= {name: (report / f"{name}.rst").read_text() for name in ("workflow", "claims")}
    assert {name for name, caption in captions.items() if len(caption) <= 60} == set()
