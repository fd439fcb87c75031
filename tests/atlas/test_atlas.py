"""What stands in the files of an atlas, decoded apart from the code that wrote it."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from featurelens.atlas import cells as atlas_cells
from featurelens.atlas.build import build_atlas
from featurelens.atlas.cells import drawn_cells
from featurelens.atlas.extras import extras
from featurelens.atlas.genes import leading_genes
from featurelens.atlas.pack import as_text, from_gaps, gaps, pack, unpack
from made_atlas import made_material

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a\u2028b & \"c\" 'd'",
]


def read(path):
    """What a data file puts into the page: its name and its content."""
    name, text = re.fullmatch(r'ATLAS\.put\("(\w+)",(.*)\);\n', path.read_text(), re.S).groups()
    return name, json.loads(text)


def column(content, name):
    """A column of a pack, byte by byte as its format says."""
    kind, at, count = content["columns"][name]
    raw = base64.b64decode(content["bytes"])
    return np.frombuffer(raw, f"<{kind}", count, at)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return made_material(tmp_path_factory.mktemp("made"), n_features=123, n_terms=9)


@pytest.fixture(scope="module")
def folder(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas")
    build_atlas(material, folder)
    return folder


@pytest.fixture(scope="module")
def data(folder):
    return dict(read(path) for path in sorted((folder / "data").glob("*.js")))


def chunk_of(data, feature):
    chunk = data[f"c{feature // 100:03d}"]
    return chunk, feature - chunk["start"]


def slices(data, feature, kind):
    chunk, own = chunk_of(data, feature)
    start, end = column(chunk, f"{kind}_at")[own : own + 2]
    return lambda name: column(chunk, name)[start:end]


def test_gaps_of_numbers_by_hand():
    # 0; 127 more in one byte; 128 more = 0b1_0000000 in two, low seven bits first.
    assert gaps(np.array([0, 127, 255])).tolist() == [0, 127, 128, 1]
    assert gaps(np.array([], dtype=int)).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_gaps_give_the_numbers_back(seed):
    numbers = np.unique(np.random.default_rng(seed).integers(0, 10 ** (2 + 2 * seed), 500))
    assert from_gaps(gaps(numbers)).tolist() == numbers.tolist()


def test_a_pack_gives_its_columns_back_whatever_their_widths():
    given = {"a": np.array([1, 2, 255], "u1"), "b": np.array([3.5], "f4"), "c": np.array([7], "u2")}
    found = unpack(pack(given))
    assert {name: values.tolist() for name, values in found.items()} == {
        "a": [1, 2, 255], "b": [3.5], "c": [7],
    }  # fmt: skip
    with pytest.raises(ValueError, match="d: float64"):
        pack({"d": np.zeros(2)})


def test_text_of_data_holds_no_tag_and_no_line_separator():
    text = as_text({"name": HOSTILE})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"name": HOSTILE}


def test_activations_are_those_of_the_features(material, data):
    wanted = material.features.X.toarray()
    for feature in range(wanted.shape[1]):
        own = slices(data, feature, "cell")
        steps = slices(data, feature, "step")("step")
        cells = np.cumsum([0, *_steps(own("cell"))])[1:] if len(own("cell")) else []
        assert list(cells) == np.flatnonzero(wanted[:, feature]).tolist()
        highest = wanted[:, feature].max()
        found = steps.astype(float) * highest / 255
        assert np.abs(found - wanted[cells, feature]).max(initial=0) <= highest / 255


def _steps(coded):
    """Numbers of seven-bit bytes, low bits first, the slow way."""
    numbers, digits = [], []
    for byte in coded.tolist():
        digits.append(byte % 128)
        if byte < 128:
            numbers.append(sum(digit * 128**place for place, digit in enumerate(digits)))
            digits = []
    return numbers


def test_genes_of_every_feature_are_those_of_the_tests(material, data):
    tested = pd.read_parquet(material.dge["global_corrected"]).set_index(["feature", "gene"])
    within = pd.read_parquet(material.dge["within_type_corrected"]).set_index(["feature", "gene"])
    names = data["index"]["genes"]
    assert names == list(material.genes.index)
    n_seen = 0
    for feature in range(material.features.n_vars):
        own = slices(data, feature, "gene")
        for at, gene in enumerate(own("gene")):
            row, inside = (table.loc[(str(feature), names[gene])] for table in (tested, within))
            assert own("gene_fold")[at] == np.float32(row["log2_fold"])
            assert own("gene_t")[at] == np.float32(row["t"])
            assert own("gene_q")[at] == pytest.approx(-np.log10(row["q"]), rel=1e-6)
            assert own("gene_fold_within")[at] == np.float32(inside["log2_fold"])
            leads = own("gene_leads")[at]
            assert row["q"] < 0.05 if leads & 1 else inside["q"] < 0.05
            n_seen += 1
        leading = own("gene_leads") & 1 > 0
        if (tested.index.get_level_values(0) == str(feature)).any():
            rows = tested.loc[str(feature)]
            rises = (rows["q"] < 0.05) & (rows["log2_fold"] > 0)
            assert (own("gene_fold")[leading] > 0).sum() == min(int(rises.sum()), 15)
    assert n_seen > 1000


def test_terms_of_every_feature_are_those_that_a_filter_keeps(material, data):
    tests = material.collections["sets"].tests
    tables = {
        name: pd.read_parquet(path).set_index(["feature", "term"]) for name, path in tests.items()
    }
    bits = {
        2: ("global_corrected", "kept_fdr"),
        16: ("within_type_corrected", "kept_fdr"),
        4: ("global_published", "kept_published_05"),
        8: ("global_published", "kept_published_figures"),
    }
    names = data["index"]["terms"]
    wanted = {
        (bit, *pair)
        for bit, (name, kept) in bits.items()
        for pair in tables[name][tables[name][kept]].index
    }
    found = set()
    for feature in range(material.features.n_vars):
        own = slices(data, feature, "term")
        for at, term in enumerate(own("term")):
            pair = (str(feature), names[term])
            found |= {(bit, *pair) for bit in bits if own("term_flags")[at] & bit}
            corrected = tables["global_corrected"].loc[pair]
            published = tables["global_published"].loc[pair]
            assert own("term_q")[at] == pytest.approx(-np.log10(corrected["q"]), rel=1e-5)
            assert own("term_effect")[at] == np.float32(corrected["effect"])
            p = -np.log10(published["p_mannwhitney"])
            assert own("term_p_mannwhitney")[at] == pytest.approx(p, rel=1e-5)
    assert found == wanted


def test_statistics_by_type_are_those_of_the_features(material, data):
    features = material.features
    dense, types = features.X.toarray(), features.obs["cell_type"]
    for feature in (0, 57, 101, 122):
        chunk, own = chunk_of(data, feature)
        n = len(data["cells"]["types"])
        mean, fraction = (
            column(chunk, name)[own * n : (own + 1) * n] for name in ("type_mean", "type_fraction")
        )
        for at, name in enumerate(data["cells"]["types"]):
            inside = dense[(types == name).to_numpy(), feature]
            assert mean[at] == pytest.approx(inside.mean(), rel=1e-5)
            assert fraction[at] == pytest.approx((inside > 0).mean(), rel=1e-6)


def test_nearest_features_have_the_largest_cosines(material, data):
    unit = material.directions / np.linalg.norm(material.directions, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    dense = material.features.X.toarray()
    cosines[:, dense.max(axis=0) == 0] = -3  # dead features come last
    for feature in (0, 99, 100):
        chunk, own = chunk_of(data, feature)
        near = column(chunk, "near")[own * 10 : own * 10 + 10]
        assert near.tolist() == np.argsort(-cosines[feature])[:10].tolist()
        shown = column(chunk, "near_correlation")[own * 10 : own * 10 + 10]
        with np.errstate(invalid="ignore", divide="ignore"):  # the dead one does not vary
            expected = [np.corrcoef(dense[:, feature], dense[:, other])[0, 1] for other in near]
        np.testing.assert_allclose(shown, expected, atol=1e-5)


def test_the_table_of_features_holds_their_statistics(material, data):
    core, var = data["core"], material.features.var
    assert core["n"] == len(var)
    for name in ("n_active", "fraction_active", "mean", "max", "share_in_type", "effect"):
        np.testing.assert_array_equal(
            column(core, name), var[name].to_numpy().astype(column(core, name).dtype)
        )
    levels = np.array(core["localities"])
    assert levels[column(core, "type")].tolist() == var["type"].astype(str).tolist()
    assert levels[column(core, "type")][-1] == "dead"


def test_every_gene_and_term_leads_to_its_features(material, data):
    index = data["index"]
    pairs = {kind: set() for kind in ("gene", "term")}
    for kind, found in pairs.items():
        at = column(index, f"{kind}_at")
        features = column(index, f"{kind}_feature")
        for place in range(len(at) - 1):
            found |= {(place, int(feature)) for feature in features[at[place] : at[place + 1]]}
    for kind, found in pairs.items():
        listed = set()
        for feature in range(material.features.n_vars):
            listed |= {(int(place), feature) for place in slices(data, feature, kind)(kind)}
        assert listed == found
    assert index["aliases"] == {"ensembl": material.genes["ensembl"].tolist()}


def test_the_single_file_holds_the_same_data(folder, data):
    text = (folder / "atlas.html").read_text()
    blocks = re.findall(
        r'<script type="application/json" id="data-(\w+)">(.*?)</script>', text, re.S
    )
    assert {name: json.loads(content) for name, content in blocks} == data


def test_two_builds_are_the_same_to_the_byte(material, folder, tmp_path):
    build_atlas(material, tmp_path)
    files = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) == 10
    for name in files:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_names_like_markup_stay_text(tmp_path):
    names = {kind: [f"{kind} {text}" for text in HOSTILE] for kind in ("genes", "terms", "types")}
    build_atlas(made_material(tmp_path, names=names), tmp_path / "atlas")
    for page in ("index.html", "atlas.html"):
        text = (tmp_path / "atlas" / page).read_text()
        assert "<img" not in text
        assert "alert(1)</" not in text
    _, index = read(tmp_path / "atlas/data/index.js")
    assert index["genes"] == names["genes"]


def test_the_page_forbids_the_network_and_any_program_but_its_own(folder):
    for page in ("index.html", "atlas.html"):
        text = (folder / page).read_text()
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert "unsafe" not in policy
        assert "http" not in policy
        assert not re.search(r"""(?:src|href)=["']https?:""", text)


def test_cells_are_thinned_by_type_and_the_rule_is_said(monkeypatch):
    monkeypatch.setattr(atlas_cells, "MOST_CELLS", 200)
    monkeypatch.setattr(atlas_cells, "LEAST_OF_TYPE", 5)
    codes = np.repeat([0, 1, 2], [900, 97, 3])
    rows, rule = drawn_cells(codes, np.arange(1001))
    # A fifth of each: 180, 19; all three of the smallest.
    assert np.bincount(codes[rows]).tolist() == [180, 19, 3]
    assert rule.startswith("202 of 1,000 cells are drawn: 20 % of each type")
    assert drawn_cells(codes[:150], np.arange(151))[1] == "all 150 cells are drawn"


def test_cells_are_thinned_until_few_enough_activations_are_left(monkeypatch):
    # 57,000 cells of 64 features each: 2,000,000 / 64 = 31,250 of them are drawn.
    rows, rule = drawn_cells(np.zeros(57_000, int), 64 * np.arange(57_001))
    assert len(rows) == 31_250
    assert rule.startswith("31,250 of 57,000 cells are drawn: 54.8 % of each type")
    # A quarter of 64,000 activations: 225 and 24 cells, and the smallest type as a whole.
    monkeypatch.setattr(atlas_cells, "MOST_ACTIVATIONS", 16_000)
    monkeypatch.setattr(atlas_cells, "LEAST_OF_TYPE", 5)
    codes = np.repeat([0, 1, 2], [900, 97, 3])
    rows, _ = drawn_cells(codes, 64 * np.arange(1001))
    assert np.bincount(codes[rows]).tolist() == [225, 24, 3]
    assert len(drawn_cells(codes, 16 * np.arange(1001))[0]) == 1000


def test_the_page_of_all_sources_knows_the_first_genes_of_every_feature(folder, data):
    summary = json.loads((folder / "summary.json").read_text())
    for feature in range(123):
        own = slices(data, feature, "gene")
        rising = own("gene")[(own("gene_leads") & 1 > 0) & (own("gene_fold") > 0)][:3]
        listed = {gene for gene, features in summary["genes"].items() if feature in features}
        assert listed == {data["index"]["genes"][gene] for gene in rising}


def test_a_source_without_gene_sets_or_directions_has_a_page_too(material, tmp_path):
    bare = replace(material, collections={}, directions=None, umap=None, dge={})
    build_atlas(bare, tmp_path)
    _, core = read(tmp_path / "data/core.js")
    assert [layout["name"] for layout in core["maps"]] == ["cells"]
    _, chunk = read(tmp_path / "data/c000.js")
    assert np.isnan(column(chunk, "near_cosine")).all()
    assert len(column(chunk, "gene")) == len(column(chunk, "term")) == 0


@pytest.mark.parametrize("emptied", [("within_type_corrected",), None], ids=["within types", "all"])
def test_a_source_of_which_no_feature_could_be_tested_has_a_page_too(material, tmp_path, emptied):
    dge = dict(material.dge)
    for name in dge if emptied is None else emptied:
        table = pd.read_parquet(dge[name]).iloc[:0]
        dge[name] = tmp_path / f"{name}.parquet"
        table.to_parquet(dge[name])
    build_atlas(replace(material, dge=dge), tmp_path / "page")
    genes, sizes = leading_genes(replace(material, dge=dge))
    before, _ = leading_genes(material)
    if emptied is None:
        assert genes.empty
        assert sizes.empty
    else:
        everywhere = before[before["leads"] % 2 == 1]
        assert genes["gene"].tolist() == everywhere["gene"].tolist()
        assert genes["q_within"].isna().all()


def test_a_steered_feature_without_a_decoder_has_no_genes_on_its_page(material):
    selected = pd.DataFrame({"feature": ["7"], "role": ["global"], "rule": ["first"]})
    effects = pd.DataFrame(columns=["feature", "role", "convention", "gene", "log2_fold", "p", "q"])
    tables = {"steering_selected": selected, "steering_effects": effects}
    entry = extras(replace(material, tables=tables))["steering"]["7"][0]
    assert entry["facts"] == {"role": "global", "rule": "first"}
    assert entry["genes"] == []


def test_doses_and_the_rank_among_controls_are_on_the_page_of_the_steered_feature(material):
    selected = pd.DataFrame({"feature": ["7"], "role": ["global"]})
    effects = pd.DataFrame(columns=["feature", "role", "convention", "gene", "log2_fold", "p", "q"])
    controls = pd.DataFrame(
        {
            "kind": ["feature", *["random_directions"] * 4, "linear_probe"],
            "efficiency": [0.5, 0.1, 0.6, 0.4, 0.7, 0.2],
            "specificity": [0.6, 0.1, 0.2, 0.3, 0.4, 0.5],
            "precision": [0.1, 0.0, 0.1, 0.2, 0.3, 0.0],
        }
    )
    doses = pd.DataFrame(
        {
            "dose": [1.0, 0.0],
            "activation": [2.0, 0.0],
            "beyond_range": [True, False],
            "way": [0.3, -0.1],
            "way_low": [0.2, -0.2],
            "way_high": [0.4, 0.0],
            "share_arrived": [0.5, 0.0],
            "displacement": [9.0, 8.0],
        }
    )
    tables = {
        "steering_selected": selected,
        "steering_effects": effects,
        "steering_controls": controls,
        "steering_doses": doses,
    }
    entry = extras(replace(material, tables=tables))["steering"]["7"][0]
    of = {row["kind"]: row for row in entry["controls"]}
    # 0.6 and 0.7 exceed 0.5; the medians of four lie between the middle two.
    assert (of["random_directions"]["n"], of["random_directions"]["n_above"]) == (4, 2)
    assert of["random_directions"]["efficiency"] == 0.5
    assert of["linear_probe"]["n_above"] == 0
    assert [row["dose"] for row in entry["doses"]] == [0.0, 1.0]
    assert entry["doses"][1] == {
        "dose": 1.0, "activation": 2.0, "beyond_range": True, "way": 0.3, "way_low": 0.2,
        "way_high": 0.4, "share_arrived": 0.5,
    }  # fmt: skip
    without = extras(replace(material, tables=tables | {"steering_doses": pd.DataFrame()}))
    assert without["steering"]["7"][0]["doses"] == []
