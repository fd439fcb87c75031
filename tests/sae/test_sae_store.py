import subprocess
import sys

import numpy as np
import pandas as pd

from featurelens.sae import store
from featurelens.sae.model import SAE


def rows_of(folder):
    return store.read(folder)


def test_rows_come_back_in_order_latest_wins(tmp_path):
    assert rows_of(tmp_path / "none") == {}
    for row in ({"id": "a", "v": 1}, {"id": "b", "v": 2.5}, {"id": "a", "v": None}):
        store.append(tmp_path, row)
    assert rows_of(tmp_path) == {"b": {"id": "b", "v": 2.5}, "a": {"id": "a", "v": None}}


def test_torn_line_is_skipped_and_cut_off(tmp_path):
    store.append(tmp_path, {"id": "a"})
    store.append(tmp_path, {"id": "b"})
    path = tmp_path / store.POINTS
    path.write_bytes(path.read_bytes()[:-4])
    assert list(rows_of(tmp_path)) == ["a"]
    store.append(tmp_path, {"id": "c"})
    assert list(rows_of(tmp_path)) == ["a", "c"]
    assert path.read_text() == '{"id": "a"}\n{"id": "c"}\n'


def test_earlier_lines_keep_their_bytes(tmp_path):
    store.append(tmp_path, {"id": "a", "x": 0.1})
    before = (tmp_path / store.POINTS).read_bytes()
    store.append(tmp_path, {"id": "b"})
    assert (tmp_path / store.POINTS).read_bytes().startswith(before)


def test_weights_replace_and_leave_nothing_behind(tmp_path):
    sae = SAE("vanilla", np.ones((2, 3)), np.ones(3), np.ones((3, 2)), np.ones(2))
    curves = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.5, 0.25]})
    assert not store.has_weights(tmp_path, "p")
    for _ in range(2):
        store.save_weights(tmp_path, "p", sae, curves)
        assert store.has_weights(tmp_path, "p")
        assert [entry.name for entry in tmp_path.iterdir()] == ["p"]
    pd.testing.assert_frame_equal(store.read_history(tmp_path, "p"), curves)


def test_what_a_killed_process_left_of_weights_is_removed(tmp_path):
    killed = (
        "import os, sys\nfrom pathlib import Path\nfrom featurelens.io import temporary_beside\n"
        "folder = temporary_beside(Path('p'))\nfolder.mkdir()\n(folder / 'cfg.json').touch()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, check=False)
    assert [path.name[:3] for path in tmp_path.iterdir()] == [".p."]
    sae = SAE("vanilla", np.ones((2, 3)), np.ones(3), np.ones((3, 2)), np.ones(2))
    store.save_weights(tmp_path, "p", sae, pd.DataFrame({"epoch": [1], "train_loss": [0.5]}))
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_weights_are_complete_or_not_there(tmp_path):
    sae = SAE("vanilla", np.ones((2, 3)), np.ones(3), np.ones((3, 2)), np.ones(2))
    store.save_weights(tmp_path, "p", sae, pd.DataFrame({"epoch": [1], "train_loss": [0.5]}))
    (tmp_path / "p" / store.HISTORY).unlink()
    assert not store.has_weights(tmp_path, "p")
