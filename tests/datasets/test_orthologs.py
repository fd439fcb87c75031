"""Mouse cells against human gene sets: by a table of orthologs, never by letter case."""

import pandas as pd
import pytest

from featurelens.datasets.config import OwnCells
from featurelens.datasets.orthologs import read_orthologs
from featurelens.datasets.readers import take_cells
from featurelens.genesets.config import UniverseConfig
from featurelens.genesets.identifiers import GeneIndex, require_overlap
from featurelens.genesets.overlay import overlay
from featurelens.genesets.sets import GeneSets
from featurelens.io import InputError
from made_cells import scanpy_like

MOUSE = ["Cd3d", "Hba-a1", "Hba-a2", "Trp53", "Gm1"]
NAMES = [(symbol, f"ENSMUSG{number:011d}") for number, symbol in enumerate(MOUSE)]
EXPECTED = ["CD3D", "HBA1|HBA2", "HBA1", "TP53", ""]
PAIRS = [("CD3D", "Cd3d"), ("HBA1", "Hba-a1"), ("HBA2", "Hba-a1"), ("HBA1", "Hba-a2")]
PAIRS += [("TP53", "Trp53"), ("CD8A", "Cd8a")]
CLASSES = [(1, "Cd3d", "CD3D"), (2, "Trp53", "TP53"), (3, "Hba-a1", "HBA1")]

TABLES = {
    "two columns": "\n".join(f"{human}\t{mouse}" for human, mouse in PAIRS),
    "commas, a header": "human,mouse\n" + "\n".join(f"{h},{m}" for h, m in PAIRS),
    "BioMart": "Gene stable ID\tGene name\tMouse gene stable ID\tMouse homology type\n"
    + "\n".join(
        f"ENSG{number:011d}\t{human}\tENSMUSG{MOUSE.index(mouse):011d}.4\t"
        for number, (human, mouse) in enumerate(PAIRS[:-1])
    ),
}


@pytest.mark.parametrize("form", TABLES)
def test_forms_of_tables(tmp_path, form):
    path = tmp_path / "orthologs.tsv"
    path.write_text(TABLES[form] + "\n")
    found = [set(each.split("|")) for each in read_orthologs(path, NAMES)]
    for each, expected in zip(found, EXPECTED, strict=True):
        assert set(expected.split("|")) <= each
    assert found[-1] == {""}


def test_classes_of_mgi(tmp_path):
    rows = ["DB Class Key\tCommon Organism Name\tNCBI Taxon ID\tSymbol"]
    for key, mouse, human in CLASSES:
        rows += [f"{key}\tmouse, laboratory\t10090\t{mouse}", f"{key}\thuman\t9606\t{human}"]
    rows.append("3\thuman\t9606\tHBA2")
    (tmp_path / "HOM.rpt").write_text("\n".join(rows) + "\n")
    assert read_orthologs(tmp_path / "HOM.rpt", NAMES) == ["CD3D", "HBA1|HBA2", "", "TP53", ""]


def test_a_row_that_is_short_has_no_ortholog(tmp_path):
    path = tmp_path / "orthologs.tsv"
    path.write_text("mouse\thuman\tkind\nCd3d\tCD3D\tone2one\nTrp53\n")
    assert read_orthologs(path, NAMES) == ["CD3D|one2one", "", "", "", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\ntwo\n", "has a single column"),
        ("A1BG\tZfp1\nTP53\tZfp2\n", "holds no gene of the data, which are called Cd3d.*A1BG"),
        (
            "DB Class Key\tDB Class Key\tCommon Organism Name\tSymbol\n"
            "1\tmouse\tCd3d\n1\thuman\tCD3D\n",
            "holds genes in its column Common Organism Name; its header and its rows",
        ),
    ],
)
def test_tables_that_are_none(tmp_path, text, message):
    (tmp_path / "orthologs.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_orthologs(tmp_path / "orthologs.tsv", NAMES)
    with pytest.raises(InputError, match="no such file"):
        read_orthologs(tmp_path / "gone.tsv", NAMES)


SETS = GeneSets.of(
    [("T", "", ("CD3D", "TP53", "GM1")), ("blood", "", ("HBA1", "HBA2", "CD3D", "X"))]
)
VAR = pd.DataFrame({"symbol": MOUSE, "orthologs": EXPECTED}, index=[name for _, name in NAMES])


def test_a_set_means_all_orthologs_of_its_genes():
    membership = overlay(SETS, VAR, min_genes=1, max_genes=9)
    assert membership.matrix.toarray().tolist() == [[1, 0, 0, 1, 0], [1, 1, 1, 0, 0]]
    assert "4 of 6 names found, 4 by orthologs; 1 differ from a gene" in membership.describe()


def test_letter_case_alone_is_said_to_be_no_orthology():
    index = GeneIndex.of(VAR[["symbol"]])
    counts = index.account(SETS.distinct)
    assert (counts.n_exact, counts.n_missing, counts.n_case_alone) == (0, 6, 2)
    message = "0 in common.*2 differ by letter case alone, which is no orthology: give a table"
    with pytest.raises(InputError, match=message):
        require_overlap(SETS.distinct, index, UniverseConfig().min_overlap)


def test_names_are_counted_by_the_way_they_are_found():
    var = pd.DataFrame(
        {"symbol": ["CD3D", "C1orf162", "CD3D"], "ensembl": ["ENSG00000000001", "", ""]}
    )
    counts = GeneIndex.of(var).account(["CD3D", "C1ORF162", "ENSG00000000001.7", "nope"])
    assert counts.n_exact == 1
    assert counts.n_without_version == 1
    assert counts.n_by_capitals == 1
    assert counts.n_missing == 1
    assert counts.n_repeated == 1
    text = "3 of 4 names found, 1 by an id without its version, 1 by their capitals; 1 genes share"
    assert counts.describe().startswith(text)


def test_cells_bring_orthologs_to_their_genes(tmp_path):
    adata = scanpy_like()
    (tmp_path / "orthologs.tsv").write_text(f"{adata.var_names[0]}\tHUMAN\nx\ty\n")
    own = OwnCells(path="adata", orthologs=str(tmp_path / "orthologs.tsv"))
    var = take_cells(adata, own).var
    assert var["orthologs"].tolist() == ["HUMAN", *[""] * (adata.n_vars - 1)]
    assert GeneIndex.of(var).find_all("HUMAN") == (adata.var_names[0],)
