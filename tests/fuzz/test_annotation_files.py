"""Ontologies, annotations, mappings, orthologs: right as a plain parser, or refused."""

import re

from hypothesis import given
from hypothesis import strategies as st

import gene_ontology
from featurelens.datasets.orthologs import read_orthologs
from featurelens.genesets.annotations import read_annotations
from featurelens.genesets.identifiers import GeneIndex, read_background
from featurelens.genesets.mapping import read_mapping
from featurelens.genesets.ontology import read_obo
from fuzzed import fuzzed, outcome
from gene_ontology import gaf_line
from mutations import spoilt
from spelling import lines_of, rows_of, text_of, written

OBO, GAF, DIRECT = (getattr(gene_ontology, name).encode() for name in ("OBO", "GAF", "DIRECT"))
MAPPING = b"# accession\tgene\nP12345\tENSG00000000001.7\nP12345\tENSG00000000002\nQ99999\tCD3D\n"
UNIPROT = "\t".join(
    ["P12345", *[""] * 17, "ENSG00000000001.7; ENSG00000000002", "", "", ""]
).encode()
PAIRS = b"Gene stable ID,Human gene\nENSMUSG00000000001,GNAI3\nENSMUSG00000000003.2,PBSN\nx,y\n"
CLASSES = (
    b"DB Class Key\tCommon Organism Name\tSymbol\n"
    b"1\tmouse, laboratory\tCd3d\n1\thuman\tCD3D\n2\tmouse, laboratory\tH2-K1\n2\thuman\tHLA-A\n"
    b"2\thuman\tHLA-B\n"
)
GENES = [
    ("Gnai3", "ENSMUSG00000000001"),
    ("Pbsn", "ENSMUSG00000000003"),
    ("Cd3d", ""),
    ("H2-K1", ""),
]


def stanzas(data):
    """Terms of an OBO file, each as tag to values, as the format's guide has them."""
    text = "\n".join(lines_of(data))
    for block in re.split(r"\n(?=\[)", "\n" + text)[1:]:
        if block.split("\n")[0].split("!")[0].strip() == "[Term]":
            tags = {}
            for line in block.split("\n")[1:]:
                tag, colon, value = line.partition(":")
                if colon and tag != "name":
                    value = value.split("!")[0].split("{")[0]
                if colon:
                    tags.setdefault(tag, []).append(value.strip())
            yield tags


def check_as_obo(made, data):
    named = [tags for tags in stanzas(data) if "name" in tags]
    for tags in named:
        assert len(tags["id"]) == len(tags["name"]) == 1
        tags["id"] = tags["id"][0].split()[:1]
    live = {tags["id"][0]: tags for tags in named if "true" not in tags.get("is_obsolete", [])}
    assert set(made.terms) == set(live)
    assert set(made.obsolete) == {tags["id"][0] for tags in named} - set(live)
    for term in made.terms.values():
        tags = live[term.id]
        assert term.name == tags["name"][0].replace("\t", " ")
        assert set(term.is_a) == {value.split()[0] for value in tags.get("is_a", [])} & set(live)
        parts = [value.split() for value in tags.get("relationship", [])]
        above = {words[1] for words in parts if words[0] == "part_of"}
        assert set(term.part_of) == above & set(live)
    order = list(made.terms)
    for term in made.terms.values():
        assert all(order.index(each) < order.index(term.id) for each in (*term.is_a, *term.part_of))
    for level in made.levels().values():
        assert 0 <= level.level <= level.depth


@fuzzed(250)
@given(
    data=spoilt(
        OBO,
        pieces=[b"is_obsolete: true\n", b"name: x\n", b" ! y", b" {a=b}", b"\nid: GO:0000002\n"],
    )
)
def test_a_spoilt_ontology(data, folder):
    path = folder / "s.obo"
    path.write_bytes(data)
    made = outcome(lambda: read_obo(path), path)
    if made is not None:
        check_as_obo(made, data)


IDS = [f"GO:{number:07d}" for number in range(1, 9)]


@fuzzed(100)
@given(data=st.data())
def test_an_ontology_in_any_spelling(data, folder):
    """Terms in any order, remarks and modifiers behind parents, ends of lines, gzip."""
    draw = data.draw
    parents = {
        term: draw(st.lists(st.sampled_from(IDS[:place]), max_size=2, unique=True)) if place else []
        for place, term in enumerate(IDS)
    }
    lines = ["format-version: 1.2", "default-namespace: biological_process", ""]
    for term in draw(st.permutations(IDS)):
        lines += [
            draw(st.sampled_from(["[Term]", "[Term] ", "[Term] ! the next"])),
            f"id:{draw(st.sampled_from(['', ' ', '  ']))}{term}",
            f"name: about {term}",
        ]
        behind = st.sampled_from(
            ["", " ! its name", "  ! a ! b", ' {source="GOC:x"} ! name', "\t! x"]
        )
        lines += [f"is_a: {parent}{draw(behind)}" for parent in parents[term]]
        lines += draw(st.sampled_from([[], ['def: "is_a: GO:0000001" []'], ["xref: X:1"]]))
        lines += [""] * draw(st.integers(0, 2))
    path = folder / "a.obo"
    path.write_bytes(written(draw, lines))
    made = outcome(lambda: read_obo(path), path)
    assert {term.id: set(term.is_a) for term in made.terms.values()} == {
        term: set(above) for term, above in parents.items()
    }
    assert {term.name for term in made.terms.values()} == {f"about {term}" for term in IDS}


def plain_annotations(data, ontology, evidence):
    found = {}
    for line in lines_of(data):
        if not line or line.startswith("!"):
            continue
        fields = line.split("\t")
        term = ontology.alternative.get(fields[4], fields[4])
        kept = not evidence or fields[6] in evidence
        kept = kept and fields[2].strip() and "NOT" not in fields[3].split("|")
        if kept and fields[4] not in ontology.obsolete and term in ontology.terms:
            found.setdefault(term, set()).add(fields[2].strip())
    return found


@fuzzed(250)
@given(
    data=spoilt(
        GAF, gaf_line("G1", "GO:0000002").encode(), pieces=[b"NOT|", b"IEA", b"GO:0000033"]
    ),
    evidence=st.sampled_from([(), ("IDA", "ND")]),
)
def test_a_spoilt_gaf(data, evidence, folder):
    terms, path = folder / "ontology.obo", folder / "s.gaf"
    terms.write_bytes(OBO)
    path.write_bytes(data)
    ontology = read_obo(terms)
    made = outcome(lambda: read_annotations(path, ontology, evidence=evidence), path)
    if made is not None and not lines_of(data)[0].startswith("go_id"):
        assert made.genes == plain_annotations(data, ontology, evidence)


@fuzzed(100)
@given(data=st.data())
def test_a_gaf_in_any_spelling(data, folder):
    """Annotations in any order and twice, remarks anywhere, 15 to 17 columns, ends of lines."""
    draw = data.draw
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(["G1", "H2-K1", "é"]), st.sampled_from(IDS[:6])), min_size=1
        )
    )
    lines = ["!gaf-version: 2.2"]
    for gene, term in pairs:
        fields = gaf_line(gene, term).split("\t")
        lines += ["\t".join(fields[: draw(st.sampled_from([15, 16, 17]))])]
        lines += draw(st.sampled_from([[], ["! a remark"], [""]]))
    terms, path = folder / "ontology.obo", folder / "a.gaf"
    terms.write_bytes(OBO)
    path.write_bytes(written(draw, lines))
    made = outcome(lambda: read_annotations(path, read_obo(terms)), path)
    expected = {}
    for gene, term in pairs:
        expected.setdefault(term, set()).add(gene)
    assert made.genes == expected
    assert made.counts["n_annotations"] == len(pairs)


@fuzzed(100)
@given(data=spoilt(DIRECT, pieces=[b"|", b"gene_symbols", b"go_id"]))
def test_a_spoilt_table_of_annotations(data, folder):
    terms, path = folder / "ontology.obo", folder / "s.tsv"
    terms.write_bytes(OBO)
    path.write_bytes(data)
    ontology = read_obo(terms)
    made = outcome(lambda: read_annotations(path, ontology), path)
    lines = lines_of(data) if made is not None else [""]
    if lines[0].startswith("go_id"):
        place, found = lines[0].split("\t").index("gene_symbols"), {}
        for fields in (line.split("\t") for line in lines[1:] if line):
            term = ontology.alternative.get(fields[0], fields[0])
            genes = {gene.strip() for gene in fields[place].split("|")} - {""}
            if genes and term in ontology.terms and fields[0] not in ontology.obsolete:
                found.setdefault(term, set()).update(genes)
        assert made.genes == found


@fuzzed(100)
@given(data=spoilt(MAPPING, UNIPROT, pieces=[b"; ", b".12"]))
def test_a_spoilt_mapping(data, folder):
    path = folder / "s.tab"
    path.write_bytes(data)
    made = outcome(lambda: read_mapping(path), path)
    if made is not None:
        cut = lambda name: re.sub(r"^(ENS[A-Z]*G\d{11})\.\d+$", r"\1", name)  # noqa: E731
        found = {}
        for line in lines_of(data):
            if line and not line.startswith("#"):
                fields = line.split("\t")
                targets = fields[18].split(";") if len(fields) == 22 else [fields[1]]
                for target in filter(None, map(str.strip, targets)):
                    found.setdefault(cut(fields[0].strip()), []).append(cut(target))
        assert made == {name: tuple(dict.fromkeys(targets)) for name, targets in found.items()}


@fuzzed(100)
@given(data=spoilt(b"CD3D\nCD3E\n\nENSG00000000001.7\n", b"CD3D\r\nCD8A\r\n"))
def test_a_spoilt_list_of_genes(data, folder):
    path = folder / "s.txt"
    path.write_bytes(data)
    genes = ("CD3D", "CD3E", "CD8A")
    made = outcome(lambda: read_background(path, GeneIndex(genes, {g: g for g in genes})), path)
    if made is not None:
        lines = {line.strip() for line in lines_of(data)}
        assert made.tolist() == [gene in lines for gene in genes]


@fuzzed(200)
@given(
    data=spoilt(PAIRS, CLASSES, PAIRS.replace(b",", b"\t"), pieces=[b"ENSMUSG00000000001", b"Cd3d"])
)
def test_a_spoilt_table_of_orthologs(data, folder):
    path = folder / "s.csv"
    path.write_bytes(data)
    made = outcome(lambda: read_orthologs(path, GENES), path)
    if made is None:
        return
    separator = "\t" if "\t" in text_of(data).split("\n")[0] else ","
    cells = {cell for row in rows_of(data, separator) for cell in row}
    assert len(made) == len(GENES)
    for names, found in zip(GENES, made, strict=True):
        others = set(filter(None, found.split("|")))
        assert others.isdisjoint(names)
        assert all(any(other in cell for cell in cells) for other in others)


@fuzzed(100)
@given(data=st.data())
def test_a_table_of_orthologs_in_any_spelling(data, folder):
    """Separators, a header or none, further columns, order of columns and rows, versions of ids."""
    draw = data.draw
    human = st.sampled_from(["GNAI3", "PBSN", "CD3D", "HLA-A"])
    pairs = draw(st.lists(st.tuples(st.sampled_from([n[1] for n in GENES[:2]]), human), min_size=1))
    separator = draw(st.sampled_from(["\t", ","]))
    turned = draw(st.booleans())
    lines = [separator.join(["human", "mouse"] if turned else ["mouse", "human"])] * draw(
        st.booleans()
    )
    for own, other in pairs:
        row = [own + draw(st.sampled_from(["", ".3"])), other]
        row = row[::-1] if turned else row
        lines.append(separator.join(draw(st.sampled_from([f'"{x}"', x])) for x in row))
    path = folder / "a.csv"
    path.write_bytes(written(draw, lines))
    made = outcome(lambda: read_orthologs(path, GENES), path)
    expected = [
        "|".join(dict.fromkeys(other for own, other in pairs if own == names[1])) for names in GENES
    ]
    assert made == expected
