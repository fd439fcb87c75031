"""Preranked GSEA by pencil and against gseapy itself, and gseapy as judge of our own tests."""

from types import SimpleNamespace

import gseapy
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from featurelens.enrichment.config import GseaConfig
from featurelens.enrichment.gsea import chosen_features, rank_genes, run_gsea
from featurelens.enrichment.term_tests import gene_statistics, test_terms_corrected
from featurelens.figures.gsea import draw, draw_feature
from featurelens.figures.parts.style import save_drawn
from featurelens.genesets.sets import GeneSets
from featurelens.io import InputError

GENES = ["a", "b", "c", "d", "e", "F", "g", "h", "i", "j"]
SCORES = [5.0, 4.0, 3.0, 2.0, 1.0, -1.0, -2.0, -3.0, -4.0, -5.0]
CONFIG = GseaConfig(top=1, permutations=200)


def gene_sets(**sets):
    return GeneSets(
        names=tuple(sets),
        descriptions=tuple(f"category of {name}|pencil" for name in sets),
        genes=tuple(tuple(genes.split()) for genes in sets.values()),
    )


SETS = gene_sets(high="a c j", low="h i j", middle="e F")


def table(*scores, genes=GENES):
    """Differential expression of features 0, 1, ..., genes in no particular order."""
    shuffled = np.random.default_rng(0).permutation(len(genes))
    return pd.concat(
        [
            pd.DataFrame({"feature": str(number), "gene": genes, "t": values, "log2_fold": values})
            .iloc[shuffled]
            .assign(n_low=50)
            for number, values in enumerate(scores)
        ],
        ignore_index=True,
    ).astype({"feature": "category", "gene": "category"})


def run(*scores, features=("0",), config=CONFIG, sets=SETS):
    tables = [table(*scores)]
    membership = sets.membership(GENES, min_genes=2, max_genes=9)
    return run_gsea(tables, membership, list(features), config=config, log=lambda line: None)


def test_running_sum_and_leading_edge_by_pencil():
    results, running = run(SCORES)
    # high: a (5), c (3), j (5) of 13; each of the seven others takes away 1/7.
    step = {"a": 5 / 13, "c": 3 / 13, "j": 5 / 13}
    expected = np.cumsum([step.get(gene, -1 / 7) for gene in GENES])
    curve = running[running["term"] == "high"]
    assert curve["gene"].tolist() == GENES
    assert curve["gene"][curve["hit"].astype(bool)].tolist() == ["a", "c", "j"]
    np.testing.assert_allclose(curve["running"].astype(float), expected, atol=1e-12)
    high = results.set_index("term").loc["high"]
    # The peak is at c: 5/13 - 1/7 + 3/13 = .4725; -.3846 at i is nearer to zero.
    assert high["es"] == pytest.approx(5 / 13 - 1 / 7 + 3 / 13)
    assert high["leading_edge"] == "a; c"
    assert (high["n_genes"], high["n_leading"], high["category"]) == (3, 2, "category of high")
    low = results.set_index("term").loc["low"]
    assert low["es"] == pytest.approx(-1)
    assert set(low["leading_edge"].split("; ")) == {"h", "i", "j"}


def test_scores_are_gseapys():
    results, _ = run(SCORES)
    # Upper case throughout, so that gseapy changes no name by itself.
    upper = [[gene.upper() for gene in genes] for genes in SETS.genes]
    oracle = gseapy.prerank(
        pd.Series(SCORES, index=[gene.upper() for gene in GENES]),
        dict(zip(SETS.names, upper, strict=True)),
        min_size=2, max_size=9, permutation_num=200, seed=0, threads=1, no_plot=True, outdir=None,
    ).results  # fmt: skip
    assert set(oracle) == set(results["term"])
    for row in results.itertuples():
        theirs = oracle[row.term]
        assert (row.es, row.nes) == (theirs["es"], theirs["nes"])
        assert (row.p, row.fdr) == (theirs["pval"], theirs["fdr"])


def test_the_same_seed_gives_the_same_tables_and_order_of_rows_is_that_of_nes():
    first, second = run(SCORES), run(SCORES)
    pd.testing.assert_frame_equal(first.results, second.results)
    pd.testing.assert_frame_equal(first.running, second.running)
    assert first.results["nes"].is_monotonic_decreasing


def test_genes_without_a_score_are_left_out_and_infinite_ones_stand_at_the_ends():
    rows = pd.DataFrame({"gene": ["a", "b", "c", "d"], "log2_fold": [np.inf, 1.0, np.nan, -np.inf]})
    ranking = rank_genes(rows, "log2_fold")
    assert ranking.to_dict() == {"a": 1.0, "b": 1.0, "d": 1.0}
    rows["log2_fold"] = [np.inf, 1.0, -2.0, -np.inf]
    assert rank_genes(rows, "log2_fold").to_dict() == {"a": 1.0, "b": 1.0, "c": -2.0, "d": -2.0}


def test_ties_are_broken_by_name_not_by_the_order_of_rows():
    rows = table([1.0, 1.0, 1.0, 0, 0, 0, 0, 0, 0, 0.5])
    assert rank_genes(rows, "t").index[:4].tolist() == ["a", "b", "c", "j"]


def test_only_the_extreme_terms_are_drawn():
    _, running = run(SCORES, config=GseaConfig(top=1, permutations=200, n_shown=1))
    assert list(dict.fromkeys(running["term"])) == ["high", "low"]


def test_a_feature_that_was_not_tested():
    with pytest.raises(InputError, match="feature '7' was not tested"):
        run(SCORES, features=["7"])


def test_a_feature_without_any_score():
    with pytest.raises(InputError, match="no gene of feature '0' has a t"):
        run([np.nan] * 10)


def test_no_feature_gives_empty_tables_with_their_columns():
    results, running = run(SCORES, features=[])
    assert len(results) == len(running) == 0
    assert {"nes", "leading_edge"} <= set(results)


FEATURES = pd.DataFrame(
    {
        "feature": [3, 5, 8],
        "type": ["local", "local", "global"],
        "top_cell_type": ["B", "B", np.nan],
        "effect": [2.0, 1.0, np.nan],
        "terms": ["x", "y", np.nan],
        "n_terms": [1, 1, 0],
    }
)


def test_named_features_come_first_and_once():
    config = GseaConfig(features=(8, 5), top=2)
    assert chosen_features(FEATURES, config)["feature"].tolist() == [8, 5, 3]
    assert chosen_features(FEATURES, GseaConfig(top=9))["feature"].tolist() == [3, 5]


def test_a_named_feature_that_is_dead():
    with pytest.raises(InputError, match=r"'gsea.features' names 4, which no cell activates"):
        chosen_features(FEATURES, GseaConfig(features=(4,)))


def test_nothing_to_look_at_is_a_mistake():
    with pytest.raises(ValueError, match="neither features nor top"):
        GseaConfig()


def test_the_figure_has_a_panel_for_every_term_and_names_what_leads(tmp_path):
    results, running = run(SCORES)
    figure = draw_feature(results, running, "0", title="local, B")
    figure.canvas.draw()
    shown = "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))
    for text in ("Feature 0: local, B", "high\nNES", "2 of 3 lead:\na, c", "among 10 genes"):
        assert text in shown, shown
    known = pd.DataFrame({"feature": [0], "type": ["local"]})
    known = known.assign(top_cell_type="B", share_in_type=0.6)
    drawn = draw(results, running, known, ranked_by="t")
    save_drawn(drawn, SimpleNamespace(gsea_folder=tmp_path / "gsea"), "gsea")
    assert {path.name for path in (tmp_path / "gsea").iterdir()} == {
        "feature_0.pdf",
        "feature_0.png",
    }


def test_a_long_name_of_one_word_is_broken_at_its_underscores():
    results, running = run(SCORES)
    name = "HALLMARK_UNFOLDED_PROTEIN_RESPONSE"
    term = results["term"].iloc[0]
    renamed = [table.replace({"term": {term: name}}) for table in (results, running)]
    figure = draw_feature(*renamed, "0", title="local, B")
    shown = [text.get_text() for text in figure.findobj(mpl.text.Text)]
    assert any("HALLMARK_UNFOLDED_PROTEIN_\nRESPONSE\n" in text for text in shown)


def test_over_representation_is_that_of_gseapy():
    """gseapy.enrich: one-sided hypergeometric upper tail over an explicit list of genes."""
    rng = np.random.default_rng(1)
    genes = [f"G{number}" for number in range(400)]
    t = rng.normal(size=400)
    up = rng.choice(400, 60, replace=False)
    members = {
        f"S{number}": rng.choice(up if number < 4 else 400, 20, replace=False)
        for number in range(12)
    }
    t[up] += 4
    sets = GeneSets(
        names=tuple(members),
        descriptions=("",) * 12,
        genes=tuple(tuple(genes[i] for i in rows) for rows in members.values()),
    )
    membership = sets.membership(genes, min_genes=2, max_genes=100)
    selected = t > 2
    dge = pd.DataFrame(
        {
            "feature": "0",
            "gene": genes,
            "t": t,
            "log2_fold": np.where(selected, 2.0, 0.0),
            "q": np.where(selected, 1e-9, 1.0),
            "n_low": 100,
        }
    )
    ours = test_terms_corrected(gene_statistics(dge, membership), membership, deg_p=1e-5, fold=2.0)
    mapped = [gene for gene, inside in zip(genes, membership.in_universe, strict=True) if inside]
    oracle = gseapy.enrich(
        gene_list=[gene for gene in mapped if selected[int(gene[1:])]],
        gene_sets=dict(zip(sets.names, map(list, sets.genes), strict=True)),
        background=mapped,
        outdir=None,
    ).results.set_index("Term")
    higher = [membership.terms[i] for i in np.flatnonzero(ours.higher[0])]
    assert len(higher) >= 4
    for term in higher:
        column = membership.terms.index(term)
        if ours.n_hits[0, column] == 0:  # gseapy does not list a set without a hit
            assert term not in oracle.index
            continue
        hits, size = map(int, oracle.loc[term, "Overlap"].split("/"))
        assert (hits, size) == (ours.n_hits[0, column], membership.sizes[column])
        np.testing.assert_allclose(ours.p_hits[0, column], oracle.loc[term, "P-value"], rtol=1e-9)
