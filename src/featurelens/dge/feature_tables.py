"""Files with the tests of every gene in every feature, written and read few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from featurelens.io import write_tables


def write_feature_tables(tables: Iterable[pd.DataFrame], path: str | Path) -> None:
    """Write tables of gene tests to one Parquet file, a row group for each."""
    write_tables(tables, path, repeated=["feature", "gene", "low_rule"])


def iter_feature_tables(
    path: str | Path, columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Read what :func:`write_feature_tables` wrote, a few whole features at a time.

    Parameters
    ----------
    columns
        Names of the columns to read; all by default.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=list(columns) if columns else None).to_pandas()
