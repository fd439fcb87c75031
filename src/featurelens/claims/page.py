"""Verdicts on the paper's claims as a page for people.

``python -m featurelens.claims.page CLAIMS [CLAIMS ...] PAGE`` writes it from the ``claims.tsv`` of
one run or of several, the most telling first; ``make reproduction`` does so for the default run.
The pictures of ``reproduction/`` beside the page are shown in it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from featurelens.io import read_table

HEAD = """# What the paper says and what these runs find

Made by `python -m featurelens.claims.page` from the verdicts (`tables/claims.tsv`) of: {runs}.
{scales}
Each claim is judged by the first of these runs that can. A verdict is one on the claim at that
run's scale: where a run is smaller than the paper's study the note says how, and the direction
counts rather than the number. What the simulations say beyond verdicts is in
[simulations.md](simulations.md). *published* is the author's computation
([letter.md](letter.md) says how far), *corrected* a sound one, *null* what chance gives. Verdicts
stand in the same order, published / corrected.
"""

SCALES = {
    "demo": "`demo` (`make demo`, minutes) is the whole study in miniature: a reduced hierarchical "
    "simulation, 700 blood cells in the place of 56,714 bone marrow cells, tens of gene sets in "
    "the place of thousands.",
    "laptop": "`laptop` (`--configfile config/laptop.yaml`, an hour or two on two cores) has the "
    "paper's complete small sweep of 544 SAEs at its own size, the hierarchical simulation with "
    "its 100 programs and 40 cell types on 1,000 genes and 10,000 cells, and what can be computed "
    "at true size: the intrinsic dimension and the chance levels of structure recovery.",
}
"""What each run of this repository is, for the introduction."""

DIFFERENCES = """
## What hangs on each difference from the author's computation

`make test-paper` runs `config/paper.yaml` itself, with other sizes, on files of the forms of those
that it downloads: a made bone marrow with the paper's cell types in its proportions, an erythroid
trajectory, multiDGD trained on it, a small ontology. It says nothing of the paper's claims. It
shows how much hangs on the lines of [letter.md](letter.md), which has them one by one on other
data. All figures are `published`, of one SAE with 600 features (seed 0) on the 2,441 training
cells: *before*, for 1 and 2 with the code of commit a1f5f79, for b and c with today's code and the
key of the config switched back, for 3 to 7 by the library's functions, both ways, on what one run
left (`tests/helpers/stand_in/hanging.py`); *after*, as `config/paper.yaml` has it. Verdicts are
those that the claim would get, before and after; there is none where no claim reads the figure.

Rows that say "second run" are of the whole study on another processor, where sums of the trainings
came in another order: 247 of its 600 features are live, not 217. There the SAE of seed 0 has
erythropoiesis in one feature with monocytes. Set in HSC, that feature raises genes of antigen
presentation first (haemoglobins stand at the 69th percentile of all genes); the features that the
same rule takes from seeds 42 and 9307 raise haemoglobin (97th; `hanging.py` prints these).
"""
"""Before the table of differences."""

SIMULATION = (*range(1, 12), 41)
"""Claims about simulations; all others are about cells."""

CAPTIONS = {
    "figure_1": "What embeddings hold of every variable, below its ceiling (Figure 1C)",
    "figure_S1": "Simulated cells and real ones (Figure S1)",
    "figure_S2": "Size of the autoencoder (Figure S2)",
    "figure_S3": "Autoencoders of the small simulation (Figure S3)",
    "figure_S4": "SAE hyperparameters on the small simulation (Figure S4)",
    "figure_S9": "Features per program against recovery (Figure S9)",
    "figure_S12": "The small sweep at a glance (Figure S12)",
    "figure_S13": "Recovery and structure on the hierarchical simulation (Figure S13)",
}
"""Titles of the pictures, by the name of the file."""


def merge_runs(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Each claim once: from the first run that judged it under either convention.

    Parameters
    ----------
    runs
        Name of a run to its verdicts, as :func:`featurelens.claims.judge.judge` returns them.

    Returns
    -------
    DataFrame
        The same columns, in the order of the first run's claims, as text; ``run`` names the run.
    """
    tables = [
        table.fillna("").astype(str).assign(run=name, order=position)
        for position, (name, table) in enumerate(runs.items())
    ]
    together = pd.concat(tables, ignore_index=True)
    together["waits"] = (together[["verdict", "verdict_corrected"]] == "not judged").all(axis=1)
    first = together.sort_values(["waits", "order"], kind="stable")
    chosen = first.drop_duplicates(["number", "part"])
    place = {key: at for at, key in enumerate(_keys(together))}
    return chosen.assign(place=[place[key] for key in _keys(chosen)]).sort_values("place")


def page(
    runs: Mapping[str, pd.DataFrame],
    figures: Sequence[str] = (),
    differences: pd.DataFrame | None = None,
) -> str:
    """Markdown page of the verdicts of one run or of several.

    Parameters
    ----------
    runs
        Name of a run to its verdicts; a claim is shown from the first that judged it.
    figures
        Paths of pictures, relative to the page, for the section on simulations.
    differences
        What hung on each difference from the author's computation, on the stand-in: difference,
        claim, paper, before, after and verdicts; None leaves this section out.
    """
    claims = merge_runs(runs)
    judged, waiting = claims[~claims["waits"]], claims[claims["waits"]]
    simulated = judged["number"].astype(int).isin(SIMULATION)
    scales = "\n".join(f"- {SCALES[name]}" for name in runs if name in SCALES)
    lines = [
        HEAD.format(runs=", ".join(runs), scales=f"\n{scales}\n" if scales else ""),
        f"Judged: {_counted(judged)}. Not judged: {len(waiting)}.\n",
        "## Simulations: sections 4.1 to 4.3\n",
        *_table(judged[simulated]),
        *_pictures(figures),
        "\n## Cells: section 5\n",
        *_table(judged[~simulated]),
        "\n## Not judged\n",
        "| # | claim | paper | needs |",
        "|---|---|---|---|",
        *(
            _row(row["number"] + row["part"], row["claim"], row["published"], row["note"])
            for _, row in waiting.iterrows()
        ),
        *([] if differences is None else _differences(differences)),
    ]
    return "\n".join(lines) + "\n"


def _counted(judged: pd.DataFrame) -> str:
    """How many claims hold as published, and how many as corrected."""
    return "; ".join(
        f"{name} "
        + ", ".join(
            f"{count} {verdict}" for verdict, count in judged[column].value_counts().items()
        )
        for name, column in (("published", "verdict"), ("corrected", "verdict_corrected"))
    )


def _table(claims: pd.DataFrame) -> list[str]:
    if claims.empty:
        return ["None of these could be judged."]
    return [
        "| # | claim | the paper | run | published | corrected | null | verdicts | note |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            _row(
                row["number"] + row["part"],
                row["claim"],
                row["published"],
                row["run"],
                row["reproduced_published"],
                row["reproduced_corrected"],
                row["null"],
                f"{row['verdict']} / {row['verdict_corrected']}",
                row["note"],
            )
            for _, row in claims.iterrows()
        ),
    ]


def _differences(table: pd.DataFrame) -> list[str]:
    columns = ("difference", "claim", "paper", "before", "after", "verdicts")
    return [
        DIFFERENCES,
        f"| {' | '.join(columns)} |",
        "|---|---|---|---|---|---|",
        *(_row(*row) for row in table[list(columns)].fillna("").astype(str).to_numpy()),
    ]


def _pictures(paths: Sequence[str]) -> list[str]:
    lines = []
    for path in paths:
        title = CAPTIONS.get(Path(path).stem, Path(path).stem.replace("_", " "))
        lines += [f"\n### {title}\n", f"![{title}]({path})"]
    return lines


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _keys(claims: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(claims["number"], claims["part"], strict=True))


def _natural(path: Path) -> tuple[str, int]:
    """``figure_S13`` behind ``figure_S4``, and ``figure_1`` before both."""
    digits = "".join(filter(str.isdigit, path.stem))
    return path.stem.rstrip("0123456789"), int(digits or 0)


def write_page(paths: Sequence[Path], target: Path) -> None:
    """Write the page from the files of verdicts; each names its run."""
    tables = [read_table(path) for path in paths]
    runs = {str(table["run"].iloc[0]): table for table in tables}
    beside = target.parent / "reproduction"
    figures = sorted(beside.glob("*.png"), key=_natural)
    shown = [path.relative_to(target.parent).as_posix() for path in figures]
    kept = beside / "differences.tsv"
    differences = read_table(kept) if kept.exists() else None
    target.write_text(page(runs, shown, differences))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m featurelens.claims.page CLAIMS [CLAIMS ...] PAGE")
    *claims_files, page_file = map(Path, sys.argv[1:])
    write_page(claims_files, page_file)
