"""Set one feature to a chosen value, decode, and see where the cells go and which genes follow.

Paper section 5.2, author's ``supp_19_sc.py``. All cells of the type ``origin`` are encoded,
the activation of one feature is overwritten, and the SAE decodes. The published control is the
original embedding, so the error of the SAE counts as an effect; the corrected control is the
embedding decoded without the change.
The published expression uses each cell's own library, the corrected one a common library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pandas as pd
from scipy.special import stdtr

from featurelens.features.describe import project
from featurelens.features.selection import select_features
from featurelens.io import require_same_names
from featurelens.stats import multiple
from featurelens.stats.composition import closure_factors
from featurelens.stats.negative_binomial import PAIR_COLUMNS, published_pairs
from featurelens.steering.config import SteeringConfig

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.bundle import Bundle


Convention = Literal["published", "corrected"]
ROUNDING = 2e-7
GENES_AT_ONCE = 1024
EFFECT_COLUMNS = (
    *("feature", "role", "cell_type", "convention", "steered_value", "gene"),
    *("mean_control", "mean_steered", "log2_fold", "t", "df", "p", "q"),
    *PAIR_COLUMNS,
)


class SparseAutoencoder(Protocol):
    """What steering needs of an SAE."""

    @property
    def directions(self) -> np.ndarray:
        """Decoder rows, (d_sae, d_in)."""

    def encode(self, X: np.ndarray, /) -> np.ndarray:
        """Activations, (n, d_sae)."""

    def decode(self, codes: np.ndarray, /) -> np.ndarray:
        """Reconstructions, (n, d_in)."""


@dataclass(frozen=True, eq=False)
class Steering:
    """What steering did."""

    effects: pd.DataFrame
    """One row per feature, convention and gene; empty where nothing decodes to expression."""
    trajectories: anndata.AnnData
    """Every steered cell before (normal: its original embedding) and after (steered)."""
    selected: pd.DataFrame
    """The features, why they were chosen, the value they were set to, the share clipped."""


@dataclass(frozen=True)
class PairedTest:
    """Paired t-test on log2 ratios over cells, one entry per gene."""

    log2_fold: np.ndarray
    """Mean over cells of the log2 ratio."""
    t: np.ndarray
    """NaN where the ratio is the same in all cells."""
    df: int
    """Cells minus one."""
    p: np.ndarray
    """Two-sided."""


def steer(
    sae: SparseAutoencoder,
    bundle: Bundle,
    features: anndata.AnnData,
    config: SteeringConfig,
) -> Steering:
    """Steer the cells of one type with one global and several local features.

    The global feature is set to ``factor`` times its mean over the target's cells, a local one to
    ``factor`` times its mean over its own type's cells. The p-values compare noise-free outputs of
    a model, with cells as replicates: they rank genes and are not calibrated.

    Parameters
    ----------
    sae
        The SAE whose activations ``features`` describes.
    bundle
        Cells, embedding and decoder.
    features
        Of :func:`featurelens.features.describe.describe_features`.
    config
        Cells, target and strength.

    Returns
    -------
    Steering
        effects: feature, role, cell_type (whose mean sets the value), convention, steered_value,
        gene (symbol), mean_control, mean_steered, log2_fold (mean over cells of
        ``log2((steered + pseudocount) / (control + pseudocount))``, corrected after each steered
        cell's expression was multiplied by what leaves its typical gene unchanged), t, df, p, q
        (BH over the genes of one feature and convention); glm_log2_fold, glm_p and glm_q of the
        published negative binomial regression, where the decoder has a dispersion (published only).
        trajectories: obs feature, role, cell, condition, cell_type; obsm X_emb and X_pca (axes of
        ``features.uns['pca']``).

    Raises
    ------
    InputError
        If origin or target is not among the cell types, or features and bundle hold other cells.
    """
    require_same_names(
        features.obs_names, bundle.cells.obs_names, "the features", "the bundle's cells"
    )
    selected = select_features(
        features,
        directions=sae.directions,
        origin=config.origin,
        target=config.target,
        n_local=config.n_local,
    )
    selected["steered_value"] = _values(features, selected, factor=config.factor)
    rows = np.flatnonzero(features.obs["cell_type"] == config.origin)
    original = bundle.embedding[rows]
    activations = sae.encode(original)
    reconstruction = sae.decode(activations)
    steered = {
        choice["feature"]: sae.decode(
            _overwrite(activations, column=int(choice["feature"]), value=choice["steered_value"])
        )
        for choice in selected.to_dict("records")
    }
    selected["n_cells"] = len(rows)
    selected["share_clipped_control"] = bundle.decoder.share_clipped(reconstruction)
    selected["share_clipped_steered"] = [
        bundle.decoder.share_clipped(steered[feature]) for feature in selected["feature"]
    ]
    controls: dict[Convention, np.ndarray] = {
        "published": original,
        "corrected": reconstruction,
    }
    return Steering(
        effects=_effects(bundle, rows, controls, steered, selected, config),
        trajectories=_trajectories(features, rows, steered, selected),
        selected=selected,
    )


def paired_test(
    control: np.ndarray, steered: np.ndarray, *, pseudocount: float | np.ndarray
) -> PairedTest:
    """Paired t-test of log2 expression ratios.

    Parameters
    ----------
    control, steered
        Mean expression, (n_cells, n_genes), the same cells in the same order.
    pseudocount
        Counts added to both; one number, or one per cell (n_cells, 1).

    Returns
    -------
    PairedTest
        Arrays (n_genes,); equal to ``scipy.stats.ttest_rel`` of the logarithms.
    """
    n_cells, n_genes = control.shape
    mean, error = np.empty(n_genes), np.full(n_genes, np.nan)
    for start in range(0, n_genes, GENES_AT_ONCE):
        genes = slice(start, start + GENES_AT_ONCE)
        ratio = np.log2(steered[:, genes].astype(np.float64) + pseudocount)
        ratio -= np.log2(control[:, genes].astype(np.float64) + pseudocount)
        mean[genes] = ratio.mean(axis=0)
        if n_cells > 1:
            error[genes] = ratio.std(axis=0, ddof=1) / np.sqrt(n_cells)
    # Expression is float32, so ratios that are equal still scatter by about 1e-7.
    error[error * np.sqrt(n_cells) <= ROUNDING] = np.nan
    t, df = mean / error, n_cells - 1
    return PairedTest(log2_fold=mean, t=t, df=df, p=2 * stdtr(df, -np.abs(t)))


def _values(features: anndata.AnnData, selected: pd.DataFrame, *, factor: float) -> np.ndarray:
    means = pd.DataFrame(
        features.varm["type_means"],
        index=features.var_names,
        columns=list(features.uns["cell_types"]),
    )
    pairs = zip(selected["feature"], selected["cell_type"], strict=True)
    return np.array([factor * means.loc[feature, cell_type] for feature, cell_type in pairs])


def _overwrite(activations: np.ndarray, column: int, value: float) -> np.ndarray:
    changed = activations.copy()
    changed[:, column] = value
    return changed


def _effects(
    bundle: Bundle,
    rows: np.ndarray,
    controls: dict[Convention, np.ndarray],
    steered: dict[str, np.ndarray],
    selected: pd.DataFrame,
    config: SteeringConfig,
) -> pd.DataFrame:
    if bundle.decoder.shape is None:
        return pd.DataFrame(columns=list(EFFECT_COLUMNS))
    own = bundle.cells.layers["counts"][rows].sum(axis=1).A1
    libraries = {"published": own, "corrected": config.library}
    size = bundle.decoder.dispersion
    tables = []
    for convention, control in controls.items():
        library = np.reshape(libraries[convention], (-1, 1))
        # In proportion to the library, so that the conventions differ by their control alone.
        pseudocount = config.pseudocount * library / config.library
        before = bundle.decode(control, rows=rows, library=library)
        for choice in selected.to_dict("records"):
            after = bundle.decode(steered[choice["feature"]], rows=rows, library=library)
            level = after
            if convention == "corrected" and config.composition == "typical_gene":
                level = after * closure_factors(*(x.astype(np.float64) for x in (after, before)))
            test = paired_test(before, level, pseudocount=pseudocount)
            columns = {
                "feature": choice["feature"],
                "role": choice["role"],
                "cell_type": choice["cell_type"],
                "convention": convention,
                "steered_value": choice["steered_value"],
                "gene": bundle.cells.var["symbol"].astype(str).to_numpy(),
                "mean_control": before.mean(axis=0, dtype=np.float64),
                "mean_steered": after.mean(axis=0, dtype=np.float64),
                **vars(test),
                "q": multiple.bh(test.p),
                **published_pairs(before, after, size if convention == "published" else None),
            }
            tables.append(pd.DataFrame(columns, columns=list(EFFECT_COLUMNS)))
    return pd.concat(tables, ignore_index=True)


def _trajectories(
    features: anndata.AnnData,
    rows: np.ndarray,
    steered: dict[str, np.ndarray],
    selected: pd.DataFrame,
) -> anndata.AnnData:
    import anndata

    obs, embedding = [], []
    for choice in selected.to_dict("records"):
        conditions = {
            "normal": features.obsm["X_emb"][rows],
            "steered": steered[choice["feature"]],
        }
        for condition, points in conditions.items():
            cells = features.obs_names[rows]
            table = pd.DataFrame(
                {
                    "feature": choice["feature"],
                    "role": choice["role"],
                    "cell": cells,
                    "condition": condition,
                    "cell_type": features.obs["cell_type"].iloc[rows].astype(str).to_numpy(),
                },
                index=[f"{choice['feature']}:{condition}:{cell}" for cell in cells],
            )
            obs.append(table)
            embedding.append(points)
    points = np.concatenate(embedding).astype(np.float32)
    table = pd.concat(obs)
    for column in ("feature", "role", "condition", "cell_type"):
        table[column] = table[column].astype("category")
    return anndata.AnnData(
        obs=table, obsm={"X_emb": points, "X_pca": project(points, features.uns["pca"])}
    )
