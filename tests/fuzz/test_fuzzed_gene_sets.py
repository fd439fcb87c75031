"""Files of gene sets: what was written comes back however it is spelt, what is spoilt is refused
or read as a plain parser reads it."""

import csv
import gzip
import io
import json
import re

import yaml
from hypothesis import given
from hypothesis import strategies as st

from clones import ROOT
from featurelens.genesets.files import read_gmt, write_gmt
from featurelens.genesets.read import read_counted
from fuzzed import fuzzed, outcome
from mutations import spoilt, strange
from spelling import lines_of, text_of

GMT = (
    b"ribosomal proteins\tfamily|HGNC\tRPL3\tRPS4X\tRPLP0\n"
    b"histones\tfamily|HGNC\tH1-0\tH2AC6\tH4C3\tH1-0\n"
    b"HALLMARK_HYPOXIA\thttp://example.org/HYPOXIA\tVEGFA\tADM\n"
    b"# a remark\n"
    b"T cell receptor\tna\tCD3D\tCD3E\tCD247,0.5\n"
)
NAMELESS = b"first\tCD3D\tCD3E\tCD247\nsecond\tRPL3\tRPS4X\nthird\tVEGFA\tADM\tH1-0\n"
GMX = b"one\ttwo\nna\tfamily|x\nCD3D\tRPL3\nCD3E\tRPS4X\nCD247\t\n"
GRP = b"T_CELL\n> from a paper\nCD3D\nCD3E\n"
TABLE = (
    b"cell type,remark,official gene symbol\r\n"
    b'T cell,"one, two",CD3D\r\nT cell,,CD3E\r\nB cell,x,"CD19, MS4A1"\r\nB cell,x,NA\r\n'
)
LONG = b"source\ttarget\tweight\nSTAT1\tIRF1\t1\nSTAT1\tCXCL10\t0.5\nMYC\tNPM1\t-1\n"
OWN = {
    "T cell receptor": ["CD3D", "CD3E", " CD247"],
    "NO": {"description": "family|x", "genes": ["SEPT2", "1E5"]},
    "HALLMARK_HYPOXIA": {"geneSymbols": ["VEGFA"], "collection": "H", "systematicName": "M5891"},
}

NAMES = [
    "T cell receptor",
    "a",
    "NO",
    "1E5",
    "HALLMARK_HYPOXIA",
    "Herz-Kreislauf é",
    "x.y (z)",
    "m'",
]
GENES = ["CD3D", "CD3E", "CD247", "RPL3", "H1-0", "HLA-DRA", "SEPT2", "MT-CO1", "TRAV1-2", "CCL3L1"]
ABOUT = st.sampled_from(["", "na", "family|HGNC", "http://example.org/a", "a process of cells"])
SETS = st.lists(
    st.tuples(
        st.sampled_from(NAMES), ABOUT, st.lists(st.sampled_from(GENES), min_size=1, max_size=5)
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row[0],
)


def once(genes):
    return tuple(dict.fromkeys(genes))


def read(path, data):
    path.write_bytes(data)
    made = outcome(lambda: read_counted(path), path)
    if made is not None:  # what stages hand on is what was read
        write_gmt(made.sets, path.with_suffix(".written"))
        assert read_gmt(path.with_suffix(".written")) == made.sets
    return made


@fuzzed(200)
@given(data=st.data(), sets=SETS)
def test_a_gmt_in_any_spelling(data, sets, folder):
    """Ends of lines, empty lines, remarks, tabs behind, quotes, a byte-order mark, gzip."""
    draw = data.draw
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = ""
    for name, about, genes in sets:
        for _ in range(draw(st.integers(0, 2))):
            text += draw(st.sampled_from(["", "# a remark", " ", "\t", "#"])) + end
        fields = [draw(st.sampled_from([each, f'"{each}"', f" {each} "])) for each in (name, about)]
        fields += [draw(st.sampled_from([gene, f"{gene} ", f'"{gene}"'])) for gene in genes]
        text += "\t".join(fields) + draw(st.sampled_from(["", "\t", "\t\t\t", " "])) + end
    text = text.removesuffix(end) if draw(st.booleans()) else text
    raw = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()
    made = read(folder / "a.gmt", gzip.compress(raw, mtime=0) if draw(st.booleans()) else raw)
    assert made.sets.rows == [(name, about, once(genes)) for name, about, genes in sets]


@fuzzed(200)
@given(data=st.data(), sets=SETS)
def test_one_s_own_sets_in_any_spelling(data, sets, folder):
    """JSON and YAML, in every style, as lists or with a description."""
    draw = data.draw
    mapping = {
        name: {"description": about, "genes": genes} if about or draw(st.booleans()) else genes
        for name, about, genes in sets
    }
    if draw(st.booleans()):
        name = "a.json"
        text = json.dumps(
            mapping,
            indent=draw(st.sampled_from([None, 0, 3])),
            ensure_ascii=draw(st.booleans()),
            separators=draw(st.sampled_from([None, (",", ":")])),
        )
    else:
        name = draw(st.sampled_from(["a.yaml", "a.yml", "a.YAML"]))
        text = yaml.safe_dump(
            mapping,
            default_flow_style=draw(st.sampled_from([None, True, False])),
            default_style=draw(st.sampled_from([None, '"', "'"])),
            allow_unicode=draw(st.booleans()),
            sort_keys=False,
            explicit_start=draw(st.booleans()),
        )
    raw = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))).encode()
    made = read(folder / name, gzip.compress(raw, mtime=0) if draw(st.booleans()) else raw)
    assert made.sets.rows == [(name, about, once(genes)) for name, about, genes in sets]


@fuzzed(200)
@given(data=st.data(), sets=SETS)
def test_a_long_table_in_any_spelling(data, sets, folder):
    """Separators, order of columns and rows, quotes, several genes a row, rows without a gene."""
    draw = data.draw
    delimiter = draw(st.sampled_from("\t,;"))
    columns = draw(st.permutations(["Cell Type", "gene_symbol", "remark"]))
    rows = []
    for name, _, genes in sets:
        if delimiter != "," and draw(st.booleans()):
            rows.append((name, ", ".join(genes)))
        else:
            rows += [(name, gene) for gene in genes]
        if draw(st.booleans()):
            rows.append((name, draw(st.sampled_from(["", "NA", "-"]))))
    text = io.StringIO()
    style = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(text, delimiter=delimiter, quoting=style, lineterminator=end)
    writer.writerow(columns)
    for name, gene in rows:
        values = {"Cell Type": name, "gene_symbol": gene, "remark": draw(ABOUT)}
        writer.writerow([values[column] for column in columns])
    raw = text.getvalue().encode()
    made = read(folder / "a.csv", gzip.compress(raw, mtime=0) if draw(st.booleans()) else raw)
    assert made.sets.rows == [(name, "", once(genes)) for name, _, genes in sets]


WEIGHT = re.compile(r",\s*-?\d+(\.\d*)?([eE][+-]?\d+)?$")


def check_as_gmt(made, data):
    lines = [line for line in lines_of(data) if line.strip() and not line.startswith("#")]
    rows = [[field.strip().strip('"').strip() for field in line.split("\t")] for line in lines]
    assert len(rows) == len(made.sets.names)
    if "n_first_genes_split_off" in made.counts:
        rows = [[*row[0].rsplit(",", 1), *row[1:]] for row in rows]
        rows = [[name, "", *genes] for name, *genes in rows]
    elif "n_without_description" in made.counts:
        rows = [[name, "", *genes] for name, *genes in rows]
    for (name, about, *fields), row in zip(rows, made.sets.rows, strict=True):
        assert row[2] == once(g for g in (WEIGHT.sub("", f).strip() for f in fields) if g)
        if "%" not in name and ":" not in name:
            assert row[:2] == (name, about)


@fuzzed(300)
@given(data=spoilt(GMT, NAMELESS, pieces=[b"%GO%GO:0000001", b"GO:1", b"a,B\t", b",1.0"]))
def test_a_spoilt_gmt(data, folder):
    made = read(folder / "s.gmt", data)
    if made is not None:
        check_as_gmt(made, data)


@fuzzed(100)
@given(data=spoilt(GMX, GMT))
def test_a_spoilt_gmx(data, folder):
    made = read(folder / "s.gmx", data)
    if made is not None:
        rows = [[field.strip() for field in line.split("\t")] for line in lines_of(data)]
        width = max(map(len, rows))
        columns = zip(*([*row, *[""] * (width - len(row))] for row in rows), strict=True)
        rows = [(name, about, once(filter(None, genes))) for name, about, *genes in columns]
        assert made.sets.rows == rows


@fuzzed(100)
@given(data=spoilt(GRP, GMT))
def test_a_spoilt_grp(data, folder):
    made = read(folder / "s.grp", data)
    if made is not None:
        lines = [line.strip() for line in lines_of(data) if line.strip()]
        genes = [line for line in lines if line[0] not in "#>"]
        [(name, _, found)] = made.sets.rows
        assert found in (once(genes), once(genes[1:]))
        is_named = genes[0] == "s" or genes[0] in genes[1:]  # then both are the same
        assert is_named or (name == "s") == (found == once(genes))


def own_sets(content):
    for name, entry in content.items():
        genes = entry
        if isinstance(entry, dict):
            genes = entry["geneSymbols"] if "geneSymbols" in entry else entry["genes"]
        yield name, once(gene.strip() for gene in genes)


@fuzzed(150)
@given(data=spoilt(json.dumps(OWN, indent=1).encode(), json.dumps(OWN).encode()))
def test_spoilt_json(data, folder):
    made = read(folder / "s.json", data)
    if made is not None:
        assert [(row[0], row[2]) for row in made.sets.rows] == list(
            own_sets(json.loads(text_of(data)))
        )


@fuzzed(150)
@given(content=strange(OWN))
def test_json_of_strange_things(content, folder):
    made = read(folder / "s.json", json.dumps(content).encode())
    if made is not None:
        content = json.loads(json.dumps(content))
        assert [(row[0], row[2]) for row in made.sets.rows] == list(own_sets(content))


@fuzzed(150)
@given(
    data=spoilt(
        yaml.safe_dump(OWN).encode(),
        json.dumps(OWN).encode(),
        pieces=[b"&a [*a]", b": ", b"!!set "],
    )
)
def test_spoilt_yaml(data, folder):
    made = read(folder / "s.yaml", data)
    if made is not None:
        content = yaml.load("\n".join(lines_of(data)), Loader=yaml.BaseLoader)
        assert [(row[0], row[2]) for row in made.sets.rows] == list(own_sets(content))


@fuzzed(200)
@given(data=spoilt(TABLE, LONG))
def test_a_spoilt_table(data, folder):
    made = read(folder / "s.csv", data)
    if made is None:
        return
    lines = lines_of(data)
    delimiter = max("\t,;", key=lines[0].count)
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    plain = [re.sub(r"[\s_.-]", "", name).lower() for name in rows[0]]
    of_sets = next((plain.index(n) for n in ("source", "celltype", "set") if n in plain), None)
    of_genes = next((plain.index(n) for n in ("target", "officialgenesymbol") if n in plain), None)
    if of_sets is None or of_genes is None or made.counts.keys() - {"n_rows_without_set_or_gene"}:
        return  # the header was spoilt: another form, or other columns
    found = {}
    for row in rows[1:]:
        genes = [gene.strip(" []\t") for gene in re.split("[,;|]", row[of_genes])]
        genes = [g for g in genes if g.lower() not in ("", "-", "na", "n/a", "nan", "none")]
        name = row[of_sets].strip()
        if name.lower() not in ("", "-", "na", "n/a", "nan", "none") and genes:
            found.setdefault(name, []).extend(genes)
    assert made.sets.rows == [(name, "", once(genes)) for name, genes in found.items()]


def test_the_shipped_sets_are_the_ones_of_a_plain_parser():
    """The parser above is right on a real file."""
    path = ROOT / "config/genesets/blood_families.gmt"
    check_as_gmt(read_counted(path), path.read_bytes())
