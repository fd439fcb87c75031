"""What stands in a figure, for the tests of figures."""

import matplotlib as mpl
import numpy as np


def texts(figure):
    """Everything a reader can read, in panels, legends and titles."""
    figure.canvas.draw()
    found = figure.findobj(mpl.text.Text)
    return "\n".join(text.get_text() for text in found if text.get_visible())


def scatter_points(axes):
    return np.concatenate([np.asarray(part.get_offsets()) for part in axes.collections])


def panel(figure, title):
    axes = [axes for axes in figure.axes if title in axes.get_title() + axes.get_title("left")]
    assert len(axes) == 1, [axes.get_title() for axes in figure.axes]
    return axes[0]
