"""The repository speaks of itself alone, and its floors hold."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from clones import ROOT

FLOORS = (
    {"io", "logs", "options", "conventions", "provenance", "stats", "_transfer"}
    | {"count_tests", "margins"},
    {
        "sae",
        "simulation",
        "observables",
        "autoencoder",
        "genesets",
        "decoders",
        "decoder_types",
        "decoder_scvi",
        "_gradient",
    }
    | {"superposed"},
    {"embeddings", "recovery", "_readout", "_correlation", "structure", "baselines", "probes"}
    | {"_factored", "search"}
    | {
        "_neurons",
        "structure_scores",
        "true_size",
        "simulation_config",
        "sweep_config",
        "sweeps",
        "dictionary",
        "download",
        "figshare",
        "resources",
    },
    {"features", "locality", "cell_sets", "matching", "prepared", "group_kernels", "gene_tests"}
    | {"device_moments"}
    | {"dge", "chosen_features", "negative_binomial", "steering"},
    {"enrichment", "term_tests", "term_filters", "calibration", "permutation_null", "concepts"}
    | {"annotation_summary", "concept_layout"},
    {
        "figures",
        "tables",
        "autoencoder_table",
        "annotated_features",
        "comparison",
        "concept_tables",
        "claims",
        "claim_reads",
        "controls",
        "reproduction",
        "gsea",
        "sweep_results",
    },
    {
        "config",
        "config_checks",
        "config_errors",
        "config_docs",
        "inputs",
        "evaluation",
        "ceiling",
        "sweep_tables",
    }
    | {"sweep_tables", "held_out", "annotation", "own_data", "presence", "job_memory"},
)
LIBRARY = ROOT / "src/featurelens"


def tracked():
    """Text files that git tracks, or all files where there is no git."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = done.stdout.split("\n") if done.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or sorted(LIBRARY.rglob("*.py"))
    return [path for path in paths if path.is_file() and path.suffix not in (".png", ".pdf")]


def floor_of(name):
    [floor] = [level for level, modules in enumerate(FLOORS) if name in modules]
    return floor


def imports(path):
    """First names below featurelens that a module imports at run time."""
    tree = ast.parse(path.read_text())
    guarded = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and ast.unparse(test.test) == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in guarded and node.module:
            parts = node.module.split(".")
            if parts[0] == "featurelens":
                yield from [parts[1]] if len(parts) > 1 else [name.name for name in node.names]


@pytest.mark.parametrize(
    "path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY))
)
def test_a_module_imports_only_from_its_floor_and_below(path):
    name = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
    if name == "__init__":
        return
    floor = floor_of(name)
    above = {other for other in imports(path) if other != "__version__" and floor_of(other) > floor}
    assert above == set()


def test_the_library_does_not_know_the_workflow():
    for path in LIBRARY.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), re.MULTILINE), path


def test_no_file_names_the_machine_it_was_made_on():
    places = {str(ROOT), str(ROOT.resolve()), str(Path.home()), sys.prefix, sys.base_prefix}
    places -= {"/", "/usr", "/usr/local"}
    for path in tracked():
        text = path.read_text(errors="ignore")
        assert [place for place in places if place in text] == [], path


def test_every_page_that_is_named_is_there():
    paths = tracked()
    pages = {path.name for path in paths if path.suffix == ".md"}
    for path in paths:
        if path.suffix in (".py", ".smk", ".md", ".rst", ".yaml"):
            named = set(re.findall(r"[A-Za-z_-]+\.md\b", path.read_text()))
            assert named - pages == set(), path


def test_every_fingerprint_names_files_that_are_there():
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for block in re.findall(r"fingerprint\(([^)]*)\)", path.read_text()):
            for name in re.findall(r'"([^"]+)"', block):
                assert (LIBRARY / name).exists(), f"{path.name}: {name}"
