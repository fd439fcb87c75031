"""Code of jobs that load things by name."""

import pytest

from clones import ROOT
from featurelens.planning.code import point_codes
from featurelens.planning.fingerprint import Fingerprints


@pytest.fixture(scope="module")
def of(tmp_path_factory):
    return Fingerprints(ROOT / "scripts", cache=tmp_path_factory.mktemp("read") / "files.json").of


def codes(of, *points):
    asked = [{"architecture": name, "trained": trained} for name, trained in points]
    return point_codes(of, "train_stack", asked, engine="auto")


def test_code_of_a_point_is_the_same_whatever_shares_its_stack(of):
    relu, topk, frozen = ("relu", "all"), ("topk", "all"), ("relu", "encoder")
    assert codes(of, relu, topk, relu) == codes(of, relu) + codes(of, topk) + codes(of, relu)
    # Another architecture is other code, and of a part other engines are asked.
    assert len({*codes(of, relu, topk, frozen)}) == 3
    assert codes(of) == []
