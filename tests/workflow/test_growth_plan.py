"""A finished run that is asked for one thing more plans what is new of it, and no more.

Here nothing is computed: every plan is made over the finished miniature. What the jobs
then do is tried in test_growing_stack.py and test_growing_cells.py.
"""

import copy

import pytest
import yaml

from clones import write_config
from dry_runs import dry_run, planned

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("miniature")]

TOLD = ("collect_", "measure_recovery", "measure_held_out", "measure_seeds", "measure_structure")
SHOWN = ("tabulate_", "draw_", "judge_claims", "check_inputs", "all", "list_atlas")
"""What is made of all points together, and what shows results: it follows whatever is new."""
OF_ONE_SOURCE = (
    *("train_sae", "draw_directions"),
    *("test_source", "test_expression", "enrich_features"),
)
"""What costs, of one SAE or control."""


@pytest.fixture(scope="module")
def config(finished):
    return yaml.safe_load((finished / "config/config.yaml").read_text())


@pytest.fixture
def plan(finished, config, tmp_path):
    """A function that changes the config of the finished run, and gives the jobs planned then."""

    def jobs(change):
        changed = copy.deepcopy(config)
        change(changed)
        return planned(finished, *write_config(tmp_path, changed))

    return jobs


def of(jobs, *rules):
    """Wildcards of all jobs of some rules, or of rules whose names go on."""
    return {name for rule, names in jobs.items() if rule.startswith(rules) for name in names}


def others(jobs, *rules):
    """Rules that are none of these."""
    return {rule for rule in jobs if not rule.startswith(rules)}


def test_nothing_is_planned_without_a_change(finished, config, tmp_path):
    assert "Nothing to be done" in dry_run(finished, *write_config(tmp_path, config))[1]


def add_to_sweeps(axis, value):
    def change(config):
        for name in ("small", "cells"):
            config["sweeps"][name]["grids"][0][axis].append(value)

    return change


@pytest.mark.parametrize(
    ("axis", "value", "stacks"),
    [
        # Of each sweep those stacks, which hold an architecture each, that use the axis.
        ("expansion", 3, "small/vanilla small/relu small/topk cells/vanilla cells/relu"),
        ("l1", 0.01, "small/vanilla small/relu cells/vanilla cells/relu"),
        ("k", 50, "small/topk"),
        ("architecture", "batchtopk", "small/batchtopk cells/batchtopk"),
    ],
)
def test_one_more_value_plans_the_stacks_that_get_points(plan, axis, value, stacks):
    jobs = plan(add_to_sweeps(axis, value))
    assert jobs["train_stack"] == set(stacks.split())
    assert others(jobs, "train_stack", *TOLD, *SHOWN) == set()
    grown = {stack.partition("/")[0] for stack in stacks.split()}
    assert jobs["collect_sweep"] == grown
    assert of(jobs, "measure_recovery", "measure_held_out") == grown


def test_one_more_seed_is_compared_too(plan):
    jobs = plan(lambda config: config["sweeps"]["small"]["grids"][0]["seed"].append(2))
    assert jobs["train_stack"] == {"small/vanilla", "small/relu", "small/topk"}
    assert jobs["measure_seeds"] == {"small"}
    assert others(jobs, "train_stack", *TOLD, *SHOWN) == set()


def test_five_more_saes_plan_themselves_and_their_controls(plan):
    """One more width, penalty, share of active features, seed and architecture."""
    more = {
        "narrow": {"expansion": 3},
        "weak": {"architecture": "relu", "l1": 0.01},
        "dense": {"k": 9},
        "again": {"seed": 7},
        "batch": {"architecture": "batchtopk"},
    }

    def change(config):
        first = config["saes"]["topk-x20"]
        config["saes"] |= {name: first | differs for name, differs in more.items()}

    jobs = plan(change)
    trained = {f"pbmc68k/{model}/{name}" for model in ("poisson_nmf", "pca") for name in more}
    repeats = {f"pbmc68k/poisson_nmf/{name}.seed1" for name in more}
    random = {f"pbmc68k/poisson_nmf/{name}.random" for name in more}
    assert jobs["train_sae"] == trained | repeats
    assert jobs["draw_directions"] == random
    assert of(jobs, "test_source", "test_expression") == trained | repeats | random
    assert of(jobs, "enrich_features") == {
        f"{name}/blood_families" for name in trained | repeats | random
    }
    assert not jobs.keys() & {"embed_cells", "train_stack", "simulate", "train_autoencoder"}


def test_one_more_data_set_plans_itself(plan):
    def change(config):
        config["datasets"]["more"] = {
            "cells": {"kind": "pbmc68k_reduced"},
            "models": {"pca": {"kind": "pca", "n_components": 6}},
        }
        config["sweeps"]["more"] = copy.deepcopy(config["sweeps"]["cells"])
        config["sweeps"]["more"]["embedding"] = "more/pca"
        config["simulations"]["zipf"] = {
            "data": {"kind": "zipf", "n_cells": 300, "n_features": 24, "n_dimensions": 4},
            "baselines": {"methods": ["pca"], "n_components": 4},
        }
        config["sweeps"]["zipf"] = copy.deepcopy(config["sweeps"]["small"])
        config["sweeps"]["zipf"]["embedding"] = "zipf/observables"

    jobs = plan(change)
    assert jobs["prepare_cells"] == {"more"}
    assert jobs["embed_cells"] == {"more/pca"}
    assert jobs["simulate"] == {"zipf"}
    assert jobs["train_sae"] == {"more/pca/topk-x20"}
    assert of(jobs, *OF_ONE_SOURCE) == {
        "more/pca/topk-x20",
        "more/pca/topk-x20/blood_families",
    }
    assert jobs["train_stack"] == {
        *("more/vanilla", "more/relu", "zipf/vanilla", "zipf/relu", "zipf/topk")
    }
    assert "train_autoencoder" not in jobs


def test_one_more_collection_plans_its_annotation(plan):
    def change(config):
        config["collections"]["more"] = dict(config["collections"]["blood_families"])

    jobs = plan(change)
    assert jobs["compile_collection"] == {"more"}
    sources = {"pca/topk-x20"} | {
        f"poisson_nmf/{name}"
        for name in ("topk-x20", "topk-x20.seed1", "topk-x20.random", "control.nmf")
    }
    assert of(jobs, *OF_ONE_SOURCE) == {f"pbmc68k/{source}/more" for source in sources}
    assert not jobs.keys() & {"embed_cells", "train_stack", "train_sae", "describe_features"}


def test_one_more_seed_of_controls_plans_its_repeats(plan):
    jobs = plan(lambda config: config["controls"]["seeds"].append(2))
    repeat = "pbmc68k/poisson_nmf/topk-x20.seed2"
    assert of(jobs, *OF_ONE_SOURCE) == {repeat, f"{repeat}/blood_families"}


@pytest.mark.parametrize(
    ("axis", "value", "stacks"),
    [
        # A stack that keeps points is asked which are left; the store has them all.
        ("expansion", 10, "small/vanilla small/relu small/topk"),
        ("architecture", "topk", ""),
    ],
)
def test_one_value_less_plans_no_more_than_a_look_at_its_stacks(plan, axis, value, stacks):
    jobs = plan(lambda config: config["sweeps"]["small"]["grids"][0][axis].remove(value))
    assert jobs.get("train_stack", set()) == set(stacks.split())
    assert others(jobs, "train_stack", *TOLD, *SHOWN) == set()
    assert jobs["collect_sweep"] == {"small"}


def test_one_model_of_cells_and_one_control_less_plan_tables_alone(plan):
    def change(config):
        del config["datasets"]["pbmc68k"]["models"]["pca"]
        config["paper"]["geneformer"] = None
        config["controls"] |= {"kinds": ["random"], "seeds": []}

    jobs = plan(change)
    assert of(jobs, *OF_ONE_SOURCE, "embed_cells", "train_stack") == set()
    assert {"tabulate_controls", "judge_claims"} <= jobs.keys()
