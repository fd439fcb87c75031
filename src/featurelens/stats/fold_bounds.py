"""How large a change of expression is at least, once it was selected among many.

The largest observed changes among many genes are those of the fewest cells. Intervals for genes
that were chosen at a false discovery rate must be wider than single ones: with R genes chosen among
m at rate α, intervals at level 1 - α R / m miss the truth in a share α of the chosen (Benjamini and
Yekutieli 2005, J. Am. Stat. Assoc. 100: 71-81). What Benjamini and Hochberg's procedure chooses,
and nothing else, has an interval without 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from featurelens.stats.arrays import Floats


def least_log2_fold(
    log2_fold: Floats,
    t: Floats,
    df: Floats,
    *,
    n_chosen: NDArray,
    n_tests: NDArray,
    alpha: float,
) -> Floats:
    """Log2 fold change at the end of the interval that is nearer to none.

    With the difference of means d, its error d / t, and c the quantile of Student's t, that end is
    d (1 - c / |t|). Put in the place of d, the other mean as it is, a ratio of means r becomes
    1 + (r - 1) (1 - c / |t|), or 1 where the interval holds 0.

    Parameters
    ----------
    log2_fold, t, df
        Log2 of the ratio of means, Welch's t of their difference and its degrees of freedom.
    n_chosen, n_tests
        R and m: genes of the same feature that are chosen, and that were tested.
    alpha
        False discovery rate at which they are chosen.

    Returns
    -------
    ndarray
        Of the same shape and sign as ``log2_fold``, nearer to 0; 0 where a value is missing.

    Examples
    --------
    Twice the mean, one gene of one, 10 degrees of freedom, where c = 2.228 at 5 %: with t = 4.456
    half of the difference is left, log2(1 + 1 / 2), with t = 2 nothing.

    >>> fold, t, df = np.array([1.0, 1.0]), np.array([4.456, 2.0]), np.array([10.0, 10.0])
    >>> one = np.ones(2)
    >>> least_log2_fold(fold, t, df, n_chosen=one, n_tests=one, alpha=0.05).round(3)
    array([0.585, 0.   ])
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        critical = special.stdtrit(df, 1 - alpha * n_chosen / n_tests / 2)
        left = np.maximum(1 - critical / np.abs(t), 0)
        ratio = np.exp2(log2_fold)
        return np.nan_to_num(np.log2(1 + (ratio - 1) * left), nan=0.0, posinf=np.inf)
