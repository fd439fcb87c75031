"""What a small run makes, written down by hand."""

import pytest

from featurelens.config.parse import parse_config
from featurelens.planning.names import WILDCARDS, names
from featurelens.planning.plan import Plan
from featurelens.planning.simulation_plan import SweepName
from featurelens.planning.targets import Targets

HIERARCHICAL = {"kind": "hierarchical", "n_cells": 1000, "n_genes": 50, "n_programs": 4}
GRID = {"architecture": "topk", "expansion": [2, 4], "k": 10, "learning_rate": 0.001}
CONFIG = {
    "run": "by-hand",
    "simulations": {
        "little": {
            "data": {"kind": "small", "n_cells": 100, "n_validation": 20},
            "autoencoders": {"two": {"latent": 2, "depth": 1}},
            "baselines": {"methods": ["pca"], "n_components": 2},
        },
        "deep": {
            "data": HIERARCHICAL,
            "autoencoders": {
                "narrow": {"latent": 4, "depth": 2, "seed": [0, 1]},
                "wide": {"latent": 8, "depth": 2, "width": "wide"},
            },
            "baselines": {"methods": []},
            "search": {"latent": 3, "depth": 1, "width": "narrow", "n_trials": 2},
        },
        "chance": {"data": HIERARCHICAL, "baselines": {"methods": []}, "chance": {"n_neurons": 9}},
    },
    "sweeps": {
        "cells": {"embedding": "blood/pca", "n_cells": 500, "grids": [GRID]},
        "deep": {
            "embedding": "deep/narrow-seed0",
            "grids": [GRID | {"seed": [0, 1]}],
            "structure": {"select": {"expansion": 4}},
        },
        "deeper": {"embedding": "deep/wide", "grids": [GRID], "structure": {"select": {}}},
        "little": {"embedding": "little/two", "grids": [GRID]},
    },
    "datasets": {
        "blood": {
            "cells": {"kind": "pbmc68k_reduced"},
            "models": {
                "pca": {"kind": "pca", "n_components": 20},
                "nmf": {"kind": "poisson_nmf", "n_components": 20},
            },
            "steering": {"origin": "A", "target": "B"},
            "saes": ["topk"],
        },
        "own": {
            "cells": {"kind": "h5ad", "path": "own.h5ad", "cell_type": "type"},
            "models": {"pca": {"kind": "pca", "n_components": 10}},
        },
    },
    "saes": {
        "topk": {"architecture": "topk", "expansion": 5, "k": 10},
        "relu": {"architecture": "relu", "expansion": 5, "l1": 0.001},
    },
    "collections": {
        "go": {"path": "go.gmt"},
        "blood-types": {"path": "types.gmt", "datasets": ["blood"]},
    },
    "controls": {
        "kinds": ["untrained", "pca"],
        "saes": ["topk"],
        "embeddings": ["blood/pca"],
        "collections": ["go"],
        "seeds": [7],
        "repeat": ["sae"],
    },
    "gsea": {"top": 1},
    "figures": {"probes": ["autophagy"]},
}


@pytest.fixture(scope="module")
def plan():
    return Plan(parse_config(CONFIG))


def strings(values):
    return [str(value) for value in values]


def test_simulations_of_a_run(plan):
    assert list(plan.autoencoders) == [
        "little/two",
        "deep/narrow-seed0",
        "deep/narrow-seed1",
        "deep/wide",
    ]
    assert plan.embedded == ["little", "deep"]
    assert plan.hierarchical == ["deep", "chance"]
    assert plan.chanced == ["chance"]
    assert plan.decomposed == ["little"]
    assert plan.small_simulation == "little"
    shape = {"latent": 3, "depth": 1, "width": "narrow"}
    assert plan.searches == {"deep/latent3-depth1-narrow": {"simulation": "deep"} | shape}
    assert plan.searched("deep", "latent3-depth1-narrow").latent == 3


def test_sweeps_of_a_run(plan):
    assert plan.cell_sweeps == [SweepName("cells", "blood")]
    assert strings(plan.simulated_sweeps) == ["deep", "deeper", "little"]
    assert strings(plan.seeded_sweeps) == ["deep"]
    assert strings(plan.structured_sweeps) == ["deep", "deeper"]
    assert plan.superposed_sweeps == []
    assert str(plan.small_sweep) == "little"
    # Of two sweeps with connectivity the one over 8 dimensions.
    assert plan.structure_sweep == SweepName("deeper", "deep")
    assert len(plan.points("deep")) == 4
    assert [point["expansion"] for point in plan.points("deep") if point["seed"] == 1].count(4) == 1
    assert len(plan.structure_points("deep")) == 2
    assert plan.trained_cells("cells") == 500
    assert plan.trained_cells("deep") is None
    root = "results/by-hand"
    assert plan.embedding_file("cells") == f"{root}/embeddings/blood/pca/cells.h5ad"
    assert plan.embedding_file("deep") == f"{root}/autoencoder/deep/narrow-seed0/embedding.h5ad"
    assert plan.simulation_file("deep") == f"{root}/simulation/deep/data.h5ad"


def test_real_cells_of_a_run(plan):
    assert strings(plan.bundles) == ["blood/pca", "blood/nmf", "own/pca"]
    saes = ["blood/pca/topk", "blood/nmf/topk", "own/pca/topk", "own/pca/relu"]
    assert strings(plan.saes) == saes
    assert strings(plan.steered) == saes[:2]
    assert strings(plan.annotated) == [
        *("blood/pca/topk/go", "blood/pca/topk/blood-types"),
        *("blood/nmf/topk/go", "blood/nmf/topk/blood-types"),
        *("own/pca/topk/go", "own/pca/relu/go"),
    ]
    assert strings(plan.first_annotated) == ["blood/pca/topk/go", "blood/nmf/topk/go"]
    assert strings(plan.own) == ["own/pca/topk/go", "own/pca/relu/go"]
    # Figures of one SAE show the first that cells are steered with, or the same of another model.
    assert str(plan.studied) == "blood/pca/topk"
    assert str(plan.second) == "blood/nmf/topk"
    assert str(plan.concepts_of(plan.second)) == "blood/nmf/topk/go"
    assert plan.studied_trajectory is None
    # GSEA looks at the first collection.
    assert {place.collection for place in plan.followed} == {"go"}
    assert len(plan.followed) == 4


def test_geneformer_is_second_wherever_it_stands():
    files = {"folder": "g", "tokens": "t.pkl", "medians": "m.pkl", "mapping": "e.pkl"}
    geneformer = {"kind": "geneformer", "variant": "gf-20L-95M-i4096"} | files
    config = CONFIG | {"controls": {}, "sweeps": {}, "dge": {"expression": "available"}}
    blood = CONFIG["datasets"]["blood"]
    models = {"far": geneformer, **blood["models"]}
    for order in (models, dict(reversed(models.items()))):
        datasets = {"blood": blood | {"models": order}}
        plan = Plan(parse_config(config | {"datasets": datasets}))
        first = next(name for name in order if name != "far")
        assert str(plan.studied) == f"blood/{first}/topk"
        assert str(plan.second) == "blood/far/topk"
    alone = {"blood": blood | {"models": {"far": geneformer}}}
    plan = Plan(parse_config(config | {"datasets": alone}))
    assert (str(plan.studied), plan.second) == ("blood/far/topk", None)
    assert plan.concepts_of(plan.second) is None


def test_figures_show_what_the_config_names_for_the_papers():
    named = {
        "multidgd": "blood/nmf/topk", "geneformer": "blood/pca/topk", "collection": "blood-types",
    }  # fmt: skip
    plan = Plan(parse_config(CONFIG | {"paper": named}))
    assert (str(plan.studied), str(plan.second)) == ("blood/nmf/topk", "blood/pca/topk")
    assert str(plan.concepts_of(plan.studied)) == "blood/nmf/topk/blood-types"
    assert str(names(plan)["studied_steered"]) == "blood/nmf/topk"


def test_figures_show_the_trajectory_that_cells_are_steered_along():
    blood = CONFIG["datasets"]["blood"] | {
        "trajectories": {"one": {"stages": ["A", "B"]}, "two": {"stages": ["B", "A"]}}
    }
    for steering, name in (({}, "one"), ({"trajectory": "two"}, "two")):
        own = blood | {"steering": blood["steering"] | steering}
        datasets = CONFIG["datasets"] | {"blood": own}
        found = Plan(parse_config(CONFIG | {"datasets": datasets})).studied_trajectory
        assert found["name"] == name
        assert list(found["stages"]) == {"one": ["A", "B"], "two": ["B", "A"]}[name]


def test_controls_of_a_run(plan):
    here = [f"blood/pca/{source}/go" for source in ("topk", "topk.seed7", "topk.untrained")]
    assert strings(plan.controlled) == [*here, "blood/pca/control.pca/go"]
    assert strings(plan.compared) == [*strings(plan.annotated), here[1]]
    assert strings(plan.beside) == [here[2]]
    assert strings(plan.seeded) == ["blood/pca/topk", "blood/pca/topk.seed7"]


def test_annotation_of_controls_has_nulls_of_its_own(plan):
    assert plan.enrichment("topk") == plan.plain["enrichment"]
    assert plan.enrichment("topk.seed7")["nulls"] == plan.plain["controls"]["nulls"]
    contrasts = ["global_published", "global_corrected", "within_type_corrected"]
    for sae, tested in (("topk", contrasts), ("topk.seed7", contrasts[:2])):
        assert plan.tests_of(sae) == tested


def test_a_file_of_the_user_is_an_input_once_it_is_there_and_a_download_always():
    address = {"url": "https://example.org/a", "sha256": "0" * 64, "path": "resources/a/b.txt"}
    plan = Plan(parse_config({"run": "x", "downloads": {"a": address}}))
    assert plan.existing("resources/a", lambda path: False) == ["resources/a/b.txt"]
    assert plan.existing("own.h5ad", lambda path: False) == []
    assert plan.existing("own.h5ad", lambda path: True) == ["own.h5ad"]
    assert plan.existing(None, lambda path: True) == []


def test_names_for_figures_and_tables(plan):
    known = names(plan)
    assert known["n_observed"]["deep/wide"] == 50
    assert known["n_observed"]["little/two"] == 5
    assert known["small_autoencoders"] == ["two"]
    assert known["hierarchical_autoencoders"] == list(plan.autoencoders)[1:]
    assert strings(known["structure_relatives"]) == ["deep", "deeper"]
    assert known["structure_select"] == {}
    assert known["datasets_of_several_models"] == ["blood"]
    assert str(known["first_steered"]) == "blood/pca/topk"
    assert known["ranked_by"] == "t"
    assert known.items() >= WILDCARDS.items()


def test_an_empty_run_has_nothing_for_any_name_of_results():
    known = names(Plan(parse_config({"run": "empty"})))
    settings = {"concepts", "concept_settings", "enrichment", "ranked_by", "min_cells", "settings"}
    of_results = known.keys() - settings - set(WILDCARDS)
    assert [name for name in of_results if known[name]] == []
    assert Targets(Plan(parse_config({"run": "empty"}))).figures == []


def test_targets_of_a_simulation_and_a_sweep(plan):
    targets, root = Targets(plan), "results/by-hand"
    assert targets.of_simulation("little") == [
        f"{root}/autoencoder/little/two/superposition.tsv",
        f"{root}/baselines/little/recovery.tsv",
        f"{root}/simulation/little/ceiling.tsv",
    ]
    assert targets.of_simulation("chance") == [
        f"{root}/simulation/chance/intrinsic_dimension.tsv",
        f"{root}/simulation/chance/chance_structure.tsv",
    ]
    assert set(targets.of_sweep("deep")) >= {
        f"{root}/sweeps/deep/{file}"
        for file in ("points.parquet", "recovery.parquet", "structure.tsv", "consistency.tsv")
    }
    assert f"{root}/sweeps/cells/held_out.parquet" in targets.of_sweep("cells")
    assert targets.searches == [f"{root}/tables/search_{name}.tsv" for name in ("trials", "best")]


def test_own_cells_have_what_the_config_asks_for_by_a_key():
    config = CONFIG | {"dge": {"chosen": [3]}}
    made, root = Targets(Plan(parse_config(config))).scfeaturelens, "results/by-hand"
    for model in ("pca", "nmf"):
        assert f"{root}/steering/blood/{model}/topk/effects.parquet" in made
        assert f"{root}/dge/blood/{model}/topk/chosen.tsv" in made
    assert not any("steering/own/" in path for path in made)
    without = Targets(Plan(parse_config(CONFIG))).scfeaturelens
    assert not any("chosen.tsv" in path for path in without)


def test_figures_are_those_whose_inputs_the_run_makes(plan):
    targets = Targets(plan)
    drawn = {path.removeprefix("results/by-hand/figures/") for path in targets.figures}
    for figure in ("1", "2", "3", "S1", "S2", "S3", "S4", "S12", "S14", "S14c", "S22", "S32"):
        assert {f"figure_{figure}.pdf", f"figure_{figure}.png"} <= drawn
    assert "features/own/pca/relu/go.png" in drawn
    assert "features/blood/pca/topk/go.png" not in drawn
    assert len(targets.maps) == 6
    assert {path for path in drawn if path.startswith("gsea/")} == {
        f"gsea/{place}" for place in plan.followed
    }


def test_a_run_of_cells_alone_has_sizes_too():
    cells = {name: block for name, block in CONFIG.items() if name not in ("simulations", "sweeps")}
    claims = {"claims": "config/claims.yaml"}
    assert "sizes" in Targets(Plan(parse_config(cells | claims))).tabulated


def test_a_run_of_one_model_draws_no_comparison_of_models():
    blood = CONFIG["datasets"]["blood"]
    models = {"pca": blood["models"]["pca"]}
    datasets = CONFIG["datasets"] | {"blood": blood | {"models": models}}
    targets = Targets(Plan(parse_config(CONFIG | {"datasets": datasets})))
    assert "figure_3" in targets.pages
    assert "figure_S32" not in targets.pages


def test_sizes_and_numbers_that_claims_are_read_by(plan):
    known = names(plan)
    assert known["planned_sizes"]["sweep little"] == {
        "n_points": sum(len(points) for points in plan.stacks["little"].values())
    }
    deep = plan.config.simulations["deep"].data
    assert known["planned_sizes"]["deep"]["n_genes"] == deep.n_genes
    assert known["settings"]["dge.high_percentile"] == 99
    assert not [key for key in known["settings"] if key.startswith("paper")]
    assert known["paper_sae"] is None
    paper = {"multidgd": str(plan.annotated[0].source), "collection": plan.annotated[0].collection}
    said = names(Plan(parse_config(CONFIG | {"paper": paper})))
    assert (str(said["paper_sae"]), said["paper_annotated"]) == (
        plan.annotated[0].source,
        plan.annotated[0],
    )
