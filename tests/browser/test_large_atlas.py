"""An atlas of thousands of features in a real browser: open, search, choose, and go back."""

import re

import numpy as np
import pytest

from atlas_rows import listed
from featurelens.atlas.build import build_atlas
from made_atlas import made_material

pytestmark = pytest.mark.browser

N_FEATURES, N_CELLS, N_GENES = 3_000, 8_000, 18_000


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return made_material(
        tmp_path_factory.mktemp("large"), n_cells=N_CELLS, n_features=N_FEATURES, n_genes=N_GENES,
        n_terms=2_000, active=64, types=22, genes_each=40, terms_each=30,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    build_atlas(material, folder)
    return folder


@pytest.mark.parametrize("name", ["index.html", "atlas.html"])
def test_a_large_atlas_is_searched_key_by_key_and_its_features_open(folder, material, look, name):
    page = look().open(folder / name)
    n_active = material.features.var["n_active"].to_numpy()
    order = np.lexsort((np.arange(N_FEATURES), -n_active))
    assert listed(page)[:20] == order[:20].tolist()
    # Key by key, so that every answer narrows the one before it; then all at once.
    page.keyboard.press("/")
    page.keyboard.type("gene1702")
    by_key, count = listed(page), page.locator("#count").inner_text()
    page.fill("#query", "")
    page.fill("#query", "gene1702")
    assert (listed(page), page.locator("#count").inner_text()) == (by_key, count)
    whys = page.locator(".space .cell.term").all_inner_texts()
    places = [re.fullmatch(r"GENE1702 (?:rises|falls), no. (\d+)", why) for why in whys]
    exact = [int(place[1]) for place in places if place]
    assert exact == sorted(exact)
    assert len(exact) >= 5
    assert all(places[: len(exact)])  # genes that only begin so come behind
    page.locator(".space .row").first.click()
    page.wait_for_selector(".panel")
    assert page.locator(".panel h2").inner_text() == f"Feature {by_key[0]}"
    assert page.locator(".panel").get_by_role("button", name="GENE1702", exact=True).count() == 1
    # The address holds what was typed before the feature was opened.
    page.go_back()
    page.wait_for_selector(".hint")
    assert page.evaluate("location.hash") == "#/?q=gene1702"
    # Back to an empty box: all of them again, in their first order.
    page.fill("#query", "")
    assert listed(page)[:20] == order[:20].tolist()
