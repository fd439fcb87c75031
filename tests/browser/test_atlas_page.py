"""The atlas in a real browser, opened from a disk as a person opens it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from atlas_rows import listed
from featurelens.atlas.build import build_atlas
from made_atlas import made_material

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
TYPES = ["B cell", "T cell", f"odd {HOSTILE}"]
GENES = ["HBB", "CD3D", HOSTILE, "SILENT", *(f"G{number}" for number in range(40))]
TERMS = ["interferon response", HOSTILE, *(f"term {number}" for number in range(8))]


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    names = {"types": TYPES, "genes": GENES, "terms": TERMS}
    made = made_material(folder, n_cells=90, n_features=240, names=names, active=12)
    dge = pd.read_parquet(made.dge["global_corrected"])
    silent = dge["gene"].astype(str) == "SILENT"
    dge.loc[silent, "q"] = 1.0
    # HBB leads feature 7 alone, and rises there most.
    hbb = dge["gene"].astype(str) == "HBB"
    first = hbb & (dge["feature"].astype(str) == "7")
    dge.loc[hbb, "q"] = 1.0
    dge.loc[first, ["q", "log2_fold", "t"]] = [1e-9, 9.0, 40.0]
    dge.to_parquet(made.dge["global_corrected"], index=False)
    within = pd.read_parquet(made.dge["within_type_corrected"])
    within.loc[within["gene"].astype(str).isin(["SILENT", "HBB"]), "q"] = 1.0
    within.to_parquet(made.dge["within_type_corrected"], index=False)
    return replace(made, name="made/up/topk")


@pytest.fixture(scope="session")
def folder(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    build_atlas(material, folder)
    return folder


@pytest.fixture(params=["index.html", "atlas.html"])
def path(request, folder):
    return folder / request.param


def said(page):
    return page.locator("#said").inner_text()


def search(page, text):
    page.fill("#query", text)
    return listed(page)


def test_it_opens_from_a_disk_and_lists_the_most_active_features_first(path, material, look):
    page = look().open(path)
    n_active = material.features.var["n_active"].to_numpy()
    order = np.lexsort((np.arange(len(n_active)), -n_active))
    assert listed(page)[:10] == order[:10].tolist()
    live = int((n_active > 0).sum())
    assert page.locator("#count").inner_text() == f"{live} of {len(n_active)} features"


def test_a_gene_is_found_in_any_case_and_by_its_ensembl_id(path, look):
    page = look().open(path)
    for text in ("HBB", "hbb", "gene:HBB", "ENSG10000000000", "ensg10000000000"):
        assert search(page, text) == [7], text
    assert "HBB rises, no. 1" in page.locator(".space .row").first.inner_text()


def test_what_leads_no_feature_and_what_is_not_there_say_so(path, look):
    page = look().open(path)
    assert search(page, "silent") == []
    assert said(page).startswith("SILENT is a gene of these data, but leads no feature")
    assert search(page, "Nonsense") == []
    assert said(page).startswith(
        "No gene, gene set, cell type or feature is called \u201cNonsense\u201d"
    )


def test_the_largest_cell_types_have_the_first_colours(path, material, look):
    page = look().open(path)
    sizes = material.features.obs["cell_type"].value_counts()
    by_size = sorted(sizes.index, key=lambda name: (-sizes[name], TYPES.index(name)))
    first = ["rgb(0, 114, 178)", "rgb(213, 94, 0)", "rgb(0, 128, 90)"]
    for name, colour in zip(by_size, first, strict=True):
        sign = page.locator("#cell-map-key button", has_text=name).locator(".sign")
        assert sign.evaluate("node => getComputedStyle(node).color") == colour, name


def test_a_gene_set_leads_to_the_features_that_carry_it(path, material, look):
    page = look().open(path)
    table = pd.read_parquet(material.collections["sets"].tests["global_corrected"])
    kept = table[(table["term"] == "interferon response") & table["kept_fdr"]]
    first = search(page, 'term:"interferon response"')
    best = kept[kept["direction"] == "up"].sort_values("q")["feature"].astype(int).tolist()
    assert first[: min(len(best), 15)] == best[:15]


def test_choosing_a_feature_shows_it_everywhere_and_back_leads_back(path, material, look):
    page = look().open(path)
    page.locator(".space .row").nth(2).click()
    chosen = listed(page)[2]
    assert page.locator(".panel h2").inner_text() == f"Feature {chosen}"
    assert page.evaluate("location.hash") == f"#/f/{chosen}"
    assert page.locator("#cell-map-title").inner_text() == f"Activation of feature {chosen}"
    assert page.locator(".space .row[aria-selected=true]").count() == 1
    n_active = material.features.var["n_active"].iloc[chosen]
    assert f"Active in {n_active} cells of 90" in page.locator(".summary").inner_text()
    page.get_by_role("button", name="Next", exact=True).click()
    page.wait_for_function(f"location.hash !== '#/f/{chosen}'")
    page.go_back()
    page.wait_for_function(f"document.querySelector('.panel h2').innerText === 'Feature {chosen}'")


def test_numbers_shown_are_those_of_the_tables(path, material, look):
    page = look().open(path, "#/f/7")
    page.wait_for_selector(".panel")
    row = page.locator("tr", has=page.get_by_role("button", name="HBB", exact=True))
    assert row.locator("td").all_inner_texts()[:3] == ["9", "40", "1.0e\u22129"]
    dense = material.features.X[:, 7].toarray().ravel()
    for name in TYPES:
        inside = dense[(material.features.obs["cell_type"] == name).to_numpy()]
        row = page.locator("tr", has=page.get_by_role("button", name=name, exact=True)).first
        cells = row.locator("td").all_inner_texts()
        assert cells[0] == str(len(inside))
        assert float(cells[1].strip()) == pytest.approx(inside.mean(), rel=6e-3)


def test_names_like_markup_are_shown_as_they_are(path, look):
    page = look().open(path, f"#/?q=gene%3A%22{HOSTILE}%22")
    assert page.locator("img").count() == 0
    assert page.locator("#cell-map-key").get_by_text(HOSTILE).count() == 1
    page.locator(".space .row").first.click()
    page.wait_for_selector(".panel")
    assert page.locator(".panel").get_by_text(HOSTILE).count() >= 1
    assert page.locator("img").count() == 0


def test_a_link_says_all_that_is_shown(path, look):
    fragment = "#/f/7?with=9&q=G1&sort=-type&map=cells&colour=terms&show=all"
    page = look().open(path, fragment)
    page.wait_for_selector(".panel:nth-of-type(2)")
    assert page.locator(".panel h2").all_inner_texts() == ["Feature 7", "Feature 9"]
    assert page.input_value("#query") == "G1"
    assert page.input_value("#layout") == "cells"
    assert page.input_value("#colour") == "terms"
    assert page.input_value("#show") == "all"
    assert page.locator("[data-sort=type]").get_attribute("aria-sort") == "descending"
    assert page.evaluate("location.hash") == fragment


def test_an_unknown_feature_is_said(path, look):
    page = look().open(path, "#/f/99999")
    assert said(page) == "There is no feature 99999: features are numbered from 0 to 239."


def test_sorting_and_filtering(path, material, look):
    page = look().open(path)
    page.select_option("#show", "dead")
    assert listed(page) == np.flatnonzero(material.features.var["n_active"] == 0).tolist()
    page.select_option("#show", "local")
    local = np.flatnonzero(material.features.var["type"] == "local")
    assert set(listed(page)) <= set(local.tolist())
    page.select_option("#show", "live")
    head = page.locator("[data-sort=feature] button")
    head.click()
    assert listed(page)[:3] == [0, 1, 2]
    head.click()
    assert listed(page)[0] == np.flatnonzero(material.features.var["n_active"]).max()


def test_a_letter_typed_again_is_answered_in_its_own_order(path, look):
    page = look().open(path)
    page.wait_for_timeout(1500)  # answers to single letters are made ahead
    first = search(page, "t")[:8]
    page.locator("[data-sort=feature] button").click()
    assert listed(page)[:8] == sorted(listed(page)[:8])
    assert listed(page)[:8] != first
    search(page, "")
    assert search(page, "t")[:8] == first


def test_a_column_says_in_which_direction_it_is_sorted(path, material, look):
    page = look().open(path)
    head = page.locator("[data-sort=n_active]")
    assert head.get_attribute("aria-sort") == "descending"  # the most active feature comes first
    head.locator("button").click()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    live = material.features.var["n_active"].loc[lambda n: n > 0]
    assert listed(page)[0] == int(live.sort_values(kind="stable").index[0])


def test_a_set_that_the_published_filter_alone_keeps_is_not_said_to_rise(path, material, look):
    tests = {
        name: pd.read_parquet(table).set_index(["feature", "term"])
        for name, table in material.collections["sets"].tests.items()
    }
    corrected = tests["global_corrected"]["kept_fdr"] | tests["within_type_corrected"]["kept_fdr"]
    alone = tests["global_published"][
        tests["global_published"]["kept_published_05"] & ~corrected
    ].loc["7"]
    assert len(alone)
    page = look().open(path, "#/f/7")
    page.wait_for_selector(".panel")
    table = page.get_by_role("region", name="Gene sets that a filter keeps")
    for term, sign in alone["direction"].items():
        row = table.locator("tr", has=page.get_by_role("button", name=term, exact=True))
        shown = row.locator("td").first.inner_text()
        assert shown.endswith("over-represented" if sign == "+" else "under-represented"), term


def test_suggestions_are_out_of_sight_and_not_read_until_something_is_typed(path, look):
    page = look().open(path)
    low = "document.getElementById('suggestions').getBoundingClientRect().bottom"
    options = page.get_by_role("listbox", name="Suggestions")
    assert page.evaluate(low) < 0
    assert options.count() == 0
    page.keyboard.press("/")
    page.keyboard.type("interferon")
    assert page.evaluate(low) > 0
    assert "interferon response" in options.inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate(low) < 0
    assert options.count() == 0


def test_the_keyboard_alone_finds_opens_and_compares_features(path, look):
    page = look().open(path)
    page.keyboard.press("/")
    page.keyboard.type("interferon")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#query") == 'term:"interferon response"'
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "grid"
    page.keyboard.press("ArrowDown")
    second = listed(page)[1]
    page.keyboard.press("Enter")
    page.wait_for_selector(".panel")
    assert page.locator(".panel h2").inner_text() == f"Feature {second}"
    assert page.evaluate("document.activeElement.id") == "detail"
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".panel:nth-of-type(2)")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "query"


def test_downloads_hold_what_is_shown(path, material, look):
    page = look().open(path, "#/f/7")
    page.wait_for_selector(".panel")
    live = (material.features.var["n_active"] > 0).sum()
    with page.expect_download() as waiting:
        page.locator(".panel").get_by_role("button", name="Table as TSV").click()
    assert waiting.value.suggested_filename == "made_up_topk_feature_7.tsv"
    table = pd.read_csv(waiting.value.path(), sep="\t", quoting=3)
    genes = table[(table["part"] == "gene") & (table["measure"] == "log2_fold")]
    found = genes.set_index("name")["value"].astype(float)
    dge = pd.read_parquet(material.dge["global_corrected"])
    dge = dge[dge["feature"].astype(str) == "7"].set_index("gene")["log2_fold"]
    expected = dge.loc[found.index].astype(np.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Picture as SVG").click()
    svg = waiting.value.path().read_text()
    assert svg.startswith("<svg")
    assert "Feature 7 of made/up/topk" in svg
    assert "<img" not in svg
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Picture as PNG").click()
    assert waiting.value.path().read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as waiting:
        page.locator("#list-tsv").click()
    assert len(pd.read_csv(waiting.value.path(), sep="\t", quoting=3)) == live


def test_a_sentence_to_paste_names_the_feature_and_the_version(path, look):
    page = look().open(path, "#/f/7")
    text = page.locator(".sentence").inner_text()
    assert re.match(
        r"Feature 7 of the dictionary made/up/topk \(run made, featurelens [\d.]+\)", text
    )


def test_what_the_run_lacks_is_named(path, look):
    page = look().open(path, "#/f/7")
    page.wait_for_selector(".panel")
    assert "GSEA: not made." in page.locator(".panel").inner_text()
    assert "GSEA: not made." in page.locator("#about").inner_text()


# 720 is a window of 1440 at 200 %, 320 one of 1280 at 400 %.
@pytest.mark.parametrize("width", [1440, 768, 720, 390, 320])
@pytest.mark.parametrize("others", ["", "?with=9"], ids=["alone", "two"])
def test_nothing_is_wider_than_the_window(folder, look, width, others):
    page = look(width).open(folder / "index.html", f"#/f/7{others}")
    page.wait_for_selector(f".panel:nth-of-type({2 if others else 1})")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_wide_table_keeps_its_names_in_sight_on_a_phone(folder, look):
    page = look(390).open(folder / "index.html", "#/f/7")
    page.wait_for_selector(".panel")
    table = page.get_by_role("region", name="Gene sets that a filter keeps")
    name = table.locator("tbody th").first
    before = name.bounding_box()["x"]
    table.evaluate("node => { node.scrollLeft = 150; }")
    assert table.evaluate("node => node.scrollLeft") == 150
    assert name.bounding_box()["x"] == pytest.approx(before, abs=1)


def test_a_missing_file_is_said_instead_of_a_blank_page(folder, tmp_path, look):
    import shutil

    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    (copied / "data/c000.js").unlink()
    seen = look()
    page = seen.open(copied / "index.html", "#/f/7")
    page.wait_for_selector("[role=alert]")
    assert "data/c000.js is missing" in page.locator("[role=alert]").inner_text()
    (copied / "data/core.js").unlink()
    page.goto((copied / "index.html").as_uri())
    page.wait_for_selector("[role=alert]")
    assert "data/core.js is missing" in page.locator("[role=alert]").inner_text()
    assert all("ERR_FILE_NOT_FOUND" in line for line in seen.wrong)
    seen.wrong.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_an_accessibility_checker_finds_nothing_serious(folder, look, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = look(width, color_scheme=scheme, bypass_csp=True).open(folder / "index.html", "#/f/7")
    page.wait_for_selector(".panel")
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (each["id"], each["impact"], each["nodes"][0]["html"][:200])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_maps_are_printed_on_white_and_are_dark_again_afterwards(path, look):
    page = look(color_scheme="dark").open(path, "#/f/7")
    page.wait_for_selector(".panel")
    dark = page.evaluate("document.getElementById('cell-map').toDataURL()")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    corner = "getContext('2d').getImageData(1, 1, 1, 1).data"
    assert page.evaluate(f"[...document.getElementById('cell-map').{corner}]") == [
        255,
        255,
        255,
        255,
    ]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.getElementById('cell-map').toDataURL()") == dark
