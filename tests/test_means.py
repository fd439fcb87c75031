"""By what means a computation runs: devices that are not there are told before anything is done."""

import pytest
import torch

from featurelens.io import InputError
from featurelens.means import Means


@pytest.mark.parametrize(
    ("version", "why"), [(None, "is built for the CPU alone"), ("12.8", "finds none")]
)
def test_a_gpu_that_is_not_there(monkeypatch, version, why):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", version)
    with pytest.raises(InputError, match=f"device is 'cuda', a GPU, but torch {why}; write 'cpu'"):
        Means(device="cuda")


def test_devices_of_other_names():
    with pytest.raises(InputError, match="device is 'gpu'; write 'cpu' or 'cuda'"):
        Means(device="gpu")
