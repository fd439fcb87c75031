"""What rules ask by wildcards."""

import errno

import pytest

from featurelens.config.parse import parse_config
from featurelens.planning import sizes
from featurelens.planning.jobs import Jobs, growing
from featurelens.planning.memory import Sizes, megabytes
from featurelens.planning.plan import Plan
from featurelens.planning.steps import Step

GRID = {"architecture": "topk", "expansion": [2, 4], "k": 10, "learning_rate": 0.001}
CONFIG = {
    "run": "asked",
    "simulations": {
        "little": {
            "data": {"kind": "small", "n_cells": 100, "n_validation": 20},
            "autoencoders": {"two": {"latent": 2, "depth": 1}},
            "search": {"latent": 3, "depth": 1, "width": "narrow", "n_trials": 2},
        }
    },
    "sweeps": {"little": {"embedding": "little/two", "grids": [GRID], "stack_by": ["expansion"]}},
    "datasets": {
        "blood": {
            "cells": {"kind": "pbmc68k_reduced"},
            "models": {
                "pca": {"kind": "pca", "n_components": 20},
                "mine": {"kind": "precomputed", "key": "X_mine", "factors": "mine"},
            },
            "expected": {"cells": 700, "genes": 765},
        },
        "unknown": {
            "cells": {"kind": "pbmc68k_reduced"},
            "models": {"pca": {"kind": "pca", "n_components": 20}},
        },
    },
    "saes": {"topk": {"architecture": "topk", "expansion": 5, "k": 10}},
}


class Wildcards(dict):
    """Parts of a path as attributes."""

    __getattr__ = dict.__getitem__


PCA = Wildcards(dataset="blood", model="pca")


@pytest.fixture(scope="module")
def jobs():
    return Jobs(Plan(parse_config(CONFIG)))


def test_a_setting_is_found_by_a_path_with_wildcards(jobs):
    of = Wildcards(simulation="little")
    assert jobs.setting("simulations/{simulation}/data")(of)["n_cells"] == 100
    assert jobs.setting("{a}/x", within={"b": {"x": 5}})(Wildcards(a="b")) == 5
    with pytest.raises(KeyError):
        jobs.setting("simulations/{simulation}/dates")(of)


def test_values_of_simulations_and_autoencoders(jobs):
    trained = Wildcards(simulation="little", autoencoder="two")
    searched = Wildcards(simulation="little", shape="latent3-depth1-narrow")
    assert jobs.of_simulation(lambda simulation: simulation.n_observed)(trained) == 5
    for of, wildcards, latent in (
        (jobs.of_autoencoder, trained, 2),
        (jobs.of_search, searched, 3),
    ):
        found = of(lambda simulation, config: (simulation.n_observed, config.latent))(wildcards)
        assert found == (5, latent)


def test_values_of_sweeps_and_stacks(jobs):
    sweep = Wildcards(sweep="little")
    stack = Wildcards(sweep="little", stack="expansion4")
    assert jobs.of_sweep(str.upper)(sweep) == "LITTLE"
    # Two dimensions, four times as many features.
    assert jobs.of_stack(lambda d_in, d_sae: (d_in, d_sae))(stack) == (2, 8)
    assert jobs.stack_tables("stacks")(sweep) == [
        f"results/asked/sweeps/little/stacks/expansion{factor}.parquet" for factor in (2, 4)
    ]
    asked = jobs.measuring("recovery", lambda _, *names: names)
    assert asked(sweep) == ("recovery", "little", None)
    assert asked(stack) == ("recovery", "little", "expansion4")


def test_values_of_models_and_saes(jobs):
    assert jobs.of_model(lambda model: model.n_components)(PCA) == 20
    assert jobs.environment(PCA) == "../../envs/core.yaml"
    assert jobs.sae(Wildcards(PCA, sae="topk.seed3"))["seed"] == 3


def test_jobs_on_tokens_read_them_and_what_the_bundle_says_of_them(jobs):
    cells = {"kind": "h5ad", "path": "cells.h5ad", "cell_type": "type"}
    states = {"kind": "precomputed", "rows": "tokens", "path": "t.npy", "names": "cells.txt"}
    asked = {
        "run": "asked",
        "datasets": {"mine": {"cells": cells, "models": {"states": states}}},
        "saes": CONFIG["saes"],
        "dge": {"expression": "measured"},
    }
    read = Jobs(Plan(parse_config(asked))).tokens(Wildcards(dataset="mine", model="states"))
    assert read == ["results/asked/embeddings/mine/states/bundle.json", "t.npy", "cells.txt"]
    assert jobs.tokens(PCA) == jobs.tokens(Wildcards(dataset="blood", model="mine")) == []


def test_an_embedding_of_unknown_unit_is_normalised_and_no_other(jobs):
    mine = Wildcards(dataset="blood", model="mine", sae="topk.untrained")
    assert jobs.sae(mine)["normalise"] == "scale"
    assert jobs.sae(Wildcards(PCA, sae="topk"))["normalise"] == "none"


def test_a_step_has_paths_by_wildcards_and_several_by_the_names_of_a_list(jobs):
    step = Step(
        "featurelens.features.steps",
        "compare",
        outputs={"table": "features/{dataset}/{model}/{sae}/alike.tsv"},
        inputs={
            "features": "features/{dataset}/{model}/{sae}/features.h5ad",
            "bundle": "embeddings/{dataset}/{model}/{of_bundle}",
            "seeds": "features/{of_seeds}/features.h5ad",
        },
        params={"name": "{source}", "names": "{of_seeds}", "least": "dge/min_cells"},
        memory="catalogue",
        minutes=7,
    )
    topk = Wildcards(PCA, sae="topk")
    inputs = jobs.inputs(step)
    assert inputs["features"] == "results/asked/features/{dataset}/{model}/{sae}/features.h5ad"
    assert inputs["bundle"](topk) == [
        f"results/asked/embeddings/blood/pca/{name}"
        for name in ("cells.h5ad", "decoder.json", "decoder.safetensors", "bundle.json")
    ]
    assert inputs["seeds"](topk) == []
    assert jobs.values(step)(topk) == {"name": "blood/pca/topk", "names": [], "least": 20}
    assert jobs.step_memory(step)(topk, ["x"], 1) == jobs.memory_of("catalogue")(topk, ["x"], 1)
    assert (step.parts, step.is_local) == ("{dataset}/{model}/{sae}", False)


def test_sizes_of_a_step_are_numbers_or_functions_by_their_names(jobs):
    trained = Wildcards(simulation="little", autoencoder="two")
    assert jobs.size(7) == 7
    assert jobs.size("probe_threads")(trained) == 1
    simulation = jobs.plan.config.simulations["little"]
    expected = sizes.superposition_memory(simulation, simulation.trained["two"])
    assert jobs.size("superposition_memory")(trained) == expected
    local = Step("featurelens.features.steps", "join", outputs={"table": "tables/x.tsv"})
    assert (local.is_local, local.parts) == (True, "")
    assert jobs.step_memory(local)(trained, 2) == 2000


def test_memory_of_what_is_unpacked(jobs, tmp_path):
    file = tmp_path / "cells.h5ad"
    file.write_bytes(bytes(3 * 2**20))
    assert jobs.memory(10, per_input=12)(PCA, [file], 1) == 36
    assert jobs.memory(10, per_input=12)(PCA, [file], 2) == 72
    assert jobs.memory(1000, per_input=12)(PCA, [file, file], 1) == 1000
    assert jobs.memory(lambda wildcards: 50, per_input=12)(PCA, [file], 1) == 50
    with pytest.raises(FileNotFoundError):
        jobs.memory(1, per_input=1)(PCA, [tmp_path / "still to be made"], 1)


def test_what_a_job_asks_for_grows_with_its_attempts():
    assert [growing(60)(PCA, attempt) for attempt in (1, 2, 3)] == [60, 120, 180]
    assert growing(lambda wildcards: len(wildcards))(PCA, 2) == 4


def test_memory_of_a_stage_by_the_sizes_that_are_expected(jobs):
    # 20 dimensions, five times as many features; twice as much at the second attempt
    sizes = Sizes(n_cells=700, n_genes=765, n_dimensions=20, n_features=100)
    wildcards = PCA | {"sae": "topk"}
    asked = jobs.memory_of("test")
    assert asked(Wildcards(wildcards), ["x"], 1) == megabytes("test", sizes)
    assert asked(Wildcards(wildcards), ["x"], 2) == 2 * megabytes("test", sizes)
    # A control of the cells has two ends of every component.
    control = Wildcards(wildcards | {"sae": "control.pca"})
    n_components = jobs.plan.config.controls.n_components
    ends = Sizes(700, 765, 20, 2 * max(n_components, 20))
    assert asked(control, ["x"], 1) == megabytes("test", ends)
    # Its components are found by who describes them; of several stages the largest counts.
    assert jobs.memory_of("describe")(control, ["x"], 1) == megabytes("control", ends)
    assert jobs.memory_of("describe", "test")(Wildcards(wildcards), ["x"], 1) == max(
        megabytes("describe", sizes), megabytes("test", sizes)
    )


def test_what_has_weights_is_described_from_them_and_nothing_else(jobs):
    made = [
        f"{jobs.plan.root}/sae/blood/pca/topk.frozen.seed1/{name}"
        for name in ("cfg.json", "sae_weights.safetensors")
    ]
    assert jobs.weights(Wildcards(PCA, sae="topk.frozen.seed1")) == made
    assert jobs.weights(Wildcards(PCA, sae="control.pca")) == []


def test_memory_of_a_bundle_that_is_not_made_is_asked_for_again(jobs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="not made yet") as caught:
        jobs.memory_of("cells")(Wildcards(dataset="unknown", model="pca"), ["an input"], 1)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, "an input")
