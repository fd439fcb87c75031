"""Held-out confirmation: terms that one half of the cells declares, tested in the other.

Both halves run the path of the whole: high and low cells, genes, terms, a null of their own. What
the first half declares is a list of single claims, each with a direction, and the second half tests
each of them once: under ``corrected`` by the one-sided p in the direction declared, which holds a
false claim with probability ``alpha`` at most; under ``published`` by whether the same filter keeps
the term again, in the same direction. Cells of the second half have no part in what is declared.

Expression is that of the counts as they were measured: a decoder has seen both halves. A gene that
a half lacks has p = 1 under ``published`` (on counts the author's script would leave no gene of the
feature).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.conventions import Convention
from featurelens.dge.config import Contrast, DgeConfig
from featurelens.enrichment.calibration import Calibration, calibrate
from featurelens.enrichment.config import FILTERS, ConfirmationConfig, EnrichmentConfig, Filter
from featurelens.enrichment.exchange import NULLS
from featurelens.enrichment.filters import combine, declare, kept_fdr
from featurelens.enrichment.halves import Halves, split_in_halves
from featurelens.enrichment.null_cells import Expressions, null_cells
from featurelens.enrichment.nulls import Draw, Experiment
from featurelens.genesets.sets import Membership
from featurelens.means import ALONE, Means

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle

UNCONFIRMED: dict[str, Any] = {
    "held_out": "",
    "n_declared": np.nan,
    "n_retested": np.nan,
    "n_confirmed": np.nan,
    "share_confirmed": np.nan,
    "share_confirmed_mismatched": np.nan,
    "share_confirmed_shuffled": np.nan,
}
"""What a summary says of confirmation, and its values where none was asked for."""


class Confirmation(NamedTuple):
    """What :func:`confirm` finds."""

    pairs: pd.DataFrame
    """One row per filter and declared term of a feature: filter, feature, term, category,
    direction, q (in the declaring half, corrected), p_confirm (one-sided in that direction in the
    other half, corrected), retested (whether the other half could test the feature), confirmed,
    confirmed_mismatched (share of the other features that would confirm this term in this
    direction), confirmed_shuffled (share of draws of permuted cells in which this feature would).
    """
    summary: pd.DataFrame
    """One row per filter: filter and :data:`UNCONFIRMED`'s columns; shares are of n_retested."""


@dataclass(frozen=True)
class _Half:
    """Tests of one half: of the features as they are and, once each, of permuted cells."""

    experiment: Experiment
    real: Draw
    draws: Iterable[Draw]
    calibration: Calibration | None = None

    @property
    def features(self) -> pd.Index:
        """Names of the features that this half can test."""
        assert self.experiment.cells is not None
        return pd.Index(map(str, self.experiment.cells.sets.columns), dtype=object)

    def p(self, draw: int | None = None) -> NDArray[np.float64]:
        """Two-sided p of both claims (corrected), of the features or of one draw by the others."""
        drawn = self.real if draw is None else list(self.draws)[draw]
        p, threads = drawn.p_mannwhitney.astype(np.float64), self.experiment.means.threads
        if self.calibration is None:
            return p
        if draw is None:
            p_cells, above = self.calibration.p(drawn.score, threads=threads)
        else:
            p_cells, above = self.calibration.held_out(draw, threads=threads)
        return combine(p, p_cells, above == drawn.higher)

    def holding(self, drawn: Draw, number: int | None, alpha: float) -> Mapping[Filter, NDArray]:
        """Which terms of which features hold by each filter, in the direction that they have."""
        if self.experiment.convention == "published":
            return drawn.kept
        return {"kept_fdr": self.p(number) <= 2 * alpha}


def confirm(
    bundle: Bundle,
    activations: sparse.csr_matrix,
    membership: Membership,
    *,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    convention: Convention,
    contrast: Contrast = "global",
    means: Means = ALONE,
) -> Confirmation:
    """Declare terms of every feature on one half of a bundle's cells, and test them on the other.

    Parameters
    ----------
    bundle, activations, membership, dge_config, convention, contrast, means
        As for :func:`featurelens.enrichment.annotate_bundle.annotate_bundle`; percentiles of
        activation are those of each half.
    config
        With ``confirmation``: how the cells are divided, and the level.

    Raises
    ------
    InputError
        If batches are to be divided and there is only one.
    """
    asked = config.confirmation or ConfirmationConfig()
    halves = split_in_halves(bundle.cells.obs, asked)
    asked_of = (membership, replace(dge_config, expression="measured"), config, convention)
    parts = (
        _tested(
            replace(bundle, cells=bundle.cells[rows].copy()),
            sparse.csr_matrix(activations)[rows],
            *asked_of,
            contrast,
            means,
        )
        for rows in (halves.declaring, halves.confirming)
    )
    pairs = _declared(next(parts))
    pairs = _retested(next(parts), pairs, asked.alpha)
    summary = pd.DataFrame(
        [_summarised(name, pairs[pairs["filter"] == name], halves) for name in FILTERS[convention]]
    )
    for row in summary.itertuples():
        means.log(_described(row, halves))
    return Confirmation(pairs, summary)


def _tested(
    bundle: Bundle,
    activations: sparse.csr_matrix,
    membership: Membership,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    convention: Convention,
    contrast: Contrast,
    means: Means,
) -> _Half:
    """Tests of the features on some of the cells, and of as many draws as calibrate p."""
    silent = replace(means, log=_say_nothing)
    expressions = Expressions(bundle, dge_config, silent)
    cells = null_cells(expressions, activations, convention, contrast)
    if convention == "published":
        cells = replace(cells, prepared=replace(cells.expression(), guarded=True))
    experiment = Experiment(
        statistics=(),
        membership=membership,
        cells=cells,
        n_live=0,
        dge_config=dge_config,
        config=config,
        convention=convention,
        contrast=contrast,
        means=means,
    )
    half = _Half(experiment, experiment.unpermuted(), ())
    if not config.n_permutations:
        return half
    draws = experiment.draws(NULLS[contrast][0], len(cells.sets.columns))
    if convention == "published":
        return replace(half, draws=draws)
    kept = list(draws)
    score = np.stack([draw.score for draw in kept])
    kept = [replace(draw, score=score[number]) for number, draw in enumerate(kept)]
    calibration = calibrate(score, cells.sets.n_low, threads=means.threads)
    return replace(half, draws=kept, calibration=calibration)


def _say_nothing(line: str) -> None:
    """Halves are no annotations, so that nothing of theirs is in a log."""


def _declared(half: _Half) -> pd.DataFrame:
    """Terms that each filter keeps, with their places among the terms."""
    config, membership = half.experiment.config, half.experiment.membership
    is_corrected = half.experiment.convention == "corrected"
    kept, q = dict(half.real.kept), np.full(half.real.score.shape, np.nan)
    if is_corrected:
        q = declare(half.p(), alpha=config.alpha)[1]
        kept["kept_fdr"] = kept_fdr(q, half.real.far, config)
    up, down = ("up", "down") if is_corrected else ("+", "-")
    tables = []
    for name, mask in kept.items():
        feature, term = np.nonzero(mask)
        higher = half.real.higher[feature, term]
        columns = {
            "filter": name,
            "feature": half.features[feature],
            "term": np.array(membership.terms, dtype=object)[term],
            "category": np.array(membership.categories, dtype=object)[term],
            "direction": np.where(higher, up, down),
            "q": q[feature, term],
            "place": term,
            "higher": higher,
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _retested(half: _Half, pairs: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """The pairs with what the other half says of them."""
    feature = half.features.get_indexer(pd.Index(pairs["feature"]))
    term, higher = pairs["place"].to_numpy(), pairs["higher"].to_numpy(dtype=bool)
    known = feature >= 0
    rows = {
        name: np.flatnonzero(known & (pairs["filter"] == name).to_numpy())
        for name in FILTERS[half.experiment.convention]
    }

    def agree(drawn: Draw, number: int | None) -> NDArray[np.bool_]:
        """Which pairs a draw holds in the direction declared."""
        found = np.zeros(len(pairs), dtype=bool)
        for name, holds in half.holding(drawn, number, alpha).items():
            at = (feature[rows[name]], term[rows[name]])
            found[rows[name]] = holds[at] & (drawn.higher[at] == higher[rows[name]])
        return found

    confirmed, others = agree(half.real, None), np.zeros(len(pairs))
    for name, holds in half.holding(half.real, None, alpha).items():
        by_direction = [(holds & (half.real.higher == way)).sum(axis=0) for way in (False, True)]
        others[rows[name]] = np.stack(by_direction)[higher.astype(int), term][rows[name]]
    shuffled, n_draws = np.zeros(len(pairs)), 0
    for n_draws, drawn in enumerate(half.draws, start=1):
        shuffled += agree(drawn, n_draws - 1)
    p = np.full(len(pairs), np.nan)
    if half.experiment.convention == "corrected":
        at = (feature[known], term[known])
        two_sided = half.p()[at]
        p[known] = np.where(half.real.higher[at] == higher[known], two_sided, 2 - two_sided) / 2
    return pairs.drop(columns=["place", "higher"]).assign(
        p_confirm=p,
        retested=known,
        confirmed=confirmed,
        confirmed_mismatched=_share(others - confirmed, known, len(half.features) - 1),
        confirmed_shuffled=_share(shuffled, known, n_draws),
    )


def _share(count: NDArray, known: NDArray[np.bool_], n: int) -> NDArray[np.float64]:
    return np.where(known & (n > 0), count / max(n, 1), np.nan)


def _summarised(name: Filter, pairs: pd.DataFrame, halves: Halves) -> dict[str, object]:
    known = pairs[pairs["retested"]]
    return {
        "filter": name,
        "held_out": halves.how,
        "n_declared": len(pairs),
        "n_retested": len(known),
        "n_confirmed": int(known["confirmed"].sum()),
        "share_confirmed": known["confirmed"].mean(),
        "share_confirmed_mismatched": known["confirmed_mismatched"].mean(),
        "share_confirmed_shuffled": known["confirmed_shuffled"].mean(),
    }


def _described(row: Any, halves: Halves) -> str:
    """One line for a log, from a row of the summary as ``itertuples`` gives it."""
    if not row.n_retested:
        return (
            f"held out ({row.held_out}), {row.filter}: none of {row.n_declared} terms declared on "
            f"{len(halves.declaring)} cells can be tested on the other {len(halves.confirming)}"
        )
    return (
        f"held out ({row.held_out}), {row.filter}: {row.n_confirmed} of {row.n_retested} terms "
        f"declared on {len(halves.declaring)} cells hold on the other {len(halves.confirming)} "
        f"({row.share_confirmed:.1%}; of other features {row.share_confirmed_mismatched:.1%}, "
        f"of permuted cells {row.share_confirmed_shuffled:.1%})"
    )
