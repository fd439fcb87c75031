"""What the atlas of every source of features is made from, and what a run lacks for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from featurelens.features.sources import TRAINED_PATTERN, parse_source
from featurelens.places import Place
from featurelens.planning.contrasts import ways_of
from featurelens.planning.plan import Plan


@dataclass(frozen=True)
class Atlas:
    """Pages of one plan."""

    plan: Plan

    @cached_property
    def saes(self) -> list[Place]:
        """SAEs of the config, each with a page."""
        return self.plan.saes

    @cached_property
    def controls(self) -> list[Place]:
        """Controls that have a page: the first of every kind, in the embeddings that have them."""
        found = dict.fromkeys(
            Place(place.dataset, place.model, place.sae) for place in self.plan.controlled
        )
        return [
            place
            for place in found
            if parse_source(place.sae).seed is None and parse_source(place.sae).kind != "sae"
        ]

    @cached_property
    def together(self) -> dict[tuple[str, ...], list[Place]]:
        """Names of controls to the embeddings that have these: one job makes all their pages."""
        groups: dict[tuple[str, ...], list[Place]] = {}
        for embedding in self.plan.bundles:
            own = [place.sae for place in self.controls if place.embedding == str(embedding)]
            if own:
                groups.setdefault(tuple(own), []).append(embedding)
        return groups

    def folder(self, place: Place) -> str:
        """Where the page of a source lies."""
        return f"{self.plan.root}/atlas/{place.source}"

    def described(self, places: Iterable[Place]) -> dict[str, dict[str, dict[str, str]]]:
        """What a job has to know of each source: its files, and what it lacks."""
        return {
            place.source: {"files": self.files(place), "lacking": self.lacking(place)}
            for place in places
        }

    @cached_property
    def pages(self) -> list[Place]:
        """Every source with a page, SAEs first."""
        return list(dict.fromkeys([*self.saes, *self.controls]))

    def files(self, place: Place) -> dict[str, str]:
        """What the page of a source is made from, by what it is (``atlas.material``)."""
        plan, root, name = self.plan, self.plan.root, place.source
        tests = ways_of(place.sae, list(plan.config.saes), plan.config.dge.contrasts)
        found = {
            "features": f"{root}/features/{name}/features.h5ad",
            "cells": f"{root}/embeddings/{place.embedding}/cells.h5ad",
            "layout": f"{root}/embeddings/{place.embedding}/layout.h5ad",
            **{f"dge/{test}": f"{root}/dge/{name}/{test}.parquet" for test in tests},
        }
        source = parse_source(place.sae)
        if source.sae is not None:
            weights = f"{root}/sae/{name}"
            found["weights"] = f"{weights}/sae_weights.safetensors"
            found["config"] = f"{weights}/cfg.json"
            if re.fullmatch(TRAINED_PATTERN, place.sae):
                found["health"] = f"{weights}/train.json"
        for annotated in self._collections(place):
            found |= self._of_collection(annotated, tests)
        if place in plan.saes:
            found["tables/catalogue"] = f"{root}/features/{name}/catalogue.tsv"
        if place in plan.steered:
            for file in ("selected.tsv", "effects.parquet", "controls.tsv", "doses.tsv"):
                key = f"tables/steering_{file.partition('.')[0]}"
                found[key] = f"{root}/steering/{name}/{file}"
        return found

    def _collections(self, place: Place) -> list[Place]:
        known = [*self.plan.annotated, *self.plan.controlled]
        return list(dict.fromkeys(each for each in known if each.source == place.source))

    def _of_collection(self, place: Place, tests: list[str]) -> dict[str, str]:
        """Files about one collection of gene sets."""
        root, own = self.plan.root, place.collection
        found = {
            **{
                f"enrichment/{own}/{test}": f"{root}/enrichment/{place}/{test}.parquet"
                for test in tests
            },
            f"summary/{own}": f"{root}/enrichment/{place}/summary.tsv",
            f"terms/{own}": f"{root}/genesets/{own}/terms.tsv",
        }
        if self.plan.config.enrichment.confirmation:
            table = f"{root}/enrichment/{place}/confirmed_global_corrected.tsv"
            found[f"confirmed/{own}"] = table
        if place in self.plan.annotated:
            found[f"concepts/{own}"] = f"{root}/concepts/{place}/concepts.h5ad"
        if place in self.plan.followed:
            found[f"gsea/{own}"] = f"{root}/gsea/{place}/gsea.tsv"
            found[f"running/{own}"] = f"{root}/gsea/{place}/running.parquet"
        return found

    def lacking(self, place: Place) -> dict[str, str]:
        """What the page of a source says of parts that this run does not make."""
        files, lacks = self.files(place), {}
        is_sae = place.sae in self.plan.config.saes
        if not self._collections(place):
            lacks["collections"] = (
                "Gene sets: this run has none for these cells; name a file under collections."
            )
        if not any(key.startswith("confirmed/") for key in files):
            lacks["confirmed"] = (
                "Held-out confirmation: not made; write confirmation: {} under enrichment."
            )
        if "dge/within_type_corrected" not in files:
            lacks["within"] = (
                "Contrast within types: add within_type to dge.contrasts."
                if is_sae
                else "Contrast within types: made for the SAEs of a run alone."
            )
        if not (is_sae and self.plan.seeds_of(place)):
            lacks["stability"] = (
                "Stability over training seeds: this run trains no other seed of this SAE; "
                "name some under controls.seeds."
                if is_sae
                else "Stability over training seeds: made for the SAEs of a run alone."
            )
        if "tables/steering_selected" not in files:
            lacks["steering"] = (
                "Steering: name an origin and a target under steering of the data set."
                if is_sae
                else "Steering: made for the SAEs of a run alone."
            )
        if not any(key.startswith("gsea/") for key in files):
            lacks["gsea"] = (
                "GSEA: say under gsea which features are looked at."
                if is_sae
                else "GSEA: made for the SAEs of a run alone."
            )
        return lacks
