"""The page of verdicts, from invented ones."""

import pandas as pd

from featurelens.claims.page import merge_runs, page, write_page


def verdicts(run, *rows):
    """Rows of claims.tsv: number, part, value, verdict, verdict_corrected."""
    return pd.DataFrame(
        [
            {
                "run": run, "number": number, "part": part, "claim": f"Claim {number}.",
                "place": "4.1", "published": "Y | X", "reproduced_published": value,
                "reproduced_corrected": None, "null": None, "tolerance": 0.0, "verdict": verdict,
                "verdict_corrected": corrected, "note": f"by {run}",
            }
            for number, part, value, verdict, corrected in rows
        ]
    )  # fmt: skip


LAPTOP = verdicts(
    "laptop",
    (1, "a", "Y 0.9", "reproduced", "reproduced"),
    (9, "a", None, "not judged", "not reproduced"),
    (13, None, None, "not judged", "not judged"),
    (22, None, None, "not judged", "not judged"),
    (41, "a", "31", "reproduced", "reproduced"),
)
DEMO = verdicts(
    "demo",
    (1, "a", "0.5", "not reproduced", "reproduced"),
    (9, "a", "0.8", "reproduced", "reproduced"),
    (13, None, "57 of them", "reproduced", "not reproduced"),
    (22, None, None, "not judged", "not judged"),
    (41, "a", None, "not judged", "not judged"),
)


def test_each_claim_comes_from_the_first_run_that_judged_it():
    merged = merge_runs({"laptop": LAPTOP, "demo": DEMO})
    assert merged["number"].tolist() == ["1", "9", "13", "22", "41"]
    assert merged["run"].tolist() == ["laptop", "laptop", "demo", "laptop", "laptop"]
    assert merged["reproduced_published"].tolist() == ["Y 0.9", "", "57 of them", "", "31"]


def test_the_order_of_runs_decides():
    merged = merge_runs({"demo": DEMO, "laptop": LAPTOP})
    assert merged["run"].tolist() == ["demo", "demo", "demo", "demo", "laptop"]


def test_the_page_has_a_section_for_simulations_with_figures_and_one_for_cells():
    text = page({"laptop": LAPTOP, "demo": DEMO}, ["reproduction/figure_1.png"])
    lines = text.splitlines()
    row = "| 1a | Claim 1. | Y \\| X | laptop | Y 0.9 |  |  | reproduced / reproduced | by laptop |"
    cells = (
        "| 13 | Claim 13. | Y \\| X | demo | 57 of them |  |  "
        "| reproduced / not reproduced | by demo |"
    )
    at = [
        lines.index(line)
        for line in (
            "## Simulations: sections 4.1 to 4.3", row,
            "![What embeddings hold of every variable, below its ceiling (Figure 1C)]"
            "(reproduction/figure_1.png)",
            "## Cells: section 5", cells, "## Not judged",
        )
    ]  # fmt: skip
    assert at == sorted(at)
    assert lines[-1] == "| 22 | Claim 22. | Y \\| X | by laptop |"
    # published: 1a, 13, 41a hold; 9a is open. corrected: 1a, 41a hold, 9a and 13 do not
    assert (
        "Judged: published 3 reproduced, 1 not judged; "
        "corrected 2 reproduced, 2 not reproduced. Not judged: 1." in lines
    )


def test_one_run_alone_is_introduced_as_what_it_is():
    text = page({"demo": DEMO})
    assert "700 blood cells" in text
    assert "544 SAEs" not in text
    assert "unheard-of" in page({"unheard-of": DEMO})


def test_the_page_is_written_from_files_with_the_pictures_beside_it(tmp_path):
    for name, table in (("laptop", LAPTOP), ("demo", DEMO)):
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    (tmp_path / "reproduction").mkdir()
    for name in ("figure_S13", "figure_S4", "figure_1"):
        (tmp_path / "reproduction" / f"{name}.png").touch()
    write_page([tmp_path / "laptop.tsv", tmp_path / "demo.tsv"], tmp_path / "REPRODUCTION.md")
    text = (tmp_path / "REPRODUCTION.md").read_text()
    shown = [line.split("(")[-1] for line in text.splitlines() if line.startswith("![")]
    figures = [f"reproduction/{name}.png" for name in ("figure_1", "figure_S4", "figure_S13")]
    assert shown == [f"{path})" for path in figures]
    assert text == page({"laptop": LAPTOP, "demo": DEMO}, figures)


def test_the_table_of_differences_stands_last(tmp_path):
    LAPTOP.to_csv(tmp_path / "laptop.tsv", sep="\t", index=False)
    (tmp_path / "reproduction").mkdir()
    (tmp_path / "reproduction/differences.tsv").write_text(
        "difference\tclaim\tpaper\tbefore\tafter\tverdicts\n"
        "2: initial biases\t13: half are live\t53 %\t100 %\t54 %\tno / yes\n"
    )
    write_page([tmp_path / "laptop.tsv"], tmp_path / "REPRODUCTION.md")
    lines = (tmp_path / "REPRODUCTION.md").read_text().splitlines()
    assert lines[-3:] == [
        "| difference | claim | paper | before | after | verdicts |",
        "|---|---|---|---|---|---|",
        "| 2: initial biases | 13: half are live | 53 % | 100 % | 54 % | no / yes |",
    ]
