"""How a value that a run found is written."""

import pytest

from featurelens.claims.values import show


@pytest.mark.parametrize(
    ("value", "share", "text"),
    [
        (0.8225, True, "82.2 %"),
        (0.0336, False, "0.0336"),
        (1000.0, False, "1,000"),
        (-5318.4, False, "-5,318"),
        (999.0, False, "999"),
        ("Dendritic", False, "Dendritic"),
        ({"X": 0.5, "A": 0.75}, False, "A 0.75 > X 0.50"),
    ],
)
def test_values_are_written_as_people_read_them(value, share, text):
    assert show(value, share=share) == text
