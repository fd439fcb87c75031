"""What an autoencoder is and how it is trained; what a search tries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

from featurelens.conventions import Convention
from featurelens.options import STRICT, axis, values


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """Shape and training of one autoencoder."""

    __pydantic_config__ = STRICT

    latent: Annotated[int, Ge(1)]
    """Dimensions of the embedding."""
    depth: Annotated[int, Ge(1)] = 2
    """Linear layers of the encoder; the decoder mirrors it."""
    width: Literal["narrow", "wide"] = "narrow"
    """Rule for the hidden layers, see layer_sizes."""
    output: Literal["linear", "relu"] = "linear"
    """What follows the decoder's last layer."""
    learning_rate: Annotated[float, Gt(0)] = 1e-4
    """Step size of Adam."""
    weight_decay: Annotated[float, Ge(0)] = 0.0
    """L2 penalty as torch's Adam applies it."""
    batch_size: Annotated[int, Ge(0)] = 128
    """Cells per step; 0 takes all cells at once."""
    epochs: Annotated[int, Ge(1)] = 10_000
    """Passes over the training cells, at most."""
    patience: Annotated[int, Ge(0)] = 20
    """Stop when the best validation loss is older than this many epochs; 0 never stops early."""
    convention: axis(Convention) = "corrected"  # type: ignore[valid-type]
    """published exchanges training and validation cells, averages losses over batches and keeps the
    weights of the last epoch, as the author does; corrected trains on the training cells, averages
    over cells and keeps the weights of the best validation loss. A list makes one of each, with
    -published and -corrected behind the name."""
    exchanged: bool | None = None
    """Whether to exchange the two sides of the split; null as the convention has it. The author's
    small model is published without it."""
    seed: axis(Annotated[int, Ge(0), Lt(2**63)]) = 0  # type: ignore[valid-type]
    """Seed of the initial weights and the batch order; a list makes one of each, with -seed0 and so
    on behind the name (before the convention)."""

    @property
    def is_exchanged(self) -> bool:
        """Whether the first cells, as many as are held out, train and all others validate."""
        return self.convention == "published" if self.exchanged is None else self.exchanged

    @property
    def weights(self) -> Literal["best", "last"]:
        """Which weights are kept: of the best validation loss, or of the last epoch."""
        return "last" if self.convention == "published" else "best"

    @property
    def losses(self) -> Literal["rows", "shuffled"]:
        """Whether losses are means over cells, or over shuffled batches as the author's are."""
        return "shuffled" if self.convention == "published" else "rows"

    def each(self, name: str) -> dict[str, AutoencoderConfig]:
        """The autoencoders of a block of the config by name: one for each listed value."""
        seeds = self.seed if isinstance(self.seed, tuple) else (None,)
        conventions = self.convention if isinstance(self.convention, tuple) else (None,)
        return {
            name
            + ("" if seed is None else f"-seed{seed}")
            + ("" if convention is None else f"-{convention}"): replace(
                self,
                seed=self.seed if seed is None else seed,
                convention=self.convention if convention is None else convention,
            )
            for seed in seeds
            for convention in conventions
        }


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """Search for the hyperparameters of autoencoders, one study for each shape."""

    __pydantic_config__ = STRICT

    latent: values(Annotated[int, Ge(1)])  # type: ignore[valid-type]
    """Dimensions of the embedding."""
    depth: values(Annotated[int, Ge(1)]) = (2,)  # type: ignore[valid-type]
    """Linear layers of the encoder."""
    width: values(Literal["narrow", "wide"]) = ("narrow", "wide")  # type: ignore[valid-type]
    """Rules for the hidden layers."""
    n_trials: Annotated[int, Ge(1)] = 50
    """Trials for each shape, those that failed included."""
    n_cells: Annotated[int, Ge(0)] = 20_000
    """How many cells take part, the first; the last of them, in the share that the simulation holds
    out, are for validation. 0 takes all."""
    epochs: Annotated[int, Ge(1)] = 100
    """Passes over the training cells, at most."""
    patience: Annotated[int, Ge(0)] = 10
    """Stop when the best validation loss is older than this many epochs."""
    convention: Convention = "published"
    """Which cells train and which validate, as for autoencoders."""
    min_learning_rate: Annotated[float, Gt(0)] = 1e-6
    """Smallest learning rate; drawn evenly on a logarithmic scale."""
    max_learning_rate: Annotated[float, Gt(0), Le(1)] = 1e-3
    """Largest learning rate."""
    weight_decay: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] = (
        0.0,
        1e-7,
        1e-5,
        1e-3,
        1e-1,
    )
    """Weight decays to choose from."""
    batch_size: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (32, 64, 128, 256, 512)
    """Batch sizes to choose from."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the sampler, and of the initial weights of every trial."""

    def __post_init__(self) -> None:
        if self.min_learning_rate > self.max_learning_rate:
            raise ValueError(
                f"min_learning_rate ({self.min_learning_rate}) is above max_learning_rate "
                f"({self.max_learning_rate})"
            )

    @property
    def shapes(self) -> dict[str, dict[str, Any]]:
        """Latent, depth and width of every study, by its name."""
        return {
            f"latent{latent}-depth{depth}-{width}": {
                "latent": latent,
                "depth": depth,
                "width": width,
            }
            for latent, depth, width in product(self.latent, self.depth, self.width)
        }
