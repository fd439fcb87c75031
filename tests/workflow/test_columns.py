"""Every column of every table of a run is explained."""

import pytest

from columns_page import PAGE, columns_of, documented, undocumented

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("miniature")]


def test_every_column_of_a_run_is_on_the_page(finished):
    known = documented(PAGE.read_text())
    tables = dict(columns_of(finished / "results/demo"))
    assert len(tables) > 60
    found = {str(place): undocumented(names, known) for place, names in tables.items()}
    assert {place: names for place, names in found.items() if names} == {}
