"""The two ways in which every evaluation is computed, side by side.

``published`` is the author's computation to the letter, defects included; ``corrected`` is what a
statistician would sign, with a null beside it.
"""

from typing import Literal

Convention = Literal["published", "corrected"]

CONVENTIONS: tuple[Convention, ...] = ("published", "corrected")
