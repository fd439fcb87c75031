# mypy: allow-untyped-defs
"""Compiled loop: rank sums of one gene in the high and low cells of every row at once.

The cells that express the gene are walked once, the highest first, each with the rows that it is
in; cells without any are a last run of ties, which is counted and not walked. Where the low cells
of a row are most of the cells, the others are walked and subtracted. Counts of whole numbers are
exact in float64.
"""

import numpy as np

from featurelens.dge.group_kernels import compiled


@compiled
def pairs_won(order, ends, start, row, side, complement, n_high, n_low, won, ties):
    """Fill pairs won by high cells, ties halved, and tie terms, (n_rows,) each.

    ``order`` holds the cells that express the gene, highest first, and ``ends`` where each run of
    equal values ends. Cell c is in the rows ``row[start[c] : start[c + 1]]``, as high cell where
    ``side`` is 1, as a listed other one where it is 2.
    """
    n_rows = len(n_high)
    above_high, above_other = np.zeros(n_rows), np.zeros(n_rows)
    high, other = np.zeros(n_rows), np.zeros(n_rows)
    met = np.empty(n_rows, np.int64)
    every = 0.0
    begin = 0
    for f in range(n_rows):
        won[f] = 0.0
        ties[f] = 0.0
    for end in ends:
        n_met = 0
        for place in range(begin, end):
            cell = order[place]
            for member in range(start[cell], start[cell + 1]):
                f = row[member]
                if high[f] == 0 and other[f] == 0:
                    met[n_met] = f
                    n_met += 1
                if side[member] == 1:
                    high[f] += 1
                else:
                    other[f] += 1
        total = float(end - begin)
        term = total * total * total - total
        every += term
        for place in range(n_met):
            f = met[place]
            if complement[f]:
                tied = total - other[f]
                low = tied - high[f]
                low_above = begin - above_high[f] - above_other[f]
                if other[f] > 0:
                    ties[f] += tied * tied * tied - tied - term
            else:
                low = other[f]
                low_above = above_other[f]
                tied = high[f] + low
                ties[f] += tied * tied * tied - tied
            won[f] += high[f] * (n_low[f] - low_above - low / 2)
            above_high[f] += high[f]
            above_other[f] += other[f]
            high[f] = 0.0
            other[f] = 0.0
        begin = end
    for f in range(n_rows):
        left = n_high[f] - above_high[f]
        if complement[f]:
            low = n_low[f] - (begin - above_high[f] - above_other[f])
            ties[f] += every
        else:
            low = n_low[f] - above_other[f]
        tied = left + low
        won[f] += left * low / 2
        ties[f] += tied * tied * tied - tied
