"""One step from files to files."""

from types import ModuleType

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens import steps
from featurelens.io import in_folder, read_anndata, read_table, write_anndata, write_table
from featurelens.means import Means


@pytest.fixture
def step(monkeypatch):
    """A module whose functions a test may set."""
    made = ModuleType("made")
    monkeypatch.setattr(steps, "_module", lambda name: made)
    return made


def test_inputs_are_read_by_suffix_or_as_the_step_says_and_outputs_written_in_order(step, tmp_path):
    table = pd.DataFrame({"a": [1, 2]})
    cells = anndata.AnnData(np.eye(2, dtype=np.float32))
    write_table(table, tmp_path / "one.tsv")
    write_table(table * 10, tmp_path / "two.parquet")
    write_anndata(cells, tmp_path / "cells.h5ad")
    lines = []

    def make(tables, cells, folder, *, factor, means):
        means.log(f"{folder} {means.threads}")
        return sum(tables) * factor, cells

    step.make = make
    step.READERS = {"folder": in_folder(lambda path: path.name)}
    files = {
        "tables": [str(tmp_path / "one.tsv"), str(tmp_path / "two.parquet")],
        "cells": str(tmp_path / "cells.h5ad"),
        "folder": [str(tmp_path / "one.tsv"), str(tmp_path / "none.tsv")],
    }
    outputs = [str(tmp_path / "made.tsv"), str(tmp_path / "made.h5ad")]
    means = Means(threads=3, log=lines.append)
    steps.take_step("made", files, outputs, params={"factor": 2}, means=means)
    assert read_table(outputs[0])["a"].tolist() == [22, 44]
    assert (np.eye(2) == read_anndata(outputs[1]).X).all()
    assert lines == [f"{tmp_path.name} 3"]


def test_a_step_that_makes_too_little_is_an_error(step, tmp_path):
    step.make = lambda means: pd.DataFrame({"a": [1]})
    outputs = [str(tmp_path / "a.tsv"), str(tmp_path / "b.tsv")]
    with pytest.raises(ValueError, match="zip"):
        steps.take_step("made", {}, outputs, params={}, means=Means())
