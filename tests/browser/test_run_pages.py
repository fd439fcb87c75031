"""The atlas of the default run, as `make demo` leaves it: pages open and lead to each other."""

import pandas as pd
import pytest

from clones import ROOT

pytestmark = pytest.mark.browser

HOME = ROOT / "results/demo/atlas/index.html"


@pytest.fixture(scope="module")
def home():
    if not HOME.exists():
        pytest.skip("results/demo/atlas is not there: make demo makes it")
    return HOME


def test_the_page_of_all_sources_leads_to_every_page(home, look):
    page = look().open(home)
    links = page.locator("#sources tbody a")
    names = links.all_inner_texts()
    assert "pbmc68k/poisson_nmf/topk-x20" in names
    assert len(names) >= 9
    for place, name in enumerate(names):
        page.goto(home.as_uri())
        page.locator("#sources tbody a").nth(place).click()
        page.wait_for_selector("html[data-ready=true]")
        assert page.locator("h1").inner_text() == f"Atlas of {name}"
        page.locator(".space .row").first.click()
        page.wait_for_selector(".panel")
        assert page.locator("#overview").is_visible()


def test_a_gene_set_is_compared_over_all_sources(home, look):
    page = look().open(home)
    page.fill("#term", "CD8 T cell markers, effector memory")
    rows = page.locator("#answers tbody tr")
    assert rows.count() >= 2
    link = rows.first.locator("td a").last
    number = link.inner_text()
    link.click()
    page.wait_for_selector(".panel")
    assert page.locator(".panel h2").inner_text().startswith(f"Feature {number}")
    terms = page.locator(".panel").get_by_role("button", name="CD8 T cell markers, effector memory")
    assert terms.count() == 1


def test_a_gene_is_compared_over_all_sources_and_leads_to_a_feature_in_which_it_rises(home, look):
    page = look().open(home, "#/?q=cd79a")
    row = page.locator("#answers tbody tr", has_text="pbmc68k/poisson_nmf/topk-x20").first
    assert row.locator("td").nth(0).inner_text() == "gene"
    listed = row.locator("td").last.locator("a").all_inner_texts()
    row.locator("td").last.locator("a").first.click()
    page.wait_for_selector(".panel")
    assert page.locator(".panel h2").inner_text() == f"Feature {listed[0]}"
    rises = page.get_by_role("region", name="Genes that rise in high cells")
    first = rises.locator("tbody th").all_inner_texts()[:3]
    assert "CD79A" in first


def test_the_steered_feature_has_its_doses_and_its_rank_among_controls(home, look):
    made = ROOT / "results/demo/steering/pbmc68k/poisson_nmf/topk-x20"
    doses = pd.read_csv(made / "doses.tsv", sep="\t")
    controls = pd.read_csv(made / "controls.tsv", sep="\t").set_index("kind")["efficiency"]
    feature = int(doses["feature"].iloc[0])
    page = look().open(home.parent / "pbmc68k/poisson_nmf/topk-x20/index.html", f"#/f/{feature}")
    rows = page.get_by_role("region", name="Doses of the edit").locator("tbody tr")
    assert rows.count() == len(doses)
    shown = rows.last.locator("td").nth(1).inner_text().replace("\u2212", "-")
    assert float(shown.split()[0]) == pytest.approx(doses["way"].iloc[-1], rel=0.01)
    random = controls["random_directions"]
    rank = 1 + int((random > controls["feature"]).sum())
    text = f"no. {rank} of {len(random) + 1} among random directions"
    assert text in page.locator(".panel").inner_text()


@pytest.mark.parametrize("gene", ["CD79A", "cd79a"])
def test_a_gene_of_b_cells_leads_to_features_of_b_cells(home, look, gene):
    page = look().open(home.parent / "pbmc68k/poisson_nmf/topk-x20/index.html")
    page.fill("#query", gene)
    assert "CD19+ B" in page.locator(".space .row .top_type").first.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing_serious_on_the_page_of_all_sources(
    home, look, scheme
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = look(color_scheme=scheme, bypass_csp=True).open(home, "#/?q=HLA")
    found = axe.Axe().run(page).response["violations"]
    serious = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
    assert serious == []
