"""The author's annotation of one feature, restated: cells, genes, terms, and what is kept.

Needs numpy, scipy and statsmodels alone, so that it also runs under the versions that the author
pinned (numpy 1.25.2, scipy 1.9.3, statsmodels 0.14.4): run as a program it prints the figures that
tests hold ours to. There his own call, ``ttest_ind(high, low, 0, False)``,
is made; from scipy 1.17 on it raises, and his try/except would make p = 1 of every gene.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy
from scipy.stats import binomtest, norm, ttest_ind
from statsmodels.stats.multitest import multipletests

BY_PLACE = tuple(int(part) for part in scipy.__version__.split(".")[:2]) < (1, 17)


@dataclass
class Genes:
    """Tests of every gene, (n_genes,)."""

    fold: np.ndarray
    p: np.ndarray
    q: np.ndarray


def test_genes(expression: np.ndarray, z: np.ndarray, *, guard: bool) -> Genes:
    """Cells above the 99th percentile against those of zero, by Welch's t; BH over genes.

    ``guard``: the script of multiDGD leaves p at 1 where a set does not vary or a value is NaN;
    the one of Geneformer has no such guard.
    """
    high, low = expression[z > np.percentile(z, 99)], expression[z == 0]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        fold = high.mean(axis=0) / low.mean(axis=0)
        p = np.ones(expression.shape[1])
        for gene in range(expression.shape[1]):
            a, b = high[:, gene], low[:, gene]
            if guard and (np.std(a) == 0 or np.std(b) == 0):
                continue
            if BY_PLACE:
                p[gene] = ttest_ind(a, b, 0, False).pvalue
            else:
                p[gene] = ttest_ind(a, b, axis=0, equal_var=False).pvalue
    return Genes(fold, p, multipletests(p, method="fdr_bh")[1])


test_genes.__test__ = False


def kept_terms(genes: Genes, terms: np.ndarray) -> np.ndarray:
    """Whether each term, a row of ``terms`` (n_terms, n_genes) bool, is kept: both p below .05."""
    p_bound = 0.05 if genes.q.min() > 1e-5 else 1e-5
    beyond = (genes.fold > 2) | (genes.fold < 0.5)
    if not np.nanmax(genes.fold) >= 2:
        beyond = np.ones(len(genes.fold), dtype=bool)
    selected = (genes.q < p_bound) & beyond
    if not selected.any():  # binomtest of nothing raises, under either scipy: nothing is kept
        return np.zeros(len(terms), dtype=bool)
    rank = np.empty(len(genes.fold))
    rank[np.argsort(genes.fold, kind="stable")] = np.arange(1, len(rank) + 1)
    kept = []
    for term in terms:
        hits = binomtest(int(selected[term].sum()), int(selected.sum()), term.mean()).pvalue
        n_s, n_t = term.sum(), (~term).sum()
        u_s = n_s * n_t + n_s * (n_s + 1) / 2 - rank[term].sum()
        u_t = n_s * n_t + n_t * (n_t + 1) / 2 - rank[~term].sum()
        centre, spread = n_s * n_t / 2, np.sqrt(n_s * n_t * (n_s + n_t + 1) / 12)
        kept.append(hits < 0.05 and norm.cdf((min(u_s, u_t) - centre) / spread) < 0.05)
    return np.array(kept, dtype=bool)


# --- cells of a model with two covariates, the same under every version of numpy ----------------

N_CELLS, N_GENES, N_FEATURES, N_TERMS = 600, 120, 6, 30


@dataclass
class Study:
    """What the author's script has at hand of a model with a decoder, and of its counts."""

    z: np.ndarray
    """Representations (n_cells, 3)."""
    code: np.ndarray
    """Covariate representations (n_cells, 2)."""
    weights: np.ndarray
    """Of a decoder of one layer, softmax over genes: (5, n_genes)."""
    library: np.ndarray
    """``obs['GEX_n_counts']``: beside the genes here it counts others."""
    counts: np.ndarray
    """(n_cells, n_genes)."""
    activations: np.ndarray
    """(n_cells, n_features)."""
    terms: np.ndarray
    """(n_terms, n_genes) bool."""

    def predicted(self) -> np.ndarray:
        """Expected counts: each cell's own code, times its own library, as float32."""
        logits = np.hstack([self.z, self.code]) @ self.weights
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return (shares * self.library[:, None]).astype(np.float32)


def study() -> Study:
    rng = np.random.RandomState(14)
    z = rng.normal(size=(N_CELLS, 3))
    code = np.where(rng.uniform(size=(N_CELLS, 1)) < 0.5, 1.0, -1.0) * np.array([[1.0, 0.5]])
    weights = rng.normal(size=(5, N_GENES)) * np.array([[0.8], [0.8], [0.8], [0.5], [0.5]])
    depth = np.exp(0.5 * rng.normal(size=N_CELLS) + 0.8 * z[:, 0])
    directions = rng.normal(size=(3, N_FEATURES))
    activations = np.maximum(z @ directions - 1.0, 0)
    counts = rng.poisson(np.exp(np.hstack([z, code]) @ weights * 0.5 - 2.0) * depth[:, None])
    counts[:, 0] += 1  # no cell is empty
    first = activations[:, 0]
    counts[:, -1] = (first > 0) & (first <= np.percentile(first, 99))  # in no cell that it compares
    library = np.round(2000.0 * depth) + counts.sum(axis=1)
    alike = rng.normal(size=(N_TERMS, 5)) @ weights  # genes that a direction of the model moves
    terms = rng.uniform(size=(N_TERMS, N_GENES)) < np.where(alike > 1.2, 0.7, 0.08)
    return Study(z, code, weights, library, counts, activations, terms)


def main() -> None:
    made = study()
    for name, values, guard in (
        ("decoded", made.predicted(), True),
        ("counts", made.counts.astype(np.float32), False),
        ("counts, guarded", made.counts.astype(np.float32), True),
    ):
        rows, kept, p = [], [], []
        for feature in range(N_FEATURES):
            genes = test_genes(values, made.activations[:, feature], guard=guard)
            rows.append(int((genes.q < 1e-5).sum()))
            kept.append(int(kept_terms(genes, made.terms).sum()))
            p.append(float(genes.p[7]))
        print(f"{name}: significant {rows}, kept {kept}, p of gene 7 {p}")  # noqa: T201


if __name__ == "__main__":
    print(np.__version__, scipy.__version__)  # noqa: T201
    main()
