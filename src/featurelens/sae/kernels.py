# mypy: allow-untyped-defs
"""Compiled loops of the fused engine, for narrow inputs.

The idea: with few input dimensions a batch, transposed to (d_in, n_batch), stays in the first
cache while the loops walk the features. Each feature's encoder row, decoder row and bias lie side
by side, so that its gradient and its Adam step happen while they are at hand. A feature that fires
in few rows of the batch is decoded and differentiated row by row, a silent one not at all.

Layout: ``P``, ``M``, ``V`` are parameters and Adam's moments, (d_sae, 2 d + 1), with the columns
encoder (d), decoder (d), bias; d is d_in padded with zeros to a multiple of 4. ``Q`` and its
moments hold pre-bias and decoder bias, (2, d). Batches are columns, ``x`` (d, n_batch), with copies
by row, ``xr`` (n_batch, d), for features that fire rarely.

All kernels stand in this one file because numba's cache looks for changes in no other.

Loops may be reordered by the compiler (sums over the batch run in SIMD lanes) but always in the
same way, so equal input gives equal bytes. No other floating-point liberty is taken: NaN stays NaN.
"""

import numpy as np
from numba import njit

FLAGS = {"reassoc", "contract", "nsz"}
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
"""Defaults of torch.optim.Adam, as the author uses it."""
TINY_MEAN, TINY_SQUARE = 1e-30, 1e-36
"""Moments below these become zero: what follows would be slow denormal numbers, far below EPS."""
FEW = 8
"""Rows of a batch in which a feature may fire and still count as rare."""
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""De Bruijn sequence: times a power of two, its top six bits differ for all 64 of them."""
BIT_PLACE = np.zeros(64, np.int64)
BIT_PLACE[[((0x03F79D71B4CB0A89 << bit) % 2**64) >> 58 for bit in range(64)]] = np.arange(64)
BLOCK = 32
"""Features whose gradients are collected before one Adam step over all of them."""


def compiled(function):
    """Compile on first use; kept on disk where numba finds a writable place.

    Kernels become part of the one that calls them. Called as functions of their own they would
    exist in two versions of different rounding, and which of them runs would differ between the
    process that compiles them and those that find them on disk.
    """
    options = {"fastmath": FLAGS, "error_model": "numpy", "nogil": True, "inline": "always"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # numba's "no locator available": neither source nor home is writable
        return njit(**options)(function)


@compiled
def gather(X, rows, shift, x, shifted):
    """Put the batch X[rows] into columns: ``x`` as it is, ``shifted`` with the pre-bias added."""
    for b in range(len(rows)):
        for i in range(X.shape[1]):
            value = X[rows[b], i]
            x[i, b] = value
            shifted[i, b] = value + shift[i]


@compiled
def encode(P, x, z, n, rectify):
    """Fill ``z`` (d_sae, n) with x W + b, cut at zero if ``rectify``."""
    d = x.shape[0]
    zero = P.dtype.type(0)
    for j in range(P.shape[0]):
        bias, w0, w1, w2, w3 = P[j, 2 * d], P[j, 0], P[j, 1], P[j, 2], P[j, 3]
        for b in range(n):
            z[j, b] = bias + w0 * x[0, b] + w1 * x[1, b] + w2 * x[2, b] + w3 * x[3, b]
        for i in range(4, d, 4):
            w0, w1, w2, w3 = P[j, i], P[j, i + 1], P[j, i + 2], P[j, i + 3]
            for b in range(n):
                z[j, b] += w0 * x[i, b] + w1 * x[i + 1, b] + w2 * x[i + 2, b] + w3 * x[i + 3, b]
        if rectify:
            for b in range(n):
                z[j, b] = zero if z[j, b] <= zero else z[j, b]


@compiled
def decode(P, z, fires, places, rare, y, yr, n):
    """Fill ``y`` (d, n) with z D: rare features by row, the others four at a time."""
    d = y.shape[0]
    y[:, :] = 0
    if rare:
        yr[:, :] = 0
    h = P.shape[0]
    whole = h - h % 4
    for j in range(0, whole, 4):
        most = max(max(fires[j], fires[j + 1]), max(fires[j + 2], fires[j + 3]))
        if most <= FEW:
            for one in range(j, j + 4):
                for at in range(fires[one]):
                    b = places[one, at]
                    v = z[one, b]
                    for i in range(d):
                        yr[b, i] += v * P[one, d + i]
            continue
        for i in range(d):
            c = d + i
            w0, w1, w2, w3 = P[j, c], P[j + 1, c], P[j + 2, c], P[j + 3, c]
            for b in range(n):
                y[i, b] += w0 * z[j, b] + w1 * z[j + 1, b] + w2 * z[j + 2, b] + w3 * z[j + 3, b]
    for j in range(whole, h):
        for i in range(d):
            w = P[j, d + i]
            for b in range(n):
                y[i, b] += w * z[j, b]
    if rare:
        for i in range(d):
            for b in range(n):
                y[i, b] += yr[b, i]


@compiled
def residual(y, x, bias, g, n, scale):
    """Fill ``g`` with 2 scale (y + bias - x); return scale Σ (y + bias - x)²."""
    total = 0.0
    double = scale + scale
    for i in range(x.shape[0]):
        part = g.dtype.type(0)
        shift = bias[i]
        for b in range(n):
            r = y[i, b] + shift - x[i, b]
            part += r * r
            g[i, b] = double * r
        total += part
    return total * scale


@compiled
def to_rows(columns, n, rows):
    """Copy (d, n) into (n, d)."""
    for b in range(n):
        for i in range(columns.shape[0]):
            rows[b, i] = columns[i, b]


@compiled
def activity(z, n, fires, places):
    """Count where each feature fires and list the places of the rare ones.

    Returns the sum of ``z`` and the number of rare features.
    """
    total = 0.0
    rare = 0
    zero = z.dtype.type(0)
    for j in range(z.shape[0]):
        part = zero
        count = np.int32(0)
        for b in range(n):
            part += z[j, b]
            count += np.int32(z[j, b] != zero)
        total += part
        fires[j] = count
        if 0 < count <= FEW:
            list_places(z[j], n, places[j])
            rare += 1
    return total, rare


@compiled
def list_places(z, n, places):
    """List where ``z`` (n) is not zero: 64 comparisons become the bits of one word."""
    zero = z.dtype.type(0)
    one = np.uint64(1)
    found = 0
    for start in range(0, n, 64):
        word = np.uint64(0)
        if start + 64 <= n:  # a loop of known length, which the compiler turns into SIMD
            for b in range(64):
                word |= np.uint64(z[start + b] != zero) << np.uint64(b)
        else:
            for b in range(n - start):
                word |= np.uint64(z[start + b] != zero) << np.uint64(b)
        while word:
            lowest = word & (~word + one)
            places[found] = start + BIT_PLACE[(lowest * DE_BRUIJN) >> np.uint64(58)]
            found += 1
            word ^= lowest


@compiled
def feature_gradient(P, j, z, g, x, n, slope, dz, out):
    """Gradient of one feature: ``out`` gets encoder (d), decoder (d), bias."""
    d = x.shape[0]
    zero = P.dtype.type(0)
    for b in range(n):
        dz[b] = slope
    for i in range(0, d, 4):
        c = d + i
        w0, w1, w2, w3 = P[j, c], P[j, c + 1], P[j, c + 2], P[j, c + 3]
        s0 = s1 = s2 = s3 = zero
        for b in range(n):
            v = z[j, b]
            g0, g1, g2, g3 = g[i, b], g[i + 1, b], g[i + 2, b], g[i + 3, b]
            s0 += v * g0
            s1 += v * g1
            s2 += v * g2
            s3 += v * g3
            dz[b] += w0 * g0 + w1 * g1 + w2 * g2 + w3 * g3
        out[c], out[c + 1], out[c + 2], out[c + 3] = s0, s1, s2, s3
    total = zero
    for b in range(n):
        v = zero if z[j, b] <= zero else dz[b]
        dz[b] = v
        total += v
    out[2 * d] = total
    for i in range(0, d, 4):
        s0 = s1 = s2 = s3 = zero
        for b in range(n):
            v = dz[b]
            s0 += v * x[i, b]
            s1 += v * x[i + 1, b]
            s2 += v * x[i + 2, b]
            s3 += v * x[i + 3, b]
        out[i], out[i + 1], out[i + 2], out[i + 3] = s0, s1, s2, s3


@compiled
def feature_gradient_of_four(P, j, z, g, x, n, slope, out):
    """As :func:`feature_gradient` for d = 4, in one pass over the batch."""
    zero = P.dtype.type(0)
    w0, w1, w2, w3 = P[j, 4], P[j, 5], P[j, 6], P[j, 7]
    s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = total = zero
    for b in range(n):
        v, g0, g1, g2, g3 = z[j, b], g[0, b], g[1, b], g[2, b], g[3, b]
        s0 += v * g0
        s1 += v * g1
        s2 += v * g2
        s3 += v * g3
        u = slope + w0 * g0 + w1 * g1 + w2 * g2 + w3 * g3
        u = zero if v <= zero else u
        total += u
        t0 += u * x[0, b]
        t1 += u * x[1, b]
        t2 += u * x[2, b]
        t3 += u * x[3, b]
    out[0], out[1], out[2], out[3] = t0, t1, t2, t3
    out[4], out[5], out[6], out[7] = s0, s1, s2, s3
    out[8] = total


@compiled
def rare_gradient(P, j, z, gr, xr, places, slope, out):
    """As :func:`feature_gradient`, from the few rows in ``places`` alone."""
    d = xr.shape[1]
    out[:] = 0
    for b in places:
        v = z[j, b]
        u = slope
        for i in range(d):
            u += P[j, d + i] * gr[b, i]
            out[d + i] += v * gr[b, i]
        for i in range(d):
            out[i] += u * xr[b, i]
        out[2 * d] += u


@compiled
def adam(p, m, v, grad, rate, root):
    """One Adam step on flat arrays; ``rate`` and ``root`` carry the bias corrections."""
    kind = p.dtype.type
    keep, gain = kind(BETA2), kind(1 - BETA2)
    first, eps = kind(1 - BETA1), kind(EPS)
    tiny, small, zero = kind(TINY_MEAN), kind(TINY_SQUARE), kind(0)
    for i in range(p.shape[0]):
        mean = m[i] + (grad[i] - m[i]) * first
        square = v[i] * keep + gain * grad[i] * grad[i]
        mean = zero if abs(mean) < tiny else mean
        square = zero if square < small else square
        m[i] = mean
        v[i] = square
        p[i] -= rate * mean / (np.sqrt(square) * root + eps)


@compiled
def backward(
    P, M, V, z, fires, places, g, gr, x, xr, n, slope, rate, root, dz, grads, shift_gradient
):
    """Gradients and Adam steps of all features; adds up the gradient of the pre-bias."""
    d = x.shape[0]
    h, width = P.shape
    shift_gradient[:] = 0
    for start in range(0, h, BLOCK):
        stop = min(start + BLOCK, h)
        for j in range(start, stop):
            out = grads[j - start]
            if fires[j] == 0:
                out[:] = 0
                continue
            if fires[j] <= FEW:
                rare_gradient(P, j, z, gr, xr, places[j, : fires[j]], slope, out)
            elif d == 4:
                feature_gradient_of_four(P, j, z, g, x, n, slope, out)
            else:
                feature_gradient(P, j, z, g, x, n, slope, dz, out)
            for i in range(d):
                shift_gradient[i] += P[j, i] * out[2 * d]
        flat = (stop - start) * width
        adam(
            P[start:stop].reshape(flat),
            M[start:stop].reshape(flat),
            V[start:stop].reshape(flat),
            grads[: stop - start].reshape(flat),
            rate,
            root,
        )


@compiled
def keep_largest(z, n, k, low, high, border, count):
    """Keep the ``k`` largest of each column of ``z`` where positive; all else becomes zero.

    Among equal values at the border the features that come first stay.
    """
    find_borders(z, n, k, low, high, border, count)
    settle_ties(z, n, k, border, count)
    zero = z.dtype.type(0)
    for j in range(z.shape[0]):
        for b in range(n):
            z[j, b] = zero if z[j, b] <= border[b] else z[j, b]


@compiled
def find_borders(z, n, k, low, high, border, count):
    """Bisect, all columns abreast, to a ``border`` that exactly ``k`` of each column exceed.

    Columns with at most ``k`` positive values get zero. Where values tie across the border it is
    the tied value, which fewer than ``k`` exceed; ``count`` tells how many.
    """
    zero, half = z.dtype.type(0), z.dtype.type(0.5)
    for b in range(n):
        low[b], high[b], border[b] = zero, zero, zero
    for j in range(z.shape[0]):
        for b in range(n):
            high[b] = z[j, b] if z[j, b] > high[b] else high[b]
    searching = True
    while searching:
        count_above(z, n, border, count)
        searching = False
        for b in range(n):
            if count[b] > k:
                low[b] = border[b]
            elif count[b] < k and low[b] < border[b] < high[b]:
                high[b] = border[b]
            else:
                continue
            step = low[b] + (high[b] - low[b]) * half
            border[b] = step if low[b] < step < high[b] else high[b]
            searching = True


@compiled
def count_above(z, n, border, count):
    """Count per column the values above the border."""
    h = z.shape[0]
    for b in range(n):
        count[b] = 0
    whole = h - h % 4
    for j in range(0, whole, 4):
        for b in range(n):
            t = border[b]
            count[b] += (
                np.int32(z[j, b] > t)
                + np.int32(z[j + 1, b] > t)
                + np.int32(z[j + 2, b] > t)
                + np.int32(z[j + 3, b] > t)
            )
    for j in range(whole, h):
        for b in range(n):
            count[b] += np.int32(z[j, b] > border[b])


@compiled
def settle_ties(z, n, k, border, count):
    """Where fewer than ``k`` exceed a positive border, cut the last of those that equal it."""
    zero = z.dtype.type(0)
    for b in range(n):
        if border[b] > zero and count[b] < k:
            left = k - count[b]
            for j in range(z.shape[0]):
                if z[j, b] == border[b] and left > 0:
                    left -= 1
                elif z[j, b] <= border[b]:
                    z[j, b] = zero
            border[b] = zero


@compiled
def run_epoch(
    X, order, batch, P, M, V, Q, MQ, VQ, shifts, k, scale, penalty, rates, sparsity, taken, terms
):
    """Train one epoch; fills ``terms`` (n_steps, 3) and returns the steps taken so far.

    ``shifts`` says whether there is a pre-bias, ``k`` how many features stay per row (0: ReLU),
    ``scale`` and ``penalty`` multiply squared error and activations summed over the width.
    """
    d, h, width = X.shape[1], P.shape[0], P.shape[1]
    kind = P.dtype
    x, shifted = np.zeros((d, batch), kind), np.zeros((d, batch), kind)
    y, g, z = np.zeros((d, batch), kind), np.zeros((d, batch), kind), np.zeros((h, batch), kind)
    xr, yr, gr = np.zeros((batch, d), kind), np.zeros((batch, d), kind), np.zeros((batch, d), kind)
    fires, places = np.zeros(h, np.int32), np.zeros((h, FEW), np.int32)
    dz, grads = np.zeros(batch, kind), np.zeros((BLOCK, width), kind)
    low, high, border = np.zeros(batch, kind), np.zeros(batch, kind), np.zeros(batch, kind)
    count = np.zeros(batch, np.int32)
    bias_gradient = np.zeros((2, d), kind)
    for step in range(len(rates)):
        rows = order[step * batch : (step + 1) * batch]
        n = len(rows)
        taken += 1
        rate = kind.type(rates[step] / (1 - BETA1**taken))
        root = kind.type(1 / np.sqrt(1 - BETA2**taken))
        slope = kind.type(penalty * sparsity[step] / n)
        gather(X, rows, Q[0], x, shifted)
        encode(P, shifted, z, n, k == 0)
        if k > 0:
            keep_largest(z, n, k, low, high, border, count)
        total, rare = activity(z, n, fires, places)
        terms[step, 1] = total * slope
        decode(P, z, fires, places, rare, y, yr, n)
        terms[step, 0] = residual(y, x, Q[1], g, n, kind.type(scale / n))
        if rare:
            to_rows(shifted, n, xr)
            to_rows(g, n, gr)
        for i in range(d):
            bias_gradient[1, i] = g[i, :n].sum()
        backward(
            P, M, V, z, fires, places, g, gr, shifted, xr, n, slope, rate, root, dz, grads,
            bias_gradient[0],
        )  # fmt: skip
        if not shifts:
            bias_gradient[0, :] = 0
        adam(Q.reshape(-1), MQ.reshape(-1), VQ.reshape(-1), bias_gradient.reshape(-1), rate, root)
    return taken
