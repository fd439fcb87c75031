"""How fast the atlas answers, beside the same data as a plotly page and as a page of one table.

    python -m benchmarks.atlas [--features 10000] [--cells 57000] [--throttle 4]

Made data: 64 active features a cell, 18,000 genes, 6,000 gene sets, 22 cell types; each feature has
60 genes and 40 gene sets. Every page opens from a disk in a headless Chromium without a network,
its processor slowed down, in a fresh profile each time. A page is usable when all that it shows at
first is painted and a key stroke would be answered.

Keys are struck as by a typist, at intervals of 80 to 320 ms, by the browser's own input events. A
stroke is answered when the main thread has painted the frame after it. In the atlas that frame
holds the count, the suggestions and the first four rows; the rows below follow in turns. The frame
that holds the last of them is measured as well (whole), unless another stroke came first. The map
of features is drawn when no key is struck for 400 ms, in turns of 6 ms; what a stroke and all that
it sets off take stands beside.

Two measures of the same strokes. Processor time is that of the page's main thread, summed from the
browser's trace over its tasks from the key to the painted frame, at full speed, and multiplied by
the throttle: what other programs take of the machine does not count, nor does waiting for the
screen. Where a page is slower than the typist, work that earlier strokes left counts, as it does on
the clock. The clock, with the processor slowed down, runs from the time stamp of the event, and
waits for the frame included; a stroke that changes nothing is timed beside. It holds what other
programs took. Chromium gives a page that nobody looks at a lower priority than its own, so the
page is given the priority of this program.

Decoder directions are left out of the made data: their layout takes longer to make than all the
rest, and no key stroke reads it. The other pages are looked at once, by the first three
words, because an answer of theirs takes seconds.

The plotly page draws both maps by scattergl and colours the features that a search finds, by text
in their genes and terms. The table page is of datavzrd's kind: the rows lie in the page as a
literal, all are in the table, and a search hides rows whose text does not hold what is typed.
"""

import argparse
import contextlib
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

from benchmarks.memory_of_tree import tree
from featurelens.atlas.build import write_atlas
from featurelens.atlas.gathered import gather
from featurelens.version import __version__

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
WORDS = ("GENE1024", "type 7", "term 42", "HBB", "interferon", "4711")
"""Typed one key after the other, each after an empty box."""

FEW = 3
"""Words typed on the other pages."""

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


GAPS = (80, 150, 230, 320, 110, 260)
"""Milliseconds between key strokes."""
WATCH = """
window.seen = [];
let stroke = 0, struck = 0;
const painted = (act) => requestAnimationFrame(() => scheduler.postTask(
  () => act(performance.now()), {priority: 'user-blocking'}));
const record = (began, kind, number) => painted((first) => {
  const own = {kind, answered: first - began};
  if (kind === 'stroke') performance.mark(`answered ${number}`);
  window.seen.push(own);
  const rest = () => setTimeout(() => painted((last) => {
    if (document.querySelector('[aria-busy=true]') && struck === number) return rest();
    own.isOver = true;
    if (struck === number) own.whole = last - began;
  }));
  rest();
});
addEventListener('keydown', (event) => {
  stroke = event.timeStamp;
  struck += 1;
  performance.mark(`struck ${struck}`);
  if (event.key === 'Shift') record(stroke, 'idle', struck);
}, true);
addEventListener('input', () => {
  const [began, number] = [stroke, struck];
  const answered = () => record(began, 'stroke', number);
  if (!window.Plotly) answered();
  else setTimeout(() => Promise.resolve(window.answered).then(answered));
}, true);
"""
CATEGORIES = ["toplevel", "blink.user_timing"]
"""Of the trace: tasks of threads with their processor time, and the marks above."""


def processor_times(trace):
    """Milliseconds of the page's main thread from each stroke on, from a trace.

    ``answer`` ends where the answer is painted, ``all`` before the next stroke.
    """
    events = json.loads(trace)["traceEvents"]
    marks = [e for e in events if e.get("cat") == "blink.user_timing" and " " in e["name"]]
    thread = {(mark["pid"], mark["tid"]) for mark in marks}
    tasks = sorted(
        (e["ts"], e["ts"] + e["dur"], e["tdur"])
        for e in events
        if e["name"] == "ThreadControllerImpl::RunTask" and (e["pid"], e["tid"]) in thread
    )
    begins, ends, ticks = (np.array(column) for column in zip(*tasks, strict=True))
    at = {mark["name"]: mark["ts"] for mark in marks}
    strokes = [name.split()[1] for name in at if name.startswith("answered")]
    struck = sorted(time for name, time in at.items() if name.startswith("struck"))

    def spent(start, end):
        return float(ticks[(ends > start) & (ends < end)].sum()) / 1000

    found = {"answer": [], "all": []}
    for number in strokes:
        start = at[f"struck {number}"]
        later = [time for time in struck if time > start]
        found["answer"].append(spent(start, at[f"answered {number}"]))
        found["all"].append(spent(start, begins[begins <= later[0]].max() if later else np.inf))
    return found


def keep_priority():
    """Give the pages of the browsers that this program started its own priority."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for process in tree(os.getpid())[1:]:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{process}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(thread.name), own)


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
            "else setTimeout(look, 5)}; look(); });" + WATCH
        )
        keep_priority()
        self.page.goto(path.as_uri(), wait_until="commit")
        while not self.page.evaluate("window.usable"):  # a policy forbids to wait inside the page
            self.page.wait_for_timeout(50)
        self.usable, self.usable_cpu = self.page.evaluate("window.usable"), self.cpu()

    def cpu(self):
        """Milliseconds of processor time of the page's main thread so far."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(each["value"] for each in metrics if each["name"] == "TaskDuration")

    def strokes(self, words):
        """Milliseconds on the clock of every key stroke, and of one that changes nothing."""
        keep_priority()
        self.page.wait_for_timeout(1500)
        self.page.focus("#query")
        keys = [key for word in words for key in (*word, "Delete")]
        for place, key in enumerate(keys):
            if key == "Delete":
                self.page.keyboard.press("Shift")
                self.page.wait_for_timeout(100)
                self.page.keyboard.press("Control+a")
            self.page.keyboard.press(key.replace(" ", "Space"))
            self.page.wait_for_timeout(GAPS[place % len(GAPS)])
        count = "window.seen.filter((each) => each.kind === 'stroke' && each.isOver).length"
        while self.page.evaluate(count) < len(keys):  # the last answer may take seconds
            self.page.wait_for_timeout(100)
        seen = self.page.evaluate("window.seen")
        strokes = [each for each in seen if each["kind"] == "stroke"]
        return {
            "answered": [each["answered"] for each in strokes],
            "whole": [each["whole"] for each in strokes if "whole" in each],
            "idle": [each["answered"] for each in seen if each["kind"] == "idle"],
        }


def on_the_clock(browser, path, throttle, words):
    """Milliseconds of one visit with the processor slowed down."""
    visit = Visit(browser, path, throttle)
    found = {"usable": [visit.usable]} | visit.strokes(words)
    visit.context.close()
    return found


def by_processor(browser, path, throttle, words):
    """Milliseconds of the main thread of one visit at full speed, times the throttle."""
    visit = Visit(browser, path, 1)
    found = {"usable_cpu": [visit.usable_cpu]}
    browser.start_tracing(page=visit.page, categories=CATEGORIES)
    visit.strokes(words)
    spent = processor_times(browser.stop_tracing())
    visit.context.close()
    found |= {f"{name}_cpu": values for name, values in spent.items()}
    return {name: [throttle * value for value in values] for name, values in found.items()}


def look(browser, path, throttle, repeats, words):
    """Milliseconds until a page is usable and its answers are painted, by both measures."""
    joined = {}
    for measure in (by_processor, on_the_clock):
        visits = [measure(browser, path, throttle, words) for _ in range(repeats)]
        for name in visits[0]:
            joined[name] = [value for visit in visits for value in visit[name]]
    return {
        f"{name}_{label}_ms": float(np.percentile(values, share))
        for name, values in joined.items()
        for label, share in (("p50", 50), ("p95", 95))
    }


def made(folder, n_features, n_cells):
    """Made data of this many features and cells."""
    from made_atlas import made_material

    material = made_material(
        folder, n_cells=n_cells, n_features=n_features, n_genes=18_000, n_terms=6_000,
        active=64, types=22, genes_each=60, terms_each=60,
    )  # fmt: skip
    return replace(material, directions=None)


def made_pages(folder, n_features, n_cells):
    """The pages by name, and what making them took; those that lie in the folder already."""
    notes = folder / "built.json"
    pages = {
        "atlas, folder": folder / "atlas/index.html",
        "atlas, one file": folder / "atlas/atlas.html",
        "plotly": folder / "plotly.html",
        "table": folder / "table.html",
    }
    if not notes.exists():
        material = made(folder, n_features, n_cells)
        began = time.process_time()
        gathered = gather(material)
        said = write_atlas(gathered, folder / "atlas")
        notes.write_text(json.dumps({"build_cpu_s": time.process_time() - began, "said": said}))
        write_plotly(folder, gathered, gathered.cells)
        write_table_page(folder, gathered)
    return pages, json.loads(notes.read_text())


MAILED = 5_000
"""Features of the atlas whose one file is to be sent by mail."""


def mailed(n_cells):
    """What is said of that atlas, its size included."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        return write_atlas(gather(made(folder, MAILED, n_cells)), folder / "atlas")


def main() -> None:
    """Make the data and the pages, look at them, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=10_000)
    parser.add_argument("--cells", type=int, default=57_000)
    parser.add_argument("--throttle", type=float, default=4)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the pages here, or look at those again")
    asked = parser.parse_args()

    sys.path[:0] = [str(ROOT / "tests/helpers"), str(ROOT / "tests/browser")]
    from playwright.sync_api import sync_playwright

    from conftest import chromium

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        pages, built = made_pages(folder, asked.features, asked.cells)
        built["mailed"] = mailed(asked.cells)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            found = {
                name: look(
                    browser,
                    path,
                    asked.throttle,
                    asked.repeats if place == 0 else 1,
                    WORDS if name.startswith("atlas") else WORDS[:FEW],
                )
                | {"megabytes": path.stat().st_size / 1e6}
                for place, (name, path) in enumerate(pages.items())
            }
            program = browser.version
            browser.close()
        files = list((folder / "atlas").rglob("data/*.js"))
        found["atlas, folder"]["megabytes"] += sum(path.stat().st_size for path in files) / 1e6
    result = {
        "date": str(date.today()), "load": load, "python": platform.python_version(),
        "chromium": program, "featurelens": __version__, "features": asked.features,
        "cells": asked.cells, "throttle": asked.throttle, "repeats": asked.repeats,
        **built, "pages": found,
    }  # fmt: skip
    (RESULTS / "atlas.json").write_text(json.dumps(result, indent=2) + "\n")
    (RESULTS / "atlas.md").write_text(report(result))
    print(report(result))


def report(result) -> str:
    """The results as a page, with ratios to the atlas in its folder."""
    own = result["pages"]["atlas, folder"]
    shown = (
        ("usable_cpu_p50_ms", "answer_cpu_p50_ms", "answer_cpu_p95_ms", "all_cpu_p50_ms"),
        ("usable_p50_ms", "answered_p50_ms", "answered_p95_ms", "whole_p95_ms"),
    )
    lines = [
        "# Speed of the atlas",
        "",
        f"{result['date']}, 2 cores (load {result['load']:.1f} at the start), Chromium "
        f"{result['chromium']} headless, its processor slowed {result['throttle']:g} times; "
        f"{result['features']:,} features, {result['cells']:,} cells, made up. Medians of "
        f"{result['repeats']} fresh profiles of the folder, one of the others; key strokes: median "
        "and 95th percentile of all together. Behind each number stands how many times that of the "
        "atlas it is. What the pages are, and when a stroke is answered: `benchmarks/atlas.py`.",
        "",
    ]
    tables = (
        ("Milliseconds of the processor, which other programs do not touch: the page's main thread "
         "at full speed, times as much.", shown[0],
         "usable | key stroke answered, median | 95th percentile | and all it sets off, median"),
        ("Milliseconds on the clock, which hold what other programs took of the machine.", shown[1],
         "usable | key stroke answered, median | 95th percentile | its last row, 95th percentile"),
    )  # fmt: skip
    for title, names, heads in tables:
        lines += [title, "", f"| page | MB | {heads} |", "|---" * (2 + len(names)) + "|"]
        for name, page in result["pages"].items():
            numbers = [f"{page[key]:,.0f} ({page[key] / own[key]:.1f})" for key in names]
            lines.append(f"| {name} | {page['megabytes']:.1f} | {' | '.join(numbers)} |")
        lines.append("")
    lines += [
        f"A stroke that changes nothing is answered after {own['idle_p50_ms']:.0f} ms (median), "
        f"{own['idle_p95_ms']:.0f} ms (p95): it waits for the next frame. Building the atlas took "
        f"{result['build_cpu_s']:.0f} s of processor time.",
        "",
        f"What is to be sent by mail, {MAILED:,} features of as many cells, made alike, is "
        f"{result['mailed'].rpartition('atlas.html ')[2]} as one file: {result['mailed']}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
