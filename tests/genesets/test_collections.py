"""From any source of gene sets to one collection."""

import pandas as pd
import pytest
from test_ontology import go, shared_file

import gene_ontology
from featurelens.genesets.compiling import TERM_COLUMNS, check_collection, compile_collection
from featurelens.genesets.config import CollectionConfig
from featurelens.genesets.files import read_gmt, write_gmt
from featurelens.io import InputError, read_table, write_table


@pytest.fixture
def files(tmp_path):
    """A tiny ontology and its annotations, as fields of a collection."""
    (tmp_path / "tiny.obo").write_text(gene_ontology.OBO)
    (tmp_path / "tiny.gaf").write_text(gene_ontology.GAF)
    return {"ontology": str(tmp_path / "tiny.obo"), "annotations": str(tmp_path / "tiny.gaf")}


def as_dict(collection):
    return dict(zip(collection.sets.names, collection.sets.genes, strict=True))


def test_annotations_along_both_relations(files):
    collection = compile_collection(
        CollectionConfig(**files, namespace="biological_process", min_level=0)
    )
    assert as_dict(collection) == {
        "biological_process": ("G1", "G2", "G3", "G4", "G7", "G9"),
        "alpha": ("G1", "G2", "G3", "G7"),
        "beta": ("G2", "G3", "G4", "G7"),
        "gamma": ("G2", "G3", "G7"),  # G7 of binding, which is part of gamma
        "delta": ("G2", "G3"),  # G3 of epsilon, which is part of delta
        "epsilon": ("G3",),
    }
    assert collection.counts["n_sets"] == 6
    assert collection.counts["n_genes"] == 6
    assert collection.counts["n_not"] == 1
    assert collection.counts["ontology"] == "releases/2026-01-01"


def test_the_published_way_hands_nothing_up(files):
    collection = compile_collection(CollectionConfig(**files, propagate="none", min_level=0))
    assert as_dict(collection) == {
        "biological_process": ("G9",),
        "alpha": ("G1",),
        "beta": ("G4",),
        "delta": ("G2",),
        "epsilon": ("G3",),
        "binding": ("G7",),
    }


def test_terms_that_share_a_name_are_told_apart_by_their_ids(files, tmp_path):
    shared = gene_ontology.OBO.replace("name: binding", "name: alpha")
    (tmp_path / "tiny.obo").write_text(shared)
    collection = compile_collection(CollectionConfig(**files, propagate="none"))
    assert collection.sets.names == (
        *("alpha (GO:0000002)", "beta", "delta", "epsilon"),
        "alpha (GO:0000011)",
    )
    assert list(collection.terms["name"]) == ["alpha", "beta", "delta", "epsilon", "alpha"]


def test_one_row_a_term(files):
    terms = compile_collection(CollectionConfig(**files, propagate="is_a")).terms
    assert tuple(terms.columns) == TERM_COLUMNS
    rows = {row.pop("term"): list(row.values()) for row in terms.to_dict("records")}
    process, function = "biological_process", "molecular_function"
    assert rows == {
        "alpha": [go(2), "alpha", process, 2, 1, 1, *["alpha"] * 4],
        "beta": [go(3), "beta", process, 3, 1, 1, *["beta"] * 4],
        "gamma": [go(4), "gamma", process, 1, 2, 2, "alpha", *["gamma"] * 3],
        "delta": [go(5), "delta", process, 1, 2, 3, "alpha", *["delta"] * 3],
        "epsilon": [go(6), "epsilon", process, 1, 2, 2, "beta", *["epsilon"] * 3],
        "binding": [go(11), "binding", function, 1, 1, 1, *["binding"] * 4],
    }


def test_what_is_written_is_what_is_read(files, tmp_path):
    collection = compile_collection(CollectionConfig(**files))
    write_gmt(collection.sets, tmp_path / "sets.gmt")
    write_table(collection.terms, tmp_path / "terms.tsv")
    assert read_gmt(tmp_path / "sets.gmt") == collection.sets
    assert collection.sets.categories == tuple(collection.terms["level_1"])
    terms = read_table(tmp_path / "terms.tsv")
    pd.testing.assert_frame_equal(terms, collection.terms, check_dtype=False)


def test_a_plain_gmt_keeps_its_categories(tmp_path):
    path = tmp_path / "plain.gmt"
    path.write_text("b\tblood|a book\tX\t1-Mar\na\thttps://example.org/a\tX\n")
    collection = compile_collection(CollectionConfig(path=str(path)))
    assert collection.sets == read_gmt(path)
    assert collection.counts["n_spreadsheet_dates"] == 1
    assert list(collection.terms["level_1"]) == ["blood", "uncategorised"]
    assert list(collection.terms["level_2"]) == ["", ""]
    assert collection.terms["level"].isna().all()
    assert list(collection.terms["n_genes"]) == [2, 1]


def test_sets_find_their_terms_by_id_and_by_name(tmp_path, files):
    path = tmp_path / "mixed.gmt"
    path.write_text(
        "Gamma, they say (GO:0000004)\t\tX\tY\n"
        "by its description\tGO:0000033\tX\n"
        "GOBP_EPSILON\thttps://example.org\tX\n"
        "HALLMARK_OTHER\tother|a book\tZ\n"
        "gone (GO:0000007)\tobsolete|a book\tZ\n"
        "root (GO:0000001)\t\tX\n"
        "function (GO:0000011)\t\tX\n"
    )
    config = CollectionConfig(
        path=str(path), ontology=files["ontology"], namespace="biological_process"
    )
    collection = compile_collection(config)
    terms = collection.terms.set_index("term")
    assert list(terms["id"]) == ["GO:0000004", "GO:0000003", "GO:0000006", "", ""]
    assert list(terms["name"])[:3] == ["gamma", "beta", "epsilon"]
    assert list(terms["level_1"]) == ["alpha", "beta", "beta", "other", "obsolete"]
    assert collection.sets.descriptions[0] == "alpha|GO:0000004"
    assert collection.sets.descriptions[3] == "other|a book"
    assert (collection.counts["n_with_term"], collection.counts["n_without_term"]) == (3, 2)


def test_sets_without_any_term_need_no_ontology(tmp_path, files):
    path = tmp_path / "plain.gmt"
    path.write_text("b\tblood|a book\tX\tY\n")
    with pytest.raises(InputError, match=r"plain.gmt: no set bears the id .* remove 'ontology'"):
        compile_collection(CollectionConfig(path=str(path), ontology=files["ontology"]))


def test_no_term_at_a_level_is_said(files):
    with pytest.raises(InputError, match=r"tiny.gaf: no set is left .* 3 steps or more"):
        compile_collection(CollectionConfig(**files, min_level=3))


def test_a_mapping_gives_other_names_of_genes(files, tmp_path):
    path = tmp_path / "mapping.tsv"
    path.write_text("P_G1\tENSG00000000001.5\nP_G2\tENSG00000000002\n")
    config = CollectionConfig(**files, propagate="none", identifier="accession", mapping=str(path))
    collection = compile_collection(config)
    assert as_dict(collection) == {
        "alpha": ("ENSG00000000001",),
        "delta": ("ENSG00000000002",),
    }
    assert list(collection.terms["term"]) == ["alpha", "delta"]
    counts = collection.counts
    assert (counts["n_genes_mapped"], counts["n_genes_unmapped"]) == (2, 3)
    assert counts["unmapped"] == "P_G3, P_G4, P_G7"
    assert (counts["n_sets_lost"], counts["n_sets"]) == (3, 2)
    found, genes, _ = check_collection(config)
    assert found["mapping"] == "maps 2 of 6 genes"  # the root's gene too, whose term is left out
    assert genes == {"ENSG00000000001", "ENSG00000000002"}
    with pytest.raises(InputError, match=r"mapping.tsv: maps none of 5 genes"):
        compile_collection(CollectionConfig(**files, propagate="none", mapping=str(path)))


def test_the_check_reads_every_file(files, tmp_path):
    found, genes, _ = check_collection(CollectionConfig(**files))
    assert found == {
        "ontology": "8 terms, releases/2026-01-01",
        "annotations": "genes of 6 terms",
    }
    assert genes == {"G1", "G2", "G3", "G4", "G7", "G9"}
    exchanged = CollectionConfig(ontology=files["annotations"], annotations=files["ontology"])
    with pytest.raises(InputError, match="is a GAF annotation file, not an OBO ontology"):
        check_collection(exchanged)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "neither of path and annotations"),
        ({"path": "a", "annotations": "b", "ontology": "c"}, "both of path and annotations"),
        ({"annotations": "b"}, "annotations need an ontology"),
        ({"path": "a", "evidence": ("IDA",)}, "evidence belongs to annotations"),
        (
            {"annotations": "b", "ontology": "c", "evidence": ("iea",)},
            "'iea' is no evidence code; did you mean 'IEA'?",
        ),
    ],
)
def test_contradictory_sources_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        CollectionConfig(**fields)


# --- real files ----------------------------------------------------------------------------------

ONTOLOGY = "go_isa_ontologyindex_2024.obo.gz"
DIRECT = "GO_annotations-9606-direct-expev_2018-10-26.tsv.gz"
ENRICHR = "enrichr.GO_Biological_Process_2021.gmt.gz"


@pytest.fixture(scope="module")
def real():
    config = CollectionConfig(
        ontology=str(shared_file(ONTOLOGY)), annotations=str(shared_file(DIRECT))
    )
    return compile_collection(config)


def test_genes_of_real_terms(real):
    sets = as_dict(real)
    # grep -P '^GO:0030218\t' of the table: its descendants have none.
    direct = (
        "CASP3 EPO GATA1 HSPA9 RPS14 RPS19 TAL1 DYRK3 MFHAS1 IKZF1 KLF1 ACIN1 FLVCR1 SLC25A38 "
        "MPIG6B ATP5IF1"
    )
    assert set(direct.split()) == set(sets["erythrocyte differentiation"])
    # Every gene of a term stands in the set of each named ancestor.
    for level in ("level_1", "level_2", "level_3", "level_4"):
        for term, above in zip(real.terms["term"], real.terms[level], strict=True):
            assert set(sets[term]) <= set(sets[above])


def test_levels_of_real_terms(real):
    row = real.terms.set_index("term").loc["erythrocyte differentiation"]
    assert (row["id"], row["level"], row["depth"]) == ("GO:0030218", 5, 5)


def test_real_gmt_with_levels():
    collection = compile_collection(
        CollectionConfig(ontology=str(shared_file(ONTOLOGY)), path=str(shared_file(ENRICHR)))
    )
    terms = collection.terms.set_index("term")
    row = terms.loc["erythrocyte differentiation (GO:0030218)"]
    assert (row["level"], row["level_3"], row["n_genes"]) == (5, "cell differentiation", 46)
    assert len(terms) == 6036
