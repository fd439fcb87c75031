"""Geneformer's rank-value tokens, by pencil, by a loop over cells, and on real cells."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.embeddings.models.geneformer.dictionaries import read_vocabulary
from featurelens.embeddings.models.geneformer.genes import find_genes
from featurelens.embeddings.models.geneformer.tokens import tokenize
from featurelens.embeddings.models.geneformer.variants import SERIES
from featurelens.io import InputError
from geneformer_files import (
    GENES,
    PBMC,
    V1,
    write_dictionaries,
    write_json,
)

needs_v1 = pytest.mark.skipif(
    not V1["tokens"].exists(), reason="needs the V1 dictionaries in shared/data/geneformer"
)
needs_pbmc = pytest.mark.skipif(not PBMC.exists(), reason="needs shared/data/cells/pbmc_facs.h5ad")


@pytest.fixture(scope="module")
def v1():
    return read_vocabulary(V1["tokens"], V1["medians"], None, series="V1")


def invented(folder, series, **changes):
    paths = write_dictionaries(folder, series) | changes
    return read_vocabulary(paths["tokens"], paths["medians"], paths.get("mapping"), series=series)


def run(counts, vocabulary, ids=GENES, *, series="V1", input_size=None, totals=None):
    counts = sparse.csr_matrix(counts)
    names = SERIES[series].special
    return tokenize(
        counts,
        counts.sum(axis=1).A1 if totals is None else totals,
        pd.Index([f"cell{row}" for row in range(counts.shape[0])]),
        find_genes(ids, vocabulary, where="data", min_share=0.01),
        input_size=input_size or SERIES[series].input_size,
        special=None if names is None else tuple(vocabulary.tokens[name] for name in names),
    )


def straightforward(counts, totals, ids, vocabulary, *, input_size, special):
    """The definition for one cell after the other, with Python's own stable sort."""
    for row, total in zip(counts.toarray(), totals, strict=True):
        sums = {}
        for gene, x in zip(map(vocabulary.gene_of, ids), row, strict=True):
            if gene is not None and x:
                sums[gene] = sums.get(gene, 0) + x
        value = {gene: x / total * 10_000 / vocabulary.medians[gene] for gene, x in sums.items()}
        ranked = sorted(sums, key=lambda gene: -value[gene])
        room = input_size - (0 if special is None else 2)
        tokens = [vocabulary.tokens[gene] for gene in ranked][:room]
        yield tokens if special is None else [special[0], *tokens, special[1]]


def test_tokens_by_pencil(tmp_path):
    vocabulary = invented(tmp_path, "V1")
    # Medians are 1, 1.5, 2, 2.5, 3, 3.5 and tokens 2 to 7. Counts over medians:
    # cell0: 3, -, 3/2, 10/2.5 = 4, 1/3, -  ->  gene 4, 1, 3, 5
    # cell1: -, -, -, -, -, 1              ->  gene 6
    tokens = run([[3, 0, 3, 10, 1, 0], [0, 0, 0, 0, 0, 1]], vocabulary)
    assert tokens.of(0).tolist() == [5, 2, 4, 6]
    assert tokens.of(1).tolist() == [7]
    assert tokens.n_known.tolist() == [4, 1]


def test_v2_stands_between_cls_and_eos_within_the_input(tmp_path):
    vocabulary = invented(tmp_path, "V2")
    # Tokens are 2 for <cls>, 3 for <eos>, 4 to 9 for genes; the order is that of the test above.
    counts = [[3, 0, 3, 10, 1, 0]]
    assert run(counts, vocabulary, series="V2").of(0).tolist() == [2, 7, 4, 6, 8, 3]
    assert run(counts, vocabulary, series="V2", input_size=5).of(0).tolist() == [2, 7, 4, 6, 3]


def test_v1_is_cut_without_room_for_special_tokens(tmp_path):
    tokens = run([[3, 0, 3, 10, 1, 0]], invented(tmp_path, "V1"), input_size=3)
    assert tokens.of(0).tolist() == [5, 2, 4]
    assert tokens.n_known.tolist() == [4]


def test_v2_sums_the_ids_that_are_mapped_to_one_gene(tmp_path):
    old = "ENSG99999999999"
    mapping = {gene: gene for gene in GENES[:5]} | {old: GENES[0]}
    vocabulary = invented(tmp_path, "V2", mapping=write_json(tmp_path / "m.json", mapping))
    # Gene 1 has 2 + 3 = 5 counts over 1, gene 2 has 6 over 1.5 = 4: gene 1 comes first only
    # because of the sum. Gene 6 is not mapped, so it is unknown although it has a token.
    tokens = run([[2, 6, 0, 0, 0, 9, 3]], vocabulary, [*GENES, old], series="V2")
    assert tokens.of(0).tolist() == [2, 4, 5, 3]


def test_equal_values_keep_the_order_of_the_columns_as_insertion_sort_does(tmp_path):
    vocabulary = invented(
        tmp_path, "V1", medians=write_json(tmp_path / "e.json", dict.fromkeys(GENES, 2.0))
    )
    tokens = run([[1, 2, 1, 2, 1, 1]], vocabulary)
    assert tokens.of(0).tolist() == [3, 5, 2, 4, 6, 7]
    reversed_columns = run([[1, 1, 2, 1, 2, 1]], vocabulary, GENES[::-1])
    assert reversed_columns.of(0).tolist() == [5, 3, 7, 6, 4, 2]


@pytest.mark.parametrize("series", ["V1", "V2"])
def test_tokens_are_those_of_a_loop_over_cells(tmp_path, series):
    rng = np.random.default_rng(0)
    n_genes, n_cells = 300, 200
    paths = write_dictionaries(
        tmp_path,
        series,
        n_genes=n_genes,
        medians={
            f"ENSG{number:011d}": float(rng.uniform(0.5, 5)) for number in range(1, n_genes + 1)
        },
    )
    ids = [f"ENSG{number:011d}" for number in range(1, 400)]
    mapping = None
    if series == "V2":  # every seventh id is an old name of the gene before it
        known = {name: name for name in ids[:n_genes]}
        mapping = write_json(
            tmp_path / "mapping.json",
            known | {ids[place]: ids[place - 1] for place in range(7, n_genes, 7)},
        )
    vocabulary = read_vocabulary(paths["tokens"], paths["medians"], mapping, series=series)
    counts = sparse.random(n_cells, len(ids), density=0.3, random_state=1, format="csr")
    counts.data = rng.geometric(0.3, counts.nnz).astype(np.int32)
    counts = sparse.csr_matrix(counts, dtype=np.int32)
    totals = counts.sum(axis=1).A1 + 17  # of genes that were measured but are not kept
    special = None if series == "V1" else (2, 3)
    made = run(counts, vocabulary, ids, series=series, input_size=80, totals=totals)
    expected = straightforward(counts, totals, ids, vocabulary, input_size=80, special=special)
    for row, tokens in enumerate(expected):
        assert made.of(row).tolist() == tokens, row
    assert (made.lengths == 80).any()
    assert (made.lengths < 80).any()


def test_a_cell_without_a_known_gene_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cell 'cell1' has no count of a gene .* \(1 such cells"):
        run([[1, 0], [0, 1]], invented(tmp_path, "V1"), [GENES[0], "ENSG00000999999"])


def test_chosen_cells_keep_their_tokens(tmp_path):
    tokens = run([[3, 0, 3, 10, 1, 0], [0, 0, 0, 0, 0, 1]], invented(tmp_path, "V1"))
    taken = tokens.take(np.array([1, 0]))
    assert taken.names.tolist() == ["cell1", "cell0"]
    assert taken.of(1).tolist() == [5, 2, 4, 6]


@needs_v1
@needs_pbmc
def test_real_cells_are_ranked_as_numpy_ranks_them(v1):
    cells = anndata.read_h5ad(PBMC)[::40].copy()
    counts = sparse.csr_matrix(cells.X).astype(np.int32)
    genes = find_genes(cells.var_names, v1, where="pbmc_facs", min_share=0.5)
    assert (len(genes.columns), genes.n_genes) == (13_907, 16_791)
    totals = counts.sum(axis=1).A1
    made = tokenize(counts, totals, cells.obs_names, genes, input_size=2048, special=None)
    for row in range(cells.n_obs):
        known = counts[row, genes.columns]
        value = known.data / totals[row] * 10_000 / genes.medians[known.indices]
        assert len(np.unique(value)) == len(value), "without ties every sort gives one order"
        assert (made.of(row) == genes.tokens[known.indices][np.argsort(-value)][:2048]).all()


def test_versions_and_capitals_of_ids_do_not_matter(tmp_path):
    ids = [f"{GENES[0]}.14", GENES[1].lower(), *GENES[2:]]
    genes = find_genes(ids, invented(tmp_path, "V1"), where="data", min_share=1)
    assert genes.tokens.tolist() == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["TP53", "CD4", "IL7R", GENES[0]], "data: 'TP53', 'CD4', 'IL7R' are no Ensembl ids"),
        (["ENSMUSG00000000001", "ENSMUSG00000000028"], "'ENSMUSG00000000001' is no id of a human"),
        (
            [GENES[0], *(f"ENSG0000000090{i}" for i in range(9))],
            r"knows 1 of 10 genes \(10.0%, at least 50% are needed\); unknown are 'ENSG0000000090",
        ),
    ],
)
def test_genes_that_the_model_does_not_know(tmp_path, ids, message):
    with pytest.raises(InputError, match=message):
        find_genes(ids, invented(tmp_path, "V1"), where="data", min_share=0.5)
