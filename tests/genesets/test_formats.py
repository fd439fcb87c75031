"""Files of gene sets as they are found: each gives the sets that a user expects, losses counted."""

import json
from pathlib import Path

import pandas as pd
import pytest

from featurelens.genesets.compiling import compile_collection
from featurelens.genesets.config import CollectionConfig
from featurelens.genesets.files import read_gmt, write_gmt
from featurelens.genesets.given import as_gene_sets
from featurelens.genesets.identifiers import GeneIndex
from featurelens.genesets.overlay import overlay
from featurelens.genesets.read import read_counted, read_sets
from featurelens.io import InputError

SETS = {
    "T cells": ("CD3D", "CD3E", "CD8A", "CD8B", "IL7R"),
    "B cells": ("CD79A", "CD79B", "MS4A1", "CD19"),
    "NK cells": ("GNLY", "NKG7", "PRF1", "GZMB"),
}
SHARED = Path(__file__).parents[3] / "shared"


def by_name(sets):
    return dict(zip(sets.names, sets.genes, strict=True))


def lines(row):
    return "".join(row(name, genes) + "\n" for name, genes in SETS.items())


def long(header, row, delimiter="\t"):
    rows = [row(name, gene) for name, genes in SETS.items() for gene in genes]
    return "".join(delimiter.join(fields) + "\n" for fields in [header, *rows])


def columns():
    height = max(map(len, SETS.values()))
    rows = [list(SETS), ["na"] * 3]
    rows += [[genes[i] if i < len(genes) else "" for genes in SETS.values()] for i in range(height)]
    return "".join("\t".join(row) + "\n" for row in rows)


def msigdb(name, genes):
    about = {"systematicName": "M1", "collection": "C8", "pmid": "", "exactSource": ""}
    return {name: {**about, "geneSymbols": list(genes), "externalDetailsURL": []}}


FORMS = {
    "plain.gmt": (lines(lambda name, genes: "\t".join((name, "", *genes))), {}),
    "address.gmt": (lines(lambda name, genes: "\t".join((name, "https://x.org/a", *genes))), {}),
    "category.gmt": (lines(lambda name, genes: "\t".join((name, "blood|mine", *genes))), {}),
    "bare.gmt": (
        lines(lambda name, genes: "\t".join((name, *genes))),
        {"n_without_description": 3},
    ),
    "remarks.gmt": (
        "# made by hand\n" + lines(lambda name, genes: "\t".join((name, "", *genes))),
        {"n_remarks": 1},
    ),
    "quoted.gmt": (
        lines(lambda name, genes: "\t".join(f'"{part}"' for part in (name, "na", *genes))),
        {},
    ),
    "enrichr.txt": (
        lines(lambda name, genes: "\t".join((name, "", *(f"{gene},1.0" for gene in genes)))),
        {"n_weights_cut": 13},
    ),
    "glued.txt": (
        lines(lambda name, genes: f"{name}," + "\t".join(genes)),
        {"n_first_genes_split_off": 3},
    ),
    "msigdb.json": (
        json.dumps({k: v for pair in SETS.items() for k, v in msigdb(*pair).items()}),
        {},
    ),
    "columns.gmx": (columns(), {}),
    "panglao.tsv": (
        long(
            ("species", "official gene symbol", "cell type", "canonical marker"),
            lambda name, gene: ("Mm Hs", gene, name, "1"),
        ),
        {},
    ),
    "cellmarker.csv": (
        long(
            ("species", "cell_type", "cell_name", "marker", "Symbol"),
            lambda name, gene: ("Human", "Normal cell", name, "x", gene),
            ",",
        ),
        {},
    ),
    "cellmarker_1.txt": (
        "cellType\tcellName\tcellMarker\tgeneSymbol\n"
        "Normal cell\tT cells\tCD3, CD8\t[CD3D, CD3E], CD8A, CD8B, NA\n"
        "Normal cell\tB cells\tx\tCD79A, CD79B, MS4A1, CD19\n"
        "Normal cell\tT cells\tCD127\tIL7R\nNormal cell\tT cells\tx\tNA\n"
        "Normal cell\tNK cells\tx\tGNLY, NKG7, PRF1, GZMB\n",
        {"n_rows_without_set_or_gene": 1},
    ),
    "celltypist.csv": (
        "High-hierarchy cell types,Low-hierarchy cell types,Description,Curated markers\n"
        + lines(lambda name, genes: f'Lymphoid,{name},"a, b","{", ".join(genes)}"'),
        {},
    ),
    "network.tsv": (
        long(("source", "target", "weight"), lambda name, gene: (name, gene, "0.5")),
        {},
    ),
    "msigdbr.csv": (long(("gs_name", "gene_symbol"), lambda *pair: pair, ";"), {}),
    "SHOUTED.YAML": (lines(lambda name, genes: f"{name}: [{', '.join(genes)}]"), {}),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_gives_the_same_sets(name, tmp_path):
    text, counts = FORMS[name]
    (tmp_path / name).write_text(text)
    read = read_counted(tmp_path / name)
    assert by_name(read.sets) == SETS
    assert read.counts == counts


@pytest.mark.parametrize("name", ["enrichr.txt", "remarks.gmt"])
def test_what_was_cut_stands_among_the_counts_of_a_collection(name, tmp_path):
    text, counts = FORMS[name]
    (tmp_path / name).write_text(text)
    found = compile_collection(CollectionConfig(path=str(tmp_path / name))).counts
    assert {key: found[key] for key in counts} == counts


@pytest.mark.skipif(not SHARED.exists(), reason="the cases are not beside the repository")
def test_the_forms_of_the_cases_are_read():
    folder = SHARED / "cases/genesets"
    for path in sorted(folder.iterdir()):
        found = {name.partition(" (")[0]: set(g) for name, g in by_name(read_sets(path)).items()}
        assert found == {name: set(genes) for name, genes in SETS.items()}, path.name


@pytest.mark.parametrize("is_named", [True, False])
def test_a_grp_is_one_set(is_named, tmp_path):
    head = "HALLMARK_T\n# https://x.org\n" if is_named else ""
    (tmp_path / "mine.grp").write_text(head + "CD3D\nCD3E\nCD3D\n")
    assert by_name(read_sets(tmp_path / "mine.grp")) == {
        "HALLMARK_T" if is_named else "mine": ("CD3D", "CD3E")
    }


@pytest.mark.parametrize(
    "abouts",
    [
        ("KEGG", "KEGG", "KEGG"),  # one word for all
        ("Lymphoid", "Bcell", "Killer"),  # words, though they look like genes of the mouse
        ("GO:0001", "GO:0002", "GO:0003"),
        ("na", "CD3D", "GNLY"),
    ],
)
def test_descriptions_are_not_taken_for_genes(abouts, tmp_path):
    rows = zip(SETS.items(), abouts, strict=True)
    text = "".join("\t".join((name, about, *genes)) + "\n" for (name, genes), about in rows)
    (tmp_path / "a.gmt").write_text(text)
    read = read_counted(tmp_path / "a.gmt")
    assert by_name(read.sets) == SETS
    assert read.sets.descriptions == abouts


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            "Apoptosis%WikiPathways_20240110%WP254%Homo sapiens\thttps://x.org/WP254\tCASP8\tFAS\n"
            "TCR%WikiPathways_20240110%WP69%Homo sapiens\thttps://x.org/WP69\tCD3D\tCD3E\n",
            [("Apoptosis", "WikiPathways|WP254"), ("TCR", "WikiPathways|WP69")],
        ),
        (
            "APOPTOSIS%REACTOME%R-HSA-109581.5\tApoptosis\tCASP8\tFAS\n"
            "B CELL%GOBP%GO:0042113\tB cell\tCD19\tMS4A1\nB CELL%MSIG_C2%B\tx\tCD19\tCD79A\n",
            [
                ("APOPTOSIS", "REACTOME|R-HSA-109581.5"),
                ("B CELL (GO:0042113)", "GOBP|GO:0042113"),
                ("B CELL (B)", "MSIG_C2|B"),
            ],
        ),
        (
            "GO:0006915\tapoptotic process\tCASP8\tFAS\nREAC:R-HSA-1\tSignalling\tCD3D\tCD3E\n",
            [("apoptotic process", "GO|GO:0006915"), ("Signalling", "REAC|REAC:R-HSA-1")],
        ),
        # An address behind an id, and one name of many with a sign of percent, stay.
        ("GO:0006915\thttps://x.org\tCASP8\tFAS\n", [("GO:0006915", "https://x.org")]),
        ("a%b%c\tx\tCASP8\tFAS\nb\ty\tFAS\tCASP8\n", [("a%b%c", "x"), ("b", "y")]),
        ("Cluster:1\tna\tCASP8\tFAS\n", [("Cluster:1", "na")]),
        (
            "".join(f"Cluster:{i}\tmine\tCASP8\tFAS\n" for i in range(3)),
            [(f"Cluster:{i}", "mine") for i in range(3)],
        ),
    ],
    ids=["WikiPathways", "Bader lab", "g:Profiler", "address", "other names", "na", "one word"],
)
def test_sets_are_called_by_their_names(text, rows, tmp_path):
    (tmp_path / "a.gmt").write_text(text)
    sets = read_sets(tmp_path / "a.gmt")
    assert list(zip(sets.names, sets.descriptions, strict=True)) == rows
    assert all(len(genes) == 2 for genes in sets.genes)


def test_what_stages_hand_on_is_read_to_the_letter(tmp_path):
    """Descriptions that look like genes, and genes that look weighted, stay as they are."""
    sets = as_gene_sets({"a": ["X,1.0", "Y"], "b": ["Z"]})
    sets = type(sets)(sets.names, ("CD3D", "CD8A"), sets.genes)
    write_gmt(sets, tmp_path / "sets.gmt")
    assert read_gmt(tmp_path / "sets.gmt") == sets


def test_other_tables_say_what_they_are(tmp_path):
    (tmp_path / "gene2go").write_text("#tax_id\tGeneID\tGO_ID\n9606\t1\tGO:0003674\n")
    with pytest.raises(InputError, match="is NCBI's gene2go"):
        read_sets(tmp_path / "gene2go")
    (tmp_path / "short.tsv").write_text("source\tother\ttarget\na\tb\n")
    with pytest.raises(InputError, match="line 2 has 2 of 3 columns"):
        read_sets(tmp_path / "short.tsv")


@pytest.mark.parametrize(
    "given",
    [
        SETS,
        pd.Series({name: list(genes) for name, genes in SETS.items()}),
        [(name, list(genes)) for name, genes in SETS.items()],
        {name: [*genes, None, float("nan")] for name, genes in SETS.items()},
    ],
)
def test_sets_of_a_call(given):
    assert by_name(as_gene_sets(given)) == SETS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["CD3D", "CD3E"], "gene_sets is a list; give a mapping"),
        ({"a": None}, "'a' is None; give a list"),
        ({"a": 3}, "'a' is 3; give a list"),
        (7, "gene_sets is a int; give a mapping"),
        ({"a": {"genes": ["CD3D"]}}, "'a' is {'genes'.*give a list"),
        ({"a": [["CD3D", "CD3E"]]}, r"'a' holds \['CD3D', 'CD3E'\], not the name of a gene"),
        ([("a", ["CD3D"]), ("a", ["CD3E"])], "'a' is given twice"),
        (pd.Series([["CD3D"], ["CD3E"]], index=["a", "a"]), "'a' is given twice"),
    ],
)
def test_what_is_no_set_of_a_call(given, message):
    with pytest.raises(InputError, match=message):
        as_gene_sets(given)


def index_of(*symbols):
    return GeneIndex.of(pd.DataFrame({"symbol": symbols}, index=symbols))


def test_capitals_of_enrichr_find_human_symbols():
    human = index_of("CD3D", "CD3E", "GNLY", "C1orf162", "C9orf16")
    assert human.find("C1ORF162") == "C1orf162"
    assert human.find("C1orf162") == "C1orf162"
    assert human.find("c1orf162") is None


def test_what_is_found_by_its_capitals_is_counted():
    symbols = ["CD3D", "CD3E", "GNLY", "C1orf162", "C9orf16"]
    genes = pd.DataFrame({"symbol": symbols}, index=symbols)
    sets = as_gene_sets({"a": ["CD3D", "C1ORF162", "C9orf16"], "b": ["C1ORF162", "GNLY", "X"]})
    membership = overlay(sets, genes, min_genes=1, max_genes=9)
    assert membership.by_case == ("C1ORF162",)
    assert membership.unmatched == ("X",)
    assert membership.describe().endswith("(X); 4 of 5 names found, 1 by their capitals")


def test_case_alone_does_not_bridge_species_or_two_genes():
    mouse = index_of("Cd3d", "Cd3e", "Gnly", "Ms4a1")
    assert mouse.find("CD3D") is None
    twins = index_of("CD3D", "CD3E", "GNLY", "C1orf1", "C1ORf1")
    assert twins.find("C1ORF1") is None
