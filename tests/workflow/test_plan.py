"""What holds of the workflow before anything is computed: plans, lint, conventions."""

import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from clones import ROOT, copy_repository, run_snakemake
from featurelens.config.parse import parse_config
from featurelens.planning.outputs import read_outputs
from featurelens.planning.steps import read_steps

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("plans")]

CONFIGS = sorted(
    path.name for path in (ROOT / "config").glob("*.yaml") if path.name != "claims.yaml"
)
RULE_FILES = sorted((ROOT / "workflow/rules").glob("*.smk"))


LOOPS = {"draw": ("draw_feature_map", "draw_gsea"), "tabulate": ("list_features",)}
"""Scripts of rules that are made in a loop, and rules of their own that run them as well."""


def texts():
    return "\n".join(path.read_text() for path in RULE_FILES)


def rules():
    """Text of every rule that runs a script, by name; of one in a loop, by its script's."""
    blocks = re.split(r"^(?:rule (\w+)|    rule):\n", texts(), flags=re.MULTILINE)[1:]
    named = zip(blocks[::2], blocks[1::2], strict=True)
    return {name or re.search(r"scripts/(\w+)\.py", block)[1]: block for name, block in named}


@pytest.fixture(scope="module")
def empty_clone(tmp_path_factory):
    return copy_repository(tmp_path_factory.mktemp("clone"))


@cache
def plan(folder, config):
    """The dry run of a shipped config, made once."""
    return run_snakemake(folder, "-n", "--configfile", f"config/{config}")


@pytest.mark.parametrize("entry", ["Snakefile", "workflow/Snakefile"])
def test_lint_is_clean(empty_clone, entry):
    done = run_snakemake(empty_clone, "--lint", "--snakefile", entry)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Congratulations" in done.stdout + done.stderr


@pytest.mark.parametrize("config", CONFIGS)
def test_a_dry_run_needs_no_data(empty_clone, config):
    done = plan(empty_clone, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (empty_clone / "results").exists()


@pytest.fixture(scope="module")
def papers_plan(empty_clone):
    return plan(empty_clone, "paper.yaml").stdout


def test_the_papers_plan_knows_its_memory_before_anything_is_downloaded(papers_plan):
    blocks = re.split(r"^(?:local)?rule (\w+):\n", papers_plan, flags=re.MULTILINE)[1:]
    memory = {}
    for rule, text in zip(blocks[::2], blocks[1::2], strict=True):
        memory.setdefault(rule, []).extend(re.findall(r"mem_mb=([^,\s]+)", text))
    # Measured for genes and terms together, when expression was held whole: 8.89 GiB.
    assert 4000 < max(map(int, memory["enrich_features"])) < 8.89 * 2**30 / 1e6
    assert max(map(int, memory["test_expression"])) > 4000
    # Features of controls are few, and so is their memory.
    assert min(map(int, memory["enrich_features"])) < 4000
    for rule in ("describe_features", "steer_cells", "map_concepts"):
        assert all(2000 < int(value) < 16_000 for value in memory[rule]), rule
    # 10,000 features on 896 dimensions, not 500 times as many.
    assert max(map(int, memory["train_sae"])) < 4000


def test_the_papers_plan_holds_its_largest_autoencoder_and_never_the_whole_of_y(papers_plan):
    blocks = re.split(r"^(?:local)?rule (\w+):\n", papers_plan, flags=re.MULTILINE)[1:]
    memory = {}
    for rule, text in zip(blocks[::2], blocks[1::2], strict=True):
        memory.setdefault(rule, []).extend(map(int, re.findall(r"mem_mb=(\d+)", text)))
    # six wide layers: 20,000 8,500 7,000 5,500 4,000 2,500 1,000, and back
    sizes = [20_000, 8_500, 7_000, 5_500, 4_000, 2_500, 1_000]
    weights = 2 * sum(a * b for a, b in pairwise(sizes))
    # initial, current, best, gradient and two moments, in single precision
    assert 6 * 4e-6 * weights < max(memory["train_autoencoder"]) < 32_000
    whole = 4e-6 * 100_000 * 20_000
    assert max(memory["simulate"]) < whole / 4
    assert max(memory["measure_superposition"]) < 2 * whole


def test_the_papers_run_plans_every_autoencoder_and_every_stack(papers_plan):
    run = parse_config(yaml.safe_load((ROOT / "config/paper.yaml").read_text()))
    planned = dict(re.findall(r"^(\w+) +(\d+)$", papers_plan, flags=re.MULTILINE))
    trained = sum(len(block.trained) for block in run.simulations.values())
    assert trained == 2 * 66 + 3
    stacks = sum(len(sweep.stacks()) for sweep in run.sweeps.values())
    on_truth = [name for name, sweep in run.sweeps.items() if sweep.source in run.simulations]
    # What is small is measured in one job, what is large in a job a stack.
    apart = [name for name in on_truth if name != "zipf"]
    expected = {
        "simulate": len(run.simulations),
        "train_autoencoder": trained,
        "measure_superposition": trained,
        "measure_baselines": len(run.simulations),
        "train_stack": stacks,
        "measure_recovery": len(on_truth) - len(apart),
        "measure_recovery_stack": sum(len(run.sweeps[name].stacks()) for name in apart),
        "collect_recovery": len(apart),
        "measure_structure": 1,
    }
    assert {name: int(planned[name]) for name in expected} == expected


def test_both_entry_points_plan_the_same_jobs(empty_clone):
    counts = []
    for entry in ("Snakefile", "workflow/Snakefile"):
        done = run_snakemake(empty_clone, "-n", "--snakefile", entry)
        counts.append(re.search(r"^total +(\d+)", done.stdout, flags=re.MULTILINE).group(1))
    assert counts[0] == counts[1]
    assert 30 < int(counts[0]) < 200


def test_the_slurm_profile_resolves_by_its_short_name(empty_clone):
    done = run_snakemake(empty_clone, "--profile", "slurm", "-n")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_gpu_profile_resolves(empty_clone):
    done = run_snakemake(empty_clone, "--profile", "profiles/local-gpu", "-n")
    assert done.returncode == 0, done.stdout + done.stderr


def test_named_targets_exist(empty_clone):
    done = run_snakemake(empty_clone, "--list-target-rules")
    targets = set(done.stdout.split())
    named = {
        "all",
        "atlas",
        "search",
        "simulation",
        "singlecell",
        "cell_sweeps",
        "simulation_small",
        "sweep_hierarchical",
        "scfeaturelens",
        "controls",
        "figures",
        "tables",
        "report",
    }
    assert named <= targets


def test_nothing_is_printed_before_a_graph(empty_clone):
    done = run_snakemake(empty_clone, "--dag")
    assert done.stdout.startswith("digraph")


def test_planning_imports_no_heavy_library():
    code = (
        "import sys, featurelens.config.run\n"
        "heavy = {'torch', 'scanpy', 'anndata', 'sklearn', 'umap', 'numba', 'matplotlib'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", rules())
def test_a_rule_has_a_script_of_its_name_and_writes_a_log(name):
    text = rules()[name]
    script = next((script for script, others in LOOPS.items() if name in others), name)
    assert f'"../../scripts/{script}.py"' in text
    script = ROOT / "scripts" / f"{script}.py"
    assert len(script.read_text().splitlines()) < 40
    assert "    log:\n" in text
    assert "    conda:\n" in text
    assert ("    benchmark:\n" in text) != ("    localrule: True\n" in text)
    # What is submitted asks for its own memory and time: defaults of a profile are easily lost.
    asked = [f"        {key}=" in text for key in ("mem_mb", "runtime")]
    assert all(asked) or "    localrule: True\n" in text


def test_every_step_has_a_rule_of_its_name(papers_plan):
    steps = {step.name: step for step in read_steps()}
    assert len(steps) == len(read_steps())
    assert not steps.keys() & rules().keys()
    planned = set(re.findall(r"^(?:local)?rule (\w+):$", papers_plan, flags=re.MULTILINE))
    assert {"simulate", "measure_ceiling", "keep_terms", "map_features"} <= steps.keys() & planned


def test_every_script_belongs_to_a_rule():
    also = {rule for others in LOOPS.values() for rule in others}
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} == set(rules()) - also


def test_every_caption_is_there_and_used():
    used = set(re.findall(r'caption="\.\./report/([\w.]+)"', texts()))
    shipped = {path.name for path in (ROOT / "workflow/report").glob("*.rst")}
    assert used | {"workflow.rst"} == shipped
    # Figures and tables hold theirs; a table without one is not in the report.
    for output in read_outputs(ROOT / "src/featurelens/figures").values():
        assert all(caption.startswith("**") for caption in output.outputs.values()), output.name
    of_tables = [
        caption
        for output in read_outputs(ROOT / "src/featurelens/tables").values()
        for caption in output.outputs.values()
    ]
    assert len(of_tables) > 20
    assert all(caption.endswith(".") for caption in of_tables if caption)


def test_captions_take_nothing_but_wildcards_and_the_run():
    """What a rule does not have is no error: the report shows something else in its place."""
    captions = [path.read_text() for path in (ROOT / "workflow/report").glob("*.rst")]
    for folder in ("figures", "tables"):
        for output in read_outputs(ROOT / "src/featurelens" / folder).values():
            captions += filter(None, output.outputs.values())
    taken = set(re.findall(r"{{ *snakemake\.(\w+)", "".join(captions)))
    assert taken == {"config", "wildcards"}


def test_the_required_snakemake_version_is_the_one_in_the_readme():
    required = re.search(r'min_version\("([\d.]+)"\)', (ROOT / "workflow/Snakefile").read_text())
    assert f"Snakemake {required.group(1)}" in (ROOT / "README.md").read_text()


def test_the_environment_files_install_the_lock_file():
    for path, lock in (
        ("environment.yml", "requirements.lock"),
        ("envs/core.yaml", "../requirements.lock"),
    ):
        environment = yaml.safe_load((ROOT / path).read_text())
        assert environment["channels"] == ["conda-forge", "nodefaults"]
        [pip] = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
        assert f"-r {lock}" in pip


def test_the_lock_file_pins_every_package():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert "torch==2.13.0" in packages
    assert [line for line in packages if not re.fullmatch(r"[\w.\-]+==[\w.!]+", line)] == []


def test_files_of_a_good_citizen_are_there():
    for name in (
        "LICENSE",
        "CITATION.cff",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        ".snakemake-workflow-catalog.yml",
        "config/README.md",
    ):
        assert (ROOT / name).is_file(), name
    assert Path(ROOT / "slurm").is_symlink()
