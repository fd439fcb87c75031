"""Rows of long tables, of which the whole may not fit in memory: the chosen pairs of a feature and
a gene, or a feature and a gene set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from pyarrow import parquet

PIECE = 1_000_000
"""Rows that are read at a time."""


def pieces(path: str | Path, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Some columns of a Parquet file, many rows at a time, ``feature`` as text.

    Of a file without rows, such as that of features none of which could be tested, one piece comes.
    """
    with parquet.ParquetFile(path) as file:
        known = [name for name in columns if name in file.schema_arrow.names]
        batches = file.iter_batches(batch_size=PIECE, columns=known)
        nothing = file.schema_arrow.empty_table().select(known)
        for batch in batches if file.metadata.num_rows else [nothing]:
            piece = batch.to_pandas()
            yield piece.assign(feature=piece["feature"].astype(str))


def rows_of(
    path: str | Path, pairs: pd.DataFrame, columns: Sequence[str], *, by: str
) -> pd.DataFrame:
    """Values of chosen pairs.

    Parameters
    ----------
    path
        Parquet file with the columns feature and ``by``.
    pairs
        Columns feature (text) and ``by``, each pair once.
    columns
        What is read of their rows.

    Returns
    -------
    DataFrame
        One row a pair, in the order given; NaN in ``columns`` where the file does not have it.
    """
    wanted = pairs[["feature", by]].astype(str)
    features = set(wanted["feature"])
    found = []
    for piece in pieces(path, ["feature", by, *columns]):
        some = piece[piece["feature"].isin(features)]
        found.append(some.assign(**{by: some[by].astype(str)}).merge(wanted, on=["feature", by]))
    rows = pd.concat(found, ignore_index=True).drop_duplicates(["feature", by])
    return wanted.merge(rows, on=["feature", by], how="left").set_axis(pairs.index)
