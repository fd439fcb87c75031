"""Files and options of a trained multiDGD model."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from featurelens.datasets.config import Text
from featurelens.embeddings.model import Model
from featurelens.options import File


@dataclass(frozen=True, kw_only=True)
class MultiDGDModel(Model):
    """A trained multiDGD model, read from its checkpoint without the package."""

    kind: Literal["multidgd"] = "multidgd"
    """Which model."""
    checkpoint: File
    """The state dictionary, a .pt file."""
    hyperparameters: File
    """The .json file saved beside it."""
    split_column: Text = "train_val_test"
    """Column of obs with the split; the checkpoint's rows are its cells marked train, in order."""
    modality: Text | None = None
    """Modality whose decoder is kept, by its name in hyperparameters; null takes the first."""
    proof_cells: Annotated[int, Ge(2)] = 1000
    """Most cells on which it is proven that rows and cells match."""
    proof_permutations: Annotated[int, Ge(10)] = 100
    """Shuffles within cell types that the likelihood of the true order is compared with."""
    seed: int = 0
    """Seed of these shuffles."""


MODEL = MultiDGDModel
