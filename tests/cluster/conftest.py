import tempfile
from contextlib import ExitStack

import pytest
import yaml

from clones import ROOT, copy_repository
from miniature import shrink
from slurm_cluster import Cluster, missing


@pytest.fixture(scope="module")
def cluster():
    """A cluster that runs; its folder is short, because sockets lie there."""
    if reason := missing():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        cluster = Cluster(folder)
        with ExitStack() as stack:
            try:
                stack.enter_context(cluster)
            except (RuntimeError, TimeoutError) as error:
                pytest.skip(f"Slurm does not start here: {str(error).strip().splitlines()[-1]}")
            yield cluster


@pytest.fixture
def clone(tmp_path):
    """A fresh clone of the miniature, whose profile says what this site is like.

    What stands for a GPU is none to torch: jobs that are given one compute on the CPU.
    """
    copy_repository(tmp_path)
    demo = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(shrink(demo), sort_keys=False))
    replace(tmp_path / "workflow/rules/common.smk", '"cuda" if', '"cpu" if')
    profile = tmp_path / "profiles/slurm/config.yaml"
    replace(profile, "gpus: 0", "gpus: 1")
    replace(profile, "gpu_partition: null", "gpu_partition: gpu")
    replace(profile, "status: sacct", "status: squeue")
    with profile.open("a") as file:
        file.write(
            "\nslurm-init-seconds-before-status-checks: 2\nseconds-between-status-checks: 2\n"
        )
    return tmp_path


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
