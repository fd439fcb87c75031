"""OBO files: terms, levels, ancestors, and genes handed up."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gene_ontology
from featurelens.genesets.files import read_gmt
from featurelens.genesets.ontology import GO_ID, Ontology, Term, read_obo
from featurelens.io import InputError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "genesets"


def shared_file(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not here; it holds public reference data for this check")
    return path


def go(number):
    return f"GO:{number:07d}"


@pytest.fixture
def obo(tmp_path):
    path = tmp_path / "tiny.obo"
    path.write_text(gene_ontology.OBO)
    return path


@pytest.fixture
def tiny(obo):
    return read_obo(obo)


def test_terms_in_use_and_the_others(tiny):
    assert sorted(tiny.terms) == [go(n) for n in (1, 2, 3, 4, 5, 6, 10, 11)]
    assert tiny.terms[go(5)].is_a == (go(2), go(4))
    assert tiny.terms[go(6)].part_of == (go(5),)
    assert tiny.terms[go(11)].part_of == (go(4),)  # has_part is no parent
    assert tiny.terms[go(11)].namespace == "molecular_function"
    assert tiny.terms[go(4)].namespace == "biological_process"  # the header's default
    assert tiny.obsolete == {go(7): go(4), go(8): ""}
    assert tiny.version == "releases/2026-01-01"
    assert tiny.n_dangling == 1


def test_parents_stand_before_children(tiny):
    place = {identifier: i for i, identifier in enumerate(tiny.terms)}
    for term in tiny.terms.values():
        assert all(place[parent] < place[term.id] for parent in (*term.is_a, *term.part_of))


def test_ids_are_resolved(tiny):
    assert tiny.resolve(go(33)).name == "beta"
    assert tiny.resolve(go(3)).name == "beta"
    assert tiny.resolve(go(7)) is None


def test_levels_by_pencil(tiny):
    levels = {tiny.terms[name].name: tuple(level) for name, level in tiny.levels().items()}
    assert levels == {
        "biological_process": (0, 0),
        "alpha": (1, 1),
        "beta": (1, 1),
        "gamma": (2, 2),
        "delta": (2, 3),
        "epsilon": (2, 2),
        "molecular_function": (0, 0),
        "binding": (1, 1),
    }


def test_ancestors_take_the_smallest_id_at_a_fork(tiny):
    levels = tiny.levels()
    # gamma forks into alpha (0002) and beta (0003), both at level 1.
    assert tiny.ancestor_names(go(4), levels) == ["alpha", "gamma", "gamma", "gamma"]
    # delta has gamma (2) and alpha (1) above it; only alpha is exactly one level lower.
    assert tiny.ancestor_names(go(5), levels) == ["alpha", "delta", "delta", "delta"]
    assert tiny.ancestor_names(go(1), levels) == ["biological_process"] * 4


@pytest.mark.parametrize(
    ("relations", "expected"),
    [
        ("none", {5: "x", 6: "y", 11: "z"}),
        ("is_a", {1: "xy", 2: "x", 3: "xy", 4: "x", 5: "x", 6: "y", 10: "z", 11: "z"}),
        (
            "is_a_part_of",
            {1: "xyz", 2: "xyz", 3: "xyz", 4: "xyz", 5: "xy", 6: "y", 10: "z", 11: "z"},
        ),
    ],
)
def test_genes_are_handed_up_by_pencil(tiny, relations, expected):
    total = tiny.propagate({go(5): ["x"], go(6): ["y"], go(11): ["z"]}, relations)
    assert total == {go(number): set(genes) for number, genes in expected.items()}


@st.composite
def ontologies(draw):
    """Up to nine terms; parents have smaller numbers, so that there is no cycle."""
    parents = [
        draw(st.lists(st.tuples(st.booleans(), st.integers(0, n - 1)), max_size=3)) if n else []
        for n in range(draw(st.integers(1, 9)))
    ]
    terms = {}
    for number, above in enumerate(parents):
        is_a = tuple(sorted({go(p) for kind, p in above if kind}))
        part_of = tuple(sorted({go(p) for kind, p in above if not kind}))
        terms[go(number)] = Term(go(number), f"term {number}", "all", is_a, part_of)
    return Ontology(terms, {}, {}, "", 0)


def paths_up(ontology, start, relations):
    """Every walk upwards, as lists of ids, by brute force."""
    term = ontology.terms[start]
    above = term.is_a if relations == "is_a" else (*term.is_a, *term.part_of)
    yield [start]
    for parent in above:
        for rest in paths_up(ontology, parent, relations):
            yield [start, *rest]


@settings(max_examples=60, deadline=None)
@given(ontologies(), st.sampled_from(["is_a", "is_a_part_of"]))
def test_propagation_is_the_transitive_closure(ontology, relations):
    own = {identifier: {f"gene of {identifier}"} for identifier in ontology.terms}
    expected = {identifier: set() for identifier in ontology.terms}
    for identifier in ontology.terms:
        for path in paths_up(ontology, identifier, relations):
            expected[path[-1]] |= own[identifier]
    assert ontology.propagate(own, relations) == expected


@settings(max_examples=60, deadline=None)
@given(ontologies())
def test_levels_are_the_shortest_and_longest_walks(ontology):
    levels = ontology.levels()
    for identifier in ontology.terms:
        steps = [
            len(path) - 1
            for path in paths_up(ontology, identifier, "is_a")
            if not ontology.terms[path[-1]].is_a
        ]
        assert levels[identifier] == (min(steps), max(steps))
        names = ontology.ancestor_names(identifier, levels)
        by_name = {term.name: levels[term.id].level for term in ontology.terms.values()}
        own = levels[identifier].level
        assert [by_name[name] for name in names] == [min(own, level) for level in (1, 2, 3, 4)]


def test_stubs_without_a_name_are_left_out_and_counted(tmp_path, tiny):
    """As of go-plus: terms of other ontologies that are named elsewhere."""
    stub = "[Term]\nid: CL:0000000\n\n[Term]\nid: GO:0000005"
    path = tmp_path / "stubs.obo"
    path.write_text(
        gene_ontology.OBO.replace("[Term]\nid: GO:0000005", stub).replace(
            "is_a: GO:0000003 ! beta", "is_a: GO:0000003 ! beta\nis_a: CL:0000000"
        )
    )
    read = read_obo(path)
    assert read.terms == tiny.terms
    assert (read.n_nameless, read.n_dangling) == (1, tiny.n_dangling + 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>Moved</html>", "is a web page, not an OBO ontology; download go-basic.obo itself"),
        (gene_ontology.GAF, "is a GAF annotation file, not an OBO ontology"),
        ("<?xml version='1.0'?><rdf:RDF>", "is an XML file, not an OBO ontology"),
        ("version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ("hello\n", "starts with 'hello', not an OBO ontology"),
        ("", "is empty"),
        ("format-version: 1.2\n", r"holds no \[Term\]"),
        ("format-version: 1.2\n\n[Term]\nid: GO:0000001\n", "GO:0000001 has no name"),
        (gene_ontology.OBO + gene_ontology.OBO, "GO:0000005 is defined twice"),
        (
            gene_ontology.OBO.replace("name: alpha\n", "name: alpha\nis_a: GO:0000005\n"),
            "GO:000000[25] -> .*GO:000000[25].* form a cycle",
        ),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "bad.obo"
    path.write_text(text)
    with pytest.raises(InputError, match=f"bad.obo: .*{message}"):
        read_obo(path)


def test_a_gzip_file_is_told_by_its_content_and_may_not_break_off(tmp_path, tiny):
    path = tmp_path / "packed.obo"  # gzip, whatever its name says
    path.write_bytes(gzip.compress(gene_ontology.OBO.encode()))
    assert read_obo(path) == tiny
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"packed.obo: breaks off in the middle"):
        read_obo(path)


# --- the Gene Ontology itself --------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    return read_obo(shared_file("go_isa_ontologyindex_2024.obo.gz"))


def test_the_real_ontology(real):
    assert len(real.terms) == 42_442
    namespaces = [term.namespace for term in real.terms.values()]
    assert namespaces.count("biological_process") == 27_186
    assert namespaces.count("molecular_function") == 11_198
    assert namespaces.count("cellular_component") == 4_058


def test_erythrocyte_differentiation_in_the_real_ontology(real):
    levels = real.levels()
    assert levels["GO:0030218"] == (5, 5)
    assert real.ancestor_names("GO:0030218", levels) == [
        "cellular process",
        "cellular developmental process",
        "cell differentiation",
        "myeloid cell differentiation",
    ]


@pytest.mark.parametrize(("part", "n_terms"), [("bp", 6792), ("mf", 1535)])
def test_real_propagated_sets_are_closed(real, part, n_terms):
    """Sets of other makers: is_a closure of direct annotations, level and depth as description."""
    sets = read_gmt(shared_file(f"go_{part}_propagated_dhimmel2015_ontologyindex2024.gmt.gz"))
    ids = [GO_ID.search(name).group() for name in sets.names]
    assert len(ids) == n_terms
    genes = {identifier: set(own) for identifier, own in zip(ids, sets.genes, strict=True)}
    total = real.propagate(genes, "is_a")
    assert {identifier: total[identifier] for identifier in ids} == genes
    levels = real.levels()
    assert sets.descriptions == tuple(
        f"level={levels[identifier].level};depth={levels[identifier].depth}" for identifier in ids
    )


def test_a_real_slim():
    slim = read_obo(shared_file("goslim_generic.obo.gz"))
    assert len(slim.terms) == 149
    # grep: 79 relationship lines of all kinds, 58 alt_id lines.
    assert len(slim.alternative) == 58
    assert slim.resolve("GO:0007148").name == "cell morphogenesis"
    assert "GO:0005634" in slim.terms["GO:0000228"].part_of  # nuclear chromosome, nucleus
