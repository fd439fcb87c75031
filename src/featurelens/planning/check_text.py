"""What a check of a run's files says: what they hold, what of gene sets they have, what is next."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from featurelens.io import InputError, sha256_file
from featurelens.options import build
from featurelens.planning.inputs import Finding, find_inputs
from featurelens.planning.set_shares import Look, SetShare
from featurelens.sae.config import SAEConfig, width

if TYPE_CHECKING:
    import pandas as pd

WORST = 5
"""Sets with the smallest share that are named."""


class CheckedInputs(NamedTuple):
    """What is written of a check."""

    files: pd.DataFrame
    """One row a file: key of the config, path, sha256, and what was found in it."""
    sets: pd.DataFrame
    """One row a gene set and dataset: the columns of :class:`SetShare`."""
    text: str
    """What a person reads first."""


def check_and_describe(files: Mapping[str, Any], run: Mapping[str, Any]) -> CheckedInputs:
    """Check a run's files and say what was found and what would be done.

    Parameters
    ----------
    files
        As :func:`featurelens.planning.inputs.check_inputs` takes them.
    run
        The run in plain form.

    Raises
    ------
    InputError
        As there.
    """
    import pandas as pd

    look = Look()
    found = list(find_inputs(**files, look=look))
    rows = [(row.key, row.path, sha256_file(row.path), row.found) for row in found]
    return CheckedInputs(
        pd.DataFrame(rows, columns=["key", "path", "sha256", "found"]),
        pd.DataFrame(look.sets, columns=list(SetShare._fields)),
        "\n".join(_lines(found, look, run)) + "\n",
    )


def _lines(found: Sequence[Finding], look: Look, run: Mapping[str, Any]) -> Iterator[str]:
    yield "Found"
    for row in found:
        yield f"  {row.key} = {row.path}: {row.found}"
        yield from (f"    {remark}" for remark in row.remarks)
    if look.sets:
        yield "Gene sets in the data"
        for (collection, dataset), rows in itertools.groupby(look.sets, lambda row: row[1::-1]):
            yield from _on_sets(collection, dataset, list(rows))
            yield f"    {look.names[collection, dataset].describe()}"
    yield "To be done"
    yield from _on_saes(look, run)


def _on_sets(collection: str, dataset: str, rows: Sequence[SetShare]) -> Iterator[str]:
    whole = sum(row.n_genes for row in rows)
    share = sum(row.share * row.n_genes for row in rows) / max(whole, 1)
    n_tested = sum(row.is_tested for row in rows)
    yield (
        f"  {collection} over {dataset}: {n_tested} of {len(rows)} sets are of a size that is "
        f"tested; {share:.0%} of their genes are in the data (gene_sets.tsv has every set)"
    )
    worst = sorted(rows, key=lambda row: row.share)[:WORST]
    if worst and worst[0].share < 1:
        told = "; ".join(f"{row.term} {row.share:.0%}" for row in worst)
        yield f"    least of them: {told}"


def _on_saes(look: Look, run: Mapping[str, Any]) -> Iterator[str]:
    dge, tests = run["dge"], run["enrichment"]
    for embedding, d in look.dimensions.items():
        chosen = run["datasets"][embedding.partition("/")[0]]["saes"]
        for name in run["saes"] if chosen is None else chosen:
            sae = run["saes"][name]
            if "path" in sae:
                yield f"  {embedding}: SAE {name} of {sae['path']}"
                continue
            size = "" if d is None else f" of {_width(sae, d)} features on {d} dimensions"
            yield f"  {embedding}: SAE {name} ({sae['architecture']}){size}, {sae['epochs']} epochs"
    if run["collections"]:
        yield (
            f"  genes of each feature by {dge['expression']} expression of its top "
            f"{100 - dge['high_percentile']:g} % of cells; sets of {tests['min_genes']} to "
            f"{tests['max_genes']} genes, {tests['n_permutations']} permutations"
        )
    yield f"  tables and pages in results/{run['run']}"


def _width(sae: Mapping[str, Any], d: int) -> int | str:
    try:
        return width(build(SAEConfig, sae), d)
    except (InputError, ValueError):
        return "?"
