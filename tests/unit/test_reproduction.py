import pandas as pd

from featurelens.reproduction import page


def test_the_page_shows_judged_claims_first_and_counts_the_rest():
    claims = pd.DataFrame(
        {
            "number": [1, 2],
            "part": ["a", None],
            "claim": ["Order.", "Needs marrow."],
            "place": ["4.1", "5.1"],
            "published": ["Y > X", "5,318"],
            "reproduced_published": ["Y 1 > X 0", None],
            "reproduced_corrected": ["X | Y", None],
            "null": [None, None],
            "tolerance": [0.0, 0.0],
            "verdict": ["reproduced", "not judged"],
            "verdict_corrected": ["not reproduced", "not judged"],
            "note": ["small", "marrow"],
        }
    )
    text = page(claims)
    assert "Judged: 1 reproduced. Not judged: 1." in text
    row = "| 1a | Order. | Y > X | Y 1 > X 0 | X \\| Y |  | reproduced / not reproduced | small |"
    assert row in text.splitlines()
    assert text.splitlines()[-1] == "| 2 | Needs marrow. | 5,318 | marrow |"
