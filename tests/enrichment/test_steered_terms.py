"""Gene sets of an edit against scipy, and their p against controls."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from featurelens.enrichment.steered_terms import steered_terms
from featurelens.genesets.sets import GeneSets
from featurelens.tables.steering_terms import tabulate

RNG = np.random.default_rng(0)
GENES = [f"G{number}" for number in range(60)]
SETS = GeneSets.of(
    [
        ("first ten", "set|here", tuple(GENES[:10])),
        ("odd", "set|here", tuple(GENES[1::2])),
        ("together", "set|here", tuple(GENES[40:55])),
        ("rest", "set|here", tuple(GENES[10:40])),
        ("last", "set|here", tuple(GENES[55:])),
    ]
)


def effects():
    """One gene in ten moves with the edit; the genes of one set move together in everything."""
    common = RNG.normal(size=(201, 1)) * 3
    values = RNG.normal(size=(201, 60))
    values[:, 40:55] += common
    values[0, :10] += 4
    return values


def test_the_z_is_scipys_and_the_p_a_rank_among_controls():
    values = effects()
    found = steered_terms(
        "7", values[0], values[1:], SETS.membership(GENES, min_genes=3, max_genes=50)
    )
    found = found.set_index("term")
    for name, _, genes in SETS.rows:
        inside = np.isin(GENES, genes)
        tests = [
            scipy.stats.mannwhitneyu(row[inside], row[~inside], method="asymptotic")
            for row in values
        ]
        effect = tests[0].statistic / (inside.sum() * (~inside).sum())
        assert found.loc[name, "effect"] == pytest.approx(effect)
        strength = np.array([abs(scipy.stats.norm.isf(test.pvalue / 2)) for test in tests])
        assert abs(found.loc[name, "z"]) == pytest.approx(strength[0], abs=1e-6)
        assert found.loc[name, "direction"] == ("up" if effect >= 0.5 else "down")
        p = (1 + (strength[1:] >= strength[0] - 1e-9).sum()) / 201
        assert found.loc[name, "p"] == pytest.approx(p)
        assert found.loc[name, "n_genes"] == inside.sum()
    assert found.index[0] == "first ten"
    assert found.loc["first ten", "p"] == 1 / 201
    # Genes that move together give large z for any direction: among the controls that is nothing.
    assert found.loc["together", "z_controls"] > 2
    assert found.loc["odd", "z_controls"] == pytest.approx(1, abs=0.2)


def test_the_table_of_a_run():
    values = effects().astype(np.float32)
    columns = {"feature": "7", "role": "global", "gene": GENES}
    table = pd.concat(
        [
            pd.DataFrame(columns | {"convention": "published", "log2_fold": 0.0}),
            pd.DataFrame(columns | {"convention": "corrected", "log2_fold": values[0]}),
        ]
    )
    controls = anndata.AnnData(
        X=values[1:],
        obs=pd.DataFrame({"feature": "7"}, index=[f"c{number}" for number in range(200)]),
        var=pd.DataFrame({"symbol": GENES}, index=GENES),
    )
    name = "blood/nmf/topk/sets"
    asked = {"min_genes": 3, "max_genes": 50}
    found = tabulate({name: table}, {name: controls}, {name: SETS}, enrichment=asked, most=2)
    assert found[["sae", "position", "role", "feature"]].drop_duplicates().values.tolist() == [
        [name, 1, "global", "7"]
    ]
    expected = steered_terms(
        "7", values[0], values[1:], SETS.membership(GENES, min_genes=3, max_genes=50)
    )
    pd.testing.assert_frame_equal(found[expected.columns], expected.head(2))
    nothing = tabulate(
        {name: table.iloc[:0]}, {name: controls}, {name: SETS}, enrichment=asked, most=2
    )
    assert list(nothing.columns) == list(found.columns)
    assert nothing.empty
