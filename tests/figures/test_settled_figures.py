"""Files of figures whose layout differs in its last digits, as it does between processes."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from featurelens.figures.parts.style import save, styled


class Shaken(ConstrainedLayoutEngine):
    """Places that are off by far less than is drawn, and more than numbers are written with."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)

    def off(self, box: Bbox) -> np.ndarray:
        return box.get_points() + self.rng.uniform(-1, 1, (2, 2)) * 1e-11

    def execute(self, fig: Figure) -> None:
        super().execute(fig)
        for part in fig.subfigs:
            part.bbox_relative.set_points(self.off(part.bbox_relative))
        for axes in fig.axes:
            axes.set_position(Bbox(self.off(axes.get_position(original=True))))


@styled
def drawn(seed: int) -> Figure:
    """Panels of every kind: in two parts, with a bar of colours, a twin, an inset, titles."""
    figure = Figure(figsize=(5, 4), layout=Shaken(seed))
    left, right = figure.subfigures(1, 2, width_ratios=[2, 1])
    left.suptitle("left")
    first, second = left.subplots(2, 1)
    image = first.imshow(np.arange(12).reshape(3, 4))
    left.colorbar(image, ax=first, label="height")
    second.plot([1, 3, 2], label="line")
    second.twinx().plot([100, 300, 500])
    second.inset_axes([0.6, 0.6, 0.3, 0.3]).plot([0, 1])
    right.subplots().set(xlabel="across", ylabel="up")
    right.legend(*second.get_legend_handles_labels(), loc="outside lower center")
    return figure


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_last_digits_of_a_layout_are_not_in_the_file(tmp_path, suffix):
    files = []
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        save(drawn(seed), folder / "figure.pdf", folder / "figure.png")
        files.append((folder / f"figure.{suffix}").read_bytes())
    assert files[0] == files[1] == files[2]


def test_shaken_places_would_be_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("featurelens.figures.parts.style._settle", lambda figure: None)
    for seed in range(2):
        save(drawn(seed), tmp_path / f"{seed}.pdf", tmp_path / f"{seed}.png")
    assert (tmp_path / "0.pdf").read_bytes() != (tmp_path / "1.pdf").read_bytes()
