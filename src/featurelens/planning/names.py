"""Names that files of figures and tables may ask for (:mod:`featurelens.planning.outputs`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from featurelens.features.sources import relatives
from featurelens.planning.plan import Plan, first

WILDCARDS = {name: f"{{{name}}}" for name in ("dataset", "model", "sae", "collection")}
"""Names that stay as they are in paths, for figures and tables of any one SAE."""


def names(plan: Plan) -> dict[str, Any]:
    """Values of a run by name: strings, lists, and blocks of its configuration.

    A name that a run has nothing for is None or an empty list, and what asks for it is not made.
    """
    return (
        WILDCARDS | _of_simulations(plan) | _of_sweeps(plan) | _of_cells(plan) | _of_the_paper(plan)
    )


def _of_simulations(plan: Plan) -> dict[str, Any]:
    small = plan.small_simulation
    return {
        "autoencoders": list(plan.autoencoders),
        "embedded_simulations": plan.embedded,
        "hierarchical_simulations": plan.hierarchical,
        "chanced_simulations": plan.chanced,
        "first_hierarchical": first(plan.hierarchical),
        "hierarchical_autoencoders": [
            f"{simulation}/{name}"
            for simulation in plan.hierarchical
            for name in plan.config.simulations[simulation].trained
        ],
        "small_simulation": small,
        "small_autoencoders": list(plan.config.simulations[small].trained) if small else [],
        "n_observed": {
            f"{simulation}/{name}": block.n_observed
            for simulation, block in plan.config.simulations.items()
            for name in block.trained
        },
    }


def _of_sweeps(plan: Plan) -> dict[str, Any]:
    structure = plan.structure_sweep
    settings = plan.config.sweeps[structure.name].structure if structure else None
    return {
        "sweeps": list(plan.sweeps.values()),
        "simulated_sweeps": plan.simulated_sweeps,
        "cell_sweeps": plan.cell_sweeps,
        "seeded_sweeps": plan.seeded_sweeps,
        "structured_sweeps": plan.structured_sweeps,
        "superposed_sweeps": plan.superposed_sweeps,
        "first_simulated_sweep": first(plan.simulated_sweeps),
        "small_sweep": plan.small_sweep,
        "structure_sweep": structure,
        "structure_select": dict(settings.select) if settings else {},
        "structure_relatives": [
            sweep
            for sweep in plan.structured_sweeps
            if structure is not None and sweep.source == structure.source
        ],
    }


def _of_cells(plan: Plan) -> dict[str, Any]:
    config, steered = plan.config, first(plan.steered)
    steering = config.datasets[steered.dataset].steering if steered else None
    divides = steered is not None and config.datasets[steered.dataset].divides_by_steered
    return {
        "bundles": plan.bundles,
        "first_bundle": first(plan.bundles),
        "saes": plan.saes,
        "reseeded": plan.reseeded,
        "contrasted": plan.contrasted,
        "divided": plan.divided,
        "guided": plan.guided,
        "trajectories": plan.trajectories,
        "steered": plan.steered,
        "first_steered": first(plan.steered),
        "first_steered_further": first(
            [place for place in plan.steered_further if place == first(plan.steered)]
        ),
        "first_steered_divided": first(plan.steered) if divides else None,
        "steered_origin": steering.origin if steering else None,
        "pictured": steering.pictured if steering else None,
        "n_local": max(3, len(steering.local_types)) if steering else None,
        "steered_stages": plan.steered_stages,
        "steered_annotated": plan.steered_annotated,
        "enrichment": plan.plain["enrichment"],
        "seeded": plan.seeded,
        "studied": plan.studied,
        "studied_steered": plan.studied if plan.studied in plan.steered else None,
        "second": plan.second,
        "studied_trajectory": plan.studied_trajectory,
        "studied_concepts": plan.concepts_of(plan.studied),
        "second_concepts": plan.concepts_of(plan.second),
        "annotated": plan.annotated,
        "first_annotated": plan.first_annotated,
        "controlled": plan.controlled,
        "compared": plan.compared,
        "beside": plan.beside,
        "relatives": relatives(config.saes),
        "datasets_of_several_models": [
            name for name, block in config.datasets.items() if len(block.models) > 1
        ],
        "concepts": config.concepts,
        "concept_settings": plan.plain["concepts"],
        "probes": list(config.figures.probes),
        "further_probes": list(config.figures.further_probes),
        "all_probes": list(dict.fromkeys([*config.figures.probes, *config.figures.further_probes])),
        "min_cells": config.dge.min_cells,
        "confirmed": "confirmed_global_corrected" if config.enrichment.confirmation else None,
        "ranked_by": config.gsea.rank_by if config.gsea else "t",
    }


def _of_the_paper(plan: Plan) -> dict[str, Any]:
    """What claims are read by: what stands for the paper's own, sizes, numbers that were chosen."""
    paper, plain = plan.config.paper, plan.plain
    blocks = {key: plain[key] for key in ("features", "dge", "enrichment", "concepts")}
    blocks["datasets"] = {
        name: {
            "steering": block["steering"],
            "high_low": {
                each["cell_type"]: {"percent": each["percent"]} for each in block["high_low"]
            },
        }
        for name, block in plain["datasets"].items()
    }
    of_simulations = {
        name: {key: value for key, value in block["data"].items() if key.startswith("n_")}
        for name, block in plain["simulations"].items()
    }
    of_sweeps = {
        f"sweep {name}": {"n_points": sum(map(len, stacks.values()))}
        for name, stacks in plan.stacks.items()
    }
    saes = [place for place in plan.saes if str(place) == paper.multidgd]
    return {
        "claims": plan.config.claims,
        "paper_sae": first(saes),
        "paper_annotated": first(
            [
                place
                for place in plan.annotated
                if str(place) == f"{paper.multidgd}/{paper.collection}"
            ]
        ),
        "planned_sizes": of_simulations | of_sweeps,
        "settings": dict(_numbers(blocks)),
    }


def _numbers(block: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a configuration by its key, with those of its parts behind dots."""
    for key, value in block.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{above}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{above}{key}", value
