import json
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict, replace

import numpy as np
import pytest

from featurelens.io import InputError, read_json, read_table, sha256_array
from featurelens.means import Means
from featurelens.sae import loop, model, rows, store
from featurelens.sae.architecture import load_architecture
from featurelens.sae.config import SAEConfig
from featurelens.sae.engine import load_engine
from featurelens.sae.listing import architectures, engines
from featurelens.sae.loop import initial_parameters, stops_early
from featurelens.sae.metrics import evaluate
from featurelens.sae.single import make_and_save
from featurelens.sae.splits import split_rows
from featurelens.sae.stacks import train_stack
from featurelens.sae.training import train

X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
BASE = SAEConfig(architecture="vanilla", expansion=3, epochs=5, learning_rate=1e-2)
ABOUT = {"source": "toy", "data_sha256": "d" * 64, "code": "c0de"}


def stack(points, folder, X=X, **changes):
    lines = []
    table = train_stack(X, points, store=folder, means=Means(log=lines.append), **(ABOUT | changes))
    return table, lines


def trained_ids(folder):
    return [json.loads(line)["id"] for line in (folder / store.POINTS).read_text().splitlines()]


POINTS = [(f"p{seed}", replace(BASE, seed=seed)) for seed in range(3)]


def test_no_option_is_called_as_a_column_of_the_results():
    assert len(set(rows.COLUMNS)) == len(rows.COLUMNS)


def test_table_has_every_column_in_the_order_asked(tmp_path):
    table, _ = stack(POINTS, tmp_path)
    assert tuple(table.columns) == rows.COLUMNS
    assert table["id"].tolist() == ["p0", "p1", "p2"]
    first = table.iloc[0]
    assert first[list(asdict(BASE))].to_dict() == asdict(POINTS[0][1])
    assert (first["d_in"], first["d_sae"], first["status"]) == (4, 12, "ok")
    assert first["n_steps"] == 5 * 3  # 300 rows in batches of 128: 128, 128, 44
    assert first["n_live"] + first["n_dead"] == 12
    assert sum(first["density"]) == first["n_live"]
    assert first["l1_effective"] == pytest.approx(1e-3 * 4 / 12)


def test_metrics_in_the_row_are_those_of_the_stored_weights(tmp_path):
    table, _ = stack(POINTS[:1], tmp_path)
    sae = model.load(tmp_path / "p0", data_sha256=ABOUT["data_sha256"])
    codes = np.maximum(X @ sae.W_enc + sae.b_enc, 0)
    error = codes @ sae.W_dec + sae.b_dec - X
    row = table.iloc[0]
    assert row["mse"] == pytest.approx(np.square(error).mean(), rel=1e-5)
    assert row["l1_loss"] == pytest.approx(1e-3 * codes.mean(), rel=1e-5)
    assert row["l0"] == pytest.approx((codes > 0).sum(axis=1).mean())
    total = np.square(X - X.mean(axis=0)).sum()
    assert row["explained_variance"] == pytest.approx(1 - np.square(error).sum() / total, rel=1e-4)
    assert sae.metadata["source"] == "toy"


def test_growth_trains_only_what_is_new_and_keeps_rows(tmp_path):
    stack(POINTS[:2], tmp_path)
    before, _ = stack(POINTS[:2], tmp_path)
    grown, lines = stack([POINTS[2], *POINTS[:2]], tmp_path)
    assert trained_ids(tmp_path) == ["p0", "p1", "p2"]
    assert "2 of 3 points are already in" in lines[0]
    assert grown.iloc[1:].reset_index(drop=True).equals(before)
    stack(POINTS[1:2], tmp_path)
    assert trained_ids(tmp_path) == ["p0", "p1", "p2"]


def test_other_code_data_or_config_and_lost_weights_count_as_missing(tmp_path):
    stack(POINTS[:1], tmp_path)
    stack(POINTS[:1], tmp_path, code="other")
    stack(POINTS[:1], tmp_path, code="other", data_sha256="e" * 64)
    changed = [("p0", replace(POINTS[0][1], l1=0.5))]
    stack(changed, tmp_path, code="other", data_sha256="e" * 64)
    (tmp_path / "p0" / model.CONFIG).unlink()
    table, _ = stack(changed, tmp_path, code="other", data_sha256="e" * 64)
    assert trained_ids(tmp_path) == ["p0"] * 5
    assert table["data_sha256"].tolist() == ["e" * 64]


def test_each_point_may_have_code_of_its_own(tmp_path):
    """An architecture that joins a stack is other code, and the points of the first stay."""
    joined = [POINTS[0], ("t", replace(BASE, architecture="topk"))]
    stack(POINTS[:1], tmp_path, code="of vanilla")
    table, _ = stack(joined, tmp_path, code=["of vanilla", "of topk"])
    assert table["code"].tolist() == ["of vanilla", "of topk"]
    assert trained_ids(tmp_path) == ["p0", "t"]
    assert model.load(tmp_path / "t").metadata["code"] == "of topk"
    stack(joined, tmp_path, code=["of vanilla", "topk, edited"])
    assert trained_ids(tmp_path) == ["p0", "t", "t"]
    with pytest.raises(ValueError, match="zip"):
        stack(joined, tmp_path, code=["of vanilla"])


def test_a_forced_engine_counts_only_its_own_rows(tmp_path):
    stack(POINTS[:1], tmp_path)
    table, _ = stack(POINTS[:1], tmp_path, engine="autograd")
    assert table["engine"].tolist() == ["autograd"]
    table, _ = stack(POINTS[:1], tmp_path)  # auto takes what is there
    assert table["engine"].tolist() == ["autograd"]
    assert trained_ids(tmp_path) == ["p0", "p0"]
    frozen = [("f", replace(BASE, trained="encoder"))]  # which has an engine of its own
    for _ in range(2):
        stack(frozen, tmp_path, engine="fused")
    assert trained_ids(tmp_path) == ["p0", "p0", "f"]


def test_field_added_later_does_not_retrain(tmp_path):
    stack(POINTS[:1], tmp_path)
    path = tmp_path / store.POINTS
    row = json.loads(path.read_text())
    del row["sparsity_warmup"]
    path.write_text(json.dumps(row) + "\n")
    table, _ = stack(POINTS[:1], tmp_path)
    assert len(trained_ids(tmp_path)) == 1
    assert table["sparsity_warmup"].tolist() == [0.0]


def test_nothing_missing_imports_no_engine(tmp_path):
    stack(POINTS, tmp_path)
    code = f"""
        import sys
        import numpy as np
        from featurelens.sae.config import SAEConfig
        from featurelens.sae.stacks import train_stack
        points = [(f"p{{s}}", SAEConfig(architecture="vanilla", expansion=3, epochs=5,
                   learning_rate=1e-2, seed=s)) for s in range(3)]
        train_stack(np.zeros((0, 0)), points, store={str(tmp_path)!r}, **{ABOUT!r})
        sys.exit("torch" in sys.modules or "numba" in sys.modules)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=False, capture_output=True
    )
    assert run.returncode == 0, run.stderr.decode()


@pytest.mark.parametrize("engine", engines())
def test_diverging_point_is_a_row_and_is_not_tried_again(tmp_path, engine):
    wild = replace(BASE, learning_rate=1e30)
    points = [POINTS[0], ("wild", wild), POINTS[1]]
    table, lines = stack(points, tmp_path, engine=engine)
    assert table["status"].tolist() == ["ok", "failed", "ok"]
    row = table.iloc[1]
    assert row["message"].startswith("diverged: the loss is not finite at step")
    assert row["diverged_step"] >= 1
    assert np.isnan(row["mse"])
    assert any("vanilla point failed: diverged" in line for line in lines)
    assert not (tmp_path / "wild").exists()
    alone, _ = stack(POINTS[:1], tmp_path / "alone", engine=engine)
    assert alone["mse"][0] == table["mse"][0]
    again, _ = stack(points, tmp_path, engine=engine)
    assert len(trained_ids(tmp_path)) == 3
    assert again.equals(table)


def test_weights_whose_error_overflows_count_as_diverged():
    # One epoch of one step: the loss was finite before the step, the squared error is not after.
    wild = replace(BASE, learning_rate=1e25, epochs=1, batch_size=300)
    (result,) = train(X, [wild])
    assert result.sae is None
    assert result.row["status"] == "failed"
    assert result.row["diverged_step"] == result.row["n_steps"] == 1


def test_point_that_raises_is_a_row_and_is_tried_again(tmp_path, monkeypatch):
    from featurelens.sae.architectures import vanilla

    def broken(p, config):
        if config.seed == 1:
            raise MemoryError("no room\nsecond line")
        return original(p, config)

    original = vanilla.fold
    entry = replace(vanilla.ARCHITECTURE, fold=broken)
    with monkeypatch.context() as patch:
        patch.setattr(vanilla, "ARCHITECTURE", entry)
        table, _ = stack(POINTS, tmp_path)
    assert table["status"].tolist() == ["ok", "failed", "ok"]
    assert table["message"][1] == "MemoryError: no room"
    assert table["mse"].isna().tolist() == [False, True, False]
    table, _ = stack(POINTS, tmp_path)
    assert table["status"].tolist() == ["ok"] * 3
    assert trained_ids(tmp_path) == ["p0", "p1", "p2", "p1"]


def test_dtypes_do_not_depend_on_failures(tmp_path):
    fine, _ = stack(POINTS[:1], tmp_path)
    failed = dict.fromkeys(rows.MEASURED) | {"id": "f", **asdict(BASE), "expansion": 3}
    broken = rows.table([rows.describe(BASE, 4, engine="x", device="cpu", seconds=None) | failed])
    assert (broken.dtypes[list(rows.MEASURED)] == fine.dtypes[list(rows.MEASURED)]).all()
    assert broken["expansion"].dtype == fine["expansion"].dtype == np.float64


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 4)), r"at least two rows and one column, not shape \(0, 4\)"),
        (np.zeros((1, 4)), r"not shape \(1, 4\)"),
        (np.zeros((5, 0)), r"not shape \(5, 0\)"),
        (np.zeros(5), r"not shape \(5,\)"),
        (np.array([[0, 1], [np.nan, 1], [np.inf, 0]]), "in 2 of 3 rows, first in row 1"),
    ],
)
def test_bad_data_are_refused_in_one_line(data, message):
    with pytest.raises(InputError, match=message) as caught:
        train(data, [BASE])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("l1", -0.1),
        ("k", 100.5),
        ("k", 0),
        ("auxiliary", -1),
        ("learning_rate", 0),
        ("epochs", 2.5),
    ],
)
def test_values_that_no_sae_can_have_are_refused_before_training(field, value):
    with pytest.raises(InputError, match=rf"^SAE config: {field} is {value}, should be"):
        train(X, [replace(BASE, **{field: value})])


def test_other_bad_requests():
    with pytest.raises(InputError, match=r"expansion 0\.1 of 4 dimensions gives no feature"):
        train(X, [replace(BASE, expansion=0.1)])
    with pytest.raises(InputError, match="no SAE engine 'fast'; there are auto, autograd"):
        train(X, [BASE], engine="fast")
    held_out = replace(BASE, validation_fraction=0.9)
    with pytest.raises(InputError, match="leaves 0 to train on"):
        train(X[:2], [held_out])


def test_repeated_id_is_refused(tmp_path):
    with pytest.raises(InputError, match="'p0' occurs twice"):
        stack([POINTS[0], POINTS[0]], tmp_path)


def test_constant_columns_train(tmp_path):
    data = X.copy()
    data[:, 1] = 3.0
    (result,) = train(data, [BASE])
    assert result.row["status"] == "ok"
    (flat,) = train(np.ones((10, 2), np.float32), [BASE])
    assert flat.row["status"] == "ok"
    assert flat.row["explained_variance"] is None


def test_published_split_is_the_tail_corrected_is_drawn():
    base = replace(BASE, validation_fraction=0.1)
    trained, held_out = split_rows(300, replace(base, convention="published"))
    assert (trained.tolist(), held_out.tolist()) == (list(range(270)), list(range(270, 300)))
    drawn = [split_rows(300, replace(base, seed=seed))[1] for seed in (0, 0, 1)]
    assert drawn[0].tolist() == drawn[1].tolist() != drawn[2].tolist()
    trained, held_out = split_rows(300, base)
    assert sorted([*trained, *held_out]) == list(range(300))
    assert len(held_out) == 30


def test_authors_stopping_rule_by_hand():
    # src/functions/sae_training.py: from epoch index patience + 1 on, stop when the last
    # `patience` losses hold no minimum.
    losses = [5, 4, 3, 3.5, 3.2, 3.1, 3.3]
    stops = [stops_early(losses[: n + 1], 3) for n in range(len(losses))]
    assert stops == [False, False, False, False, False, True, True]
    assert not stops_early([3, 4, 5, 6], 0)
    assert not stops_early([3, 4, 5], 3)  # too early to judge
    assert not stops_early([3, 5, 4, 3], 2)  # an equal minimum counts as new


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_early_stopping_keeps_last_or_best(convention):
    # At this rate the validation loss rises and falls, so best and last differ.
    config = replace(
        BASE,
        learning_rate=0.3,
        epochs=60,
        validation_fraction=0.3,
        patience=4,
        convention=convention,
    )
    (result,) = train(X, [config])
    losses = result.history["validation_loss"].to_numpy()
    assert 6 <= len(losses) < 60
    assert stops_early(list(losses), 4)
    assert not stops_early(list(losses[:-1]), 4)
    held_out = split_rows(300, config)[1]
    evaluation = evaluate(result.sae, X[held_out])
    final = evaluation.mse + config.l1 * evaluation.l1 / 12
    expected = losses.min() if convention == "corrected" else losses[-1]
    assert losses.min() != losses[-1]
    assert final == pytest.approx(expected, rel=1e-5)
    assert result.row["n_epochs"] == len(losses)


def test_training_does_not_touch_its_input():
    data, config = X.copy(), replace(BASE)
    before = asdict(config)
    train(data, [config])
    assert (data == X).all()
    assert asdict(config) == before


def test_training_learns_and_history_ends_at_the_rows_loss():
    (result,) = train(X, [replace(BASE, epochs=40)])
    losses = result.history["train_loss"].to_numpy()
    assert result.history["epoch"].tolist() == list(range(1, 41))
    assert losses[-1] < 0.2 * losses[0]
    assert result.row["loss"] == losses[-1]
    assert result.row["explained_variance"] > 0.8


def test_one_sae_lands_in_its_folder(tmp_path):
    config = replace(BASE, architecture="topk", k=50)
    make_and_save(X, config, tmp_path, source="toy")
    assert {file.name for file in tmp_path.iterdir()} == {
        model.CONFIG,
        model.WEIGHTS,
        "history.tsv",
        "train.json",
    }
    sae = model.load(tmp_path, data_sha256=sha256_array(X))
    assert sae.metadata["config"]["k"] == 50
    about = read_json(tmp_path / "train.json")
    assert about["mse"] == pytest.approx(np.square(sae.decode(sae.encode(X)) - X).mean(), rel=1e-5)
    assert len(read_table(tmp_path / "history.tsv")) == 5
    wild = replace(config, learning_rate=1e30)
    with pytest.raises(RuntimeError, match=r"diverged.*lower its learning rate"):
        make_and_save(X, wild, tmp_path, source="toy")


CHILD = """
import sys
import numpy as np
from featurelens.sae.config import SAEConfig
from featurelens.sae.stacks import train_stack
X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
points = [(f"p{s}", SAEConfig(architecture="relu", expansion=3, epochs=40, seed=s))
          for s in range(400)]
train_stack(
    X, points, source="s", data_sha256="d", store=sys.argv[1], code="c", engine=sys.argv[2]
)
"""


@pytest.mark.parametrize("engine", engines())
def test_killed_run_goes_on_where_it_was(tmp_path, engine):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "killed"), engine], stdout=subprocess.DEVNULL
    )
    while len(store.read(tmp_path / "killed")) < 3 and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = store.read(tmp_path / "killed")
    assert 3 <= len(done) < 400
    config = SAEConfig(architecture="relu", expansion=3, epochs=40)
    points = [(f"p{s}", replace(config, seed=s)) for s in range(len(done) + 2)]
    about = {
        "source": "s",
        "data_sha256": "d",
        "code": "c",
        "engine": engine,
    }
    train_stack(X, points, store=tmp_path / "killed", **about)
    whole = train_stack(X, points, store=tmp_path / "whole", **about)
    resumed = store.read(tmp_path / "killed")
    assert len(resumed) == len(points)
    assert all(resumed[point] == done[point] for point in done)
    for point in whole["id"]:
        killed, fresh = (tmp_path / run / point / model.WEIGHTS for run in ("killed", "whole"))
        assert killed.read_bytes() == fresh.read_bytes()


FROZEN = ("relu", "topk", "gated", "matryoshka")


@pytest.mark.parametrize("architecture", FROZEN)
def test_a_frozen_decoder_keeps_its_bytes_while_the_encoder_learns(architecture):
    config = SAEConfig(
        architecture=architecture, expansion=3, epochs=12, learning_rate=1e-2, trained="encoder"
    )
    [trained] = train(X, [config])
    start = initial_parameters(config, X.shape[1], np.dtype(np.float32))
    assert trained.sae.W_dec.tobytes() == start["W_dec"].tobytes()
    assert not np.array_equal(trained.sae.W_enc, start["W_enc"])
    error = trained.history["error"].to_numpy()
    assert error[-1] < 0.9 * error[0]


@pytest.mark.parametrize("architecture", ["vanilla", "relu", "topk"])
def test_engines_agree_on_an_sae_with_a_frozen_decoder(architecture):
    config = replace(BASE, architecture=architecture, k=30, trained="encoder")
    fits = [
        next(loop.fit_stack(X.astype(np.float64), [config], load_engine(name).make_stepper))[1]
        for name in ("autograd", "stacked")
    ]
    for name, value in fits[0].parameters.items():
        np.testing.assert_allclose(fits[1].parameters[name], value, atol=1e-12)


@pytest.mark.parametrize("architecture", architectures())
def test_an_sae_of_which_nothing_is_trained_is_its_initial_weights(architecture):
    config = SAEConfig(architecture=architecture, expansion=3, epochs=500, trained="nothing")
    [trained] = train(X, [config], engine="stacked")
    start = initial_parameters(config, X.shape[1], np.dtype(np.float32))
    initial = load_architecture(architecture).fold(start, config)
    for name in ("W_enc", "b_enc", "W_dec", "b_dec"):
        assert getattr(trained.sae, name).tobytes() == getattr(initial, name).tobytes()
    assert (trained.row["n_steps"], trained.row["status"]) == (0, "ok")
    assert trained.row["loss"] is None
    assert len(trained.history) == 0
