"""One typographic system for all figures, and files whose bytes do not depend on the day.

Figures are built on :class:`matplotlib.figure.Figure` directly: no pyplot, hence no global list
of open figures and no display.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import fontManager
from matplotlib.transforms import Bbox

from featurelens.io import atomic_path

FULL_WIDTH = 7.2
"""Width in inches of a figure over two journal columns."""

DPI = 250
"""Dots per inch of the PNG and of rasterised point clouds inside the PDF."""

_DECIMALS = 9
"""To which positions in a figure are rounded, as shares of its width and height."""

MUTED = "#5f5f5f"
"""Grey of remarks and secondary labels."""

BACKGROUND = "#d9d9d9"
"""Grey of cells or features that are shown for context only."""

_WIDE = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Source Han Sans SC"),
    *("WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC", "Hiragino Sans"),
    *("Apple SD Gothic Neo", "Microsoft YaHei", "Malgun Gothic", "Arial Unicode MS"),
)
"""Fonts with the letters of Chinese, Japanese and Korean, of which a machine may have some."""


def families(installed: Iterable[str]) -> list[str]:
    """Fonts by preference: the one that comes with matplotlib, then for letters that it lacks."""
    there = set(installed)
    return ["DejaVu Sans", *(name for name in _WIDE if name in there)]


STYLE: Any = {
    "font.family": families(font.name for font in fontManager.ttflist),
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "axes.titlepad": 5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,
    "savefig.dpi": DPI,
    "figure.dpi": 100,
    "axes.unicode_minus": True,
}

_Draw = TypeVar("_Draw", bound=Callable[..., Figure])


def styled(draw: _Draw) -> _Draw:
    """Draw inside the common style, whatever settings the caller has."""

    @wraps(draw)
    def wrapper(*args: Any, **kwargs: Any) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return cast(_Draw, wrapper)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, laid out so that nothing overlaps or is cut off."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Write a figure as PDF and PNG; the same figure gives the same bytes on any day.

    It is laid out once, for the pixels of the PNG, and stays so: both show the same picture. Left
    to ``savefig`` it would be drawn once more for that, unseen.
    """
    with mpl.rc_context(STYLE):
        figure.set_dpi(DPI)
        if engine := figure.get_layout_engine():
            engine.execute(figure)
            _settle(figure)
        figure.set_layout_engine(None)  # "none" would make each format draw twice
        with atomic_path(png) as path:
            figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})
        with atomic_path(pdf) as path:
            figure.savefig(path, format="pdf", dpi=DPI, metadata={"CreationDate": None})


def _settle(figure: Figure | SubFigure) -> None:
    """Round where the layout put things, by less than anybody sees.

    Its solver (kiwisolver 1.5) adds up in an order that depends on where its variables lie in
    memory, so that last digits differ from one process to the next, and are written to a PDF.
    """
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(_DECIMALS))
        _settle(part)
    if isinstance(figure, Figure):
        for axes in figure.axes:
            place = axes.get_position(original=True).get_points().round(_DECIMALS)
            axes.set_position(Bbox(place))


def save_drawn(drawn: Figure | Mapping[str, Figure], files: Any, name: str) -> None:
    """Write what a job drew to its outputs, as :func:`save`.

    Parameters
    ----------
    drawn
        A figure, or several by the names of their files.
    files
        Has ``<name>_pdf`` and ``<name>_png``, or for several ``<name>_folder``.
    """
    if isinstance(drawn, Figure):
        save(drawn, getattr(files, f"{name}_pdf"), getattr(files, f"{name}_png"))
        return
    folder = Path(getattr(files, f"{name}_folder"))
    folder.mkdir(parents=True, exist_ok=True)
    for stem, figure in drawn.items():
        save(figure, folder / f"{stem}.pdf", folder / f"{stem}.png")


def panel_letter(axes: Axes, letter: str, *, x: float = 0.0, y: float = 1.0) -> None:
    """Write a bold panel letter above the left edge of ``axes``, offset in axes fractions."""
    axes.annotate(
        letter,
        (x, y),
        xycoords="axes fraction",
        xytext=(-2, 5),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=11,
        fontweight="bold",
        annotation_clip=False,
    )


def without_axes(axes: Axes) -> None:
    """Remove ticks and spines: for embeddings, whose coordinates mean nothing by themselves."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def not_in_this_run(axes: Axes, reason: str) -> None:
    """Fill a panel with an honest remark instead of an empty frame."""
    without_axes(axes)
    axes.text(
        0.5,
        0.5,
        f"not in this run:\n{reason}",
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=MUTED,
        fontstyle="italic",
        wrap=True,
    )


def figure_without(reason: str) -> Figure:
    """In the place of a figure, what the run lacks for it."""
    figure = new_figure(FULL_WIDTH, 1.2)
    not_in_this_run(figure.subplots(), reason)
    return figure


NO_SECOND = "a second embedding of the same cells (the paper's is Geneformer's)"
"""What a run of one model lacks."""


def point_size(count: int) -> float:
    """Marker area in points² that keeps ``count`` points readable in a panel of two inches."""
    return float(min(14.0, max(0.6, 6000.0 / max(count, 1))))


def cloud(axes: Axes, x: Any, y: Any, **options: Any) -> PathCollection:
    """A scatter plot without marker edges, rasterised so that PDFs of many cells stay small."""
    options = {"linewidths": 0, "rasterized": True} | options
    return axes.scatter(x, y, **options)
