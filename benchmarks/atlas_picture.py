"""Take docs/atlas.png, the atlas of the default run as README and docs show it.

    make atlas-picture

The page opens from the disk at 1440 x 1000, finds what answers to NKG7 and shows its first feature.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ATLAS = ROOT / "results/demo/atlas/pbmc68k/poisson_nmf/topk-x20/index.html"
GENE = "NKG7"


def main() -> None:
    """Open the page and write the picture."""
    if not ATLAS.exists():
        sys.exit(f"{ATLAS.relative_to(ROOT)} is not there: make demo makes it")
    sys.path.append(str(ROOT / "tests/browser"))
    from playwright.sync_api import sync_playwright

    from conftest import chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, color_scheme="light")
        page.goto(ATLAS.as_uri())
        page.wait_for_selector("html[data-ready=true]")
        page.fill("#query", GENE)
        page.locator(".space .row").first.click()
        page.wait_for_selector(".panel")
        page.mouse.move(0, 0)
        page.wait_for_timeout(1500)  # maps are drawn when no key is struck
        page.screenshot(path=ROOT / "docs/atlas.png")
        browser.close()


if __name__ == "__main__":
    main()
