"""Genes of terms from GAF files and from tables of direct annotations."""

import gzip

import pytest

import gene_ontology
from featurelens.genesets.annotations import read_annotations
from featurelens.genesets.ontology import read_obo
from featurelens.io import InputError
from gene_ontology import gaf_line


@pytest.fixture
def ontology(tmp_path):
    path = tmp_path / "tiny.obo"
    path.write_text(gene_ontology.OBO)
    return read_obo(path)


@pytest.fixture
def gaf(tmp_path):
    path = tmp_path / "tiny.gaf"
    path.write_text(gene_ontology.GAF)
    return path


def test_a_gaf_by_pencil(gaf, ontology):
    direct = read_annotations(gaf, ontology)
    assert direct.genes == {
        "GO:0000002": {"G1"},
        "GO:0000005": {"G2"},  # twice, by two kinds of evidence; G5 is negated
        "GO:0000006": {"G3"},
        "GO:0000003": {"G4"},  # by the alternative id GO:0000033
        "GO:0000011": {"G7"},
        "GO:0000001": {"G9"},
    }
    assert direct.counts == {
        "n_annotations": 11,
        "n_not": 1,
        "n_other_evidence": 0,
        "n_obsolete": 2,
        "n_replaceable": 1,
        "n_unknown": 1,
        "n_without_gene": 0,
        "n_alternative": 1,
    }


def test_a_line_without_a_symbol_is_left_out_and_counted(tmp_path, gaf, ontology):
    path = tmp_path / "unnamed.gaf"
    path.write_text(gene_ontology.GAF + gaf_line("", "GO:0000002"))
    direct = read_annotations(path, ontology)
    assert direct.genes == read_annotations(gaf, ontology).genes
    assert (direct.counts["n_annotations"], direct.counts["n_without_gene"]) == (12, 1)


def test_accessions_instead_of_symbols(gaf, ontology):
    direct = read_annotations(gaf, ontology, identifier="accession")
    assert direct.genes["GO:0000002"] == {"P_G1"}


def test_evidence_is_kept_or_left_out(gaf, ontology):
    kept = read_annotations(gaf, ontology, evidence=["IEA"])
    assert kept.genes == {"GO:0000005": {"G2"}, "GO:0000006": {"G3"}}
    assert kept.counts["n_other_evidence"] == 8  # eleven lines, one negated, two IEA
    others = read_annotations(gaf, ontology, exclude_evidence=["IEA", "ND"])
    assert set(others.genes) == {"GO:0000002", "GO:0000003", "GO:0000005", "GO:0000011"}


def test_gzip_reads_the_same(gaf, ontology, tmp_path):
    packed = tmp_path / "tiny.gaf.gz"
    packed.write_bytes(gzip.compress(gaf.read_bytes()))
    assert read_annotations(packed, ontology) == read_annotations(gaf, ontology)


def test_a_gaf_without_a_header(gaf, ontology):
    expected = read_annotations(gaf, ontology)
    lines = [line for line in gene_ontology.GAF.splitlines() if not line.startswith("!")]
    gaf.write_text("\n".join(lines))
    assert read_annotations(gaf, ontology) == expected


def test_a_table_of_direct_annotations(tmp_path, ontology):
    path = tmp_path / "direct.tsv"
    path.write_text(gene_ontology.DIRECT)
    symbols = read_annotations(path, ontology)
    assert symbols.genes == {"GO:0000005": {"G2", "G22"}, "GO:0000003": {"G4"}}
    entrez = read_annotations(path, ontology, identifier="accession")
    assert entrez.genes == {"GO:0000005": {"2", "22"}, "GO:0000003": {"4"}}
    with pytest.raises(InputError, match="has no evidence codes"):
        read_annotations(path, ontology, evidence=["IDA"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>", "is a web page, not a GAF annotation file or a table of direct annotations"),
        (gene_ontology.OBO, "is an OBO ontology, not a GAF"),
        ("!gpa-version: 1.1\n", "is a GPAD annotation file, not a GAF"),
        ("!gaf-version: 2.2\nUniProtKB\tP1\n", "line 2 has 2 columns"),
        ("go_id\tgene_ids\n", "has no column gene_symbols; it has go_id, gene_ids"),
        ("go_id\tgene_symbols\nGO:0000005\n", "line 2 has 1 columns, the header 2"),
        (
            "!gaf-version: 2.2\n" + gaf_line("G8", "GO:0000077"),
            r"none of 1 annotations is left \(1 of unknown terms.*about the same date",
        ),
        ("!gaf-version: 2.2\n", "none of 0 annotations is left"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, ontology, text, message):
    path = tmp_path / "bad.gaf"
    path.write_text(text)
    with pytest.raises(InputError, match=f"bad.gaf: .*{message}"):
        read_annotations(path, ontology)
