"""GSEA, the held-out half and the doses on a feature's page, from tables made by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from featurelens.atlas.build import build_atlas
from made_atlas import made_material

pytestmark = pytest.mark.browser

# Genes of the set at places 0, 2 and 3 of 6; the sum is 1 after the first, falls by a third for
# each other gene, and rises by what is left.
HITS = [True, False, True, True, False, False]
RUNNING = [0.4, 0.2, 0.6, 1.0, 0.5, 0.0]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = made_material(tmp_path_factory.mktemp("sections"), n_terms=8)
    scores = {"p": 0.01, "es": 0.5, "n_genes": 3, "n_leading": 2, "leading_edge": "GENE1;GENE2"}
    collection = replace(
        made.collections["sets"],
        gsea=pd.DataFrame(
            [
                {"feature": "3", "term": "term 1", "nes": 2.25, "fdr": 0.0123, **scores},
                {"feature": "3", "term": "term 2", "nes": -1.5, "fdr": 0.25, **scores},
            ]
        ),
        running=pd.DataFrame({"feature": "3", "term": "term 1", "running": RUNNING, "hit": HITS}),
        confirmed=pd.DataFrame(
            {
                "feature": ["3"] * 4,
                "term": ["term 1", "term 2", "term 4", "term 5"],
                "direction": ["up", "down", "up", "up"],
                "q": [0.001, 0.002, 0.003, 0.004],
                "p_confirm": [0.02, 0.7, float("nan"), 0.03],
                "retested": [True, True, False, True],
                "confirmed": [True, False, False, True],
                "confirmed_mismatched": [0.25, 0.25, 0.25, 0.25],
                "confirmed_shuffled": [0.0, 0.1, 0.0, 0.1],
            }
        ),
    )
    steering = {
        "steering_selected": pd.DataFrame({"feature": [3], "role": ["global"], "score": [1.0]}),
        "steering_effects": pd.DataFrame(
            {"feature": ["3"], "role": ["global"], "convention": ["corrected"], "gene": ["GENE1"],
             "mean_control": [1.0], "mean_steered": [4.0], "log2_fold": [2.0]}
        ),
        "steering_doses": pd.DataFrame(
            {"dose": [0.0, 1.0, 2.0], "activation": [0.0, 1.5, 3.0], "way": [0.0, 0.4, 0.6],
             "way_low": [-0.1, 0.3, 0.5], "way_high": [0.1, 0.5, 0.7],
             "share_arrived": [0.0, 0.25, 0.5], "beyond_range": [False, False, True]}
        ),
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("page")
    build_atlas(replace(made, collections={"sets": collection}, tables=steering), folder)
    return folder / "index.html"


def rows(page, title):
    table = page.get_by_role("region", name=title)
    return [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]


def test_gsea_has_its_scores_and_its_running_sum(path, look):
    page = look().open(path, "#/f/3")
    page.wait_for_selector(".panel")
    assert rows(page, "Preranked GSEA, sets") == [
        ["term 1", "2.25", "0.0123", "2 of 3", "GENE1;GENE2"],
        ["term 2", "\u22121.50", "0.250", "2 of 3", "GENE1;GENE2"],
    ]
    plot = page.get_by_role("img", name="Running sum of term 1, NES 2.25")
    line = plot.locator("polyline[stroke-width='2']").get_attribute("points").split()
    heights = [float(point.split(",")[1]) for point in line]
    # Corners: the first gene, those of the set, the genes just before them, and the last.
    assert len(heights) == 5
    shares = [(heights[-1] - y) / (heights[-1] - min(heights)) for y in heights]
    assert shares == pytest.approx([0.4, 0.2, 0.6, 1.0, 0.0], abs=0.01)
    marks = plot.locator("polyline").count() - 2  # the sum itself, and zero
    assert marks == sum(HITS)


def test_gsea_of_others_is_named(path, look):
    page = look().open(path, "#/f/4")
    page.wait_for_selector(".panel")
    assert "GSEA looked at other features: 3." in page.locator(".panel").inner_text()


def test_the_held_out_half_has_what_it_confirms_and_chance_beside_it(path, look):
    page = look().open(path, "#/f/3")
    page.wait_for_selector(".panel")
    text = page.locator(".panel").inner_text()
    assert (
        "Held out: of 4 gene sets that one half of the cells declares, 2 of the 3 that the other "
        "half can test hold. Tested on another feature 25 % would, on permuted cells 5.0 %." in text
    )
    found = rows(page, "Declared on one half of the cells, sets")
    assert [(row[0], row[1][-5:], row[-1]) for row in found] == [
        ("term 1", "rises", "holds"),
        ("term 2", "falls", "does not hold"),
        ("term 4", "rises", "not tested"),
        ("term 5", "rises", "holds"),
    ]
    assert [row[3] for row in found] == ["0.0200", "0.700", "\u2013", "0.0300"]


def test_pictures_of_a_dark_page_are_printed_dark_on_white(path, look):
    page = look(color_scheme="dark").open(path, "#/f/3")
    page.wait_for_selector(".panel")
    title = page.get_by_role("img", name="Way to the target over doses").locator("text").first
    fill = "node => getComputedStyle(node).fill"
    assert title.evaluate(fill) == "rgb(236, 239, 243)"
    page.emulate_media(media="print")
    assert title.evaluate(fill) == "rgb(0, 0, 0)"
