"""GMT files, membership, and the gene sets that come with the workflow."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import scanpy
import scipy.stats

from featurelens.genesets.files import read_gmt
from featurelens.genesets.sets import GeneSets, unique_symbols
from featurelens.io import InputError

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
FAMILIES = ROOT / "config" / "genesets" / "blood_families.gmt"

TOY = (
    "b cells\tidentity|a book\tCD79A\tCD79B\tMS4A1\n"
    "empty here\tother|a book\tX\tY\n"
    "all\tthird\tCD79A\tX\tX\t\n"
)


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.gmt"
    path.write_text(TOY)
    return read_gmt(path)


def test_read_gmt(toy):
    assert toy.names == ("b cells", "empty here", "all")
    assert toy.categories == ("identity", "other", "third")
    assert toy.genes[2] == ("CD79A", "X")  # a repeat counts once, an empty field not at all


def test_gzip_reads_the_same(toy, tmp_path):
    path = tmp_path / "toy.gmt.gz"
    with gzip.open(path, "wt") as handle:
        handle.write(TOY)
    assert read_gmt(path) == toy


def test_membership_by_pencil(toy):
    membership = toy.membership(["X", "MS4A1", "CD79A", "NONE"], min_genes=2, max_genes=5)
    assert membership.terms == ("b cells", "all")
    np.testing.assert_array_equal(membership.matrix.toarray(), [[0, 1, 1, 0], [1, 0, 1, 0]])
    np.testing.assert_array_equal(membership.sizes, [2, 2])
    # X is mapped through the set that is too small; CD79B and Y are nowhere in the data.
    np.testing.assert_array_equal(membership.in_universe, [True, True, True, False])
    assert (membership.n_too_small, membership.n_too_large) == (1, 0)
    assert (membership.n_universe, membership.n_genes_unmatched) == (3, 2)


def test_the_universe_may_be_all_genes_or_those_of_a_background(toy):
    genes = ["X", "MS4A1", "CD79A", "NONE", "OTHER"]
    everything = toy.membership(genes, min_genes=2, max_genes=5, universe="data")
    assert everything.in_universe.all()
    assert everything.n_in_some_set == 3
    background = np.array([False, True, True, True, False])
    # Without X the set "all" has one gene, so that only "b cells" is left.
    mapped = toy.membership(genes, min_genes=2, max_genes=5, background=background)
    assert mapped.terms == ("b cells",)
    np.testing.assert_array_equal(mapped.in_universe, [False, True, True, False, False])
    data = toy.membership(genes, min_genes=2, max_genes=5, background=background, universe="data")
    np.testing.assert_array_equal(data.in_universe, background)
    assert "(CD79B, Y)" in data.describe()  # not in the data


def test_sets_that_are_too_large_are_left_out(toy):
    membership = toy.membership(["CD79A", "CD79B", "MS4A1", "X", "Y"], min_genes=1, max_genes=2)
    assert membership.terms == ("empty here", "all")
    assert membership.n_too_large == 1


def test_no_overlap_shows_names_of_both_sides(toy):
    with pytest.raises(InputError, match=r"CD79A, CD79B, MS4A1.*ENSG1, ENSG2"):
        toy.membership(["ENSG1", "ENSG2"], min_genes=1, max_genes=5)


def test_repeated_genes_are_refused(toy):
    with pytest.raises(InputError, match="gene 'X' occurs more than once"):
        toy.membership(["X", "Y", "X"], min_genes=1, max_genes=5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n", "holds no gene set"),
        ("<!DOCTYPE html>\n<html></html>\n", "is a web page, not a GMT file"),
        ("format-version: 1.2\n", "is an OBO ontology, not a GMT file"),
        ("go_id\tx\ty\n", "is a table of direct annotations, not a GMT file"),
        ("a\tb\n", "line 1 has no name or no gene"),
        ("a\tb\tG\n\n\tb\tG\n", "line 3 has no name or no gene"),
        ("a\tb\tG\na\tb\tH\n", "set 'a' stands on lines 1 and 2"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "bad.gmt"
    path.write_text(text)
    with pytest.raises(InputError, match=f"bad.gmt: .*{message}"):
        read_gmt(path)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_gmt(tmp_path / "none.gmt")
    binary = tmp_path / "binary.gmt.gz"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="is not a text file"):
        read_gmt(binary)


# --- the sets that come with the workflow --------------------------------------------------------


@pytest.fixture(scope="module")
def families():
    return read_gmt(FAMILIES)


@pytest.fixture(scope="module")
def pbmc_genes():
    return list(scanpy.datasets.pbmc68k_reduced().raw.var_names)


def test_families_have_a_category_and_a_source(families):
    assert len(families.names) >= 40
    assert 8 <= len(set(families.categories)) <= 10
    for description in families.descriptions:
        category, source = description.split("|")
        assert category
        assert len(source) > 8
    assert min(len(genes) for genes in families.genes) >= 3


def test_coverage_of_the_demo_genes(families, pbmc_genes):
    membership = families.membership(pbmc_genes, min_genes=3, max_genes=500)
    print(membership.describe())  # noqa: T201
    assert len(membership.terms) >= 25
    # What config/genesets/README.md states.
    assert (len(families.names), len(membership.terms), membership.n_universe) == (100, 74, 297)


def test_hla_class_ii_in_the_demo_genes(families, pbmc_genes):
    # Counted by eye in the list of 765 genes.
    expected = ["DMA", "DMB", "DPA1", "DPB1", "DQA1", "DQA2", "DQB1", "DRA", "DRB1", "DRB5"]
    genes = families.genes[families.names.index("HLA class II")]
    assert sorted(set(genes) & set(pbmc_genes)) == [f"HLA-{name}" for name in expected]


def shared_file(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not here; it holds public reference data for this check")
    return path


def test_every_symbol_is_approved_or_listed_as_earlier(families):
    with gzip.open(shared_file("geneformer/gene_name_id_dict_gc30M.json.gz"), "rt") as handle:
        approved = set(json.load(handle))
    listed = set((FAMILIES.parent / "README.md").read_text().split())
    symbols = {gene for genes in families.genes for gene in genes}
    # CCL3L1 is approved, but stands on an alternative sequence that the dictionary leaves out.
    assert symbols - approved - listed == {"CCL3L1"}


HALLMARK = "genesets/h.all.v7.0.symbols.gmt.gz"
ENRICHR = "genesets/enrichr.GO_Biological_Process_2021.gmt.gz"
PROCESS = "genesets/go_bp_propagated_dhimmel2015_ontologyindex2024.gmt.gz"
FUNCTION = "genesets/go_mf_propagated_dhimmel2015_ontologyindex2024.gmt.gz"


@pytest.mark.parametrize(
    ("family", "file", "counterpart"),
    [
        ("HLA class I", PROCESS, "GO:0002480"),  # presentation via class I, TAP-independent
        ("HLA class II", FUNCTION, "GO:0032395"),  # MHC class II receptor activity
        ("granzymes", PROCESS, "GO:0019835"),  # cytolysis
        ("chemokine ligands, CC and XC", FUNCTION, "GO:0048020"),
        ("chemokine ligands, CXC and CX3C", FUNCTION, "GO:0045236"),
        ("chemokine receptors", FUNCTION, "GO:0004950"),
        ("interleukin receptors", FUNCTION, "GO:0004896"),
        ("TNF superfamily", FUNCTION, "GO:0005164"),
        ("T cell receptor signalling", PROCESS, "GO:0050852"),
        ("Fc receptors", FUNCTION, "GO:0019865"),  # immunoglobulin binding
        ("complement system", PROCESS, "GO:0006957"),
        ("interferon-stimulated genes", HALLMARK, "HALLMARK_INTERFERON_ALPHA_RESPONSE"),
        ("ribosomal proteins", ENRICHR, "GO:0002181"),  # cytoplasmic translation
        ("mitochondrial ribosomal proteins, large subunit", ENRICHR, "GO:0070125"),
        ("translation initiation factor 3 complex", PROCESS, "GO:0001731"),
        ("RNA polymerase subunits", FUNCTION, "GO:0003899"),
        ("spliceosome", PROCESS, "GO:0000398"),
        ("proteasome", ENRICHR, "GO:0006521"),
        ("heat shock proteins", ENRICHR, "GO:0006986"),  # response to unfolded protein
        ("cyclophilins", ENRICHR, "GO:0000413"),
        ("respiratory chain complex I", ENRICHR, "GO:0006120"),
        ("respiratory chain complex IV", FUNCTION, "GO:0004129"),
        ("ATP synthase", ENRICHR, "GO:0042776"),
        ("respiratory chain assembly factors", ENRICHR, "GO:0008535"),  # complex IV assembly
        ("mitochondrial protein import", PROCESS, "GO:0006626"),
        ("glycolysis", ENRICHR, "GO:0061621"),
        ("peroxiredoxins", FUNCTION, "GO:0051920"),
        ("metallothioneins", ENRICHR, "GO:0071294"),  # cellular response to zinc ion
        ("integrins", PROCESS, "GO:0007229"),
        ("Rab GTPases", PROCESS, "GO:0032482"),
        ("vacuolar ATPase", ENRICHR, "GO:0090383"),  # phagosome acidification
        ("actin and the Arp2/3 complex", PROCESS, "GO:0034314"),
        ("erythrocyte markers", HALLMARK, "HALLMARK_HEME_METABOLISM"),
    ],
)
def test_families_agree_with_go_and_hallmark(families, family, file, counterpart):
    collection = read_gmt(shared_file(file))
    (name,) = [name for name in collection.names if counterpart in name]
    reference = set(collection.genes[collection.names.index(name)])
    genes = set(families.genes[families.names.index(family)])
    shared = len(genes & reference)
    assert shared / min(len(genes), len(reference)) >= 0.6
    # 20,000 protein-coding genes: the overlap is far beyond chance.
    assert scipy.stats.hypergeom.sf(shared - 1, 20_000, len(reference), len(genes)) < 1e-9


def test_repeated_symbols_are_kept_apart_and_the_first_counts():
    # As scanpy's var_names_make_unique: the second U1 becomes U1-1, the third U1-2.
    genes = unique_symbols(["U1", "CD3E", "U1", "U1"])
    assert genes == ["U1", "CD3E", "U1-1", "U1-2"]
    membership = GeneSets(("small",), ("x|y",), (("U1", "CD3E"),)).membership(
        genes, min_genes=1, max_genes=9
    )
    assert membership.matrix.toarray().tolist() == [[1, 1, 0, 0]]
