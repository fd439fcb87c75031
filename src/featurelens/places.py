"""Where results of a stage lie below its folder: ``dataset/model/sae/collection``."""

from __future__ import annotations

from dataclasses import dataclass


def embedding_parts(name: str) -> tuple[str, str]:
    """Dataset and model, or simulation and autoencoder, of the name of an embedding.

    Raises
    ------
    ValueError
        If the name has more or fewer parts.

    Examples
    --------
    >>> embedding_parts("small/wide")
    ('small', 'wide')
    """
    source, own = name.split("/")
    return source, own


@dataclass(frozen=True)
class Place:
    """A name in paths and tables by its parts; ``str()`` joins those that it has.

    >>> Place.parse("pbmc/pca/topk-x20.seed1/go").sae
    'topk-x20.seed1'
    >>> print(Place("pbmc", "pca").within("topk-x20"))
    pbmc/pca/topk-x20
    """

    dataset: str
    model: str
    sae: str = ""
    """An SAE, or what stands where an SAE stands (:mod:`featurelens.features.sources`)."""
    collection: str = ""

    @classmethod
    def parse(cls, name: str) -> Place:
        """Take a name of two to four parts apart.

        Raises
        ------
        ValueError
            If it has fewer or more, or an empty one.
        """
        parts = name.split("/")
        if not 2 <= len(parts) <= 4 or not all(parts):
            raise ValueError(f"{name!r} is no dataset/model, with or without /sae and /collection")
        return cls(*parts)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.dataset, self.model, self.sae, self.collection)))

    @property
    def embedding(self) -> str:
        """``dataset/model``."""
        return f"{self.dataset}/{self.model}"

    @property
    def source(self) -> str:
        """``dataset/model/sae``."""
        return f"{self.embedding}/{self.sae}"

    def within(self, name: str) -> Place:
        """The place one part deeper."""
        return Place.parse(f"{self}/{name}")
