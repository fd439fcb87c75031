import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from featurelens.autoencoder import fitting, gradients
from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.layers import layer_sizes
from featurelens.autoencoder.rows import Rows
from featurelens.autoencoder.training import Autoencoder, load, save, split_rows, train
from featurelens.io import InputError
from featurelens.means import Means
from featurelens.simulation.observables import Observables


def cells(n=200, d=12, rank=3, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n, rank)) @ rng.random((rank, d))).astype(np.float32)


def last(n, n_validation):
    return np.arange(n) >= n - n_validation


def as_torch(autoencoder: Autoencoder) -> torch.nn.Sequential:
    """The same model as torch modules, ReLU between layers, with the trained weights."""
    depth, weights = autoencoder.config.depth, autoencoder.weights
    modules: list[torch.nn.Module] = []
    for part in ("encoder", "decoder"):
        for layer in range(depth):
            weight = torch.from_numpy(weights[f"{part}.{layer}.weight"])
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
            linear.weight.data = weight
            linear.bias.data = torch.from_numpy(weights[f"{part}.{layer}.bias"])
            modules.append(linear)
            if layer < depth - 1:
                modules.append(torch.nn.ReLU())
    if autoencoder.config.output == "relu":
        modules.append(torch.nn.ReLU())
    return torch.nn.Sequential(*modules)


def reconstruct(autoencoder: Autoencoder, data: np.ndarray) -> np.ndarray:
    """What torch makes of the trained weights."""
    with torch.no_grad():
        return as_torch(autoencoder)(torch.from_numpy(data)).numpy()


@pytest.mark.parametrize(
    ("latent", "depth", "width", "hidden"),
    [
        # Table S3, at 20,000 genes
        (20, 2, "wide", [5010]),
        (100, 2, "wide", [5050]),
        (150, 2, "wide", [5075]),
        (1000, 2, "wide", [5500]),
        (150, 4, "wide", [7537, 5075, 2612]),
        (150, 6, "wide", [8358, 6716, 5075, 3433, 1791]),
        (20, 2, "narrow", [150]),
        (100, 2, "narrow", [200]),
        (150, 2, "narrow", [300]),
        (1000, 2, "narrow", [2000]),
        (150, 4, "narrow", [1000, 300, 300]),
        (1000, 4, "narrow", [2000, 2000, 2000]),
        (20, 6, "narrow", [1000, 150, 150, 150, 150]),
        (20, 1, "wide", []),
    ],
)
def test_published_layer_sizes(latent, depth, width, hidden):
    assert layer_sizes(20_000, latent, depth=depth, width=width) == [20_000, *hidden, latent]


def test_reduced_layer_sizes_keep_narrow_narrower():
    # 500 genes: wide (500 / 2 + 20) / 2 = 135; narrow max(3.75, 40) = 40
    assert layer_sizes(500, 20, depth=2, width="wide") == [500, 135, 20]
    assert layer_sizes(500, 20, depth=2, width="narrow") == [500, 40, 20]


@pytest.mark.parametrize(("depth", "output"), [(1, "relu"), (2, "linear"), (4, "relu")])
def test_numpy_and_torch_agree_on_the_trained_model(depth, output):
    data = cells()
    config = AutoencoderConfig(latent=4, depth=depth, output=output, epochs=3, learning_rate=0.01)
    trained = train(data, last(200, 20), config)
    model = as_torch(trained)
    with torch.no_grad():
        halfway = model[: 2 * depth - 1](torch.from_numpy(data)).numpy()
    np.testing.assert_allclose(trained.embed(data), halfway, atol=1e-5)
    assert trained.embed(data).dtype == np.float32


@pytest.mark.parametrize(
    ("batch_size", "depth", "output"), [(0, 2, "linear"), (32, 2, "linear"), (32, 4, "relu")]
)
def test_training_equals_a_plain_torch_loop(batch_size, depth, output):
    """Author's loop: mean squared error, Adam with L2, batches of a shuffle, validation after."""
    data, held_out = cells(100), last(100, 30)
    config = AutoencoderConfig(
        latent=3,
        depth=depth,
        output=output,
        batch_size=batch_size,
        epochs=4,
        learning_rate=0.01,
        weight_decay=0.001,
        patience=0,
        convention="published",
        exchanged=False,
        seed=3,
    )
    ours = train(data, held_out, config)
    generator = torch.Generator().manual_seed(3)
    initial = {}
    shapes = [(w.shape[1], w.shape[0]) for name, w in ours.weights.items() if "weight" in name]
    for name, shape in zip([n for n in ours.weights if "weight" in n], shapes, strict=True):
        weight, bias = fitting.linear_init(*shape, generator)
        initial |= {name: weight.numpy(), name.replace("weight", "bias"): bias.numpy()}
    model = as_torch(dataclasses.replace(ours, weights={k: v.copy() for k, v in initial.items()}))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.001)
    inside, outside = torch.from_numpy(data[:70]), torch.from_numpy(data[70:])
    history = []
    for _ in range(4):
        order = torch.randperm(70, generator=generator) if batch_size else torch.arange(70)
        total, batches = 0.0, inside[order].split(batch_size or 70)
        for batch in batches:
            loss = torch.nn.functional.mse_loss(model(batch), batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() / len(batches)
        with torch.no_grad():
            history.append((total, torch.nn.functional.mse_loss(model(outside), outside).item()))
    np.testing.assert_allclose(ours.history[["train_loss", "validation_loss"]], history, rtol=1e-4)
    final = [p.detach().numpy() for p in model.parameters()]
    for ours_, theirs in zip(ours.weights.values(), final, strict=True):
        np.testing.assert_allclose(ours_, theirs, atol=1e-4)


def test_repeated_cells_count_as_often_as_they_occur():
    """Two kinds of cell, 30 and 10 times: full-batch loss = weighted mean of the two."""
    kinds = cells(2)
    data = np.concatenate([np.repeat(kinds, [30, 10], axis=0), kinds])
    config = AutoencoderConfig(latent=2, depth=1, batch_size=0, epochs=1, learning_rate=1e-9)
    trained = train(data, last(42, 2), config)
    error = np.square(reconstruct(trained, kinds) - kinds).mean(axis=1)
    assert trained.history["train_loss"][0] == pytest.approx(error @ [0.75, 0.25], rel=1e-4)
    assert trained.history["validation_loss"][0] == pytest.approx(error.mean(), rel=1e-4)


def test_enough_latents_reconstruct_data_of_their_rank():
    data = cells(300, rank=3)
    config = AutoencoderConfig(latent=4, depth=1, batch_size=0, epochs=1500, learning_rate=0.01)
    trained = train(data, last(300, 30), config)
    assert trained.history["validation_loss"].min() < 1e-4 < 1e-2 < data.var(axis=0).mean()


def test_published_split_trains_on_the_first_cells():
    # 10 cells, the last 3 held out: the author's exchanged slices train on cells 0, 1, 2
    held_out = last(10, 3)
    assert split_rows(held_out, exchanged=True).nonzero()[0].tolist() == [0, 1, 2]
    assert split_rows(held_out, exchanged=False).nonzero()[0].tolist() == list(range(7))


def test_published_split_validates_on_all_other_cells():
    """A first slice of zeros trains to zero; the validation loss is then that of the others."""
    data = np.concatenate([np.zeros((20, 4)), np.ones((80, 4))]).astype(np.float32)
    config = AutoencoderConfig(
        latent=1,
        depth=1,
        convention="published",
        epochs=300,
        patience=0,
        learning_rate=0.05,
    )
    trained = train(data, last(100, 20), config)
    assert trained.history["train_loss"].iloc[-1] < 1e-4
    assert trained.history["validation_loss"].iloc[-1] > 0.1


@pytest.mark.parametrize("held_out", [np.zeros(5, bool), np.ones(5, bool)])
def test_split_with_an_empty_side_is_refused(held_out):
    with pytest.raises(InputError, match="both sides"):
        split_rows(held_out, exchanged=False)


def drift(validation_target, **schedule):
    """One bias that training pulls to 1; the input is 0, so the weight before it has no effect."""
    zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    return fitting.fit(
        [zero, torch.zeros(1)],
        [False],
        Rows(zero, one),
        Rows(zero, validation_target * one),
        schedule=fitting.Schedule(
            learning_rate=0.1, weight_decay=0, batch_size=0, epochs=50, **schedule
        ),
        generator=torch.Generator().manual_seed(0),
    )


def test_early_stopping_waits_for_patience_epochs_after_the_best():
    history = drift(0.5, weights="last", patience=0).history
    best = int(history["validation_loss"].argmin())
    assert len(history) == 50
    assert 3 <= best <= 7  # Adam moves 0.1 per step at first, so 0.5 is reached in about 5
    # stops when the best is 8 epochs old
    assert len(drift(0.5, weights="last", patience=8).history) == best + 8 + 1


def published_losses(losses):
    """Losses of an epoch without steps: 8 rows of loss 1, one of loss 9, in batches of four."""
    rows = Rows(torch.zeros(9, 1), torch.tensor([[1.0]] * 8 + [[3.0]]))
    schedule = fitting.Schedule(
        learning_rate=1e-30, weight_decay=0, batch_size=4, epochs=40, patience=0, weights="last",
        losses=losses,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(1)
    start = [torch.zeros(1, 1), torch.zeros(1)]
    return fitting.fit(start, [False], rows, rows, schedule=schedule, generator=generator).history


def test_losses_average_rows_or_batches_as_the_authors_loop_does():
    # By hand: over rows (8 + 9) / 9; over batches in order (1 + 1 + 9) / 3; shuffled, the row of 9
    # stands alone, (1 + 1 + 9) / 3, or with three others, (1 + (1 + 1 + 1 + 9) / 4 + 1) / 3.
    alone, among = 11 / 3, 5 / 3
    for kind, train_loss, validation_loss in (
        ("rows", {17 / 9}, {17 / 9}),
        ("batches", {alone, among}, {alone}),
        ("shuffled", {alone, among}, {alone, among}),
    ):
        history = published_losses(kind)
        for name, expected in (("train_loss", train_loss), ("validation_loss", validation_loss)):
            found = {round(value, 6) for value in history[name]}
            assert found == {round(value, 6) for value in expected}, (kind, name)


def test_published_autoencoders_average_shuffled_batches():
    small = {"latent": 1, "depth": 1}
    assert AutoencoderConfig(**small, convention="published").losses == "shuffled"
    assert AutoencoderConfig(**small).losses == "rows"


def test_early_stopping_never_before_patience_epochs():
    # the author's loop looks only after epoch number `patience` (counted from 0): with the best at
    # epoch 0 and patience 3, epochs 0 to 4 run
    history = drift(-1, weights="last", patience=3).history
    assert history["validation_loss"].argmin() == 0
    assert len(history) == 5


def test_best_and_last_weights():
    best, final = (drift(0.5, weights=kept, patience=0) for kept in ("best", "last"))
    assert best.weights[1].item() == pytest.approx(0.5, abs=0.06)
    assert final.weights[1].item() == pytest.approx(1, abs=0.1)
    loss = (best.weights[1].item() - 0.5) ** 2
    assert loss == pytest.approx(best.history["validation_loss"].min(), abs=1e-7)


@pytest.mark.parametrize("batch_size", [0, 32])
def test_made_observables_train_as_stored_ones(batch_size):
    """Rounding is all that differs: the same cells, from factors and as one array."""
    rng = np.random.default_rng(0)
    programs = rng.poisson(2, (120, 6)).astype(np.float32) + rng.normal(0, 0.1, (120, 1)).astype(
        np.float32
    )
    connectivity = rng.binomial(1, 0.3, (40, 6)).astype(np.uint8)
    made = Observables(programs, connectivity)
    config = AutoencoderConfig(
        latent=4, batch_size=batch_size, epochs=20, learning_rate=0.003, convention="published"
    )
    ours = train(made, last(120, 30), config)
    stored = train(made.rows(slice(None)), last(120, 30), config)
    pd.testing.assert_frame_equal(ours.history, stored.history, rtol=1e-4)
    for name, weight in ours.weights.items():
        np.testing.assert_allclose(weight, stored.weights[name], atol=1e-4)
    np.testing.assert_allclose(ours.embed(made), ours.embed(made.rows(slice(None))), rtol=1e-5)


def test_validation_in_chunks_is_the_mean_over_all_cells(monkeypatch):
    """Chunks of 3 rows of 12 genes, the last of 1: the loss over 70 rows, computed by numpy."""
    data = cells(100)
    config = AutoencoderConfig(latent=3, epochs=1, batch_size=16)
    whole = train(data, last(100, 70), config)
    monkeypatch.setattr(gradients, "CHUNK_VALUES", 36)
    parts = train(data, last(100, 70), config)
    error = np.square(reconstruct(parts, data[30:]) - data[30:]).mean()
    assert parts.history["validation_loss"].iloc[-1] == pytest.approx(error, rel=1e-5)
    assert whole.history["validation_loss"].iloc[-1] == pytest.approx(error, rel=1e-5)


def test_chunks_of_repeated_cells_keep_their_shares(monkeypatch):
    kinds = cells(5)
    data = np.concatenate([kinds, np.repeat(kinds, [1, 2, 3, 4, 5], axis=0)])
    config = AutoencoderConfig(latent=2, depth=1, batch_size=0, epochs=1, learning_rate=1e-9)
    monkeypatch.setattr(gradients, "CHUNK_VALUES", 24)
    trained = train(data, last(20, 15), config)
    error = np.square(reconstruct(trained, kinds) - kinds).mean(axis=1)
    assert trained.history["validation_loss"].iloc[-1] == pytest.approx(
        error @ np.arange(1, 6) / 15, rel=1e-4
    )


def test_a_list_makes_one_autoencoder_of_each():
    one = AutoencoderConfig(latent=4, seed=3, convention="published")
    assert one.each("ae") == {"ae": one}
    seeds = dataclasses.replace(one, seed=(0, 2))
    assert seeds.each("ae") == {
        "ae-seed0": dataclasses.replace(one, seed=0),
        "ae-seed2": dataclasses.replace(one, seed=2),
    }
    both = dataclasses.replace(seeds, convention=("published", "corrected"))
    assert list(both.each("ae")) == [
        "ae-seed0-published",
        "ae-seed0-corrected",
        "ae-seed2-published",
        "ae-seed2-corrected",
    ]
    assert both.each("ae")["ae-seed2-corrected"] == AutoencoderConfig(latent=4, seed=2)
    assert list(dataclasses.replace(one, seed=(7,)).each("ae")) == ["ae-seed7"]


@pytest.mark.parametrize(
    ("convention", "exchanged", "is_exchanged", "weights"),
    [
        ("published", None, True, "last"),
        ("corrected", None, False, "best"),
        ("published", False, False, "last"),
        ("corrected", True, True, "best"),
    ],
)
def test_what_a_convention_of_training_means(convention, exchanged, is_exchanged, weights):
    config = AutoencoderConfig(latent=1, convention=convention, exchanged=exchanged)
    assert (config.is_exchanged, config.weights) == (is_exchanged, weights)


def test_same_seed_same_bytes_other_seed_other_weights():
    data, held_out = cells(), last(200, 20)
    config = AutoencoderConfig(latent=3, epochs=3)
    first, again = train(data, held_out, config), train(data, held_out, config)
    other = train(data, held_out, dataclasses.replace(config, seed=1))
    for name, weight in first.weights.items():
        assert weight.tobytes() == again.weights[name].tobytes()
        assert weight.tobytes() != other.weights[name].tobytes()
    pd.testing.assert_frame_equal(first.history, again.history)


def test_saved_autoencoder_comes_back_whole(tmp_path):
    data = cells()
    trained = train(data, last(200, 20), AutoencoderConfig(latent=3, depth=4, epochs=2))
    save(trained, tmp_path / "ae")
    back = load(tmp_path / "ae")
    assert back.config == trained.config
    pd.testing.assert_frame_equal(back.history, trained.history)
    assert back.embed(data).tobytes() == trained.embed(data).tobytes()
    assert back.history["validation_loss"].iloc[-1] == trained.history["validation_loss"].iloc[-1]
    (tmp_path / "ae" / "history.tsv").unlink()
    with pytest.raises(InputError, match=r"history\.tsv"):
        load(tmp_path / "ae")


def test_nan_in_the_data_is_refused():
    data = cells()
    data[3, 4] = np.nan
    with pytest.raises(InputError, match="NaN"):
        train(data, last(200, 20), AutoencoderConfig(latent=3, epochs=1))


def test_diverging_training_stops():
    config = AutoencoderConfig(latent=3, epochs=9, learning_rate=1e30)
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        train(cells(), last(200, 20), config)


def test_thread_count_is_restored():
    before = torch.get_num_threads()
    train(
        cells(),
        last(200, 20),
        AutoencoderConfig(latent=2, epochs=1),
        means=Means(threads=before + 1),
    )
    assert torch.get_num_threads() == before


def test_log_gets_about_twenty_lines():
    lines: list[str] = []
    config = AutoencoderConfig(latent=2, epochs=60, patience=0)
    train(cells(), last(200, 20), config, means=Means(log=lines.append))
    assert len(lines) == 20
    assert lines[0].startswith("epoch 0: train ")


def test_config_is_strict():
    adapter = TypeAdapter(AutoencoderConfig)
    with pytest.raises(ValidationError, match="latents"):
        adapter.validate_python({"latent": 3, "latents": 4})
    with pytest.raises(ValidationError, match="valid number"):
        adapter.validate_json('{"latent": 3, "learning_rate": "1e-4"}', strict=True)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        adapter.validate_python({"latent": 0})
    with pytest.raises(ValidationError, match="at least 1 item"):
        adapter.validate_json('{"latent": 3, "seed": []}', strict=True)
    listed = adapter.validate_json('{"latent": 3, "seed": [0, 1]}', strict=True)
    assert listed.seed == (0, 1)


def test_weights_in_any_order_of_memory_are_written_as_they_are(tmp_path):
    """safetensors 0.8.0 writes memory as it lies, whatever the strides."""
    trained = train(cells(), last(200, 20), AutoencoderConfig(latent=3, epochs=1))
    turned = {name: np.asfortranarray(array) for name, array in trained.weights.items()}
    save(dataclasses.replace(trained, weights=turned), tmp_path)
    for name, array in load(tmp_path).weights.items():
        assert np.array_equal(array, trained.weights[name]), name
