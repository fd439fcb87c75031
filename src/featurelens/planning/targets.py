"""Files that a run's configuration asks for: what the named targets are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from featurelens.planning.atlas import Atlas
from featurelens.planning.measures import (
    Measure,
    Measuring,
    plan_measures,
    read_measures,
    results,
)
from featurelens.planning.names import names
from featurelens.planning.outputs import Planned, plan_outputs, read_outputs
from featurelens.planning.plan import Plan
from featurelens.planning.sweep_sizes import is_small

LIBRARY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Targets:
    """Paths of results by what they are about."""

    plan: Plan

    def of_simulation(self, name: str) -> list[str]:
        """What is made of one simulation but for the sweeps over it."""
        plan, root = self.plan, self.plan.root
        own = [each for each in plan.autoencoders if each.startswith(f"{name}/")]
        measured = {
            "ceiling": plan.embedded,
            "intrinsic_dimension": plan.hierarchical,
            "chance_structure": plan.chanced,
        }
        return [
            *(f"{root}/autoencoder/{each}/superposition.tsv" for each in own),
            *(f"{root}/baselines/{name}/recovery.tsv" for _ in [0] if name in plan.decomposed),
            *(
                f"{root}/simulation/{name}/{file}.tsv"
                for file, simulations in measured.items()
                if name in simulations
            ),
        ]

    def of_sweep(self, name: str) -> list[str]:
        """What is made of one sweep: the trained points and all that is measured on them."""
        plan = self.plan
        files = ["points.parquet", *results(self.measures.values(), self._sweep_lists, name)]
        return [f"{plan.root}/sweeps/{name}/{file}" for file in files]

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """Every measure of sweeps that there is."""
        return read_measures()

    @cached_property
    def measuring(self) -> list[Measuring]:
        """Rules that measure the sweeps of the run."""
        return plan_measures(self.measures, self._sweep_lists, partial(is_small, self.plan))

    @cached_property
    def _sweep_lists(self) -> dict[str, list[str]]:
        known = names(self.plan).items()
        return {name: list(map(str, value)) for name, value in known if name.endswith("sweeps")}

    @cached_property
    def simulations(self) -> list[str]:
        """All of every simulation and of the sweeps over them."""
        return [
            *(file for name in self.plan.config.simulations for file in self.of_simulation(name)),
            *(file for each in self.plan.simulated_sweeps for file in self.of_sweep(each.name)),
        ]

    @cached_property
    def cells(self) -> list[str]:
        """All of real cells but for tables and figures."""
        plan, root = self.plan, self.plan.root
        dge = plan.config.dge
        tested = [f"{contrast}_corrected.parquet" for contrast in dge.contrasts]
        tested += ["chosen.tsv"] if dge.chosen else []
        return [
            *(f"{root}/embeddings/{name}/diagnostics.tsv" for name in plan.bundles),
            *(file for each in plan.cell_sweeps for file in self.of_sweep(each.name)),
            *self._features,
            *(f"{root}/steering/{name}/effects.parquet" for name in plan.steered),
            *(f"{root}/dge/{name}/{file}" for file in tested for name in plan.saes),
            *(f"{root}/dge/{name}/high_low.tsv" for name in plan.divided),
            *(f"{root}/enrichment/{name}/summary.tsv" for name in plan.annotated),
            *self._concepts,
        ]

    @cached_property
    def searches(self) -> list[str]:
        """Tables of the studies of hyperparameters; no other target asks for them."""
        if not self.plan.searches:
            return []
        return [f"{self.plan.root}/tables/search_{name}.tsv" for name in ("trials", "best")]

    @cached_property
    def tabulated(self) -> dict[str, Planned]:
        """Every table that the run makes by its file, and what it is made from."""
        return plan_outputs(read_outputs(LIBRARY / "tables"), names(self.plan))

    @cached_property
    def sheets(self) -> dict[str, Planned]:
        """Tables of the run; the others are of any one SAE."""
        tables = self.tabulated.items()
        return {name: table for name, table in tables if not table.has_wildcards}

    @cached_property
    def evidence(self) -> list[str]:
        """Tables that claims are read from."""
        files = (file for table in self.sheets.values() for file in table.output.outputs)
        return [f"{self.plan.root}/tables/{file}.tsv" for file in files]

    @cached_property
    def tables(self) -> list[str]:
        """All tables: the evidence, the annotated features of each SAE, the claims."""
        root = self.plan.root
        return [
            *self.evidence,
            *self.feature_tables,
            *(f"{root}/tables/claims.tsv" for _ in [0] if self.plan.config.claims),
        ]

    @cached_property
    def feature_tables(self) -> list[str]:
        """The annotated features of each SAE."""
        return [f"{self.plan.root}/tables/features/{name}.tsv" for name in self.plan.annotated]

    @property
    def control_tables(self) -> list[str]:
        """What stands SAEs beside sources of features that are none."""
        of_controls = ("controls", "control_pairs")
        return [path for path in self.evidence if Path(path).stem in of_controls]

    @cached_property
    def drawn(self) -> dict[str, Planned]:
        """Every figure that the run draws, and what it is drawn from."""
        known = [path.removeprefix(f"{self.plan.root}/") for path in self.tables]
        return plan_outputs(
            read_outputs(LIBRARY / "figures"),
            names(self.plan),
            elsewhere=[*known, "tables/features/{dataset}/{model}/{sae}/{collection}.tsv"],
        )

    @cached_property
    def pages(self) -> dict[str, Planned]:
        """Figures of the run; the others are of any one SAE."""
        figures = self.drawn.items()
        return {name: figure for name, figure in figures if not figure.has_wildcards}

    @cached_property
    def maps(self) -> dict[str, str]:
        """A map of the best annotated features for every SAE and collection."""
        annotated = map(str, self.plan.annotated)
        return {name: f"{self.plan.root}/figures/features/{name}.png" for name in annotated}

    @cached_property
    def gsea(self) -> list[str]:
        """Folders of the plots of GSEA."""
        return [f"{self.plan.root}/figures/gsea/{name}" for name in self.plan.followed]

    @cached_property
    def figures(self) -> list[str]:
        """All figures: those of the study, maps of the user's own cells, plots of GSEA."""
        return [
            *(
                f"{self.plan.root}/figures/{name}.{suffix}"
                for name in self.pages
                for suffix in ("pdf", "png")
            ),
            *(self.maps[str(name)] for name in self.plan.own),
            *self.gsea,
        ]

    @cached_property
    def atlas(self) -> list[str]:
        """The page of every source of features, and one that leads to them."""
        pages = Atlas(self.plan)
        return [
            *(pages.folder(place) for place in pages.pages),
            *(f"{self.plan.root}/atlas/index.html" for _ in [0] if pages.pages),
        ]

    @property
    def by_name(self) -> dict[str, list[str]]:
        """What a user asks for by a word: its files."""
        return {
            "simulation": self.simulations,
            "search": self.searches,
            "singlecell": self.cells,
            "scfeaturelens": self.scfeaturelens,
            "atlas": self.atlas,
            "figures": self.figures,
            "tables": self.tables,
        }

    @cached_property
    def scfeaturelens(self) -> list[str]:
        """What a user of own cells asks for: concepts, annotated features, their pictures.

        And what the config asks for by a key of its own: steered cells, features tested anew.
        """
        wanted = [f"steering/{name}/effects.parquet" for name in self.plan.steered]
        if self.plan.steered:
            wanted += ["figures/figure_steering.png"]
        if self.plan.steered_annotated:
            wanted += ["tables/steering_terms.tsv"]
        if self.plan.config.dge.chosen:
            wanted += [f"dge/{name}/chosen.tsv" for name in self.plan.saes]
        shown = (
            *("tables/saes.tsv", "tables/annotation.tsv", "tables/concept_frequency.tsv"),
            "figures/figure_3.png",
        )
        return [
            *self._features,
            *self._concepts,
            *self.feature_tables,
            *(f"{self.plan.root}/{file}" for file in wanted),
            *(f"{self.plan.root}/{name}" for name in shown if self.plan.annotated),
            *self.maps.values(),
            *self.gsea,
            *(Atlas(self.plan).folder(place) for place in self.plan.saes),
        ]

    @property
    def _features(self) -> list[str]:
        return [
            f"{self.plan.root}/features/{name}/{file}"
            for name in self.plan.saes
            for file in ("features.h5ad", "catalogue.tsv")
        ] + [f"{self.plan.root}/features/{name}/comparisons.tsv" for name in self.plan.contrasted]

    @property
    def _concepts(self) -> list[str]:
        return [f"{self.plan.root}/concepts/{name}/concepts.h5ad" for name in self.plan.annotated]
