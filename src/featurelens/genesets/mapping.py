"""Files that map names of genes to others, and gene sets by the mapped names."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from featurelens.genesets.identifiers import examples, kind_of_names, without_version
from featurelens.genesets.sets import GeneSets
from featurelens.genesets.text import read_lines
from featurelens.io import InputError

_SELECTED_COLUMNS = 22
_SELECTED_ENSEMBL = 18


def read_mapping(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Read a file that maps names of genes to others; a name may have several.

    Either two columns separated by a tab, or UniProt's ``idmapping_selected.tab`` (accession in
    column 1, Ensembl genes in column 19), plain or gzip. Versions of Ensembl ids are cut off.

    Raises
    ------
    InputError
        If the file cannot be read or is of another form.
    """
    found: dict[str, dict[str, None]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        fields = line.split("\t")
        if not line or line.startswith("#"):
            continue
        if len(fields) == _SELECTED_COLUMNS:
            targets = fields[_SELECTED_ENSEMBL].split(";")
        elif len(fields) == 2:
            targets = [fields[1]]
        else:
            raise InputError(
                f"{path}: line {number} has {len(fields)} columns; a mapping has 2 (name in the "
                f"gene sets, name in the data) or the {_SELECTED_COLUMNS} of UniProt's "
                "idmapping_selected.tab"
            )
        targets = [without_version(target) for target in map(str.strip, targets) if target]
        if targets:
            found.setdefault(without_version(fields[0].strip()), {}).update(dict.fromkeys(targets))
    if not found:
        raise InputError(f"{path}: maps no name; check the path in the config")
    return {name: tuple(targets) for name, targets in found.items()}


def map_genes(
    sets: GeneSets, mapping: Mapping[str, tuple[str, ...]], path: str | Path
) -> tuple[GeneSets, tuple[str, ...]]:
    """Sets by the mapped names, without sets that lose all genes, and the names not mapped.

    Raises
    ------
    InputError
        If no gene is mapped.
    """
    names = sorted(sets.distinct)
    unmapped = tuple(name for name in names if without_version(name) not in mapping)
    if len(unmapped) == len(names):
        raise InputError(
            f"{path}: maps none of {len(names)} genes; the sets hold {kind_of_names(names)} "
            f"({examples(names)}), the mapping starts from {kind_of_names(mapping)} "
            f"({', '.join(islice(mapping, 3))}); choose another mapping or identifier"
        )
    rows = [
        (
            name,
            about,
            tuple(
                dict.fromkeys(
                    target for gene in genes for target in mapping.get(without_version(gene), ())
                )
            ),
        )
        for name, about, genes in sets.rows
    ]
    return GeneSets.of(row for row in rows if row[2]), unmapped
