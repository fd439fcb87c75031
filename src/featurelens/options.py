"""How every config class of the library is written.

A config class is a frozen, keyword-only dataclass whose fields are each followed by one sentence
of meaning. The class carries :data:`STRICT`, so that a run's YAML is checked against the very
class the library uses: unknown keys are refused, and a number written as text (``1e-4`` without a
dot is text in YAML) is refused instead of guessed.
"""

from pydantic import ConfigDict

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)
