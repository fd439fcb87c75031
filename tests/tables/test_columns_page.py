"""docs/tables.md names every table that there is."""

import pytest

from columns_page import PAGE, documented, undocumented
from featurelens.planning.outputs import read_outputs
from featurelens.planning.targets import LIBRARY

TABLES = [name for made in read_outputs(LIBRARY / "tables").values() for name in made.outputs]
TOGETHER = {"annotated_features": "tables/features/"} | {
    name: "concept_*.tsv" for name in TABLES if name.startswith("concept_")
}
"""Tables that the page calls otherwise than by their names."""


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_on_the_page(table):
    place = TOGETHER.get(table)
    text = PAGE.read_text()
    assert f"{table}.tsv" in text or f"`{table}.*`" in text or (place and place in text)


def test_columns_are_read_from_the_first_cell_of_a_row():
    page = "text `no`\n| column | meaning |\n|---|---|\n| `a`, `b_*` | of `c` |\n"
    assert documented(page) == {"a", "b_*"}
    assert undocumented(["a", "b_mean", "c"], {"a", "b_*"}) == {"c"}
