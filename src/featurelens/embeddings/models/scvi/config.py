"""Options of scVI, trained here or read from a saved model."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from featurelens.datasets.config import Text
from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class ScviModel:
    """scVI, trained on the cells with scvi-tools or read from a model that it saved."""

    __pydantic_config__ = STRICT

    kind: Literal["scvi"] = "scvi"
    """Which model."""
    checkpoint: Text | None = None
    """The model.pt of a saved model, which needs no scvi-tools; null trains one."""
    sample: bool = False
    """Draw one z of each cell from its distribution; otherwise the embedding is its mean."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the training and of that draw."""
    n_latent: Annotated[int, Ge(1)] = 20
    """Dimension of the embedding. This and all below is for training alone."""
    n_hidden: Annotated[int, Ge(1)] = 128
    """Width of the hidden layers."""
    n_layers: Annotated[int, Ge(1)] = 1
    """Hidden layers of encoder and decoder."""
    likelihood: Literal["nb", "zinb", "poisson"] = "nb"
    """Distribution of the counts; the zero inflation of zinb is not decoded."""
    n_genes: Annotated[int, Ge(1)] | None = None
    """Most variable genes to train on, which the bundle then holds alone; null takes all."""
    epochs: Annotated[int, Ge(1)] | None = None
    """Passes over the cells; null is the rule of scvi-tools, 400 for up to 20,000 cells."""
    batch_size: Annotated[int, Ge(1)] = 128
    """Cells in a minibatch."""
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """Step size of Adam."""

    has_decoder: ClassVar[bool] = True
