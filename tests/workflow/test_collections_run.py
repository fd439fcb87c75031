"""The page on gene sets: its blocks are read and run, beside a small ontology."""

import re

import pandas as pd
import pytest
import yaml

from clones import ROOT, run_snakemake, write_config
from featurelens.config.parse import parse_config
from featurelens.genesets.config import CollectionConfig
from featurelens.options import build
from gene_ontology import OBO, gaf_line

pytestmark = pytest.mark.workflow

GENES = {
    "GO:0000005": "CD79A CD79B MS4A1",
    "GO:0000006": "GNLY NKG7 CST7 GZMB",
    "GO:0000011": "HLA-DRA HLA-DPA1 HLA-DPB1 CD74",
}
"""Genes of delta, epsilon and binding."""


def blocks():
    """YAML blocks of the page, by the file that their first line names."""
    page = (ROOT / "docs/gene-sets.md").read_text()
    found = re.findall(r"```yaml\n# ([\w.-]+)[^\n]*\n(.*?)```", page, re.DOTALL)
    return dict(found)


def test_the_block_on_the_gene_ontology_is_a_config():
    config = yaml.safe_load(blocks()["my_run.yaml"]) | yaml.safe_load(blocks()["go.yaml"])
    run = parse_config(config)
    species = yaml.safe_load(blocks()["species.yaml"])["collections"]
    assert [build(CollectionConfig, block).covers("bone-marrow") for block in species.values()] == [
        True,
        False,
    ]
    assert run.collections["go-process-published"].propagate == "none"


def test_a_collection_annotates_the_datasets_that_it_is_for(clone):
    config = yaml.safe_load(blocks()["my_run.yaml"])
    config["datasets"]["again"] = config["datasets"]["pbmc"]
    config["collections"] = {
        "everywhere": {"path": "my_sets.yaml"},
        "here": {"path": "my_sets.yaml", "datasets": ["again"]},
    }
    done = run_snakemake(clone, "-n", *write_config(clone, config))
    assert done.returncode == 0, done.stdout + done.stderr
    planned = set(re.findall(r"results/gene-sets/enrichment/(\S+)/summary.tsv", done.stdout))
    assert planned == {
        "pbmc/pca/topk/everywhere",
        "again/pca/topk/everywhere",
        "again/pca/topk/here",
    }


def test_a_union_is_made_of_its_parts_and_annotated_in_their_place(clone):
    config = yaml.safe_load(blocks()["my_run.yaml"])
    (clone / "my_sets.yaml").write_text(blocks()["my_sets.yaml"])
    # By itself this collection has no set of three genes of the data.
    (clone / "other_sets.yaml").write_text("chemokines: [CCL5, CCL4, CXCL8]\n")
    config["collections"] |= yaml.safe_load(blocks()["union.yaml"])["collections"]
    files = ["my_sets.yaml", "other_sets.yaml"]
    parts = config["collections"]["together"]["union"]
    config["collections"] |= {name: {"path": file} for name, file in zip(parts, files, strict=True)}
    arguments = write_config(clone, config)
    done = run_snakemake(clone, "-n", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    planned = set(re.findall(r"results/gene-sets/enrichment/(\S+)/summary.tsv", done.stdout))
    assert planned == {"pbmc/pca/topk/mine", "pbmc/pca/topk/together"}
    target = "results/gene-sets/genesets/together/terms.tsv"
    done = run_snakemake(clone, target, "--cores", "1", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    terms = pd.read_csv(clone / target, sep="\t")
    sets = [yaml.safe_load((clone / file).read_text()) for file in files]
    assert terms["term"].tolist() == [*sets[0], *sets[1]]
    assert terms["collection"].tolist() == [parts[0]] * len(sets[0]) + [parts[1]]


@pytest.mark.slow
def test_the_page_runs(clone):
    page = blocks()
    (clone / "my_sets.yaml").write_text(page["my_sets.yaml"])
    config = yaml.safe_load(page["my_run.yaml"])
    (clone / "tiny.obo").write_text(OBO)
    lines = [gaf_line(gene, term) for term, genes in GENES.items() for gene in genes.split()]
    (clone / "tiny.gaf").write_text("\n".join(["!gaf-version: 2.2", *lines]))
    config["collections"]["tiny"] = {"ontology": "tiny.obo", "annotations": "tiny.gaf"}
    (clone / "my_run.yaml").write_text(yaml.safe_dump(config))
    results = clone / "results/gene-sets"
    targets = [
        f"enrichment/pbmc/pca/topk/{name}/global_corrected.parquet" for name in ("mine", "tiny")
    ]
    done = run_snakemake(
        clone,
        *(f"results/gene-sets/{target}" for target in targets),
        *("--cores", "2", "--configfile", "my_run.yaml"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    mine, tiny = (pd.read_parquet(results / target) for target in targets)

    assert set(mine["term"]) == set(yaml.safe_load(page["my_sets.yaml"]))
    categories = mine.drop_duplicates("term").set_index("term")["category"]
    assert categories["antigen presentation"] == "immunity"
    assert mine["kept_fdr"].any()

    # binding is part of gamma, epsilon is part of delta: 3 + 4 genes of delta, 4 more of gamma.
    sizes = tiny.drop_duplicates("term").set_index("term")["n_term"].to_dict()
    assert sizes == {"alpha": 11, "beta": 11, "gamma": 11, "delta": 7, "epsilon": 4, "binding": 4}
    terms = pd.read_csv(results / "genesets/tiny/terms.tsv", sep="\t")
    levels = terms.set_index("term")["level_1"]
    assert tiny.drop_duplicates("term").set_index("term")["category"].to_dict() == levels.to_dict()
    assert (
        "universe holds 765"
        in (results / "logs/enrich_features/pbmc/pca/topk/tiny.log").read_text()
    )
