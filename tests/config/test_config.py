import copy
import json
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from featurelens.config.parse import parse_config, schema
from featurelens.downloads.figshare import MULTIDGD
from featurelens.io import InputError
from featurelens.options import as_plain, build
from featurelens.sae.config import SAEConfig, width
from featurelens.sweeps.config import GridConfig
from featurelens.sweeps.points import select_points

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))
RUNS = [path for path in CONFIGS if path.name != "claims.yaml"]


@pytest.fixture
def demo():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


def change(config, dotted, value):
    """A copy of ``config`` with one value replaced, added, or (``...``) removed."""
    config = copy.deepcopy(config)
    *path, last = (int(part) if part.isdigit() else part for part in dotted.split("."))
    here = config
    for part in path:
        here = here[part]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return config


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_every_shipped_config_is_valid(path):
    run = parse_config(yaml.safe_load(path.read_text()))
    assert run.run


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sweeeps", {}, "config: unknown key 'sweeeps'; did you mean 'sweeps'?"),
        (
            "sweeps.small.grids.0.expansions",
            [2],
            "config: unknown key 'sweeps.small.grids[0].expansions'; did you mean 'expansion'?",
        ),
        (
            "simulations.small.autoencoders.latent4.latnt",
            4,
            "config: unknown key 'simulations.small.autoencoders.latent4.latnt'; "
            "did you mean 'latent'?",
        ),
        (
            "simulations.hierarchical.data.n_gene",
            4,
            "config: unknown key 'simulations.hierarchical.data.n_gene'; did you mean 'n_genes'?",
        ),
        (
            "sweeps.small.grids.0.l1",
            [0.1, "1e-4"],
            "config: 'sweeps.small.grids[0].l1[1]' is '1e-4', which YAML reads as text; "
            "write 0.0001",
        ),
        (
            "saes.topk-x20.learning_rate",
            "1e-3",
            "config: 'saes.topk-x20.learning_rate' is '1e-3', which YAML reads as text; "
            "write 0.001",
        ),
        (
            "sweeps.small.grids.0.architecture",
            ["vanila"],
            "config: 'sweeps.small.grids[0].architecture[0]' is 'vanila', should be",
        ),
        ("saes.topk-x20.expansion", 0, "should be greater than 0"),
        ("saes.topk-x20.epochs", "many", "config: 'saes.topk-x20.epochs' is 'many', not a number"),
        ("saes.topk-x20.architecture", ..., "config: 'saes.topk-x20.architecture' is missing"),
        ("run", "a/b", "config: 'run' is 'a/b', should be a name of letters, digits, dashes and"),
        (
            "saes.topk-x20.expansion",
            "10",
            "config: 'saes.topk-x20.expansion' is '10', which YAML reads as text; write 10 "
            "without quotes (in braces behind --config all is text, so use a file)",
        ),
        (
            "sweeps.small.embedding",
            "small/latent5",
            "config: 'sweeps.small.embedding' is 'small/latent5', which this run does not make; "
            "did you mean 'small/latent4'?",
        ),
        (
            "simulations.small.autoencoders.latent4.seed",
            ["0", 1],
            "config: 'simulations.small.autoencoders.latent4.seed[0]' is '0', which YAML reads as "
            "text; write 0",
        ),
        (
            "simulations.small.autoencoders.latent4.convention",
            "publishd",
            "config: 'simulations.small.autoencoders.latent4.convention' is 'publishd', should be",
        ),
        (
            "simulations.small.autoencoders.latent4.seed",
            [5, 6],
            "config: 'sweeps.small.embedding' is 'small/latent4', which this run does not make; "
            "did you mean 'small/latent4-seed",
        ),
        (
            "sweeps.small.stack_by",
            ["archtecture"],
            "config: 'sweeps.small.stack_by' names 'archtecture'; did you mean 'architecture'?",
        ),
        (
            "sweeps.hierarchical.structure.select",
            {"architectures": "relu"},
            "config: 'sweeps.hierarchical.structure.select' names 'architectures'; did you mean "
            "'architecture'?",
        ),
        (
            "sweeps.hierarchical.structure.select",
            {"expansion": 3},
            "'sweeps.hierarchical.structure.select' matches no point of the sweep",
        ),
        (
            "sweeps.cells.structure",
            {"select": {"architecture": "relu"}},
            "'sweeps.cells.structure' recovers the connectivity of a simulation, which "
            "'pbmc68k/poisson_nmf' does not have; drop it",
        ),
        (
            "sweeps.cells.embedding",
            "pbmc68k/poison_nmf",
            "config: 'sweeps.cells.embedding' is 'pbmc68k/poison_nmf', which this run does not "
            "make; did you mean 'pbmc68k/poisson_nmf'?",
        ),
        ("controls.kinds", ["pcaa"], "config: 'controls.kinds[0]' is 'pcaa', should be"),
        ("controls.kinds", ["frozn"], "did you mean 'frozen'?"),
        (
            "controls.embeddings",
            ["pbmc68k/pac"],
            "config: 'controls.embeddings' names 'pbmc68k/pac', which this run does not annotate; "
            "did you mean 'pbmc68k/pca'?",
        ),
        ("controls.seeds", [0], "config: 'controls.seeds' has 0, which 'topk-x20' has already"),
        ("collections", {}, "'controls' are asked for but no 'collections'"),
        ("engine", "numba", "config: 'engine' is 'numba', should be"),
        (
            "datasets.pbmc68k.cells",
            {"kind": "h5da"},
            "config: 'datasets.pbmc68k.cells'",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(demo, key, value, message):
    del demo["paper"]
    with pytest.raises(InputError) as caught:
        parse_config(change(demo, key, value))
    [line] = str(caught.value).splitlines()
    assert message in line


def test_autoencoders_of_a_list_have_names_of_their_own(demo):
    small = demo["simulations"]["small"]["autoencoders"]
    small["latent4"] |= {"seed": [5, 6], "convention": ["published", "corrected"]}
    demo["sweeps"]["small"]["embedding"] = "small/latent4-seed6-corrected"
    trained = parse_config(demo).simulations["small"].trained
    assert list(trained) == [
        "latent4-seed5-published",
        "latent4-seed5-corrected",
        "latent4-seed6-published",
        "latent4-seed6-corrected",
    ]
    small["latent4-seed5"] = small["latent4"] | {"seed": 5}
    with pytest.raises(InputError, match=r"make 2 of the name 'latent4-seed5-published'; rename"):
        parse_config(demo)


def test_a_dataset_chooses_among_the_saes(demo):
    del demo["paper"]
    demo["saes"] |= {"other": demo["saes"]["topk-x20"]}
    for chosen, expected in ((None, ["topk-x20", "other"]), (["other"], ["other"]), ([], [])):
        demo["datasets"]["pbmc68k"]["saes"] = chosen
        run = parse_config(demo)
        assert run.datasets["pbmc68k"].chosen_saes(run.saes) == expected
    demo["datasets"]["pbmc68k"]["saes"] = ["othre"]
    with pytest.raises(InputError, match=r"'datasets.pbmc68k.saes' names 'othre'.*'other'"):
        parse_config(demo)


def test_decoded_expression_needs_a_decoder_in_every_model(demo):
    models = demo["datasets"]["pbmc68k"]["models"]
    models["given"] = {"kind": "precomputed", "path": "z.csv"}
    with pytest.raises(InputError, match=r"models.given' has no decoder; .*measured, or available"):
        parse_config(demo)
    for expression in ("measured", "available"):
        parse_config(demo | {"dge": {"expression": expression}})


def test_the_papers_features_of_geneformer_are_tested_on_counts():
    """Section 5.3: what multiDGD decodes; Geneformer has no decoder, and here no surrogate."""
    run = parse_config(yaml.safe_load((ROOT / "config/paper.yaml").read_text()))
    models = run.datasets["bone-marrow"].models
    assert run.dge.expression == "available"
    assert models["multidgd"].has_decoder
    assert not models["geneformer"].has_decoder
    assert {width(sae, d_in) for sae in run.saes.values() for d_in in (20, 896)} == {10_000}


@pytest.fixture(scope="module")
def paper():
    return parse_config(yaml.safe_load((ROOT / "config/paper.yaml").read_text()))


def points_of(run, *sweeps):
    return [
        point for name in sweeps for stack in run.sweeps[name].stacks().values() for point in stack
    ]


def test_the_papers_cells_have_their_240_saes_and_their_figshare_files(paper):
    points = points_of(paper, *paper.datasets)
    assert len({point["id"] for point in points}) == 240
    assert {point["convention"] for point in points} == {"published"}
    assert {sae.seed for sae in paper.saes.values()} == {0, 42, 9307}
    expected = {f.id: f.name for model in MULTIDGD.values() for f in model.files}
    found = {d.figshare: Path(d.path).name for d in paper.downloads.values() if d.figshare}
    assert found == expected


def test_the_papers_simulations_have_their_autoencoders(paper):
    """Table S3: 22 architectures and three seeds, under both conventions of training."""
    large = paper.simulations["hierarchical"]
    assert (large.data.n_cells, large.n_observed, large.is_implicit) == (100_000, 20_000, True)
    for convention in ("published", "corrected"):
        trained = [a for a in large.trained.values() if a.convention == convention]
        assert len({(a.latent, a.depth, a.width, a.seed) for a in trained}) == len(trained) == 66
        assert {a.patience for a in trained if a.depth == 6} == {100}
        assert {a.patience for a in trained if a.depth < 6} == {20}
    depths = {(a.latent, a.depth) for a in large.trained.values()}
    assert depths == {(latent, depth) for latent in (20, 100, 150, 1000) for depth in (2, 4, 6)} - {
        (100, 6)
    }
    one = large.trained["latent150-depth6-wide-seed2-corrected"]
    assert (one.learning_rate, one.weight_decay, one.batch_size) == (1e-5, 0.1, 256)
    small = paper.simulations["small"].trained
    assert sorted(a.latent for a in small.values()) == [2, 4, 10]


def test_the_papers_sweeps_over_simulations_have_their_points(paper):
    grids = [f"grid-latent{latent}" for latent in (20, 150, 1000)]

    def first(*names):
        """Trained points of the first seed; further seeds and untrained ones are beside them."""
        points = points_of(paper, *names)
        return [point for point in points if point["seed"] == 0 and point["trained"] == "all"]

    assert len(first("small")) == 544
    assert len(points_of(paper, *grids)) == 810  # (72 + 72 + 126) x 3
    assert {paper.sweeps[name].n_cells for name in grids} == {10_000}
    recovered = ("hierarchical-latent20", "hierarchical-latent100", "hierarchical")
    assert [len(first(name)) for name in recovered] == [48, 8, 8]
    sweep = paper.sweeps["hierarchical"]
    [chosen] = select_points(sweep.stacks(), sweep.structure.select)
    [point] = [p for p in points_of(paper, "hierarchical") if p["id"] == chosen]
    assert (point["expansion"], point["l1"], point["learning_rate"]) == (100, 1e-3, 1e-5)
    analysed = paper.simulations["hierarchical"].trained[sweep.embedding.split("/")[1]]
    assert (analysed.latent, analysed.depth, analysed.width, analysed.seed) == (150, 2, "wide", 0)


def test_datasets_need_an_sae_or_a_sweep(demo):
    del demo["paper"]
    demo["saes"] = {}
    parse_config(demo)
    del demo["sweeps"]["cells"]
    with pytest.raises(InputError, match="'datasets' are given but no 'saes'; add at least one"):
        parse_config(demo)


def test_a_forced_engine_must_serve_every_architecture(demo):
    demo["engine"] = "fused"
    parse_config(demo)
    demo["saes"]["topk-x20"]["architecture"] = "gated"
    with pytest.raises(InputError, match="'engine' is 'fused', which does not train 'gated'"):
        parse_config(demo)


def test_all_mistakes_are_reported_at_once(demo):
    config = change(change(demo, "rum", 1), "saes.topk-x20.seed", "0")
    with pytest.raises(InputError) as caught:
        parse_config(config)
    assert len(str(caught.value).splitlines()) == 2


def test_the_plain_form_of_a_run_is_a_run(demo):
    run = parse_config(demo)
    assert parse_config(as_plain(run)) == run
    assert build(SAEConfig, as_plain(run)["saes"]["topk-x20"]) == run.saes["topk-x20"]


def test_a_grid_has_every_field_of_an_sae_with_the_same_default():
    grid = {field.name: field.default for field in fields(GridConfig)}
    sae = {field.name: field.default for field in fields(SAEConfig)}
    assert set(grid) == set(sae)
    for name, default in sae.items():
        assert grid[name] == default or grid[name] == (default,), name


def test_the_schema_in_the_repository_is_the_generated_one():
    stored = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    assert stored == json.loads(json.dumps(schema())), "run: make schema"


def test_every_key_has_a_description():
    for name, definition in schema()["$defs"].items():
        for key, node in definition.get("properties", {}).items():
            assert node.get("description"), f"{name}.{key}"


def test_config_readme_explains_every_key():
    text = (ROOT / "config/README.md").read_text()
    for definition in schema()["$defs"].values():
        for key in definition.get("properties", {}):
            assert f"`{key}`" in text, f"{key}: run make schema"


def test_nmf_is_refused_where_values_are_negative(demo):
    demo["simulations"]["zipf"] = {"data": {"kind": "zipf"}, "baselines": {"methods": ["nmf"]}}
    with pytest.raises(InputError, match=r"simulations\.zipf.*names nmf"):
        parse_config(demo)
