"""How much of every variable the observables themselves hold: the ceiling of all embeddings.

The mask of a cell type removes most programs of a cell, and an embedding is made from Y alone, so
no embedding can return what Y does not hold. The probes that score embeddings score here, with the
same convention and on the same cells, Y itself and the most readable form of what Y says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.means import ALONE, Means
from featurelens.recovery.read_outs import score_read_out
from featurelens.recovery.superposition import Probe
from featurelens.simulation.observables import Observables, observables

if TYPE_CHECKING:
    from anndata import AnnData


def ceiling_sources(data: AnnData) -> dict[str, np.ndarray | Observables]:
    """What stands in the place of an embedding, by name.

    Parameters
    ----------
    data
        Small or hierarchical simulation.

    Returns
    -------
    dict
        ``Y`` (n_cells, n_genes), stored or not, and what makes all that it holds readable by a
        linear probe.

        hierarchical : ``X'' and A``
            Programs that are on in the cell and its type as indicators, (n_cells, n_programs +
            n_cell_types). Y is a linear map of X'', and the type shows in which programs are on.
        small : ``distinct Y``
            An indicator of every distinct cell of Y, of which there are about fifty. A linear
            probe on it is the mean of a variable over the cells that look alike, which no function
            of Y surpasses. The causes A and B would not do: Y does not tell which programs are
            accessible in a cell without activity.
    """
    Y = observables(data)
    if data.uns["simulation"]["kind"] == "small":
        _, cell = np.unique(Y.cells, axis=0, return_inverse=True)
        return {"Y": Y, "distinct Y": _indicators(cell.ravel())}
    cell_type = _indicators(data.obs["cell_type"].cat.codes.to_numpy())
    return {"Y": Y, "X'' and A": np.hstack([data.obsm["programs_active"], cell_type])}


def measure_ceiling(
    data: AnnData,
    *,
    probe: Probe,
    probe_epochs: int = 100,
    means: Means = ALONE,
) -> pd.DataFrame:
    """Score every variable by a linear probe on Y and on the most readable form of it.

    Parameters
    ----------
    data
        Small or hierarchical simulation.
    probe
        Probe of the published convention, ``gradient`` or ``least_squares``. It sees the sources
        as they are, unscaled, as it sees embeddings.
    probe_epochs
        Most epochs of the gradient-trained probe.
    means
        Threads and torch device of the gradient-trained probe.

    Returns
    -------
    DataFrame
        ``source`` and the columns of :func:`.superposition.superposition`, under both
        conventions.
    """
    tables = [
        score_read_out(
            inputs,
            data,
            probe=probe,
            probe_epochs=probe_epochs,
            means=means,
        ).assign(source=source)
        for source, inputs in ceiling_sources(data).items()
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["source", *(name for name in table if name != "source")]]


def _indicators(codes: np.ndarray) -> np.ndarray:
    """One column for every code that occurs, (n_cells, n_codes) float32."""
    return (codes[:, None] == np.unique(codes)).astype(np.float32)
