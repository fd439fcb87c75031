"""Expression in files: the blocks, and the tests, of expression in memory."""

import errno
import os

import numpy as np
import pytest
from scipy import sparse

from featurelens.dge import blocks
from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes as compare_genes
from featurelens.dge.layout import prepare_expression, prepare_parts, prepare_sparse
from featurelens.io import InputError


@pytest.fixture
def counts():
    return np.random.default_rng(0).poisson(0.2, size=(1500, 70)).astype(np.float32)


@pytest.fixture
def in_files(monkeypatch, tmp_path):
    """No expression fits in memory; returns the folder of temporary files."""
    monkeypatch.setattr(blocks, "HELD", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def dense_parts(values, step):
    return (
        (slice(k, min(k + step, len(values))), values[k : k + step])
        for k in range(0, len(values), step)
    )


def sparse_parts(values, step):
    return ((rows, sparse.csr_matrix(part)) for rows, part in dense_parts(values, step))


@pytest.mark.parametrize("step", [1500, 400, 1])
def test_a_block_in_a_file_holds_sixteen_genes_of_every_cell(counts, in_files, step):
    filed = prepare_parts(dense_parts(counts, step), counts.shape).blocks
    mostly_zero = prepare_sparse(sparse_parts(counts, step), counts.shape).blocks
    assert isinstance(filed, blocks.FiledBlocks)
    padded = np.pad(counts, ((0, 0), (0, 10)))
    for each in (filed, mostly_zero):
        assert each.shape == (5, 1500, 16)
        for number in range(5):
            np.testing.assert_array_equal(each[number], padded[:, 16 * number : 16 * number + 16])
    assert list(in_files.iterdir()) == []  # the files have no names


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_tests_of_expression_in_files_are_those_in_memory(counts, monkeypatch, convention):
    rng = np.random.default_rng(1)
    activations = sparse.csr_matrix(np.maximum(rng.normal(-1, 1, size=(1500, 12)), 0))
    config = DgeConfig(high_percentile=95)
    sets = split_cells(activations, config=config, convention=convention)
    held = prepare_expression(counts)
    monkeypatch.setattr(blocks, "HELD", 0)
    laid_out = [prepare_expression(counts), prepare_sparse(sparse_parts(counts, 400), counts.shape)]
    first, *others = (
        compare_genes(sets, each, config=config, convention=convention, threads=2)
        for each in (held, *laid_out)
    )
    for other in others:
        for name in ("log2_fold", "t", "df", "p", "q"):
            np.testing.assert_array_equal(getattr(other, name), getattr(first, name))


def test_rounding_is_that_in_memory(counts, monkeypatch):
    values = counts * np.float64(1.1)
    held = prepare_expression(values, precision="float32")
    monkeypatch.setattr(blocks, "HELD", 0)
    filed = prepare_expression(values, precision="float32")
    np.testing.assert_array_equal(filed.origin, held.origin)
    np.testing.assert_array_equal(np.stack(list(filed.blocks)), np.stack(list(held.blocks)))


def test_a_full_disk_says_where_room_is_wanted(counts, in_files, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(InputError, match="no room for expression; set TMPDIR"):
        prepare_expression(counts)


def test_a_file_that_lost_its_end_is_no_expression(counts, in_files):
    filed = prepare_parts(dense_parts(counts, 400), counts.shape).blocks
    os.ftruncate(filed.file.number, 1500 * 16 * 4 + 4)  # the first block, and one value
    np.testing.assert_array_equal(filed[0], counts[:, :16])
    with pytest.raises(EOFError, match="became shorter"):
        filed[1]


def test_negative_values_are_refused_in_files_too(counts, in_files):
    counts[700, 3] = -1
    with pytest.raises(InputError, match="negative or missing"):
        prepare_expression(counts)
    with pytest.raises(InputError, match="negative or missing"):
        prepare_sparse(sparse_parts(counts, 400), counts.shape)
