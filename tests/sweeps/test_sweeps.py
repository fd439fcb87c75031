from dataclasses import asdict, replace

import pandas as pd
import pytest

from featurelens.sae.config import SAEConfig
from featurelens.sweeps.points import (
    expand_grid,
    plan_stacks,
    point_config,
    point_id,
    select_points,
)
from featurelens.sweeps.selection import whole_seeds

GRID = {
    "architecture": ("vanilla", "topk"),
    "expansion": (2.0, 10.0),
    "l1": (1e-3, 1e-4),
    "k": (10.0, 50.0, 75.0),
    "seed": (0, 1),
}


def test_a_grid_is_the_product_without_repeats():
    # vanilla: 2 widths x 2 penalties x 2 seeds; topk: 2 widths x 3 shares x 2 seeds.
    configs = expand_grid(GRID)
    assert len(configs) == 8 + 12
    assert {config.l1 for config in configs if config.architecture == "topk"} == {0.0}
    assert {config.k for config in configs if config.architecture == "vanilla"} == {10.0}


def test_the_papers_small_sweep_has_544_points():
    # Table S4: 8 factors x 4 learning rates x (5 + 5 penalties, 7 shares).
    grid = {
        "architecture": ("vanilla", "relu", "topk"),
        "expansion": (2, 5, 10, 20, 50, 100, 200, 1000),
        "l1": (1e-1, 1e-2, 1e-3, 1e-4, 1e-5),
        "k": (1, 5, 10, 20, 50, 75, 100),
        "learning_rate": (1e-2, 1e-3, 1e-4, 1e-5),
    }
    assert len(expand_grid(grid)) == 8 * 4 * (5 + 5 + 7)


def test_ids_are_distinct_and_survive_growth():
    before = {point_id("s/a", config) for config in expand_grid(GRID)}
    after = {point_id("s/a", config) for config in expand_grid(GRID | {"seed": (0, 1, 2)})}
    assert len(before) == 20
    assert before < after
    assert before.isdisjoint(point_id("s/b", config) for config in expand_grid(GRID))


def test_an_integer_and_a_whole_float_are_the_same_point():
    config = SAEConfig(architecture="relu", expansion=10)
    assert point_id("s/a", config) == point_id("s/a", replace(config, expansion=10.0))


def test_stacks_hold_every_point_once_under_a_readable_name():
    stacks = plan_stacks("s/a", expand_grid(GRID), ("architecture", "expansion", "seed"))
    assert sorted(stacks) == sorted(
        f"{architecture}_expansion{expansion}_seed{seed}"
        for architecture in ("vanilla", "topk")
        for expansion in (2, 10)
        for seed in (0, 1)
    )
    assert len(stacks["topk_expansion2_seed0"]) == 3
    ids = [point["id"] for points in stacks.values() for point in points]
    assert len(ids) == len(set(ids)) == 20


def test_a_point_and_its_config_are_the_same_thing():
    config = SAEConfig(architecture="topk", expansion=3.0, k=20.0, l1=0.0)
    [[point]] = plan_stacks("s/a", [config], ("architecture",)).values()
    assert point == {"id": point_id("s/a", config)} | asdict(config)
    assert point_config(point) == config


@pytest.mark.parametrize(
    ("selection", "count"),
    [({"architecture": "vanilla", "l1": 1e-3}, 4), ({"architecture": "gated"}, 0), ({}, 20)],
)
def test_selection_counts_by_hand(selection, count):
    stacks = plan_stacks("s/a", expand_grid(GRID), ("architecture",))
    assert len(select_points(stacks, selection)) == count


def test_points_of_which_a_part_was_trained_are_selected_only_by_name():
    grid = {"architecture": ("relu",), "expansion": (2.0,), "trained": ("all", "encoder")}
    stacks = plan_stacks("toy", expand_grid(grid), ["architecture"])
    whole, frozen = (point_id("toy", config) for config in expand_grid(grid))
    assert select_points(stacks, {"architecture": "relu"}) == [whole]
    assert select_points(stacks, {"architecture": "relu", "trained": "encoder"}) == [frozen]


def test_whole_seeds_are_those_with_the_whole_grid():
    points = pd.DataFrame({"seed": [0, 0, 0, 1, 1, 1, 2], "id": list("abcdefg")})
    assert whole_seeds(points)["id"].tolist() == list("abcdef")
    assert whole_seeds(points.head(0)).empty
