"""A few chosen features, tested three ways: Welch's t, rank sums, negative binomial regression.

Welch's t takes expression as it is, rank sums only its order, the negative binomial its mean and a
dispersion. A gene that all three find does not hang on what any of them assumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.dge import rank_kernels
from featurelens.dge.cell_sets import CellSets, split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import group_moments, test_genes
from featurelens.dge.layout import PreparedExpression, prepare_bundle
from featurelens.embeddings.expression import expression_used
from featurelens.genesets.sets import unique_symbols
from featurelens.io import InputError
from featurelens.means import ALONE, Means
from featurelens.stats import multiple, negative_binomial, ranks
from featurelens.stats.arrays import Floats
from featurelens.threads import in_threads

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


def test_chosen(
    bundle: Bundle,
    activations: sparse.csr_matrix,
    chosen: Sequence[int],
    *,
    config: DgeConfig,
    means: Means = ALONE,  # noqa: PT028  (not a test)
) -> pd.DataFrame:
    """Every gene between the high and the low cells of chosen features, by three tests.

    Parameters
    ----------
    bundle
        Cells, embedding and decoder, whose dispersion the regression takes where there is one.
    activations
        (n_cells, n_features) of the same cells.
    chosen
        Numbers of features.
    means
        With what; its log receives how many features were compared, and which could not be.

    Returns
    -------
    DataFrame
        One row per convention, feature and gene: convention, feature, gene, n_high, n_low,
        low_rule, log2_fold, and of each test its statistic, p, log10_p and q (Benjamini-Hochberg
        over genes): t (``_welch``), auc (chance that a high cell exceeds a low one, ties halved,
        ``_rank_sum``) and z_negative_binomial, beside the dispersion (alpha) and where it is from
        (decoder or moments). See :func:`featurelens.dge.gene_tests.test_genes`,
        :func:`rank_sum_genes` and :func:`featurelens.stats.negative_binomial.compare_groups`. All
        three take high cells at the level at which the typical gene does not change, if
        ``config.composition`` says so (corrected).

    Raises
    ------
    InputError
        If there is no feature of a number.
    """
    n_features = activations.shape[1]
    for feature in chosen:
        if not 0 <= feature < n_features:
            raise InputError(
                f"dge.chosen: there is no feature {feature}; there are 0 to {n_features - 1}"
            )
    genes = unique_symbols(bundle.cells.var["symbol"])
    measured = expression_used(bundle.decoder, config.expression) == "measured"
    size = None if measured else bundle.decoder.dispersion
    tables = []
    for convention in CONVENTIONS:
        sets = split_cells(activations, config=config, convention=convention, only=chosen)
        left = sorted(set(chosen) - set(sets.columns.tolist()))
        means.log(f"{convention}: {len(sets.columns)} features compared, not testable: {left}")
        prepared = prepare_bundle(bundle, config, convention=convention, means=means)
        columns = _tests(sets, prepared, size, config, convention, means.threads)
        tables.append(_table(sets, columns, genes, convention))
    return pd.concat(tables, ignore_index=True)


test_chosen.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


def rank_sum_genes(
    sets: CellSets,
    prepared: PreparedExpression,
    *,
    factor: Floats | None = None,
    threads: int = 1,
) -> ranks.RankSum:
    """Mann-Whitney test of every gene, equal to ``scipy.stats.mannwhitneyu`` (see ``stats``).

    ``factor`` (n_tested, 1) is what the expression of high cells is multiplied by (composition).

    A gene is sorted once for all features, and only where it is expressed: cells without any
    stand at its lowest ranks, tied (:mod:`featurelens.dge.rank_kernels`).

    Returns
    -------
    RankSum
        Arrays (n_tested, n_genes).
    """
    width = prepared.blocks.shape[2]
    whole = _Members.of(sets)
    moved = factor is not None and bool((factor != 1).any())
    alone = [_Members.of(sets.rows(slice(f, f + 1))) for f in range(len(sets.columns))] * moved

    def rank(gene: int) -> tuple[Floats, Floats]:
        block, place = divmod(gene, width)
        values, zero = prepared.blocks[block][:, place], -prepared.origin[block, place]
        if factor is None or not alone:
            return whole.pairs_won(values, zero)
        amounts = values - zero
        won = [
            one.pairs_won(np.where(one.high, times * amounts, amounts), 0.0)
            for times, one in zip(factor[:, 0], alone, strict=True)
        ]
        wins, ties = zip(*won, strict=True)
        return np.concatenate(wins), np.concatenate(ties)

    ranked = list(in_threads(rank, range(prepared.n_genes), threads))
    u, ties = (
        np.stack(part, axis=1) if ranked else np.zeros((len(sets.columns), 0))
        for part in zip(*ranked, strict=True)
    )
    n_high, n_low = sets.n_high[:, None].astype(float), sets.n_low[:, None].astype(float)
    return ranks.rank_sum(u + n_high * (n_high + 1) / 2, n_high, n_high + n_low, ties)


@dataclass(frozen=True, eq=False)
class _Members:
    """The features that each cell is a high cell of, or a listed other one."""

    start: NDArray[np.int32]
    feature: NDArray[np.int32]
    side: NDArray[np.int8]
    complement: NDArray[np.bool_]
    n_high: Floats
    n_low: Floats
    high: NDArray[np.bool_]
    """High cells of the first feature, (n_cells,)."""

    @classmethod
    def of(cls, sets: CellSets) -> _Members:
        sides = sparse.csc_matrix(sets.high.astype(np.int8) + 2 * sets.other.astype(np.int8))
        high = np.zeros(sides.shape[1], dtype=bool)
        high[sets.high[:1].indices] = True
        n_high, n_low = sets.n_high.astype(float), sets.n_low.astype(float)
        return cls(sides.indptr, sides.indices, sides.data, sets.complement, n_high, n_low, high)

    def pairs_won(self, values: NDArray, zero: float) -> tuple[Floats, Floats]:
        """Of each feature: pairs of a high and a low cell in which the high one has more, and ties.

        ``values`` (n_cells,) of one gene; ``zero``, the lowest of them, is that of cells without.
        """
        expressed = np.flatnonzero(values != np.asarray(zero, dtype=values.dtype))
        order = expressed[np.argsort(-values[expressed])]
        ordered = values[order]
        ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(order))
        won, ties = np.empty(len(self.n_high)), np.empty(len(self.n_high))
        rank_kernels.pairs_won(
            order, ends[ends > 0], self.start, self.feature, self.side, self.complement,
            self.n_high, self.n_low, won, ties,
        )  # fmt: skip
        return won, ties


def _tests(
    sets: CellSets,
    prepared: PreparedExpression,
    size: NDArray | None,
    config: DgeConfig,
    convention: Convention,
    threads: int,
) -> dict[str, Floats | str]:
    welch = test_genes(sets, prepared, config=config, convention=convention, threads=threads)
    ranks = rank_sum_genes(sets, prepared, factor=welch.factor, threads=threads)
    high, low = group_moments(sets, prepared, threads=threads)
    high = replace(high, mean=high.mean * welch.factor, variance=high.variance * welch.factor**2)
    if size is None:
        alpha, source = negative_binomial.moment_dispersion(high, low), "moments"
    else:
        alpha, source = negative_binomial.dispersion_of(size, convention), "decoder"
    wald = negative_binomial.compare_groups(high, low, alpha)
    columns: dict[str, Floats | str] = {"log2_fold": welch.log2_fold, "t_welch": welch.t}
    columns |= {"p_welch": welch.p, "log10_p_welch": welch.log10_p, "q_welch": welch.q}
    columns |= {"auc": ranks.effect}
    columns |= _corrected("rank_sum", ranks.p, _log10_p(ranks))
    columns |= {"dispersion": np.broadcast_to(alpha, wald.z.shape), "dispersion_from": source}
    columns |= {"z_negative_binomial": wald.z}
    return columns | _corrected("negative_binomial", wald.p, wald.log10_p)


def _log10_p(ranks: ranks.RankSum) -> Floats:
    """Logarithm of p; of the normal distribution's where p underflows."""
    known = ranks.p > 1e-200
    exact = np.log10(ranks.p, out=np.full(ranks.p.shape, np.nan), where=known)
    return np.where(known, exact, negative_binomial.log10_normal_p(ranks.z))


def _corrected(test: str, p: Floats, log10_p: Floats) -> dict[str, Floats]:
    return {f"p_{test}": p, f"log10_p_{test}": log10_p, f"q_{test}": multiple.bh(p, axis=1)}


def _table(
    sets: CellSets, columns: dict[str, Floats | str], genes: Sequence[str], convention: Convention
) -> pd.DataFrame:
    n_tested, n_genes = len(sets.columns), len(genes)
    table: dict[str, object] = {
        "convention": np.full(n_tested * n_genes, convention, dtype=object),
        "feature": np.repeat(sets.columns, n_genes),
        "gene": np.tile(np.asarray(genes, dtype=object), n_tested),
        "n_high": np.repeat(sets.n_high, n_genes),
        "n_low": np.repeat(sets.n_low, n_genes),
        "low_rule": np.repeat(sets.low_rule.astype(object), n_genes),
    }
    for name, values in columns.items():
        table[name] = values if isinstance(values, str) else np.asarray(values).ravel()
    return pd.DataFrame(table)
