# mypy: allow-untyped-defs
"""Compiled loops: mean and spread of 16 genes at a time in the high and low cells of every row.

A row is a feature, or one stratum of its cells. Its high cells are always read. Its low cells are
read where they are few; where they are most of the cells, the others are read and subtracted from
the total of all cells. All sums are float64.

Two things keep the sums exact. What is read is summed as differences from the set's first cell, so
that a constant set has a spread of exactly zero and no digits cancel. Where a difference of totals
leaves less than :data:`TRUSTED` of what it is taken from, the low cells are read after all.

Layout: ``x`` is (n_cells, WIDTH), so that one cell's genes fill a cache line and 60,000 cells an
outer cache. Sets are CSR: ``cells[bounds[row] : bounds[row + 1]]``.
"""

import numpy as np
from numba import njit

WIDTH = 16
"""Genes in a block."""
RUN = 256
"""Cells that are summed before their sum is added to the sum of sums: errors grow with n / RUN."""
TRUSTED = 2e-5
"""Smallest part of a total that a difference of totals may leave; below, digits are missing."""
FLAGS = {"contract", "nsz"}


def compiled(function):
    """Compile on first use; kept on disk where numba finds a writable place."""
    options = {"fastmath": FLAGS, "error_model": "numpy", "nogil": True}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # numba's "no locator available": neither source nor home is writable
        return njit(**options)(function)


@compiled
def add(x, cells, start, stop, origin, sums, squares):
    """Fill ``sums`` and ``squares`` (WIDTH,) over some cells, as differences from ``origin``."""
    run, run_squares = np.empty(WIDTH), np.empty(WIDTH)
    for g in range(WIDTH):
        sums[g] = 0.0
        squares[g] = 0.0
    for first in range(start, stop, RUN):
        last = min(first + RUN, stop)
        for g in range(WIDTH):
            run[g] = 0.0
            run_squares[g] = 0.0
        quads = (last - first) // 4
        for quad in range(quads):
            a, b = cells[first + 4 * quad], cells[first + 4 * quad + 1]
            c, d = cells[first + 4 * quad + 2], cells[first + 4 * quad + 3]
            for g in range(WIDTH):
                va, vb = x[a, g] - origin[g], x[b, g] - origin[g]
                vc, vd = x[c, g] - origin[g], x[d, g] - origin[g]
                run[g] += (va + vb) + (vc + vd)
                run_squares[g] += (va * va + vb * vb) + (vc * vc + vd * vd)
        for place in range(first + 4 * quads, last):
            a = cells[place]
            for g in range(WIDTH):
                va = x[a, g] - origin[g]
                run[g] += va
                run_squares[g] += va * va
        for g in range(WIDTH):
            sums[g] += run[g]
            squares[g] += run_squares[g]


@compiled
def finish(n, origin, sums, squares, mean, spread):
    """Mean and sum of squared deviations from sums of differences from ``origin``."""
    for g in range(WIDTH):
        shift = sums[g] / n
        mean[g] = origin[g] + shift
        spread[g] = max(squares[g] - sums[g] * shift, 0.0)


@compiled
def first_cell(x, cells, start, origin):
    """Copy the genes of the first cell of a set."""
    for g in range(WIDTH):
        origin[g] = x[cells[start], g]


@compiled
def totals(x, bounds, cells, centre, sums, squares):
    """Mean of every group of cells, and sums (n_groups, WIDTH) of differences from that mean."""
    zero = np.zeros(WIDTH)
    for group in range(len(bounds) - 1):
        start, stop = bounds[group], bounds[group + 1]
        add(x, cells, start, stop, zero, sums[group], squares[group])
        for g in range(WIDTH):
            centre[group, g] = sums[group, g] / max(stop - start, 1)
        add(x, cells, start, stop, centre[group], sums[group], squares[group])


@compiled
def unread(member, group, bounds, cells, low):
    """Fill ``low`` with the cells of a group that are not marked in ``member``."""
    n_low = 0
    for place in range(bounds[group], bounds[group + 1]):
        if not member[cells[place]]:
            low[n_low] = cells[place]
            n_low += 1


@compiled
def mark(member, cells, start, stop, value):
    """Set the mark of some cells."""
    for place in range(start, stop):
        member[cells[place]] = value


@compiled
def row_moments(x, population, high, other, complement, n_low, group, means, spreads):
    """Fill ``means`` and ``spreads`` (2, n_rows, WIDTH): high cells first, then low cells.

    ``population`` is (bounds, cells, centre, sums, squares) of the groups of cells, as
    :func:`totals` fills it; ``group`` is the group of every row. ``high`` and ``other`` are
    (bounds, cells). An empty set has mean and spread NaN.
    """
    bounds, cells, centre, total, total_squares = population
    high_bounds, high_cells = high
    other_bounds, other_cells = other
    origin, shifted = np.empty(WIDTH), np.empty(WIDTH)
    sums, squares = np.empty(WIDTH), np.empty(WIDTH)
    rest, rest_squares = np.empty(WIDTH), np.empty(WIDTH)
    member = np.zeros(len(x), np.bool_)
    low = np.empty(len(x), np.int32)
    means[:] = np.nan
    spreads[:] = np.nan
    for row in range(len(high_bounds) - 1):
        start, stop = high_bounds[row], high_bounds[row + 1]
        n_high, mine = stop - start, group[row]
        for g in range(WIDTH):
            shifted[g] = 0.0
            rest_squares[g] = 0.0
        if n_high:
            first_cell(x, high_cells, start, origin)
            add(x, high_cells, start, stop, origin, sums, squares)
            finish(n_high, origin, sums, squares, means[0, row], spreads[0, row])
            for g in range(WIDTH):  # the same sums, about the centre of all cells
                step = origin[g] - centre[mine, g]
                shifted[g] = sums[g] + n_high * step
                rest_squares[g] = squares[g] + step * (2 * sums[g] + n_high * step)
        if not n_low[row]:
            continue
        other_start, other_stop = other_bounds[row], other_bounds[row + 1]
        if not complement[row]:
            first_cell(x, other_cells, other_start, origin)
            add(x, other_cells, other_start, other_stop, origin, sums, squares)
            finish(n_low[row], origin, sums, squares, means[1, row], spreads[1, row])
            continue
        add(x, other_cells, other_start, other_stop, centre[mine], sums, squares)
        trusted = True
        for g in range(WIDTH):
            rest[g] = total[mine, g] - shifted[g] - sums[g]
            rest_squares[g] = total_squares[mine, g] - rest_squares[g] - squares[g]
        finish(n_low[row], centre[mine], rest, rest_squares, means[1, row], spreads[1, row])
        for g in range(WIDTH):
            if spreads[1, row, g] <= TRUSTED * total_squares[mine, g]:
                trusted = False
        if not trusted:
            mark(member, high_cells, start, stop, True)
            mark(member, other_cells, other_start, other_stop, True)
            unread(member, mine, bounds, cells, low)
            mark(member, high_cells, start, stop, False)
            mark(member, other_cells, other_start, other_stop, False)
            first_cell(x, low, 0, origin)
            add(x, low, 0, n_low[row], origin, sums, squares)
            finish(n_low[row], origin, sums, squares, means[1, row], spreads[1, row])
