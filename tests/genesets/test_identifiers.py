"""Names of genes: kinds, the data's index, mappings, overlap, backgrounds."""

import numpy as np
import pandas as pd
import pytest
from test_ontology import shared_file

from featurelens.genesets.config import UniverseConfig
from featurelens.genesets.files import read_gmt
from featurelens.genesets.identifiers import (
    GeneIndex,
    kind_of_names,
    read_background,
    require_overlap,
    without_version,
)
from featurelens.genesets.mapping import map_genes, read_mapping
from featurelens.genesets.overlay import overlay
from featurelens.genesets.sets import GeneSets
from featurelens.io import InputError

HUMAN = pd.DataFrame(
    {
        "symbol": ["ACTB", "CD3E", "ACTB", "C1orf112"],
        "ensembl": ["ENSG00000075624.17", "ENSG00000198851", "ENSG00000099999", ""],
    },
    index=["a", "b", "c", "d"],
)


def sets(**genes):
    return GeneSets(
        names=tuple(genes),
        descriptions=("",) * len(genes),
        genes=tuple(tuple(text.split()) for text in genes.values()),
    )


def test_genes_without_symbol_do_not_hide_that_the_others_are_human():
    """CELLxGENE's feature_name: most of 60,000 genes have their id there, some share a symbol."""
    ids = [f"ENSG{number:011}" for number in range(9)]
    symbols = ["CD3E", "C1orf162", "TBCE", "TBCE", *ids[4:]]
    index = GeneIndex.of(pd.DataFrame({"symbol": symbols}, index=ids))
    assert index.find("C1ORF162") == "C1orf162"
    assert [index.find(ids[row]) for row in (2, 3, 8)] == ["TBCE", "TBCE-1", ids[8]]
    assert index.find("TBCE") == "TBCE"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ENSG00000126653.18", "ENSG00000126653"),
        ("ENSMUSG00000029580.2", "ENSMUSG00000029580"),
        ("ENSG00000126653", "ENSG00000126653"),
        ("RP11-34P13.7", "RP11-34P13.7"),  # a symbol with a point
        ("ENSG00000182378.14_PAR_Y", "ENSG00000182378.14_PAR_Y"),  # another copy of the gene
    ],
)
def test_versions_are_cut_off_ensembl_ids_only(name, expected):
    assert without_version(name) == expected


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("ENSG00000126653 ENSG00000075624.17", "human Ensembl ids"),
        ("ENSMUSG00000029580", "mouse Ensembl ids"),
        ("ENSDARG00000037746", "Ensembl ids of another species"),
        ("ENST00000000233.5", "Ensembl ids of transcripts or proteins"),
        ("ACTB CD3E HLA-A C1orf112 MT-CO1", "symbols in capitals, as of human genes"),
        ("Actb Cd3e H2-Ab1 mt-Co1 1700019A02Rik", "capitalised symbols, as of mouse and rat genes"),
        ("60 916", "numbers, as of Entrez"),
        ("P60709 P07766 A0A0B4J2F0", "UniProt accessions"),
        ("", "no names"),
    ],
)
def test_kinds_of_names(names, kind):
    assert kind_of_names(names.split()) == kind


def test_the_index_knows_symbols_and_ensembl_ids():
    index = GeneIndex.of(HUMAN)
    assert index.genes == ("ACTB", "CD3E", "ACTB-1", "C1orf112")
    assert index.find("ACTB") == "ACTB"  # the first of two
    assert index.find("ENSG00000099999") == "ACTB-1"  # the very gene
    assert index.find("ENSG00000075624.3") == "ACTB"  # whatever the version
    assert index.find("c") == "ACTB-1"  # the data's own name
    assert index.find("") is None
    assert index.find("TP53") is None


def test_a_name_that_several_genes_share_means_the_first():
    twice = ["ENSG00000075624.1", "ENSG00000075624.2"]
    index = GeneIndex.of(pd.DataFrame({"symbol": ["A", "B"], "ensembl": twice}, index=["x", "y"]))
    assert index.find("ENSG00000075624") == "A"
    # A symbol goes before the name that the data give to another gene.
    crossed = GeneIndex.of(pd.DataFrame({"symbol": ["A", "B"]}, index=["B", "A"]))
    assert (crossed.find("A"), crossed.find("B")) == ("A", "B")


def test_data_without_symbols_are_found_by_their_own_names():
    names = ["ENSG00000075624.17", "ENSG00000198851.9"]
    index = GeneIndex.of(pd.DataFrame({"symbol": names}, index=names))
    assert index.find("ENSG00000075624") == "ENSG00000075624.17"


def test_sets_by_either_name_are_the_same_set():
    by_symbol = overlay(sets(a="ACTB CD3E TP53"), HUMAN, min_genes=1, max_genes=9)
    by_id = overlay(
        sets(a="ENSG00000075624 ENSG00000198851 ENSG00000141510"), HUMAN, min_genes=1, max_genes=9
    )
    np.testing.assert_array_equal(by_symbol.matrix.toarray(), [[1, 1, 0, 0]])
    np.testing.assert_array_equal(by_id.matrix.toarray(), by_symbol.matrix.toarray())
    assert (by_symbol.unmatched, by_id.unmatched) == (("TP53",), ("ENSG00000141510",))
    # Both names of one gene in one set count once.
    both = overlay(sets(a="ACTB ENSG00000075624 CD3E"), HUMAN, min_genes=1, max_genes=9)
    np.testing.assert_array_equal(both.matrix.toarray(), [[1, 1, 0, 0]])


def test_overlap_counts_the_fewer_genes():
    index = GeneIndex.of(HUMAN)
    # 2 of 4 genes of the data, of 10 of the sets: one half of the fewer.
    names = ["ACTB", "CD3E", *(f"GENE{i}" for i in range(8))]
    require_overlap(names, index, 0.5)
    with pytest.raises(InputError, match=r"have 2 in common, of 10 and 4, less than 60% \(min_o"):
        require_overlap(names, index, 0.6)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("Actb Cd3e", "the sets look like capitalised symbols, as of mouse.*the data like symbols"),
        ("ENSMUSG00000029580", "the sets look like mouse Ensembl ids, the data like symbols in"),
        ("P60709 P07766", "the sets look like UniProt accessions"),
        ("TP53 MYC", "both look like symbols in capitals"),
    ],
)
def test_no_overlap_names_both_sides_and_guesses(names, message):
    with pytest.raises(InputError, match=message) as caught:
        overlay(sets(a=names), HUMAN, min_genes=1, max_genes=9)
    assert names.split()[0] in str(caught.value)
    assert "ACTB" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_background_takes_genes_out(tmp_path):
    path = tmp_path / "expressed.txt"
    path.write_text("CD3E\nENSG00000099999\n\nTP53\n")
    index = GeneIndex.of(HUMAN)
    np.testing.assert_array_equal(read_background(path, index), [False, True, True, False])
    membership = overlay(
        sets(a="ACTB CD3E", b="C1orf112"),
        HUMAN,
        min_genes=1,
        max_genes=9,
        universe=UniverseConfig(genes="data", file=str(path)),
    )
    assert membership.terms == ("a",)
    np.testing.assert_array_equal(membership.matrix.toarray(), [[0, 1, 0, 0]])
    path.write_text("Actb\n")
    with pytest.raises(InputError, match=r"expressed.txt: none of its 1 genes is in the data"):
        read_background(path, index)


# --- mapping files -------------------------------------------------------------------------------


def selected(accession, ensembl):
    """One line of UniProt's idmapping_selected.tab."""
    fields = [""] * 22
    fields[0], fields[16], fields[18] = accession, "M10277", ensembl
    return "\t".join(fields) + "\n"


def test_a_mapping_in_two_columns(tmp_path):
    path = tmp_path / "mapping.tsv"
    path.write_text("# orthologues\nACTB\tActb\nHBB\tHbb-bs\nHBB\tHbb-bt\n\n")
    mapping = read_mapping(path)
    assert mapping == {"ACTB": ("Actb",), "HBB": ("Hbb-bs", "Hbb-bt")}
    mapped, unmapped = map_genes(sets(a="ACTB HBB", b="TP53", c="HBB MYC"), mapping, path)
    assert mapped == sets(a="Actb Hbb-bs Hbb-bt", c="Hbb-bs Hbb-bt")
    assert unmapped == ("MYC", "TP53")


def test_the_mapping_of_uniprot(tmp_path):
    path = tmp_path / "HUMAN_9606_idmapping_selected.tab"
    path.write_text(
        selected("P60709", "ENSG00000075624.17")
        + selected("P68871", "ENSG00000244734.4; ENSG00000099999")
        + selected("P69905", ";ENSG00000206172.9 ;ENSG00000188536")
        + selected("Q00000", "")
    )
    assert read_mapping(path) == {
        "P60709": ("ENSG00000075624",),
        "P68871": ("ENSG00000244734", "ENSG00000099999"),
        "P69905": ("ENSG00000206172", "ENSG00000188536"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\tc\n", "line 1 has 3 columns; a mapping has 2"),
        ("<html>\n", "line 1 has 1 columns"),
        ("# nothing\n", "maps no name"),
        ("", "is empty"),
    ],
)
def test_bad_mappings_say_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "bad.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=f"bad.tsv: {message}"):
        read_mapping(path)


def test_a_mapping_of_other_names_is_said():
    with pytest.raises(InputError, match=r"maps none of 1 genes; the sets hold symbols.*UniProt"):
        map_genes(sets(a="ACTB"), {"P60709": ("ENSG00000075624",)}, "mapping.tsv")


# --- real names ----------------------------------------------------------------------------------


def test_real_mouse_cells_and_human_sets_do_not_pass():
    import h5py
    from anndata.io import read_elem

    with h5py.File(shared_file("../cells/paul15_tradeseq_mouse.h5ad")) as file:
        var = read_elem(file["var"])
    mouse = var.assign(symbol=var.index.astype(str))
    human = read_gmt(shared_file("enrichr.GO_Biological_Process_2021.gmt.gz"))
    with pytest.raises(InputError, match="capitals, as of human genes, the data like capitalised"):
        overlay(human, mouse, min_genes=10, max_genes=500)
    # Counted apart: symbols in capitals that stand in a set.
    capitals = mouse.assign(symbol=mouse["symbol"].str.upper())
    membership = overlay(human, capitals, min_genes=10, max_genes=500)
    assert membership.n_in_some_set == 2338
