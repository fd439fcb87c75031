"""How good one sparse autoencoder is: streaming sums in float64 over the whole set.

Every row has equal weight, so any chunking gives the same values. Formulas (n rows, mean row x̄):

    mse = Σ (x̂ - x)² / (n d_in);   explained variance = 1 - Σ |x̂ - x|² / Σ |x - x̄|²
    l0 = active features per row;  shrinkage = mean |x̂| / |x|;  γ = |x̄| / √(Σ |x - x̄|² / n)

Predicting the mean explains 0, the identity explains 1. γ is the mean's length relative to the
spread; where it is large, many features start dead (arXiv 2605.31518).
"""

from dataclasses import dataclass

import numpy as np

from featurelens.sae.architecture import load_architecture
from featurelens.sae.config import SAEConfig, error_scale, penalty_scale
from featurelens.sae.model import SAE

DENSITY_EDGES = np.arange(-12, 1) / 2
"""Edges of the density histogram: half decades of the share of rows, log10."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics of one SAE on one set of rows."""

    n_rows: int
    """Rows seen."""
    mse: float
    """Squared error per row and dimension."""
    explained_variance: float
    """1 minus the fraction of variance unexplained; NaN for data without variance."""
    l1: float
    """Mean sum of activations per row."""
    l0: float
    """Mean number of active features per row."""
    shrinkage: float
    """Mean ratio of the length of the reconstruction to that of the row; NaN without such rows."""
    gamma: float
    """Length of the mean row over the root of the total variance; NaN without variance."""
    n_active: np.ndarray
    """Rows in which each feature is active, (d_sae,)."""

    @property
    def n_live(self) -> int:
        """Features active in at least one row."""
        return int(np.count_nonzero(self.n_active))

    @property
    def n_dead(self) -> int:
        """Features active in no row."""
        return len(self.n_active) - self.n_live

    @property
    def density(self) -> np.ndarray:
        """Live features by half decades of density, :func:`density_histogram`."""
        return density_histogram(self.n_active, self.n_rows)


class Accumulator:
    """Sums from which :class:`Evaluation` is computed."""

    def __init__(self, d_in: int, d_sae: int) -> None:
        self.n_rows = 0
        self._squared_error = 0.0
        self._l1 = 0.0
        self._ratio = 0.0
        self._n_ratios = 0
        self._mean = np.zeros(d_in)
        self._scatter = np.zeros(d_in)
        self._n_active = np.zeros(d_sae, dtype=np.int64)

    def update(self, X: np.ndarray, codes: np.ndarray, reconstruction: np.ndarray) -> None:
        """Add rows (n, d_in) with their activations (n, d_sae) and reconstructions (n, d_in)."""
        wide = X.astype(np.float64)
        self._squared_error += float(np.square(reconstruction - wide).sum())
        self._l1 += float(codes.sum(dtype=np.float64))
        self._n_active += np.count_nonzero(codes, axis=0)
        length = np.sqrt(np.square(wide).sum(axis=1))
        decoded = np.sqrt(np.square(reconstruction, dtype=np.float64).sum(axis=1))
        self._ratio += float((decoded[length > 0] / length[length > 0]).sum())
        self._n_ratios += int(np.count_nonzero(length))
        mean = wide.mean(axis=0)
        self._merge_moments(len(wide), mean, np.square(wide - mean).sum(axis=0))

    def merge(self, other: "Accumulator") -> None:
        """Add the rows that another accumulator has seen."""
        self._squared_error += other._squared_error
        self._l1 += other._l1
        self._n_active += other._n_active
        self._ratio += other._ratio
        self._n_ratios += other._n_ratios
        self._merge_moments(other.n_rows, other._mean, other._scatter)

    def _merge_moments(self, n: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        """Pairwise update of mean and scatter (Chan, Golub and LeVeque 1979)."""
        total = self.n_rows + n
        if total == 0:
            return
        shift = mean - self._mean
        self._mean += shift * (n / total)
        self._scatter += scatter + np.square(shift) * (self.n_rows * n / total)
        self.n_rows = total

    def compute(self) -> Evaluation:
        """Metrics of all rows seen; NaN where no row was seen."""
        n, d_in = self.n_rows, len(self._mean)
        variance = float(self._scatter.sum())
        return Evaluation(
            n_rows=n,
            mse=_ratio(self._squared_error, n * d_in),
            explained_variance=1 - _ratio(self._squared_error, variance),
            l1=_ratio(self._l1, n),
            l0=_ratio(float(self._n_active.sum()), n),
            shrinkage=_ratio(self._ratio, self._n_ratios),
            gamma=_ratio(float(np.linalg.norm(self._mean)), (variance / max(n, 1)) ** 0.5),
            n_active=self._n_active,
        )


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")


def evaluate(sae: SAE, X: np.ndarray, *, chunk_rows: int = 4096) -> Evaluation:
    """Metrics of ``sae`` on the rows of ``X`` (n, d_in).

    Of a transcoder, whose decoder does not give its input back, mse, explained variance and
    shrinkage are NaN.
    """
    accumulator = Accumulator(sae.d_in, sae.d_sae)
    for start in range(0, len(X), chunk_rows):
        rows = X[start : start + chunk_rows]
        codes = sae.encode(rows)
        decoded = sae.decode(codes, rows) if sae.has_decoder else np.full_like(rows, np.nan)
        accumulator.update(rows, codes, decoded)
    return accumulator.compute()


def gamma(X: np.ndarray) -> float:
    """‖μ‖₂ / √tr Σ of the rows of ``X`` (n, d); NaN without variance.

    Examples
    --------
    >>> gamma(np.array([[1, 0], [3, 0]]))  # mean (2, 0), variance 1
    2.0
    """
    wide = X.astype(np.float64)
    mean = wide.mean(axis=0)
    return _ratio(
        float(np.linalg.norm(mean)), float(np.square(wide - mean).sum(axis=1).mean()) ** 0.5
    )


def density_histogram(n_active: np.ndarray, n_rows: int) -> np.ndarray:
    """Number of live features by log10 of the share of rows in which they fire.

    Returns
    -------
    ndarray
        Counts in the bins of :data:`DENSITY_EDGES`. Dead features are in no bin; a feature rarer
        than the lowest edge is in the first.

    Examples
    --------
    >>> density_histogram(np.array([0, 1, 10]), 10)[-3:]  # never, in a tenth, always
    array([0, 1, 1])
    """
    live = n_active[n_active > 0]
    places = np.maximum(np.log10(live / max(n_rows, 1)), DENSITY_EDGES[0])
    return np.histogram(places, bins=DENSITY_EDGES)[0]


def error_term(evaluation: Evaluation, config: SAEConfig, d_in: int) -> float:
    """Reconstruction error as it enters the loss."""
    return evaluation.mse * d_in * error_scale(config, d_in)


def penalty_term(evaluation: Evaluation, config: SAEConfig, d_sae: int) -> float:
    """L1 penalty as it enters the loss; 0 without a penalty, NaN where it is no L1 norm."""
    kind = load_architecture(config.architecture).penalty
    if kind == "l1":
        return config.l1 * evaluation.l1 * penalty_scale(config, d_sae)
    return 0.0 if kind == "none" else float("nan")
