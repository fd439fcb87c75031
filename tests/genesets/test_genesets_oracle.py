"""Our ontology and annotations in goatools' hands: the same levels, ancestors and genes."""

import gzip

import pytest
from test_ontology import shared_file

import gene_ontology
from featurelens.genesets.annotations import read_annotations
from featurelens.genesets.ontology import read_obo

pytestmark = [
    pytest.mark.oracle,
    # goatools and what it imports warn about their own dependencies.
    pytest.mark.filterwarnings("ignore"),
]

RELATIONS = {"is_a": set(), "is_a_part_of": {"part_of"}}


@pytest.fixture(scope="module")
def goatools():
    return pytest.importorskip("goatools", reason="goatools is installed by make test-oracles")


@pytest.fixture(params=["tiny", "goslim_generic.obo.gz", "go_isa_ontologyindex_2024.obo.gz"])
def obo(request, tmp_path):
    if request.param != "tiny":
        return unpacked(request.param, tmp_path)
    path = tmp_path / "tiny.obo"
    # goatools has no place for parents that are not in the file.
    path.write_text(gene_ontology.OBO.replace("is_a: GO:0000099 ! not in this file\n", ""))
    return path


def unpacked(name, folder):
    """A plain copy of a packed file, since goatools reads no gzip."""
    path = folder / name.removesuffix(".gz")
    path.write_bytes(gzip.decompress(shared_file(name).read_bytes()))
    return path


def dag_of(obo):
    from goatools.obo_parser import GODag

    return GODag(str(obo), optional_attrs={"relationship"}, prt=None)


def genes_by_term(term_sets):
    """From gene to terms, as goatools has it, to term to genes."""
    found = {}
    for gene, terms in term_sets.items():
        for term in terms:
            found.setdefault(term, set()).add(gene)
    return found


def test_levels_and_depths(goatools, obo):
    ours = read_obo(obo)
    dag = dag_of(obo)
    levels = ours.levels()
    assert {identifier: tuple(level) for identifier, level in levels.items()} == {
        term.id: (term.level, term.depth) for term in dag.values() if not term.is_obsolete
    }
    for identifier, term in ours.terms.items():
        assert (term.name, term.namespace) == (dag[identifier].name, dag[identifier].namespace)


def test_alternative_ids(goatools, obo):
    ours = read_obo(obo)
    dag = dag_of(obo)
    for old, new in ours.alternative.items():
        assert dag[old].id == new


@pytest.mark.parametrize("relations", RELATIONS)
def test_propagation(goatools, obo, relations):
    from goatools.anno.update_association import update_association

    ours = read_obo(obo)
    own = {identifier: {f"gene of {identifier}"} for identifier in list(ours.terms)[::7]}
    association = {f"gene of {identifier}": {identifier} for identifier in own}
    update_association(association, dag_of(obo), RELATIONS[relations], prt=None)
    assert ours.propagate(own, relations) == genes_by_term(association)


@pytest.mark.parametrize("relations", RELATIONS)
def test_annotations_of_a_gaf(goatools, tmp_path, relations):
    from goatools.anno.gaf_reader import GafReader

    obo, gaf = tmp_path / "tiny.obo", tmp_path / "tiny.gaf"
    obo.write_text(gene_ontology.OBO.replace("is_a: GO:0000099 ! not in this file\n", ""))
    # Neither does it leave out obsolete and unknown terms, nor move annotations of earlier ids.
    obsolete_and_unknown = ("GO:0000007", "GO:0000008", "GO:0000077")
    lines = gene_ontology.GAF.replace("GO:0000033", "GO:0000003").splitlines(keepends=True)
    gaf.write_text("".join(x for x in lines if not any(term in x for term in obsolete_and_unknown)))
    ours = read_obo(obo)
    # goatools leaves out ND by itself, besides NOT.
    direct = read_annotations(gaf, ours, identifier="accession", exclude_evidence=["ND"])
    reader = GafReader(str(gaf), godag=dag_of(obo), prt=None)
    theirs = reader.get_id2gos_nss(
        propagate_counts=True, relationships=RELATIONS[relations], prt=None
    )
    found = {term: genes for term, genes in genes_by_term(theirs).items() if term in ours.terms}
    assert ours.propagate(direct.genes, relations) == found


@pytest.mark.parametrize("relations", RELATIONS)
def test_real_annotations(goatools, tmp_path, relations):
    from goatools.anno.update_association import update_association

    obo = unpacked("go_isa_ontologyindex_2024.obo.gz", tmp_path)
    ours = read_obo(obo)
    direct = read_annotations(
        shared_file("GO_annotations-9606-direct-expev_2018-10-26.tsv.gz"), ours
    )
    association = {}
    for term, genes in direct.genes.items():
        for gene in genes:
            association.setdefault(gene, set()).add(term)
    update_association(association, dag_of(obo), RELATIONS[relations], prt=None)
    assert ours.propagate(direct.genes, relations) == genes_by_term(association)
