"""How fast the atlas answers, beside the same data as a plotly page and as a page of one table.

    python -m benchmarks.atlas [--features 10000] [--cells 57000] [--throttle 4]

Made data: 64 active features a cell, 18,000 genes, 6,000 gene sets, 22 cell types; each feature has
60 genes and 40 gene sets. Every page opens from a disk in a headless Chromium without a network,
its processor slowed down, in a fresh profile each time. A page is usable when all that it shows at
first is painted and a key stroke would be answered. A key stroke is answered when the frame after
its answer is painted; two idle frames, which it takes at least, are measured and stand beside.
In the atlas that answer is the table, the count and the suggestions; the map of features follows
when no key is struck for 200 ms, and what that takes stands beside as well: the processor time of
a stroke and of all that it sets off.

Decoder directions are left out of the made data: their layout takes longer to make than all the
rest, and no key stroke reads it. The other pages are looked at once, because an answer of theirs
takes seconds.

The plotly page draws both maps by scattergl and colours the features that a search finds, by text
in their genes and terms. The table page is of datavzrd's kind: the rows lie in the page as a
literal, all are in the table, and a search hides rows whose text does not hold what is typed.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from featurelens.atlas.build import write_atlas
from featurelens.atlas.gathered import gather
from featurelens.version import __version__

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
WORDS = ("GENE1024", "type 7", "term 311", "GENE90", "term 42", "HBB", "interferon", "4711")
"""Typed one key after the other, each after an empty box."""

PLAIN = "<!doctype html><meta charset=utf-8><title>page</title><input id=query><div id=count></div>"
USABLE = "requestAnimationFrame(()=>requestAnimationFrame(()=>{window.usable=performance.now()}));"


def texts(gathered):
    """Rows of the two other pages: number, type, cells, genes, terms."""
    genes, terms = gathered.genes, gathered.terms["term"].tolist()
    by = {kind: [[] for _ in range(len(gathered.var))] for kind in ("genes", "terms")}
    for number, gene in zip(gathered.leading["number"], gathered.leading["gene_id"], strict=True):
        by["genes"][number].append(genes[gene])
    for number, term in zip(gathered.carried["number"], gathered.carried["term_id"], strict=True):
        by["terms"][number].append(terms[term])
    types = gathered.var["top_cell_type"].astype(object).fillna("").astype(str)
    return [
        [number, types.iloc[number], int(gathered.var["n_active"].iloc[number]), own, carried]
        for number, (own, carried) in enumerate(
            zip(map(", ".join, by["genes"]), map(", ".join, by["terms"]), strict=True)
        )
    ]


def write_plotly(folder, gathered, cells):
    """Two maps by scattergl, and a search that colours the features it finds."""
    from plotly.offline import get_plotlyjs

    layout = gathered.maps[-1].place
    data = {
        "fx": np.nan_to_num(layout[:, 0]).round(4).tolist(),
        "fy": np.nan_to_num(layout[:, 1]).round(4).tolist(),
        "cx": cells.place[:, 0].round(4).tolist(),
        "cy": cells.place[:, 1].round(4).tolist(),
        "ct": cells.codes.tolist(),
        "rows": texts(gathered),
    }
    program = """
const D = DATA;
const low = D.rows.map((row) => row.join(' ').toLowerCase());
const trace = (x, y, color) =>
  ({x, y, mode: 'markers', type: 'scattergl', marker: {color, size: 4}});
const size = {width: 600, height: 450};
Promise.all([
  Plotly.newPlot('features', [trace(D.fx, D.fy, low.map(() => 1))], size),
  Plotly.newPlot('cells', [trace(D.cx, D.cy, D.ct)], size),
]).then(() => { USABLE });
document.getElementById('query').addEventListener('input', (event) => {
  const wanted = event.target.value.toLowerCase();
  const color = low.map((text) => (text.includes(wanted) ? 1 : 0));
  document.getElementById('count').textContent = color.reduce((a, b) => a + b);
  window.answered = Plotly.restyle('features', {'marker.color': [color]});
});
"""
    program = program.replace("DATA", json.dumps(data)).replace("USABLE", USABLE)
    body = f"<div id=features></div><div id=cells></div><script>{get_plotlyjs()}</script>"
    (folder / "plotly.html").write_text(f"{PLAIN}{body}<script>{program}</script>")
    return folder / "plotly.html"


def write_table_page(folder, gathered):
    """Every row in one table, and a search that hides rows."""
    program = """
const rows = DATA;
const low = rows.map((row) => row.join(' ').toLowerCase());
const body = document.getElementById('body');
rows.forEach((row) => {
  const line = document.createElement('tr');
  row.forEach((text) => { line.insertCell().textContent = text; });
  body.append(line);
});
USABLE
document.getElementById('query').addEventListener('input', (event) => {
  const wanted = event.target.value.toLowerCase();
  let count = 0;
  low.forEach((text, place) => {
    const shown = text.includes(wanted);
    count += shown;
    body.rows[place].hidden = !shown;
  });
  document.getElementById('count').textContent = count;
});
"""
    program = program.replace("DATA", json.dumps(texts(gathered))).replace("USABLE", USABLE)
    body = "<table><tbody id=body></tbody></table>"
    (folder / "table.html").write_text(f"{PLAIN}{body}<script>{program}</script>")
    return folder / "table.html"


STROKE = """async (text) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const box = document.getElementById('query');
  await frame();
  const began = performance.now();
  if (text !== null) {
    box.value = text;
    box.dispatchEvent(new Event('input', {bubbles: true}));
  }
  const script = performance.now() - began;
  if (window.answered) await window.answered;
  await frame();
  await frame();
  return [script, performance.now() - began];
}"""


class Visit:
    """A page in a fresh profile, its processor slowed down or not."""

    def __init__(self, browser, path, throttle):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
        self.page = self.context.new_page()
        self.session = self.context.new_cdp_session(self.page)
        # In ticks of the thread: what other programs take of a shared machine does not count.
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.session.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
        self.page.add_init_script(
            "addEventListener('DOMContentLoaded', () => { const look = () => {"
            "if (document.documentElement.dataset.ready === 'true') {" + USABLE + "}"
            "else setTimeout(look, 5)}; look(); });"
        )
        self.page.goto(path.as_uri(), wait_until="commit")
        while not self.page.evaluate("window.usable"):  # a policy forbids to wait inside the page
            self.page.wait_for_timeout(50)
        self.usable, self.usable_cpu = self.page.evaluate("window.usable"), self.cpu()

    def cpu(self):
        """Milliseconds of processor time of the page's main thread so far."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(each["value"] for each in metrics if each["name"] == "TaskDuration")

    def strokes(self):
        """Script, paint and processor time of every key stroke, and the paint of none.

        ``whole`` is the processor time until nothing more happens, for every fifth stroke.
        """
        found = {"script": [], "painted": [], "cpu": [], "idle": [], "whole": []}
        for word in WORDS:
            for length in range(len(word) + 1):
                before = self.cpu()
                script, painted = self.page.evaluate(STROKE, word[:length])
                found["cpu"].append(self.cpu() - before)
                found["script"].append(script)
                found["painted"].append(painted)
                found["idle"].append(self.page.evaluate(STROKE, None)[1])
                if len(found["idle"]) % 5 == 0:
                    self.page.wait_for_timeout(500)
                    found["whole"].append(self.cpu() - before)
        self.context.close()
        return found


def look(browser, path, throttle, repeats):
    """Milliseconds until a page is usable, and until its answers to key strokes are painted.

    By the clock with the processor slowed down, and in processor time of the page's main thread,
    which is counted at full speed and multiplied.
    """
    slow = [Visit(browser, path, throttle) for _ in range(repeats)]
    clock = [visit.strokes() for visit in slow]
    fast = [Visit(browser, path, 1) for _ in range(repeats)]
    processor = [visit.strokes() for visit in fast]
    joined = {
        name: [value for each in visits for value in each[name]]
        for name, visits in (
            ("script", clock), ("painted", clock), ("idle", clock),
            ("cpu", processor), ("whole", processor),
        )
    }  # fmt: skip
    for name in ("cpu", "whole"):
        joined[name] = [throttle * value for value in joined[name]]
    return {
        "usable_ms": float(np.median([visit.usable for visit in slow])),
        "usable_cpu_ms": throttle * float(np.median([visit.usable_cpu for visit in fast])),
        **{f"{name}_p50_ms": float(np.median(values)) for name, values in joined.items()},
        **{f"{name}_p95_ms": float(np.percentile(values, 95)) for name, values in joined.items()},
    }


def main() -> None:
    """Make the data and the pages, look at them, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=10_000)
    parser.add_argument("--cells", type=int, default=57_000)
    parser.add_argument("--throttle", type=float, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the pages here")
    asked = parser.parse_args()

    sys.path[:0] = [str(ROOT / "tests/helpers"), str(ROOT / "tests/browser")]
    from playwright.sync_api import sync_playwright

    from conftest import chromium
    from made_atlas import made_material

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        material = made_material(
            folder, n_cells=asked.cells, n_features=asked.features, n_genes=18_000, n_terms=6_000,
            active=64, types=22, genes_each=60, terms_each=60,
        )  # fmt: skip
        began = time.process_time()
        gathered = gather(replace(material, directions=None))
        said = write_atlas(gathered, folder / "atlas")
        built = time.process_time() - began
        cells = gathered.cells
        pages = {
            "atlas, folder": folder / "atlas/index.html",
            "atlas, one file": folder / "atlas/atlas.html",
            "plotly": write_plotly(folder, gathered, cells),
            "table": write_table_page(folder, gathered),
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            often = {True: asked.repeats, False: 1}
            found = {
                name: look(browser, path, asked.throttle, often[name.startswith("atlas")])
                | {"megabytes": path.stat().st_size / 1e6}
                for name, path in pages.items()
            }
            program = browser.version
            browser.close()
        files = list((folder / "atlas").rglob("data/*.js"))
        found["atlas, folder"]["megabytes"] += sum(path.stat().st_size for path in files) / 1e6
    result = {
        "date": str(date.today()), "load": load, "python": platform.python_version(),
        "chromium": program, "featurelens": __version__, "features": asked.features,
        "cells": asked.cells, "throttle": asked.throttle, "repeats": asked.repeats,
        "build_cpu_s": built, "said": said, "pages": found,
    }  # fmt: skip
    (RESULTS / "atlas.json").write_text(json.dumps(result, indent=2) + "\n")
    (RESULTS / "atlas.md").write_text(report(result))
    print(report(result))


def report(result) -> str:
    """The results as a page, with ratios to the atlas in its folder."""
    own = result["pages"]["atlas, folder"]
    shown = ("usable_cpu_ms", "cpu_p95_ms", "whole_p50_ms", "usable_ms", "painted_p95_ms")
    lines = [
        "# Speed of the atlas",
        "",
        f"{result['date']}, 2 cores (load {result['load']:.1f} at the start), Chromium "
        f"{result['chromium']} headless, its processor slowed {result['throttle']:g} times; "
        f"{result['features']:,} features, {result['cells']:,} cells, made up. Medians of "
        f"{result['repeats']} fresh profiles of the atlas, one of the others; key strokes: the "
        "95th percentile of all together, and the median of all that it sets off. "
        "Processor time is that of the page's main thread, times as much; the clock holds what "
        "other programs took of the machine. Behind each number stands how many times that of the "
        "atlas it is. What the pages are: `benchmarks/atlas.py`.",
        "",
        "| page | MB | usable, ms of the processor | key stroke answered, ms of the processor "
        "| with all it sets off, median "
        "| usable, ms on the clock | key stroke painted, ms on the clock |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, page in result["pages"].items():
        numbers = [f"{page[key]:,.0f} ({page[key] / own[key]:.1f})" for key in shown]
        lines.append(f"| {name} | {page['megabytes']:.1f} | {' | '.join(numbers)} |")
    lines += [
        "",
        f"Two idle frames, which the painting of any answer takes at least: "
        f"{own['idle_p50_ms']:.0f} ms (median), {own['idle_p95_ms']:.0f} ms (p95). Building the "
        f"atlas took {result['build_cpu_s']:.0f} s of processor time.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
