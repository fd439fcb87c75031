"""A figure is one file: dropped into a clone, a run draws it where it makes its inputs."""

import re

import pytest

from clones import run_snakemake

pytestmark = pytest.mark.workflow

FIGURE = '''"""**Figure S99. Scores.** In the order of the table."""

from featurelens.figures.parts.style import new_figure, styled

INPUTS = {"superposition": "tables/superposition.tsv"}
PARAMS = {"autoencoders": "{autoencoders}"}


@styled
def draw(superposition, *, autoencoders):
    figure = new_figure(3, 2)
    figure.subplots().plot(superposition["score"], label=autoencoders[0])
    return figure
'''


def planned(done):
    """Names of the rules that Snakemake plans."""
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^(\w+) +\d+$", done.stdout, flags=re.MULTILINE))


def test_a_figure_is_one_file(clone, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(clone / "src"))
    before = planned(run_snakemake(clone, "-n", "--quiet", "rules"))
    (clone / "src/featurelens/figures/figure_S99.py").write_text(FIGURE)
    assert planned(run_snakemake(clone, "-n", "--quiet", "rules")) - before == {"draw_figure_S99"}

    # A run without autoencoders does not draw it.
    own = ("--configfile", "config/own-data.yaml")
    assert "draw_figure_S99" not in planned(run_snakemake(clone, "-n", "--quiet", "rules", *own))

    results = clone / "results/demo"
    (results / "tables").mkdir(parents=True)
    # The report shows all that the job beside it makes.
    beside = ("ceiling", "chance_structure", "intrinsic_dimension", "table_S3")
    for name in ("superposition", *beside):
        (results / f"tables/{name}.tsv").write_text("score\n0.1\n0.9\n0.4\n")
    done = run_snakemake(clone, "--cores", "1", "results/demo/figures/figure_S99.png")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (results / "figures/figure_S99.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (results / "figures/figure_S99.pdf").read_bytes()[:4] == b"%PDF"
    report = run_snakemake(clone, "results/demo/figures/figure_S99.png", "--report", "report.html")
    assert report.returncode == 0, report.stdout + report.stderr
    assert "In the order of the table" in (clone / "report.html").read_text()

    # A remark, or another caption, draws nothing again; a change of code does.
    path = clone / "src/featurelens/figures/figure_S99.py"
    png = "results/demo/figures/figure_S99.png"
    path.write_text(FIGURE.replace("In the order", "Still in the order") + "# a remark\n")
    assert "draw_figure_S99" not in planned(run_snakemake(clone, "-n", png, "--quiet", "rules"))
    path.write_text(FIGURE.replace("new_figure(3, 2)", "new_figure(4, 2)"))
    assert "draw_figure_S99" in planned(run_snakemake(clone, "-n", png, "--quiet", "rules"))
