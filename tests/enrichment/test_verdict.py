"""The verdict on a share by pencil, and on cells that are made to deserve each."""

import numpy as np
import pytest

from featurelens.enrichment.verdict import describe_verdict, judge

NONE = {"share_complete": 0.0, "share_measured": 0.6, "share_singly": 0.0, "share_beyond_type": 0.1}
UNKNOWN = float("nan")


def verdict(expression="measured", contrast="global", n_annotated=60, share=0.6, **shares):
    row = {"contrast": contrast, "expression": expression, "n_annotated": n_annotated}
    return judge(row | {"share": share} | NONE | shares)


@pytest.mark.parametrize("expression", ["measured", "decoded", "surrogate"])
def test_what_no_null_reaches_is_supported(expression):
    assert verdict(expression) == "supported"
    assert verdict(expression, share_beyond_type=0.29) == "supported"
    assert verdict(expression, share_beyond_type=0.3) == "explained by cell type"  # half of .6
    assert verdict(expression, share_singly=0.3) == "explained by composition"
    assert verdict(expression, n_annotated=0, share=0.0) == "nothing annotated"


def test_permuted_cells_speak_of_chance_or_of_the_fit_that_they_repeat():
    assert verdict(share_complete=0.3) == "explained by chance"
    assert verdict("decoded", share_complete=0.3) == "explained by chance"
    assert verdict("surrogate", share_complete=0.3) == "explained by the fit"
    # The first that holds, in the order of the rules.
    assert verdict(share_complete=0.5, share_singly=0.5) == "explained by chance"
    assert verdict(share_singly=0.5, share_beyond_type=0.5) == "explained by composition"


def test_what_is_decoded_must_show_in_counts():
    assert verdict("decoded", share_measured=0.29) == "explained by the fit"
    assert verdict("decoded", share_measured=0.3) == "supported"
    assert verdict("measured", share_measured=UNKNOWN) == "supported"
    assert verdict("surrogate", share_measured=UNKNOWN) == "supported"


def test_within_types_the_types_explain_nothing():
    inside = {"contrast": "within_type", "share_complete": UNKNOWN}
    assert verdict(**inside) == "supported"
    assert verdict(**inside, share_beyond_type=0.4) == "explained by chance"


def test_without_its_null_a_share_is_not_judged():
    assert verdict(share_beyond_type=UNKNOWN) == "not judged"
    assert verdict(share_singly=UNKNOWN, share_beyond_type=0.4) == "explained by cell type"
    missing = dict.fromkeys(NONE, np.nan)
    assert verdict(**missing) == "not judged"


def test_a_line_says_the_share_its_nulls_and_the_verdict():
    class Row:
        n_annotated, n_live, share, verdict = 3, 4, 0.75, "supported"
        share_complete, share_beyond_type, share_singly = 0.01, 0.2, 0.0

    assert describe_verdict(Row()) == (
        "3 of 4 live features annotated (75.0%); of permuted cells 1.0%, within types 20.0%, "
        "of genes permuted singly 0.0%: supported"
    )
