"""The author's recovery of hidden variables by single components and neurons, restated.

Needs numpy and scikit-learn alone, so that it also runs under the versions that he pinned (numpy
1.25.2, scikit-learn 1.1.3): run as a program it prints the figures that tests hold ours to.
"""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.decomposition import PCA, FastICA, TruncatedSVD
from sklearn.linear_model import LinearRegression


def pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """His r of every column of ``a`` with ``b``: covariance over n, deviations over n - 1."""
    covariance = ((a - a.mean(axis=0)) * (b - b.mean())[:, None]).mean(axis=0)
    return covariance / (a.std(axis=0, ddof=1) * b.std(ddof=1))


def correlations(components: np.ndarray, variables: np.ndarray) -> np.ndarray:
    """(n_components, k): his rows beyond component k stay zero, whatever the variable."""
    k = variables.shape[1]
    r = np.zeros((components.shape[1], k))
    for j in range(k):
        r[:k, j] = pearson(components[:, :k], variables[:, j])
    return r


def best(r: np.ndarray) -> np.ndarray:
    """The signed r of the largest size, of every variable."""
    return r[np.abs(r).argmax(axis=0), np.arange(r.shape[1])]


def components(y: np.ndarray, method: str, n_components: int) -> np.ndarray:
    """His baselines; FastICA has seed 0 and PCA and SVD none, which leaves them as they are."""
    if method == "ica":
        model = FastICA(n_components=n_components, random_state=0)
    else:
        model = {"pca": PCA, "svd": TruncatedSVD}[method](n_components=n_components)
    return model.fit(y).transform(y)


def simulation() -> dict[str, np.ndarray]:
    """600 cells, 12 programs and 60 observables: the shape of the large model, rank 12."""
    rng = np.random.RandomState(5)
    x = rng.poisson(1 + 0.3 * np.arange(12), size=(600, 12)).astype(np.float32)
    b = rng.randint(0, 3, size=600)
    a = rng.randint(0, 8, size=600)
    mask = rng.binomial(1, 0.5, size=(8, 12))
    mask[:, 0] = 1
    shifted = x + rng.normal(b, 0.1)[:, None]
    active = shifted * mask[a]
    y = (active @ rng.binomial(1, 0.3, size=(12, 60))).astype(np.float32)
    return {"Y": y, "X": x, "X'": shifted, "X''": active, "A": a[:, None], "B": b[:, None]}


def small_embedding() -> tuple[np.ndarray, np.ndarray]:
    """Four latent dimensions of observables of rank three, and the variables X, A and B."""
    rng = np.random.RandomState(3)
    b = (rng.uniform(size=(3000, 3)) < [0.5, 0.1, 0.9]).astype(float)
    a = rng.poisson(2, size=(3000, 1)).astype(float)
    x = a * b
    regulation = np.array([[0, 1, 1, 0, 0], [1, 1, 0, 1, 0], [0, 0, 0, 1, 1]])
    y = (x @ regulation).astype(np.float32)
    weight = rng.uniform(-0.45, 0.45, size=(5, 4)).astype(np.float32)
    bias = rng.uniform(-0.45, 0.45, size=4).astype(np.float32)
    return y @ weight + bias, np.hstack([x, a, b])


def small_scores() -> list[float]:
    """His R²: a regression of its own for each variable, scored on the cells it was fitted on."""
    embedding, targets = small_embedding()
    fits = [LinearRegression().fit(embedding, targets[:, [j]]) for j in range(targets.shape[1])]
    return [fit.score(embedding, targets[:, [j]]) for j, fit in enumerate(fits)]


def main() -> None:
    print(np.__version__, sklearn.__version__)  # noqa: T201
    made = simulation()
    for method in ("pca", "svd", "ica"):
        for n in (8, 20):
            found = components(made["Y"], method, n)
            for name in made:
                values = best(correlations(found, made[name].astype(float)))
                print(method, n, name, round(values.mean(), 6), round(values.max(), 6))  # noqa: T201
    print("R2", [round(score, 6) for score in small_scores()])  # noqa: T201


if __name__ == "__main__":
    main()
