"""Cells of one type, and one edit of them at a time: both conventions, its controls, its doses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.features.selection import numbers
from featurelens.io import InputError
from featurelens.means import Log, silent
from featurelens.steering.choices import edits_of
from featurelens.steering.comparison import N_MATCHED, Comparison, compare
from featurelens.steering.config import SteeringConfig
from featurelens.steering.doses import Doses
from featurelens.steering.edits import Edit, Edited, SparseAutoencoder, edit_cells
from featurelens.steering.effects import Reading
from featurelens.steering.judge import draws_of
from featurelens.steering.movement import Centroids
from featurelens.steering.nulls import Null, matched_features, null_of, spread_directions
from featurelens.steering.targets import activation_of, of_type

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Steered:
    """One row of the selection, and what it does to the cells."""

    choice: dict[str, Any]
    edits: list[Edit]
    remarks: list[str]
    corrected: Edited
    published: Edited
    drawn: Edited
    """Published, by ``picture_factor``."""

    @property
    def name(self) -> str:
        """Number of the feature, or of several."""
        return str(self.choice["feature"])


@dataclass(frozen=True, eq=False)
class Stage:
    """Cells that are steered, and with what."""

    sae: SparseAutoencoder
    bundle: Bundle
    features: anndata.AnnData
    config: SteeringConfig
    log: Log = silent
    """Receives how far it is."""

    @cached_property
    def labels(self) -> np.ndarray:
        """Type of every cell."""
        return self.features.obs["cell_type"].astype(str).to_numpy()

    @cached_property
    def rows(self) -> np.ndarray:
        """Positions of the steered cells."""
        of_type(self.labels, self.config.target)
        return of_type(self.labels, self.config.origin)

    @cached_property
    def codes(self) -> np.ndarray:
        """Their activations."""
        return self.sae.encode(self.bundle.embedding[self.rows])

    @cached_property
    def donor(self) -> np.ndarray:
        """Of all cells.

        Raises
        ------
        InputError
            If there is no column of that name.
        """
        obs, column = self.bundle.cells.obs, self.config.donor or "batch"
        if column not in obs:
            raise InputError(
                f"steering.donor: no column {column!r} in obs; there are {', '.join(obs)}"
            )
        return obs[column].astype(str).to_numpy()

    @cached_property
    def reading(self) -> Reading | None:
        """How expression is read; None where nothing decodes."""
        config = self.config
        if self.bundle.decoder.shape is None:
            return None
        return Reading(
            bundle=self.bundle,
            rows=self.rows,
            pseudocount=config.pseudocount,
            library=config.library,
            composition=config.composition,
        )

    @cached_property
    def draws(self) -> np.ndarray:
        """Weights of the steered cells in draws with replacement."""
        rng = np.random.default_rng(self.config.seed)
        return draws_of(len(self.rows), self.config.n_resamples, rng)

    def edit(self, choice: dict[str, Any]) -> Steered:
        """Both conventions' edit of one row of the selection."""
        config = self.config
        edits, remarks = edits_of(self.features, choice, config, factor=config.factor)
        drawn, _ = edits_of(self.features, choice, config, factor=config.picture_factor)
        return self.apply(choice, edits, drawn, remarks)

    def apply(
        self, choice: dict[str, Any], edits: list[Edit], drawn: list[Edit], remarks: list[str]
    ) -> Steered:
        """Edits of the steered cells, and those that pictures show."""
        config, X = self.config, self.bundle.embedding[self.rows]

        def made(chosen: list[Edit], keep_error: bool) -> Edited:
            return edit_cells(
                self.sae, X, chosen,
                keep_error=keep_error, selection=config.selection, codes=self.codes,
            )  # fmt: skip

        published, pictured = (made(chosen, False)._replace(before=X) for chosen in (edits, drawn))
        return Steered(choice, edits, remarks, made(edits, config.keep_error), published, pictured)

    def matched(self, steered: Steered) -> np.ndarray:
        """Features like the (first) edited one, live and not edited themselves."""
        edited = numbers(steered.name)
        found = matched_features(
            self.features.var["fraction_active"].to_numpy(),
            self.sae.directions,
            edited[0],
            most=max(self.config.n_controls, N_MATCHED) + len(edited),
        )
        return found[~np.isin(found, edited)]

    def null(self, steered: Steered) -> Null:
        """Controls among which the genes of an edit are ranked."""
        return null_of(
            self.reading,
            steered.corrected.before,
            steered.corrected.after,
            embedding=self.bundle.embedding,
            matched=self.matched(steered),
            directions=self.sae.directions,
            n_controls=self.config.n_controls,
            rng=np.random.default_rng(self.config.seed),
            log=self.log,
        )

    def compare(
        self, steered: Steered, null: Null, others: Mapping[str, SparseAutoencoder]
    ) -> Comparison:
        """The edit among everything else that moves its cells equally far."""
        matched = self.matched(steered)[:N_MATCHED]
        drawn = null.directions
        if null.kind != "random_directions":
            rng = np.random.default_rng(self.config.seed)
            drawn = spread_directions(self.bundle.embedding, self.config.n_controls, rng)
        return compare(
            self.bundle,
            self.rows,
            steered.corrected,
            self.config,
            controls={
                "matched_features": (list(map(str, matched)), self.sae.directions[matched]),
                "random_directions": ([str(number) for number in range(len(drawn))], drawn),
            },
            activation=np.sum(
                [activation_of(self.features.X, number) for number in numbers(steered.name)], axis=0
            ),
            others=others,
            donor=self.donor,
            reading=self.reading,
            log=self.log,
        )

    def doses(self, steered: Steered) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Movement and genes over a grid of doses; genes by their symbols."""
        follow = Doses(
            sae=self.sae,
            X=self.bundle.embedding[self.rows],
            centroids=Centroids.of(self.bundle.embedding, self.labels),
            target=self.config.target,
            origin=self.config.origin,
            draws=self.draws,
            reading=self.reading,
            keep_error=self.config.keep_error,
            selection=self.config.selection,
        )
        highest = float(activation_of(self.features.X, steered.edits[0].feature).max())
        moved, genes = follow.follow(steered.edits, self.config.doses, highest)
        if len(genes):
            genes["gene"] = self.symbols[genes["gene"]]
        return moved, genes

    @property
    def symbols(self) -> np.ndarray:
        """Of the genes."""
        return self.bundle.cells.var["symbol"].astype(str).to_numpy()
