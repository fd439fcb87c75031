"""Threads, memory and time of jobs, computed by hand from small and from published sizes."""

from types import SimpleNamespace

import pytest

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.config.parse import parse_config
from featurelens.planning import sizes, sweep_sizes
from featurelens.planning.plan import Plan

SMALL = {"data": {"kind": "small", "n_cells": 10_000, "n_validation": 1000}}
PAPER = {
    "data": {
        "kind": "hierarchical",
        "n_cells": 100_000,
        "n_genes": 20_000,
        "n_programs": 100,
        "observables": "implicit",
    },
    "baselines": {"methods": [], "n_cells": 30_000},
    "chance": {"n_neurons": 1000},
}
GRID = {"architecture": "relu", "expansion": [2, 10], "l1": 0.001, "learning_rate": 0.001}
RUN = {
    "run": "sizes",
    "simulations": {
        "small": SMALL | {"autoencoders": {"two": {"latent": 2, "depth": 1}}},
        "paper": PAPER | {"autoencoders": {"deep": {"latent": 100, "depth": 2, "width": "wide"}}},
    },
    "datasets": {
        "blood": {
            "cells": {"kind": "pbmc68k_reduced"},
            "models": {"pca": {"kind": "pca", "n_components": 9}},
        }
    },
    "sweeps": {
        "small": {
            "embedding": "small/two",
            "stack_by": ["expansion"],
            "grids": [GRID, GRID | {"expansion": 4, "seed": [0, 1]}],
        },
        "paper": {
            "embedding": "paper/deep",
            "grids": [GRID],
            "structure": {"select": {"expansion": 2}},
        },
        "cells": {"embedding": "blood/pca", "grids": [GRID]},
    },
}


@pytest.fixture(scope="module")
def plan():
    return Plan(parse_config(RUN))


@pytest.fixture(scope="module")
def small(plan):
    return plan.config.simulations["small"]


@pytest.fixture(scope="module")
def paper(plan):
    return plan.config.simulations["paper"]


def test_y_is_stored_or_made_from_its_programs(small, paper):
    # 10,000 cells, 5 observables, 4 bytes: 0.2 MB
    assert sizes.observables_mb(small) == pytest.approx(0.2)
    assert sizes.simulate_memory(small) == 800
    # 100,000 cells, five arrays of 100 programs, 4 bytes: 200 MB; Y itself would be 8 GB
    assert sizes.observables_mb(paper) == pytest.approx(200)
    assert sizes.simulate_memory(paper) == 1240


def test_a_large_autoencoder_takes_threads_and_a_day(small, paper):
    two, deep = AutoencoderConfig(latent=2, depth=1), AutoencoderConfig(latent=100, depth=2)
    # 5 observables to 2 and back: (5 + 1) 2 + (2 + 1) 5 = 27 weights
    assert sizes.train_threads(small, two) == 1
    assert sizes.train_runtime(small, two) == 240
    assert sizes.train_memory(small, two) == int(1000 + 2.2 * 0.2 + 8 * 4e-6 * 27)
    # narrow: 20,000 to 200 to 100 and back
    n_weights = 20_001 * 200 + 201 * 100 + 101 * 200 + 201 * 20_000
    assert sizes.train_threads(paper, deep) == 8
    assert sizes.train_runtime(paper, deep) == 1440
    assert sizes.train_memory(paper, deep) == int(4000 + 440 + 3.2e-5 * n_weights)


def test_probes_of_wide_data_take_a_gpu_and_half_a_day(small, paper):
    assert (sizes.probe_threads(small), sizes.probe_runtime(small)) == (1, 60)
    assert (sizes.probe_threads(paper), sizes.probe_runtime(paper)) == (8, 720)
    two, deep = AutoencoderConfig(latent=2, depth=1), AutoencoderConfig(latent=100, depth=2)
    # an embedding of 10,000 x 2 doubles is 0.16 MB, one of 100,000 x 100 80 MB
    assert sizes.superposition_memory(small, two) == int(1600 + 3.2 * 0.2 + 4 * 0.16)
    assert sizes.superposition_memory(paper, deep) == 4600 + 640 + 320
    # Y of 8 GB, and a layer of 20,000 x 20,000, 1.6 GB
    assert sizes.ceiling_memory(paper) == pytest.approx(4600 + 3.2 * 8000 + 6 * 1600, abs=1)


def test_decompositions_take_the_cells_that_are_measured(small, paper):
    assert sizes.baselines_runtime(small) == 60
    assert sizes.baselines_runtime(paper) == 480
    # 30,000 x 20,000 singles are 2.4 GB
    assert sizes.baselines_memory(paper) == pytest.approx(1500 + 4 * 2400, abs=1)
    assert sizes.baselines_memory(small) == int(1500 + 4 * 0.2)
    # 1,000 neurons by 20,000 genes are 80 MB
    assert sizes.chance_memory(paper) == 1500 + 320
    with pytest.raises(ValueError, match="no chance levels"):
        sizes.chance_memory(small)


def test_networks_take_threads_memory_and_hours():
    network, linear = SimpleNamespace(is_network=True), SimpleNamespace(is_network=False)
    of = (sizes.embed_threads, sizes.embed_memory, sizes.embed_runtime)
    assert [size(network) for size in of] == [8, 16_000, 720]
    assert [size(linear) for size in of] == [1, 4000, 120]


def test_widths_of_sweeps(plan):
    assert [sweep_sizes.dimensions(plan, name) for name in RUN["sweeps"]] == [2, 100, 20]
    assert sweep_sizes.widest(plan, "small") == 20
    assert sweep_sizes.widest(plan, "small", "expansion4") == 8
    # One grid has two seeds, of 4 x 2 features.
    assert sweep_sizes.widest_compared(plan, "small") == 8
    assert sweep_sizes.widest_compared(plan, "paper") == 100
    assert sweep_sizes.widest_structured(plan, "paper") == 200
    assert sweep_sizes.is_small(plan, "small")
    assert sweep_sizes.is_small(plan, "paper")


def test_a_stack_holds_weights_and_features_of_a_batch():
    # 20 x 100: weights of both sides eight times, 4,096 cells in three arrays
    assert sweep_sizes.stack_memory(20, 100) == int(2000 + 4e-4 * (16 * 20 + 3 * 4096))
    assert sweep_sizes.stack_runtime(20, 100) == 240
    assert sweep_sizes.stack_memory(150, 15_000) == int(5000 + 6e-2 * (16 * 150 + 3 * 4096))
    assert sweep_sizes.stack_runtime(150, 15_000) == 1440


def test_measures_of_sweeps_by_what_they_hold(plan, paper):
    def measured(measure, sweep):
        of = (sweep_sizes.measuring_memory, sweep_sizes.measuring_runtime)
        return tuple(size(plan, measure, sweep) for size in of)

    # 5,000 of the cells; six columns a neuron and blocks of 1,000 correlations; three of Y
    per_neuron = 6 * 0.02 + 0.016
    assert measured("recovery", "paper") == (int(2000 + 1000 * per_neuron + 3 * 400), 120)
    assert sweep_sizes.recovery_runtime(10_001) == 1440
    # features of two SAEs and of two random ones for 5,000 cells, and pairs of them
    assert measured("seeds", "small") == (int(2000 + 3.2e-5 * (40_000 + 48)), 120)
    assert sweep_sizes.comparison_runtime(5001) == 1440
    arrays, evaluated = 8 * 4e-6 * 200 * 20_000, 3 * 0.02 * 20_200
    assert measured("structure", "paper") == (int(1500 + arrays + evaluated), 120)
    assert sweep_sizes.structure_runtime(paper, 12_000) == 1440
    assert measured("held_out", "cells") == (4000, 60)
