"""Which gene sets a feature carries, in two conventions, and how many it would carry by chance.

One path: gene statistics -> tests of terms -> what is kept. The nulls permute cells or genes and
run the same path, so that a share of annotated features always stands beside the share that
features without any meaning reach. Genes are read and the long table is written for some features
at a time; what needs all features (calibration, error rates) works on matrices of features x terms.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.conventions import Convention
from featurelens.dge.config import Contrast
from featurelens.enrichment.calibration import Calibration, calibrate, held_out_rates
from featurelens.enrichment.config import ALL_FILTERS, FILTERS
from featurelens.enrichment.exchange import Cells
from featurelens.enrichment.filters import combine, declare, is_far, kept_fdr
from featurelens.enrichment.nulls import PIECE, Draw, Experiment, describe_draw
from featurelens.enrichment.summary import (
    MEASURED,
    NULL_COLUMNS,
    describe_nulls,
    explain_nothing,
    summarise,
)
from featurelens.enrichment.term_tests import GeneStatistics, TermTests, join_tests, kept_published
from featurelens.genesets.sets import Membership
from featurelens.io import InputError, write_table, write_tables
from featurelens.progress import Progress
from featurelens.threads import in_threads


@dataclass(frozen=True)
class Annotation:
    """Tests of every feature and term, what is kept of them, and the nulls.

    ``columns`` are matrices (n_features, n_terms) of what :meth:`tables` adds to the tests.
    """

    tests: TermTests
    columns: dict[str, NDArray]
    membership: Membership
    contrast: Contrast
    convention: Convention
    null: pd.DataFrame
    summary: pd.DataFrame
    confirmed: pd.DataFrame | None = None
    """Terms that one half of the cells declares, tested in the other, where that was asked for."""

    @property
    def enrichment(self) -> pd.DataFrame:
        """The long table as one frame; at full size write :meth:`tables` one after another."""
        return pd.concat(list(self.tables()), ignore_index=True)

    def tables(self, n_features: int = 256) -> Iterator[pd.DataFrame]:
        """The long table, some features at a time; one empty table without features.

        One row per feature and term, see ``term_tests`` for the statistics of each convention:
        feature, term, category, n_hits, n_selected, n_term, expected, fold, direction (+ and - for
        over- and under-represented, up and down), p_binomial, p_hypergeometric, log10_p_hits (of
        whichever was computed, also where it underflows), p_mannwhitney, z_mannwhitney, effect,
        p_calibrated (permuted cells), p (of both claims, see ``term_filters.combine``), q_feature
        (Simes' p of the feature, Benjamini-Hochberg over features), q (Benjamini-Bogomolov within
        features: at most ``alpha`` for the terms declared), kept_published_05,
        kept_published_figures, kept_fdr (q and the effect's floor), contrast, convention. What a
        convention does not compute is NaN or False. Without a null p_calibrated is NaN and p is
        p_mannwhitney.
        """
        for start in range(0, max(1, len(self.tests.features)), n_features):
            yield self._table(slice(start, start + n_features))

    def write(
        self,
        table: str | Path,
        null: str | Path,
        summary: str | Path | None = None,
        confirmed: str | Path | None = None,
    ) -> None:
        """Write the long table, the nulls and what else there is a path for, where it was made."""
        write_tables(self.tables(), table)
        for content, path in (
            (self.null, null),
            (self.summary, summary),
            (self.confirmed, confirmed),
        ):
            if content is not None and path is not None:
                write_table(content, path)

    def _table(self, rows: slice) -> pd.DataFrame:
        tests, membership = self.tests.rows(rows), self.membership
        n_features, n_terms = tests.effect.shape
        term = np.tile(np.arange(n_terms), n_features)
        feature = np.repeat(np.arange(len(self.tests.features))[rows], n_terms)
        categories = pd.Categorical(membership.categories)
        is_published = self.convention == "published"
        missing = np.broadcast_to(np.nan, tests.effect.shape)
        matrices = {
            "n_hits": tests.n_hits,
            "n_selected": tests.n_selected,
            "n_term": np.broadcast_to(membership.sizes, tests.effect.shape),
            "expected": tests.expected,
            "fold": tests.fold,
            "direction": _labels(
                np.where(tests.higher, 0, 1).ravel() + (0 if is_published else 2),
                ["+", "-", "up", "down"],
            ),
            "p_binomial": tests.p_hits if is_published else missing,
            "p_hypergeometric": missing if is_published else tests.p_hits,
            "log10_p_hits": tests.log_p_hits / np.log(10),
            "p_mannwhitney": tests.p_mannwhitney,
            "z_mannwhitney": tests.z_mannwhitney,
            "effect": tests.effect,
        } | {name: values[rows] for name, values in self.columns.items()}
        return pd.DataFrame(
            {
                "feature": _labels(feature, self.tests.features),
                "term": _labels(term, membership.terms),
                "category": _labels(categories.codes[term], list(categories.categories)),
            }
            | {name: values.ravel() for name, values in matrices.items()}
            | {
                name: _labels(np.zeros(len(term), np.int8), [value])
                for name, value in (("contrast", self.contrast), ("convention", self.convention))
            }
        )


def annotate(experiment: Experiment) -> Annotation:
    """Test every feature against every gene set, beside the nulls of the contrast.

    Expression of float32 moves t by at most 1e-4 max(1, |t|), effects by less than 0.002 and a
    calibrated p by less than 2 % or by one null score of the pool. What is kept differs only where
    q or the effect are that near to their bounds.

    The experiment's log receives what the nulls say of the p-values and, if nothing is kept, why.

    Raises
    ------
    InputError
        If the sets of cells are of other features.
    """
    config, membership = experiment.config, experiment.membership
    tests = join_tests(_tested(experiment))
    _require_same(tests.features, experiment.cells)
    null, calibration = _draw_nulls(experiment, tests)
    columns = _judge(tests, calibration, experiment)
    n_missing = int(np.isnan(columns["p"]).sum()) if experiment.convention == "corrected" else 0
    if n_missing:
        experiment.means.log(
            f"{n_missing} of {tests.effect.size} p could not be computed and are NaN"
        )
    resolution = calibration.resolution if calibration else None
    nothing = explain_nothing(tests, columns, config, experiment.convention, resolution)
    for name, why in nothing.items():
        experiment.means.log(f"NOTHING IS KEPT under {name}: {why}")
    summary = summarise(
        tests, columns, null, experiment.n_live, convention=experiment.convention
    ).assign(n_missing=n_missing)
    summary.insert(0, "contrast", experiment.contrast)
    summary["why_nothing"] = summary["filter"].map(nothing).fillna("")
    return Annotation(
        tests, columns, membership, experiment.contrast, experiment.convention, null, summary
    )


def _tested(experiment: Experiment) -> Iterator[TermTests]:
    """Tests of some features at a time; those of no feature come first."""
    yield experiment.test(_nobody(experiment.membership))
    n_features = 0 if experiment.cells is None else len(experiment.cells.sets.columns)
    progress = Progress(experiment.means.log, n_features, "features", "gene sets tested")
    for part in experiment.statistics:
        yield from in_threads(experiment.test, part.pieces(PIECE), experiment.means.threads)
        progress.advance(len(part.features))


def _draw_nulls(
    experiment: Experiment, tests: TermTests
) -> tuple[pd.DataFrame, Calibration | None]:
    """The table of all nulls, and under ``corrected`` the calibration by the first of them."""
    config, convention = experiment.config, experiment.convention
    describe = partial(
        describe_draw, n_live=experiment.n_live, config=config, convention=convention
    )
    rows: list[dict[str, object]] = []
    calibration = None
    for name in experiment.nulls:
        draws = experiment.draws(name, len(tests.features))
        if convention == "corrected" and calibration is None:
            described, calibration = _calibrate(experiment, draws, tests, describe)
        else:
            described = [
                describe(drawn, _calibrated(calibration, drawn, experiment)) for drawn in draws
            ]
        rows += _numbered(name, described)
        if name == experiment.nulls[0] and (drawn := experiment.on_counts(len(tests.features))):
            on_counts = describe(drawn, _calibrated(calibration, drawn, experiment))
            rows += _numbered(MEASURED, [on_counts])
    table = pd.DataFrame(rows, columns=list(NULL_COLUMNS)).assign(
        contrast=experiment.contrast, convention=convention
    )
    for line in describe_nulls(table, calibration.resolution if calibration else None):
        experiment.means.log(line)
    return table.astype(NULL_COLUMNS), calibration


def _numbered(name: str, described: list[list[dict[str, object]]]) -> list[dict[str, object]]:
    return [
        {"null": name, "permutation": number} | row
        for number, part in enumerate(described)
        for row in part
    ]


def _calibrated(
    calibration: Calibration | None, drawn: Draw, experiment: Experiment
) -> tuple[NDArray, NDArray] | None:
    return calibration.p(drawn.score, threads=experiment.means.threads) if calibration else None


def _calibrate(
    experiment: Experiment,
    draws: Iterator[Draw],
    tests: TermTests,
    describe: Callable[..., list[dict[str, object]]],
) -> tuple[list[list[dict[str, object]]], Calibration]:
    """The calibration, and each of its draws judged by all others."""
    n, threads = experiment.config.n_permutations, experiment.means.threads
    score = np.empty((n, *tests.score.shape), dtype=np.float32)
    drawn = []
    for number, one in enumerate(draws):
        score[number] = one.score
        drawn.append(replace(one, score=score[number]))
    rates = held_out_rates(score, tests.n_low, threads=threads)
    calibration = calibrate(score, tests.n_low, threads=threads)
    described = [
        [
            row | {"p05_calibrated": rate}
            for row in describe(one, calibration.held_out(number, threads=threads))
        ]
        for number, (one, rate) in enumerate(zip(drawn, rates, strict=True))
    ]
    return described, calibration


def _judge(
    tests: TermTests, calibration: Calibration | None, experiment: Experiment
) -> dict[str, NDArray]:
    """What the convention makes of the tests: p-values, error rates, what is kept."""
    config, shape = experiment.config, tests.effect.shape
    columns: dict[str, NDArray] = dict.fromkeys(
        ("p_calibrated", "p", "q_feature", "q"), np.broadcast_to(np.nan, shape)
    )
    columns |= dict.fromkeys(ALL_FILTERS, np.broadcast_to(np.bool_(0), shape))
    if experiment.convention == "published":
        return columns | dict(zip(FILTERS["published"], kept_published(tests), strict=True))
    p = tests.p_mannwhitney
    if calibration is not None:
        p_cells, above = calibration.p(tests.score, threads=experiment.means.threads)
        columns["p_calibrated"] = p_cells
        p = combine(p, p_cells, above == tests.higher)
    q_feature, q = declare(p, alpha=config.alpha)
    far = is_far(tests.effect, config)
    return columns | {
        "p": p,
        "q_feature": np.broadcast_to(q_feature, shape),
        "q": q,
        "kept_fdr": kept_fdr(q, far, config),
    }


def _require_same(features: tuple[str, ...], cells: Cells | None) -> None:
    if cells is None:
        return
    permuted = tuple(str(column) for column in cells.sets.columns)
    if permuted != features:
        raise InputError(
            f"the null holds {len(permuted)} features and the expression table {len(features)}, "
            "or others; make both from the same activations and config"
        )


def _nobody(membership: Membership) -> GeneStatistics:
    """Statistics of no feature."""
    nothing = np.empty((0, len(membership.genes)))
    return GeneStatistics((), np.empty(0, dtype=np.int64), nothing, nothing, nothing)


def _labels(codes: NDArray, categories: Sequence[str]) -> pd.Categorical:
    kind = pd.CategoricalDtype(pd.Index(list(categories), dtype=object))
    return pd.Categorical.from_codes(codes, dtype=kind)  # type: ignore[arg-type]
