"""The default run with everything made small: every stage, seconds instead of minutes."""

import copy


def shrink(demo):
    """A copy of the default configuration that ends in about a minute."""
    config = copy.deepcopy(demo)
    small, hierarchical = config["simulations"]["small"], config["simulations"]["hierarchical"]
    small["data"] |= {"n_cells": 600, "n_validation": 100}
    small["autoencoders"]["latent4"]["epochs"] = 400
    hierarchical["data"] |= {"n_cells": 400, "n_genes": 120, "n_programs": 10, "n_cell_types": 4}
    kept = ("latent4-depth2-narrow", "latent20-depth2-wide")
    hierarchical["autoencoders"] = {
        name: hierarchical["autoencoders"][name] | {"epochs": 30} for name in kept
    }
    hierarchical["baselines"]["n_components"] = 8
    for sweep in config["sweeps"].values():
        for grid in sweep["grids"]:
            grid |= {"expansion": [2, 10], "l1": [0.001], "k": [20], "epochs": 5}
    config["sweeps"]["small"]["grids"][0]["learning_rate"] = [0.001, 0.0001]
    config["sweeps"]["hierarchical"]["structure"] = {
        "select": {"architecture": "relu", "expansion": 10},
        "n_permutations": 2,
    }
    config["datasets"]["pbmc68k"]["models"]["poisson_nmf"] |= {"n_components": 8, "iterations": 60}
    config["saes"]["topk-x20"] |= {"expansion": 5, "epochs": 40}
    config["enrichment"]["n_permutations"] = 2
    config["controls"] |= {"kinds": ["random", "nmf"], "seeds": [1], "n_components": 4}
    config["controls"]["n_permutations"] = 2
    return config
