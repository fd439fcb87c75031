"""Which genes of the data a Geneformer model knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from featurelens.datasets.gene_names import without_version
from featurelens.embeddings.models.geneformer.dictionaries import Vocabulary
from featurelens.io import InputError

HUMAN = "ENSG"


@dataclass(frozen=True, eq=False)
class KnownGenes:
    """The genes of the data that have a token."""

    columns: np.ndarray
    """Their columns in the data, (n_known,)."""
    targets: np.ndarray
    """Position in ``tokens`` that each of them counts for, (n_known,)."""
    tokens: np.ndarray
    """Tokens, (n_targets,) int32, fewer than columns where ids are summed."""
    medians: np.ndarray
    """Median of each, (n_targets,) float64."""
    n_genes: int
    """Genes of the data, known or not."""

    @property
    def share(self) -> float:
        """Share of the genes of the data that are known."""
        return len(self.columns) / self.n_genes

    @property
    def positions(self) -> np.ndarray:
        """Position in ``tokens`` of each gene of the data, -1 without a token, (n_genes,)."""
        positions = np.full(self.n_genes, -1, dtype=np.intp)
        positions[self.columns] = self.targets
        return positions


def find_genes(
    ids: Sequence[str], vocabulary: Vocabulary, *, where: str, min_share: float
) -> KnownGenes:
    """Look up the genes of the data; versions behind a dot are dropped from their ids.

    Genes that several columns count for come last, as Geneformer's tokenizer arranges them.

    Parameters
    ----------
    ids
        Ensembl id of each gene of the data.
    where
        Place of the ids, for messages.
    min_share
        Least share of the genes that must be known.

    Raises
    ------
    InputError
        If the ids are symbols or of another species, or fewer than ``min_share`` are known.
    """
    plain = [without_version(str(name)) for name in ids]
    genes = [None if name is None else vocabulary.gene_of(name) for name in plain]
    columns = [column for column, gene in enumerate(genes) if gene is not None]
    if len(columns) < min_share * len(genes) or not columns:
        _raise_unknown(ids, plain, genes, where, min_share)
    known = [str(genes[column]) for column in columns]
    order = _order(known)
    positions = {gene: position for position, gene in enumerate(order)}
    return KnownGenes(
        columns=np.array(columns, dtype=np.intp),
        targets=np.array([positions[gene] for gene in known], dtype=np.intp),
        tokens=np.array([vocabulary.tokens[gene] for gene in order], dtype=np.int32),
        medians=np.array([vocabulary.medians[gene] for gene in order], dtype=np.float64),
        n_genes=len(genes),
    )


def _order(known: Sequence[str]) -> list[str]:
    """Genes with one column in the order of the data, then those with several."""
    counts: dict[str, int] = {}
    for gene in known:
        counts[gene] = counts.get(gene, 0) + 1
    return sorted(counts, key=lambda gene: counts[gene] > 1)


def _raise_unknown(
    ids: Sequence[str],
    plain: Sequence[str | None],
    genes: Sequence[str | None],
    where: str,
    min_share: float,
) -> None:
    ensembl = [name for name in plain if name is not None]
    if len(ensembl) < len(ids) / 2:
        examples = [str(name) for name, id in zip(ids, plain, strict=True) if id is None][:3]
        raise InputError(
            f"{where}: {', '.join(map(repr, examples))} are no Ensembl ids, by which Geneformer "
            "knows genes; put the ids into a column of var and name it as ensembl in the config"
        )
    foreign = [name for name in ensembl if not name.upper().startswith(HUMAN)]
    if len(foreign) > len(ensembl) / 2:
        raise InputError(
            f"{where}: {foreign[0]!r} is no id of a human gene, and Geneformer knows no others; "
            "put the ids of the human orthologues into a column of var and name it as ensembl"
        )
    unknown = [str(name) for name, gene in zip(ids, genes, strict=True) if gene is None]
    raise InputError(
        f"{where}: the model knows {len(ids) - len(unknown)} of {len(ids)} genes "
        f"({1 - len(unknown) / len(ids):.1%}, at least {min_share:.0%} are needed); unknown are "
        f"{', '.join(map(repr, unknown[:3]))} and others; check ids and dictionaries"
    )
