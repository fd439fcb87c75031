"""Options of scVI, trained here or read from a saved model."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from featurelens.embeddings.model import Model
from featurelens.options import File


@dataclass(frozen=True, kw_only=True)
class ScviModel(Model):
    """scVI, trained on the cells with scvi-tools or read from a model that it saved."""

    is_network: ClassVar[bool] = True
    package: ClassVar[tuple[str, str]] = ("scvi", "scvi-tools")
    environment: ClassVar[str] = "scvi"

    kind: Literal["scvi"] = "scvi"
    """Which model."""
    checkpoint: File | None = None
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

    @property
    def dimensions(self) -> int | None:
        """Dimensions of the embedding; a saved model tells them itself."""
        return self.n_latent if self.checkpoint is None else None

    @property
    def needs_package(self) -> bool:
        """Whether scvi-tools is needed: a saved model is read without it."""
        return self.checkpoint is None


MODEL = ScviModel
