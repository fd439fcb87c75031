"""What a share of annotated features means, in words, by the shares beside it."""

from collections.abc import Mapping
from math import isnan
from typing import Any, Literal

import pandas as pd

Verdict = Literal[
    "supported",
    "explained by cell type",
    "explained by the fit",
    "explained by composition",
    "explained by chance",
    "nothing annotated",
    "not judged",
]

MOST = 0.5
"""A null explains a share of which it reaches this part."""


def judge(row: Mapping[str, Any] | pd.Series) -> Verdict:
    """The verdict on one row of a summary, by the first rule that holds.

    1. No feature is annotated: ``nothing annotated``.
    2. Permuted cells (``share_complete``; within types ``share_beyond_type``) reach half of the
       share: ``explained by chance`` or, of a surrogate, whose fit they repeat, ``by the fit``.
    3. A model's own decoder decoded the expression, and less than half of the share is left when
       the same features are tested on counts (``share_measured``): ``explained by the fit``.
    4. Genes permuted singly reach half of it: ``explained by composition``.
    5. Cells permuted within types reach half of it: ``explained by cell type``. A contrast within
       types has no such rule.
    6. Otherwise ``supported``, or ``not judged`` where a share that a rule needs was not drawn.

    Parameters
    ----------
    row
        contrast, expression, n_annotated, share, and share_complete, share_measured, share_singly
        and share_beyond_type.

    Examples
    --------
    >>> shares = {"share_complete": 0.0, "share_singly": 0.0, "share_beyond_type": 0.59}
    >>> row = {"contrast": "global", "expression": "measured", "n_annotated": 129, "share": 0.65}
    >>> judge(row | shares), judge(row | shares | {"share_beyond_type": 0.2})
    ('explained by cell type', 'supported')
    """
    if not row["n_annotated"]:
        return "nothing annotated"
    is_global, expression = row["contrast"] == "global", row["expression"]
    most = MOST * row["share"]
    by_chance: Verdict = "explained by the fit" if expression == "surrogate" else _CHANCE
    rules: list[tuple[float, bool, Verdict]] = [
        (row["share_complete" if is_global else "share_beyond_type"], True, by_chance),
    ]
    if expression == "decoded":
        rules.append((row["share_measured"], False, "explained by the fit"))
    rules.append((row["share_singly"], True, "explained by composition"))
    if is_global:
        rules.append((row["share_beyond_type"], True, "explained by cell type"))
    for share, must_reach, verdict in rules:
        if not isnan(share) and (share >= most) == must_reach:
            return verdict
    return "not judged" if any(isnan(share) for share, _, _ in rules) else "supported"


_CHANCE: Verdict = "explained by chance"


def describe_verdict(row: Any) -> str:
    """One line for a log, from a row of a summary as ``itertuples`` gives it."""
    return (
        f"{row.n_annotated} of {row.n_live} live features annotated ({row.share:.1%}); "
        f"of permuted cells {row.share_complete:.1%}, within types {row.share_beyond_type:.1%}, "
        f"of genes permuted singly {row.share_singly:.1%}: {row.verdict}"
    )
