"""What of a run stands for what of the paper, so that claims are read by name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from featurelens.options import STRICT, Name, form
from featurelens.places import Place

SaePlace = Annotated[
    str, form(r"^[^/.\s]+/[^/.\s]+/[^/.\s]+$", "the place of an SAE, dataset/model/sae")
]


@dataclass(frozen=True, kw_only=True)
class PaperNames:
    """What of this run stands for the paper's own; claims on what is null are not judged."""

    __pydantic_config__ = STRICT

    multidgd: SaePlace | None = None
    """The SAE on multiDGD's embedding of bone marrow that the paper analyses."""
    seeds: tuple[Name, ...] = ()
    """SAEs that differ from it by their seed alone, itself included."""
    geneformer: SaePlace | None = None
    """The SAE on Geneformer's embedding of the same cells."""
    collection: Name | None = None
    """Gene sets whose terms the paper counts."""
    trajectory: Name | None = None
    """Trajectory of the dataset that stands for erythropoiesis."""

    def without(self, datasets: Collection[str]) -> PaperNames:
        """These names where some datasets are left out: none, if the SAEs are of one of them."""
        places = [name for name in (self.multidgd, self.geneformer) if name is not None]
        gone = any(Place.parse(name).dataset in datasets for name in places)
        return PaperNames() if gone else self

    def known(self) -> dict[str, str | tuple[str, ...]]:
        """What the names in braces of a file of claims stand for, those alone that are given."""
        found: dict[str, str | tuple[str, ...] | None] = {
            "multidgd": self.multidgd,
            "geneformer": self.geneformer,
            "collection": self.collection,
            "trajectory": self.trajectory,
        }
        if self.multidgd is not None:
            place = Place.parse(self.multidgd)
            found["dataset"], found["multidgd_embedding"] = place.dataset, place.embedding
            found["seeds"] = tuple(f"{place.embedding}/{name}" for name in self.seeds)
        if self.geneformer is not None:
            found["geneformer_embedding"] = Place.parse(self.geneformer).embedding
        return {name: value for name, value in found.items() if value}
