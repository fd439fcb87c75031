"""A Chromium that is installed, an atlas in it, and what went wrong while it was looked at."""

import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium():
    """The program of a browser: that of FEATURELENS_CHROMIUM, or one that is installed."""
    given = os.environ.get("FEATURELENS_CHROMIUM")
    return given or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: make test-browser installs it"
    )
    path = chromium()
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in FEATURELENS_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        started.close()


class Look:
    """A page, what it printed and what it asked for."""

    def __init__(self, page):
        self.page, self.wrong, self.asked = page, [], []
        page.on("console", lambda message: self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path, fragment=""):
        self.page.goto(f"{Path(path).resolve().as_uri()}{fragment}")
        self.page.wait_for_selector("html[data-ready=true]", timeout=20000)
        return self.page


@pytest.fixture
def look(browser):
    """Opens pages at a size; fails where one printed anything, or asked beyond its own files."""
    looks, contexts = [], []

    def make(width=1440, height=900, **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, offline=True, accept_downloads=True,
            **options,
        )  # fmt: skip
        contexts.append(context)
        looks.append(Look(context.new_page()))
        return looks[-1]

    yield make
    for each in looks:
        assert each.wrong == []
        assert [url for url in each.asked if not url.startswith(("file:", "blob:", "data:"))] == []
    for context in contexts:
        context.close()
