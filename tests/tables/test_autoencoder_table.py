"""Table S3 of autoencoders whose sizes and histories are known by hand."""

from dataclasses import asdict

import pandas as pd

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.tables import table_S3


def trained(losses, **config):
    """Config and losses as training leaves them."""
    history = {"epoch": range(len(losses)), "train_loss": losses, "validation_loss": losses}
    return asdict(AutoencoderConfig(**config)), pd.DataFrame(history)


def test_structures_of_the_paper_and_how_training_ended():
    wide = trained(
        [3.0, 1.0, 2.0], latent=150, depth=4, width="wide", epochs=50,
        weight_decay=1e-5, convention="published", seed=2,
    )  # fmt: skip
    small = trained([2.0, 1.0], latent=4, depth=1, epochs=2)
    names = ("large/wide", "small/latent4")
    configs, histories = (
        dict(zip(names, parts, strict=True)) for parts in zip(wide, small, strict=True)
    )
    table = table_S3.tabulate(
        configs, histories, n_observed={"large/wide": 20_000, "small/latent4": 5}
    )
    large, thin = table.to_dict("records")
    # the paper's 4-layer wide autoencoder with 150 dimensions: 7537, 5075, 2612
    assert large["layers"] == "20000 7537 5075 2612 150"
    assert (large["simulation"], large["autoencoder"], large["training"]) == (
        "large", "wide", "published",
    )  # fmt: skip
    assert (large["epochs_run"], large["stopped_early"], large["best_epoch"]) == (3, True, 2)
    assert (large["best_validation_loss"], large["last_validation_loss"]) == (1.0, 2.0)
    assert (large["weight_decay"], large["seed"]) == (1e-5, 2)
    assert thin["layers"] == "5 4"
    # (5 + 1) * 4 to the embedding, (4 + 1) * 5 back
    assert thin["n_weights"] == 24 + 25
    assert (thin["width"], thin["stopped_early"]) == ("", False)
