"""Options of any model: one class of all that there are, found by listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from featurelens.embeddings.model import Model
from featurelens.embeddings.registry import kinds, model_class

if TYPE_CHECKING:
    ModelConfig = Model
else:
    ModelConfig = Union[tuple(model_class(kind) for kind in kinds())]  # noqa: UP007
    """The union of them, told apart by ``kind``."""
