"""Genes of a steered feature: what the figure plots and names, by pencil."""

import numpy as np
import pandas as pd

from featurelens.figures.figure_2 import draw as draw_figure_2
from featurelens.figures.figure_S21 import by_origin, is_beyond, is_significant
from featurelens.figures.figure_S21 import draw as draw_figure_S21
from figure_inputs import features, selected, trajectories
from figure_reading import scatter_points, texts

GENES = ["HBB", "GATA1", "CD34", "KLF1", "ACTB"]


def effects(feature="7", dispersion=True):
    """HBB and CD34 pass both published cut-offs; corrected HBB passes, KLF1 beats all controls."""
    about = {"feature": feature, "gene": GENES}
    published = pd.DataFrame(
        about
        | {
            "convention": "published",
            "glm_log2_fold": [3.0, 0.5, -2.0, 1.5, 0.0],
            "glm_q": [1e-9, 1e-9, 0.01, 0.2, 0.9] if dispersion else np.nan,
        }
    )
    corrected = pd.DataFrame(
        about
        | {
            "convention": "corrected",
            "log2_fold": [2.0, 0.5, -1.1, 1.5, 0.0],
            "p": [0.005, 1 / 201, 0.4, 1 / 201, 0.9],
            "q": [0.04, 0.06, 0.6, 0.06, 0.9],
            "score": [9.0, 8.0, -1.0, 6.0, 0.1],
            "n_controls": 200,
        }
    )
    return pd.concat([published, corrected], ignore_index=True)


def test_genes_beyond_the_cut_offs_by_pencil():
    table = effects()
    published, corrected = (
        table[table["convention"] == name] for name in ("published", "corrected")
    )
    assert is_significant(published, "published").tolist() == [True, False, True, False, False]
    assert is_significant(corrected, "corrected").tolist() == [True, False, False, False, False]
    # GATA1 beats all controls as well, but less than twofold.
    assert is_beyond(corrected).tolist() == [False, False, False, True, False]


def test_figure_S21_has_a_row_for_every_type_that_is_steered():
    chosen = pd.DataFrame({"feature": [7], "role": ["global"]})
    table = pd.concat([effects(), effects("8")], ignore_index=True)
    further = effects().assign(origin="NK")
    assert [name for name, _ in by_origin(table, "HSC", "7", further)] == ["HSC", "NK"]
    figure = draw_figure_S21(table, chosen, further, {}, {}, origin="HSC")
    assert len(figure.axes) == 6
    for axes in figure.axes[:4]:
        assert len(scatter_points(axes)) == 5
    shown = texts(figure)
    assert shown.count("not in this run:\nhigh against low cells of the steered feature") == 2
    assert "HSC, feature 7: published\n2 of 5 genes\nup HBB\ndown CD34" in shown
    assert "NK, feature 7: corrected\n1 of 5 genes, 1 beyond all controls\nup HBB, KLF1" in shown
    np.testing.assert_allclose(
        np.sort(scatter_points(figure.axes[0])[:, 1]),
        np.sort(-np.log10([1e-9, 1e-9, 0.01, 0.2, 0.9])),
    )


def high_low(feature=7, why=""):
    """HBB is beyond both cut-offs, GATA1 changes too little, KLF1 is not certain."""
    about = {"feature": feature, "cell_type": "CD8+ T"}
    genes = pd.DataFrame(
        about
        | {
            "convention": "published",
            "gene": GENES,
            "log2_fold": [2.0, 0.5, 0.1, 1.5, np.nan],
            "q": [1e-4, 1e-9, 0.5, 0.2, np.nan],
        }
    )
    both = {"convention": ["published", "corrected"], "n_high": [35, 3], "n_low": [3483, 3]}
    return genes, pd.DataFrame(about | both | {"why_not_tested": ["", why]})


def test_figure_S21_ends_with_high_against_low_cells_of_the_feature():
    chosen = pd.DataFrame({"feature": [7, 8], "role": ["global", "local"]})
    genes, sets = high_low(why="3 high and 3 low, 20 of each are needed")
    others = [table.assign(cell_type="B", feature=8) for table in (genes, sets)]
    genes, sets = pd.concat([genes, others[0]]), pd.concat([sets, others[1]])
    figure = draw_figure_S21(effects(), chosen, {}, genes, sets, origin="HSC")
    assert len(figure.axes) == 4
    published = figure.axes[2]
    assert published.get_title("left") == (
        "CD8+ T, high in feature 7: published\n1 of 4 genes; 35 high, 3,483 low cells\nup HBB"
    )
    np.testing.assert_allclose(
        np.sort(scatter_points(published)[:, 1]), np.sort(-np.log10([1e-4, 1e-9, 0.5, 0.2]))
    )
    shown = texts(figure)
    assert "not in this run:\n3 high and 3 low, 20 of each are needed" in shown
    assert "B, high in" not in shown


def test_what_a_decoder_lacks_is_said():
    chosen = pd.DataFrame({"feature": [7], "role": ["global"]})
    without = draw_figure_S21(effects(dispersion=False), chosen, {}, {}, {}, origin="HSC")
    assert "a decoder with a dispersion" in texts(without)
    nothing = draw_figure_S21(effects().iloc[:0], chosen, {}, {}, {}, origin="HSC")
    assert "a decoder, which gives the genes" in texts(nothing)
    # Counts alone are enough for high against low cells.
    compared = draw_figure_S21(effects().iloc[:0], chosen, {}, *high_low(), origin="HSC")
    assert "CD8+ T, high in feature 7: published" in texts(compared)


def test_figure_2_shows_the_type_that_the_config_pictures():
    cells = features()
    own, further = trajectories(cells), trajectories(cells, origin="Dendritic")
    shown = texts(draw_figure_2(cells, own, selected(), further, origin="Dendritic"))
    assert "Dendritic towards CD14+ Monocyte" in shown
    plain = texts(draw_figure_2(cells, own, selected(), further))
    assert "CD4+/CD25 T Reg towards CD14+ Monocyte" in plain
