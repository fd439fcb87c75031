"""The two ways in which every evaluation is computed, side by side.

``published`` is the author's computation, defects included (``docs/letter.md`` says which test
holds what to it); ``corrected`` is what a statistician would sign, with a null beside it.
"""

from typing import Literal

Convention = Literal["published", "corrected"]

ExpressionSource = Literal["decoded", "measured", "available"]
"""What genes are tested on; see :func:`featurelens.embeddings.expression.expression_used`."""

Composition = Literal["typical_gene", "raw"]
"""Whether the typical gene keeps its level where cells are compared (``stats.composition``)."""

CONVENTIONS: tuple[Convention, ...] = ("published", "corrected")
