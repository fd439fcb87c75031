"""The one call: what it returns, what it takes, and what it says when something is wrong."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

import featurelens
from featurelens.dge.config import DgeConfig
from featurelens.io import InputError, read_anndata, read_json, read_table
from featurelens.sae.config import SAEConfig
from featurelens.sae.model import SAE

N_GENES = 40
SETS = {f"set {type_}": [f"G{type_ * 10 + i}" for i in range(10)] for type_ in range(4)}
SMALL = SAEConfig(architecture="topk", expansion=4, k=20, learning_rate=1e-2, epochs=60)
DGE = DgeConfig(expression="measured", high_percentile=90, min_cells=10)


def make_cells(n_cells=240):
    """Four types, each with ten genes of its own at six times the level of the others."""
    rng = np.random.default_rng(0)
    types = np.arange(n_cells) % 4
    rates = np.ones((4, N_GENES))
    for type_ in range(4):
        rates[type_, type_ * 10 : type_ * 10 + 10] = 6
    return anndata.AnnData(
        sparse.csr_matrix(rng.poisson(rates[types]).astype(np.float32)),
        obs=pd.DataFrame(
            {"label": pd.Categorical.from_codes(types.tolist(), list("abcd")), "lane": "one"},
            index=[f"cell{i}" for i in range(n_cells)],
        ),
        var=pd.DataFrame(index=[f"G{i}" for i in range(N_GENES)]),
        obsm={"X_mine": (3 * np.eye(4)[types] + rng.normal(0, 0.3, (n_cells, 4)))},
    )


def annotate(cells, **options):
    """The call with small choices and no output."""
    defaults = {
        "obsm_key": "X_mine",
        "gene_sets": SETS,
        "cell_type": "label",
        "sae": SMALL,
        "dge": DGE,
        "n_permutations": 4,
        "log": lambda line: None,
    }
    return featurelens.annotate(cells, **(defaults | options))


@pytest.fixture(scope="module")
def cells():
    return make_cells()


@pytest.fixture(scope="module")
def found(cells, tmp_path_factory):
    """The call, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("annotation")
    return annotate(cells, folder=folder), folder


def test_a_folder_holds_a_page_of_every_feature(found):
    (features, _), folder = found
    _, text = (folder / "atlas/data/core.js").read_text().split(",", 1)
    core = json.loads(text.removesuffix(");\n"))
    assert core["n"] == features.n_vars
    assert [layout["name"] for layout in core["maps"]] == ["directions", "cells"]
    assert (folder / "atlas/index.html").exists()


def test_importing_the_package_loads_no_library():
    code = (
        "import sys, featurelens\n"
        "print(*sorted({'numpy', 'pandas', 'scipy', 'torch', 'anndata'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_name_that_the_package_lacks():
    with pytest.raises(AttributeError, match="no attribute 'anotate'"):
        featurelens.anotate  # noqa: B018


def test_features_of_a_type_carry_the_genes_of_that_type(found):
    (_, table), _ = found
    local = table[(table["type"] == "local") & (table["n_terms"] > 0)]
    assert set(local["top_cell_type"]) == set("abcd")
    for row in local.itertuples():
        number = "abcd".index(row.top_cell_type)
        rising = [term for term in row.terms.split("; ") if not term.endswith(" (down)")]
        assert rising == [f"set {number}"]
        assert all(gene in SETS[f"set {number}"] for gene in row.up_genes.split("; ")[:3])


def test_the_result_is_cells_by_features_with_everything_in_var(found, cells):
    (features, table), _ = found
    assert features.shape == (240, 16)
    assert (features.obs_names == cells.obs_names).all()
    live = features.var[features.var["n_active"] > 0]
    assert len(table) == len(live)
    by_feature = table.set_index("feature").loc[live.index]
    for column in by_feature:
        assert (by_feature[column].astype(str) == live[column].astype(str)).all(), column
    dead = features.var[features.var["n_active"] == 0]
    assert (dead["terms"] == "").all()
    assert (dead["n_terms"] == 0).all()
    summary = features.uns["summary"].set_index("filter")
    assert summary.loc["kept_fdr", "n_annotated"] == (table["n_terms"] > 0).sum()
    assert set(summary["expression"]) == {"measured"}


def test_the_cells_given_stay_as_they_are(found, cells):
    untouched = make_cells()
    assert (cells.X != untouched.X).nnz == 0
    pd.testing.assert_frame_equal(cells.obs, untouched.obs)
    assert list(cells.obsm) == ["X_mine"]
    assert not cells.layers


def test_the_folder_holds_everything_and_the_sae_can_be_used_again(found, cells):
    (features, table), folder = found
    assert (folder / "features.tsv").read_text() == table.to_csv(sep="\t", index=False)
    assert (read_anndata(folder / "features.h5ad").X != features.X).nnz == 0
    assert len(read_table(folder / "enrichment_corrected.parquet")) % len(SETS) == 0
    again = annotate(cells, sae=folder / "sae")
    pd.testing.assert_frame_equal(again.table, table)


def test_terms_are_confirmed_on_held_out_cells(found, cells, tmp_path):
    """Each of four types has its own set in either half of its cells."""
    _, folder = found
    confirmation = {"confirmation": {"by": "cells"}}
    again = annotate(cells, sae=folder / "sae", enrichment=confirmation, folder=tmp_path)
    pairs = read_table(tmp_path / "confirmed_corrected.tsv")
    summary = again.features.uns["summary"].set_index("filter").loc["kept_fdr"]
    assert summary["held_out"] == "half of the cells of each type"
    assert summary["n_declared"] == len(pairs) > 4
    assert summary["n_confirmed"] == pairs["confirmed"].sum()
    assert summary["share_confirmed"] == pairs.loc[pairs["retested"], "confirmed"].mean() > 0.8
    assert summary["share_confirmed_shuffled"] < 0.15
    counts = pairs.groupby(pairs["feature"].astype(str))["confirmed"].sum()
    table = again.table.set_index("feature")
    assert (table["n_confirmed"] == counts.reindex(table.index, fill_value=0)).all()
    _, text = (tmp_path / "atlas/data/extras.js").read_text().split(",", 1)
    shown = json.loads(text.removesuffix(");\n"))["confirmed"]["gene sets"]
    assert {feature: entry["counts"][2] for feature, entry in shown.items()} == counts.to_dict()


def test_one_convention_alone_gives_its_columns_of_both(found, cells):
    (_, both), folder = found
    corrected = annotate(cells, sae=folder / "sae", convention="corrected").table
    pd.testing.assert_frame_equal(corrected, both[corrected.columns])
    assert "terms_published" not in corrected
    published = annotate(cells, sae=folder / "sae", convention="published").table
    assert (published["terms_published"] == both["terms_published"]).all()
    assert "terms" not in published


@pytest.mark.parametrize("factor", [1e-4, 1e-2, 1e2, 1e4])
def test_the_unit_of_an_embedding_changes_no_annotation(found, cells, factor):
    """What is said of features is equal; measures of activations differ by rounding alone."""
    (_, table), _ = found
    scaled = cells.copy()
    scaled.obsm["X_mine"] = (factor * cells.obsm["X_mine"]).astype(np.float32)
    again = annotate(scaled).table
    measures = table.select_dtypes("floating").columns
    pd.testing.assert_frame_equal(
        again.drop(columns=measures), table.drop(columns=measures), check_exact=True
    )
    pd.testing.assert_frame_equal(again[measures], table[measures], rtol=1e-3)


def test_an_embedding_can_be_left_as_it_is(cells, tmp_path):
    annotate(cells, sae=replace(SMALL, normalise="none"), folder=tmp_path / "as it is")
    annotate(cells, folder=tmp_path / "scaled")
    for name, scaled in (("as it is", False), ("scaled", True)):
        about = read_json(tmp_path / name / "sae" / "train.json")
        assert ("input_scale" in about) is scaled


def test_the_result_says_how_the_sae_did(found, cells, tmp_path):
    (features, table), folder = found
    said = features.uns["sae"]
    n_active = (features.X > 0).sum(axis=0)
    assert said["n_features"] == 16
    assert said["n_live"] == len(table)
    assert said["features_per_cell"] == pytest.approx(n_active.sum() / 240)
    assert said["explained_variance"] > 0.9
    assert said["attention"] == ""
    about = read_table(folder / "sae.tsv").iloc[0]
    assert about["n_live"] == len(table)
    lines = []
    again = annotate(cells, sae=folder / "sae", log=lines.append)
    assert again.features.uns["sae"] == pytest.approx(said)
    assert any(line.startswith("SAE: explains ") for line in lines)


def test_a_call_warns_of_an_sae_whose_features_are_dead(cells):
    """Twelve of 16 features never fire: their bias outweighs any cell."""
    rng = np.random.default_rng(0)
    bias = np.where(np.arange(16) < 4, 0, -1e6)
    weights = np.vstack([np.eye(4), rng.normal(size=(12, 4))])
    sae = SAE("relu", W_enc=weights.T, b_enc=bias, W_dec=weights, b_dec=np.zeros(4))
    lines = []
    annotate(cells, sae=sae, log=lines.append)
    [warning] = [line for line in lines if line.startswith("ATTENTION: 12 of 16")]
    assert "the embedding that the SAE was trained on?" in warning


def test_a_file_and_a_mapping_of_the_same_sets_are_the_same(found, cells, tmp_path):
    (_, table), folder = found
    path = tmp_path / "sets.gmt"
    path.write_text(
        "".join(f"{name}\t\t" + "\t".join(genes) + "\n" for name, genes in SETS.items())
    )
    pd.testing.assert_frame_equal(annotate(cells, sae=folder / "sae", gene_sets=path).table, table)


def test_an_ontology_with_annotations_gives_its_terms(found, cells, tmp_path):
    """Two terms below one root: the parent carries the genes of its child."""
    (tmp_path / "go.obo").write_text(
        "format-version: 1.2\n\n"
        + "\n".join(
            f"[Term]\nid: GO:{number:07}\nname: {name}\nnamespace: biological_process\n{isa}\n"
            for number, name, isa in (
                (8150, "biological_process", ""),
                (1, "parent", "is_a: GO:0008150"),
                (2, "child", "is_a: GO:0000001"),
            )
        )
    )
    rows = [(f"G{i}", 2 if i < 10 else 1) for i in range(20)]
    (tmp_path / "genes.gaf").write_text(
        "!gaf-version: 2.2\n"
        + "".join(
            "\t".join(
                [
                    *("UniProtKB", f"P{i}", gene, "involved_in", f"GO:{term:07}", "PMID:1", "IDA"),
                    *("", "P", "", "", "protein", "taxon:9606", "20240101", "UniProt", "", ""),
                ]
            )
            + "\n"
            for i, (gene, term) in enumerate(rows)
        )
    )
    _, folder = found
    collection = featurelens.CollectionConfig(
        ontology=str(tmp_path / "go.obo"), annotations=str(tmp_path / "genes.gaf")
    )
    lines = []
    annotate(cells, sae=folder / "sae", gene_sets=collection, log=lines.append)
    assert any(line.startswith("2 gene sets tested") for line in lines)
    assert any("20 of 40 genes of the data stand in a set" in line for line in lines)


def test_counts_in_a_layer_and_symbols_in_a_column(found, cells):
    (_, table), folder = found
    moved = cells.copy()
    moved.layers["raw"] = moved.X.copy()
    moved.X = moved.X.log1p()
    moved.var["symbol"] = moved.var_names
    moved.var_names = [f"ENSG{i:011}" for i in range(N_GENES)]
    options = {"counts_layer": "raw", "symbol": "symbol", "sae": folder / "sae"}
    pd.testing.assert_frame_equal(annotate(moved, **options).table, table)


def test_bounds_of_the_collection_and_permutations_reach_the_tests(cells, found):
    _, folder = found
    lines = []
    annotate(
        cells,
        sae=folder / "sae",
        gene_sets=SETS | {"pair": ["G1", "G2"]},
        min_genes=3,
        n_permutations=2,
        log=lines.append,
        folder=folder / "again",
    )
    assert any(line.startswith("4 gene sets tested, 1 too small") for line in lines)
    nulls = read_table(folder / "again/null_corrected.parquet")
    assert (nulls["null"] == "complete").sum() == 2


def test_scanpy_works_on_the_result(found):
    (features, _), _ = found
    features = features.copy()
    # The other method, "umap", would compile for 20 seconds here.
    sc.pp.neighbors(features, n_neighbors=5, use_rep="X_emb", method="gauss")
    sc.pp.pca(features, n_comps=3)
    assert features.obsm["X_pca"].shape == (240, 3)
    sc.tl.rank_genes_groups(features, "cell_type", method="t-test")
    best = pd.DataFrame(features.uns["rank_genes_groups"]["names"]).iloc[0]
    for type_, feature in best.items():
        assert features.var.loc[feature, "top_cell_type"] == type_
    assert features.obsp["connectivities"].shape == (240, 240)


# --- what cannot be used --------------------------------------------------------------------------


def changed(change):
    """Cells after a change made in place."""
    cells = make_cells(60)
    change(cells)
    return cells


def set_embedding(values):
    def change(cells):
        cells.obsm["X_mine"] = values(cells.obsm["X_mine"])

    return change


def set_x(values):
    def change(cells):
        cells.X = values(cells.X.toarray())

    return change


def set_names(cells):
    names = list(cells.obs_names)
    cells.obs_names = [*names[:7], "cell3", *names[8:]]


def lose_labels(cells):
    cells.obs["label"] = cells.obs["label"].where(cells.obs["label"] != "b")


def with_value(array, place, value):
    array = np.array(array)
    array[place] = value
    return array


BAD_CELLS = {
    "negative counts": (
        set_x(lambda x: with_value(x, (4, 2), -1)),
        r"adata: X must hold raw counts, but -1 in cell 'cell4' is negative; there is no other",
    ),
    "log-normalised": (set_x(np.log1p), r"adata: X must hold raw counts, but .* is no integer"),
    "NaN in the embedding": (
        set_embedding(lambda z: with_value(z, (5, 1), np.nan)),
        r"obsm\['X_mine'\]: cell 'cell5' has NaN or an infinite value \(1 such cells\)",
    ),
    "constant embedding": (
        set_embedding(np.ones_like),
        r"obsm\['X_mine'\] is the same in all 60 cells",
    ),
    "duplicated names": (set_names, r"adata: cell name 'cell3' occurs more than once"),
    "types missing": (lose_labels, r"cell 'cell1' has no label \(15 such cells\); fill in obs"),
}


@pytest.mark.parametrize(("change", "message"), BAD_CELLS.values(), ids=BAD_CELLS)
def test_cells_that_cannot_be_used(change, message):
    with pytest.raises(InputError, match=message) as error:
        annotate(changed(change))
    assert "\n" not in str(error.value)


BAD_OPTIONS = {
    "no such embedding": ({"obsm_key": "X_mien"}, r"no 'X_mien'; did you mean 'X_mine'\?"),
    "no such column": ({"cell_type": "labels"}, r"no 'labels'; did you mean 'label'\?"),
    "no such layer": ({"counts_layer": "raw"}, r"layers has no 'raw'; there is: nothing"),
    "no sets": ({"gene_sets": {}}, r"0 sets without any gene"),
    "sets without genes": ({"gene_sets": {"a": [], "b": []}}, r"2 sets without any gene"),
    "a set that is a text": ({"gene_sets": {"a": "G1 G2"}}, r"'a' is one text"),
    "an unknown choice": ({"dge": {"percentile": 3}}, r"dge: 'percentile': .*see DgeConfig"),
    "a choice out of bounds": ({"enrichment": {"seed": -1}}, r"enrichment: 'seed': .* 0"),
    "no choice": ({"dge": "decoded"}, r"dge is a str; give a DgeConfig, or a mapping"),
    "no SAE": ({"sae": 5}, r"sae is a int; give a SAEConfig, or a mapping"),
    "a device of another name": ({"device": "gpu"}, r"device is 'gpu'; write 'cpu' or 'cuda'"),
    "another species": (
        {"gene_sets": {"set": ["Cd3e", "Cd3d", "Cd19"]}},
        r"0 in common.*Cd19, Cd3d, Cd3e.*G0, G1, G10.*mouse",
    ),
}


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_options_that_cannot_be_used(options, message, cells):
    with pytest.raises(InputError, match=message) as error:
        annotate(cells, **options)
    assert "\n" not in str(error.value)


def test_a_column_that_has_the_genes_is_pointed_at(cells):
    named = cells.copy()
    named.var["label"] = named.var_names
    named.var_names = [f"ENSG{i:011d}" for i in range(named.n_vars)]
    with pytest.raises(InputError, match=r"var\['label'\] holds \d+ of .*: set symbol: label$"):
        annotate(named)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; download or write it again"),
        ("<!DOCTYPE html>\n<html>\n", "is a web page"),
    ],
)
def test_files_that_hold_no_gene_sets(content, message, cells, tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        annotate(cells, gene_sets=path)


def test_cells_without_expression():
    empty = anndata.AnnData(obs=make_cells(60).obs, obsm={"X_mine": np.eye(60)})
    with pytest.raises(InputError, match="has no expression"):
        annotate(empty)


def dead_sae(d_in):
    return SAE(
        architecture="relu",
        W_enc=np.zeros((d_in, 3), np.float32),
        b_enc=np.full(3, -1, np.float32),
        W_dec=np.ones((3, d_in), np.float32),
        b_dec=np.zeros(d_in, np.float32),
    )


def test_an_sae_whose_features_are_all_zero(cells):
    with pytest.raises(InputError, match="no cell activates any of the 3 features"):
        annotate(cells, sae=dead_sae(4))


def test_fewer_cells_than_the_percentile_needs_are_counted():
    lines = []
    table = annotate(make_cells(12), dge=DgeConfig(expression="measured"), log=lines.append).table
    assert len(table) > 0
    assert table["n_high"].isna().all()
    assert (table["n_terms"] == 0).all()
    assert any(f"too few active cells {len(table)}" in line for line in lines)
    assert any(line.startswith("NOTHING IS KEPT under kept_fdr") for line in lines)


def test_an_embedding_of_noise_keeps_nothing_and_says_so(cells):
    noise = cells.copy()
    noise.obsm["X_mine"] = np.random.default_rng(5).normal(size=(240, 4))
    lines = []
    features, table = annotate(noise, n_permutations=20, log=lines.append)
    assert len(table) > 0
    assert (table["n_terms"] == 0).all()
    [line] = [line for line in lines if line.startswith("NOTHING IS KEPT under kept_fdr: ")]
    why = line.removeprefix("NOTHING IS KEPT under kept_fdr: ")
    assert len(why) > 20
    assert features.uns["summary"].set_index("filter").loc["kept_fdr", "why_nothing"] == why


def test_an_embedding_without_a_decoder_cannot_be_decoded(cells):
    with pytest.raises(InputError, match="no decoder; use expression 'measured'"):
        annotate(cells, dge={"expression": "decoded"})


@pytest.mark.parametrize(
    "dge",
    [DgeConfig(high_percentile=90, min_cells=10), {"high_percentile": 90, "min_cells": 10}],
    ids=["config", "mapping"],
)
def test_a_choice_of_tests_leaves_expression_measured(found, cells, dge):
    features, table = annotate(cells, dge=dge)
    assert (features.uns["summary"]["expression"] == "measured").all()
    pd.testing.assert_frame_equal(table, found[0].table)


def test_one_cell_type_leaves_every_feature_without_a_type(cells):
    one = cells.copy()
    one.obs["label"] = "only"
    table = annotate(one).table
    assert set(table["type"]) == {"global"}
    assert table["top_cell_type"].isna().all()
    assert (table["n_terms"] > 0).any()


def test_the_config_given_is_not_changed(cells):
    config = replace(SMALL, epochs=1)
    annotate(cells, sae=config)
    assert config == replace(SMALL, epochs=1)


# --- real cells -----------------------------------------------------------------------------------

SHARED = Path(__file__).parents[2] / "shared/data"
FACS = SHARED / "cells/pbmc_facs.h5ad"
HALLMARK = SHARED / "genesets/h.all.v7.0.symbols.gmt.gz"


@pytest.mark.slow
@pytest.mark.skipif(
    not (FACS.exists() and HALLMARK.exists()), reason="sorted blood cells or Hallmark not at hand"
)
def test_sorted_blood_cells_with_their_factors_and_hallmark_sets():
    """3,774 sorted cells, 16,791 genes, a factorisation made elsewhere; types are known by FACS."""
    features, table = featurelens.annotate(
        read_anndata(FACS),
        obsm_key="X_poisson_nmf",
        cell_type="celltype",
        symbol="symbol",
        gene_sets=HALLMARK,
        convention="corrected",
        log=lambda line: None,
    )
    assert features.shape == (3774, 120)
    markers = {"CD19+ B": "CD79A", "CD56+ NK": "GNLY", "CD34+": "PRSS57"}
    for cell_type, marker in markers.items():
        own = table[(table["top_cell_type"] == cell_type) & (table["n_high"] > 0)]
        assert own["up_genes"].str.contains(marker).any(), cell_type
    summary = features.uns["summary"].iloc[0]
    assert summary["share"] > 0.2
    assert summary["share_complete"] < 0.1


def test_orthologs_stand_for_the_genes_of_the_sets(cells, found, tmp_path):
    """Cells of a mouse: sets of human names give what sets of its own names gave."""
    (features, table), _ = found
    mouse = cells.copy()
    mouse.var_names = [f"Mm{name.lower()}" for name in cells.var_names]
    pairs = zip(mouse.var_names, cells.var_names, strict=True)
    (tmp_path / "pairs.tsv").write_text("".join(f"{own}\t{other}\n" for own, other in pairs))
    lines = []
    again = annotate(mouse, orthologs=tmp_path / "pairs.tsv", log=lines.append)
    assert any(line.endswith(f"40 of 40 genes are in {tmp_path}/pairs.tsv") for line in lines)
    pd.testing.assert_series_equal(again.table["terms"], table["terms"])
    assert (again.features.X != features.X).nnz == 0
    with pytest.raises(InputError, match=r"none\.tsv: no such file"):
        annotate(mouse, orthologs=tmp_path / "none.tsv")
