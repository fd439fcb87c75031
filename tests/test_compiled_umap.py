"""UMAP's loops come from disk in the second process, and say what those just compiled say."""

import subprocess
import sys

ASK = """
import numpy as np
from featurelens.compiled_umap import import_umap
loop = import_umap().umap_.smooth_knn_dist
distances = np.sort(np.random.default_rng(0).random((40, 10), dtype=np.float32), axis=1)
sigma, rho = loop(distances, 10.0)
print(sigma.tobytes().hex(), rho.tobytes().hex(), sum(loop.stats.cache_hits.values()))
"""


def test_loops_come_from_disk_and_say_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    compiled, kept = (
        subprocess.run(
            [sys.executable, "-c", ASK], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    )
    assert compiled[:2] == kept[:2]
    assert [compiled[2], kept[2]] == ["0", "1"]
