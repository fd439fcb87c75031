"""What stands for a decoder where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from featurelens.io import InputError


@dataclass(frozen=True, eq=False)
class NoDecoder:
    """For embeddings that cannot be decoded; features and measured expression still work."""

    type: ClassVar[str] = "none"
    place: ClassVar[int] = 6

    @property
    def shape(self) -> None:
        """Nothing to decode with."""
        return None

    @property
    def dispersion(self) -> None:
        """Nothing is decoded."""
        return None

    def decode(
        self,
        z: np.ndarray,  # noqa: ARG002
        *,
        library: float | np.ndarray = 1e4,  # noqa: ARG002
        covariate: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        """Raise :class:`InputError`."""
        raise InputError("this embedding has no decoder; use expression 'measured'")

    def share_clipped(self, z: np.ndarray) -> float:  # noqa: ARG002
        """NaN: nothing is decoded."""
        return float("nan")

    def tensors(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def notes(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> Self:  # noqa: ARG003
        """The only instance there is to make."""
        return cls()


DECODER = NoDecoder
