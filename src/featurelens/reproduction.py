"""A run's verdicts on the paper's claims as a page for people.

``python -m featurelens.reproduction CLAIMS PAGE`` writes it; ``make reproduction`` does so
for the default run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from featurelens.io import read_table

HEAD = """# What the paper says and what the default run finds

Made by `make reproduction` from `results/demo/tables/claims.tsv`. The default run is small: reduced
simulations, 700 blood cells in the place of 56,714 bone marrow cells, tens of gene sets in the
place of thousands. A verdict here is a verdict on the claim at that scale, under the published and
the corrected convention; the last column says what differs. *published* is the author's
computation to the letter, *corrected* a sound one, *null* what chance gives.
"""


def page(claims: pd.DataFrame) -> str:
    """Markdown page of a table of verdicts, claims that were judged first.

    Parameters
    ----------
    claims
        As :func:`featurelens.claims.judge` returns it.
    """
    text = claims.fillna("").astype(str)
    judged = text[text["verdict"] != "not judged"]
    waiting = text[text["verdict"] == "not judged"]
    counts = judged["verdict"].value_counts()
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    lines = [
        HEAD,
        f"Judged: {summary}. Not judged: {len(waiting)}.\n",
        "| # | claim | the paper | published | corrected | null | verdicts | note |",
        "|---|---|---|---|---|---|---|---|",
        *(_judged(row) for _, row in judged.iterrows()),
        "\n## Not judged yet\n",
        "| # | claim | paper | needs |",
        "|---|---|---|---|",
        *(
            _row(row["number"] + row["part"], row["claim"], row["published"], row["note"])
            for _, row in waiting.iterrows()
        ),
    ]
    return "\n".join(lines) + "\n"


def _judged(row: pd.Series) -> str:
    return _row(
        row["number"] + row["part"],
        row["claim"],
        row["published"],
        row["reproduced_published"],
        row["reproduced_corrected"],
        row["null"],
        f"{row['verdict']} / {row['verdict_corrected']}",
        row["note"],
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(read_table(sys.argv[1])))
