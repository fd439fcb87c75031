"""Gene sets of steered genes: against scipy, and against controls that move the same genes."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from featurelens.enrichment.config import EnrichmentConfig
from featurelens.genesets.sets import GeneSets
from featurelens.options import as_plain
from featurelens.tables import table_S8

GENES = [f"G{n}" for n in range(40)]
SETS = GeneSets.of(
    [
        ("first", "kind|s", tuple(GENES[:6])),
        ("loud", "kind|s", tuple(GENES[10:16])),
        ("rest", "other|s", tuple(GENES[20:40])),
    ]
)
ENRICHMENT = as_plain(EnrichmentConfig(min_genes=3, max_genes=30))


@pytest.fixture(scope="module")
def study():
    """G0-G5 rise in the edit alone; G10-G15 rise in the edit and under every control."""
    rng = np.random.default_rng(0)
    null = rng.normal(0, 0.2, (200, 40))
    null[:, 10:16] += 2
    fold = rng.normal(0, 0.2, 40)
    fold[:6] += 3
    fold[10:16] += 2
    glm = np.where(np.arange(40) < 8, 2.0, 0.1)
    glm[7] = -3
    about = {"feature": "7", "gene": GENES}
    effects = pd.concat(
        [
            pd.DataFrame(
                about
                | {"convention": "published", "glm_log2_fold": glm}
                | {"glm_q": np.where(np.arange(40) < 8, 0.01, 0.8)}
            ),
            pd.DataFrame(about | {"convention": "corrected", "log2_fold": fold}),
        ],
        ignore_index=True,
    )
    controls = anndata.AnnData(
        null.astype(np.float32),
        obs=pd.DataFrame({"feature": ["7"] * 200}, index=[str(n) for n in range(200)]),
        var=pd.DataFrame({"symbol": GENES}, index=GENES),
    )
    return effects, controls


def tabulate(effects, controls, further=None, further_controls=None):
    return table_S8.tabulate(
        effects, controls, further if further is not None else {},
        further_controls if further_controls is not None else {}, SETS,
        origin="HSC", enrichment=ENRICHMENT,
    )  # fmt: skip


def test_the_published_p_is_that_of_scipy(study):
    table = tabulate(*study)
    own = table[table["convention"] == "published"].set_index("term")
    # Genes 0 to 7 are selected; 6 of them are in "first", none in the others.
    assert own.index.tolist() == ["first", "loud", "rest"]
    assert own[["n_selected", "n_hits"]].to_numpy().tolist() == [[8, 6], [8, 0], [8, 0]]
    assert own.loc["first", "p"] == pytest.approx(stats.hypergeom.sf(5, 40, 6, 8))
    # Of three sets tested; where no gene is hit p is 1.
    assert own["p"].tolist()[1:] == [1, 1]
    assert own.loc["first", "q"] == pytest.approx(3 * own.loc["first", "p"])
    assert own.loc["first", "genes"].split("; ") == GENES[:6]
    assert own[["direction", "genes"]].to_numpy().tolist()[1:] == [["", ""], ["", ""]]


def test_where_the_author_selects_no_gene_every_set_has_p_one(study):
    effects, controls = study
    table = tabulate(effects.assign(glm_q=1.0), controls)
    own = table[table["convention"] == "published"]
    assert own[["n_selected", "n_hits"]].to_numpy().tolist() == [[0, 0]] * 3
    assert own[["p", "q"]].to_numpy().tolist() == [[1, 1]] * 3


def test_a_set_counts_corrected_by_its_rank_among_controls(study):
    effects, controls = study
    table = tabulate(effects, controls)
    own = table[table["convention"] == "corrected"].set_index("term")
    assert own["rank"].tolist() == [1, 2, 3]
    assert own.index[2] == "loud"  # what is neither falls behind both, and stands before it
    assert own.loc["first", "p"] == pytest.approx(1 / 201)
    # Its genes rise twofold and more, and do so whatever moves the cells.
    assert own.loc["loud", "p"] > 0.05
    assert own.loc["first", "direction"] == "up"
    fold = effects.loc[effects["convention"] == "corrected", "log2_fold"].to_numpy()
    # The universe are the genes of some set: 0 to 5, 10 to 15 and 20 to 39.
    others = np.r_[fold[10:16], fold[20:]]
    u = stats.mannwhitneyu(fold[:6], others).statistic
    assert own.loc["first", "effect"] == pytest.approx(u / (6 * 26))
    genes = own.loc["first", "genes"].split("; ")
    assert genes == [GENES[n] for n in np.argsort(-fold[:6])]


def test_further_types_stand_below_with_their_own_controls(study):
    effects, controls = study
    further = effects[effects["convention"] == "corrected"].assign(origin="NK")
    others = controls.copy()
    others.obs["origin"] = "NK"
    table = tabulate(effects, controls, further, others)
    assert list(dict.fromkeys(table["origin"])) == ["HSC", "NK"]
    columns = ["term", "effect", "p", "q"]
    first, second = (
        table[(table["origin"] == name) & (table["convention"] == "corrected")][columns]
        for name in ("HSC", "NK")
    )
    pd.testing.assert_frame_equal(first.reset_index(drop=True), second.reset_index(drop=True))
    assert list(table.columns) == list(table_S8.COLUMNS)


def test_without_a_decoder_or_a_dispersion_rows_are_left_out(study):
    effects, controls = study
    nothing = tabulate(effects.iloc[:0], controls)
    assert nothing.empty
    assert list(nothing.columns) == list(table_S8.COLUMNS)
    without = tabulate(effects.assign(glm_q=np.nan), controls)
    assert set(without["convention"]) == {"corrected"}
