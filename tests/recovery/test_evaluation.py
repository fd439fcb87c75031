"""From a simulation to its tables, with observables that are never stored."""

import numpy as np
import pandas as pd
import pytest

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.embedding import embed_simulation
from featurelens.autoencoder.training import save, train
from featurelens.io import read_json, read_table
from featurelens.recovery.read_outs import measure_superposition
from featurelens.simulation.config import HierarchicalSimulation
from featurelens.simulation.observables import Observables, observables
from featurelens.simulation.simulate import simulate
from featurelens.simulation.variables import hidden_variables, variables
from featurelens.tables import superposition

CONFIG = HierarchicalSimulation(n_cells=300, n_genes=40, n_programs=6, n_cell_types=3)


@pytest.fixture(scope="module")
def measured():
    """Cells whose observables are implicit, an autoencoder on them, and its scores."""
    data = simulate(HierarchicalSimulation(**vars(CONFIG) | {"observables": "implicit"}))
    is_validation = (data.obs["split"] == "validation").to_numpy()
    config = AutoencoderConfig(
        latent=4, epochs=30, learning_rate=0.003, convention="published", seed=2
    )
    autoencoder = train(observables(data), is_validation, config)
    embedding = embed_simulation(autoencoder, data)
    scores = measure_superposition(data, embedding, probe="gradient", probe_epochs=3)
    return data, autoencoder, embedding, scores


def test_hidden_variables_are_all_but_the_observables(measured):
    names = [group.name for group in variables(measured[0])]
    assert [group.name for group in hidden_variables(measured[0])] == names[1:]


def test_an_implicit_simulation_is_measured_as_a_stored_one(measured):
    """The same cells with Y stored: the same embedding and the same scores, up to rounding."""
    _, autoencoder, embedding, scores = measured
    stored = simulate(CONFIG)
    again = embed_simulation(autoencoder, stored)
    np.testing.assert_allclose(embedding.obsm["X_emb"], again.obsm["X_emb"], rtol=1e-4, atol=1e-4)
    expected = measure_superposition(stored, again, probe="gradient", probe_epochs=3)
    pd.testing.assert_frame_equal(scores, expected, rtol=1e-3, atol=1e-4)
    assert len(scores) == 2 * (40 + 3 * 6 + 2)


def test_nothing_makes_the_whole_of_the_observables(measured, monkeypatch):
    """Of 300 cells by 40 observables no more is made at once than a block of either."""
    from featurelens.recovery import linear_probes

    data, _, embedding, _ = measured
    monkeypatch.setattr(linear_probes, "_BLOCK_VALUES", 3_000)  # 10 columns of 300 cells
    made, rows, columns = [], Observables.rows, Observables.columns

    def counted(function):
        def wrapper(self, index):
            values = function(self, index)
            made.append(values.size)
            return values

        return wrapper

    monkeypatch.setattr(Observables, "rows", counted(rows))
    monkeypatch.setattr(Observables, "columns", counted(columns))
    measure_superposition(data, embedding, probe="gradient", probe_epochs=1)
    assert 0 < max(made) <= 3_000


def test_collected_scores_say_how_each_autoencoder_was_trained(measured, tmp_path):
    _, autoencoder, _, scores = measured
    save(autoencoder, tmp_path)
    name = "large/latent4-seed2-published"
    table = superposition.tabulate(
        scores={name: scores},
        configs={name: read_json(tmp_path / "config.json")},
        histories={name: read_table(tmp_path / "history.tsv")},
    )
    assert list(table.columns[:9]) == [
        "simulation",
        "autoencoder",
        "latent",
        "depth",
        "width",
        "training",
        "seed",
        "best_validation_loss",
        "last_validation_loss",
    ]
    [row] = table.iloc[:, :7].drop_duplicates().to_dict("records")
    assert row == {
        "simulation": "large",
        "autoencoder": "latent4-seed2-published",
        "latent": 4,
        "depth": 2,
        "width": "narrow",
        "training": "published",
        "seed": 2,
    }
    assert set(table["convention"]) == {"published", "corrected"}
    assert not table.duplicated(["convention", "group"]).any()
    history = autoencoder.history["validation_loss"]
    assert table["last_validation_loss"][0] == pytest.approx(history.iloc[-1])
