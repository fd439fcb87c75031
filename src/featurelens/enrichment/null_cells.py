"""What nulls permute in a bundle, and against which expression.

A decoder that saw the cells must not judge itself. What it decodes is free of noise, so that the
smallest pattern that its fit left in it, even in a fit to noise, is far beyond what permuted
activations find in it. Under ``corrected`` the calibrating null is therefore that of expression as
it was measured, where the fit has no part: what is decoded of a feature must exceed what counts of
cells that know nothing of it show by chance. A surrogate decoder is cheap, so its fit is repeated
instead: to the embedding beside other cells' counts, under both conventions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from featurelens.conventions import Convention, ExpressionSource
from featurelens.dge.cell_sets import CellSets, split_cells
from featurelens.dge.config import Contrast, DgeConfig
from featurelens.dge.layout import PreparedExpression, prepare_bundle
from featurelens.dge.matching import MatchedSets, cell_strata, match_cells
from featurelens.embeddings.counts import whole
from featurelens.embeddings.decoders.surrogate import fit_to_all
from featurelens.embeddings.expression import expression_used
from featurelens.enrichment.config import NullName
from featurelens.enrichment.exchange import NULLS, Cells
from featurelens.means import ALONE, Means
from featurelens.threads import one_blas_thread

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


@dataclass
class Expressions:
    """A bundle's expression as each convention tests it and as it was measured; one is held."""

    bundle: Bundle
    config: DgeConfig
    means: Means = ALONE
    _held: tuple[tuple[str, Convention], PreparedExpression] | None = field(
        default=None, init=False
    )

    @property
    def used(self) -> Literal["decoded", "surrogate", "measured"]:
        """What is tested."""
        return expression_used(self.bundle.decoder, self.config.expression)

    def get(
        self, source: Literal["tested", "measured"], convention: Convention
    ) -> PreparedExpression:
        """One of them; it takes the place of what was held."""
        source = "tested" if self.used == "measured" else source
        if self._held is None or self._held[0] != (source, convention):
            self._held = None  # before the next one is made
            chosen: ExpressionSource | None = None if source == "tested" else "measured"
            prepared = prepare_bundle(
                self.bundle, self.config, convention=convention, source=chosen, means=self.means
            )
            self._held = ((source, convention), prepared)
        return self._held[1]

    def refitted(self, order: NDArray[np.int64], convention: Convention) -> PreparedExpression:
        """What a surrogate decodes that was fitted to cell i's embedding and order[i]'s counts.

        Nothing else is held meanwhile.
        """
        self._held = None
        cells = self.bundle.cells
        with one_blas_thread():
            decoder = fit_to_all(
                self.bundle.embedding,
                whole(cells.X)[order],
                whole(cells.layers["counts"])[order],
                alpha=self.bundle.info["fit"]["surrogate"]["alpha"],
            )
        refitted = replace(self.bundle, decoder=decoder)
        return prepare_bundle(
            refitted, self.config, convention=convention, order=order, means=self.means
        )


def null_cells(
    expressions: Expressions,
    activations: sparse.csr_matrix,
    convention: Convention,
    contrast: Contrast,
) -> Cells:
    """High and low cells of every feature, and the expression they are compared on under nulls."""
    config, cells = expressions.config, expressions.bundle.cells
    found = split_cells(activations, config=config, convention=convention)
    sets: CellSets | MatchedSets = found
    strata = None
    if contrast == "within_type":
        strata = cell_strata(cells.obs)
        sets = match_cells(found, strata, config=config)
    is_decoded = expressions.used == "decoded"
    grouped = partial(_grouped, strata, expressions.means.threads)

    def by_chance(
        name: NullName, order: NDArray[np.int64]
    ) -> tuple[CellSets | MatchedSets, PreparedExpression] | None:
        if expressions.used == "surrogate":
            return sets, grouped(expressions.refitted(order, convention))
        if convention == "corrected" and name == NULLS[contrast][0]:
            return sets.permuted(order), grouped(expressions.get("measured", convention))
        return None

    return Cells(
        sets=sets,
        prepared=lambda: grouped(expressions.get("tested", convention)),
        batch=cells.obs["batch"].to_numpy(),
        cell_type=cells.obs["cell_type"].to_numpy(),
        by_chance=by_chance,
        measured=(lambda: grouped(expressions.get("measured", convention))) if is_decoded else None,
    )


def _grouped(
    strata: NDArray[np.int64] | None, threads: int, prepared: PreparedExpression
) -> PreparedExpression:
    return prepared if strata is None else prepared.by(strata, threads=threads)
