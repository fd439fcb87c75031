"""Measures of sweeps by their files: what is read of them, and the rules that they become."""

import pytest

from featurelens.planning.measures import Measure, plan_measures, read_measures, results

RECOVERY = Measure(
    "recovery", "simulated_sweeps", ("data",), {"table": "recovery.parquet"}, each_point=True
)
SEEDS = Measure("seeds", "seeded_sweeps", ("trained_on",), {"table": "consistency.tsv"})
LISTS = {"simulated_sweeps": ["small", "wide"], "seeded_sweeps": ["wide"]}


def test_a_file_is_read_without_importing_it(tmp_path):
    (tmp_path / "spread.py").write_text(
        '"""Spread."""\nimport none_such\nSWEEPS = "sweeps"\nINPUTS = ("data",)\n'
        'PARAMS = {"choices": "simulations/{source}/baselines"}\n'
        'OUTPUTS = {"table": "spread.tsv"}\n'
    )
    [(name, measure)] = read_measures(tmp_path).items()
    assert (name, measure.sweeps, measure.inputs) == ("spread", "sweeps", ("data",))
    assert not measure.each_point
    config = {"simulations": {"toy": {"baselines": {"seed": 3}}}}
    assert measure.values(config, sweep="s", source="toy") == {"choices": {"seed": 3}}


def test_a_file_that_says_too_little_is_named(tmp_path):
    (tmp_path / "spread.py").write_text('SWEEPS = "sweeps"\n')
    with pytest.raises(ValueError, match=r"spread\.py lacks INPUTS and OUTPUTS"):
        read_measures(tmp_path)


def test_a_small_sweep_is_measured_in_one_job_and_a_large_one_by_stacks():
    rules = plan_measures(
        {"recovery": RECOVERY, "seeds": SEEDS}, LISTS, is_small=lambda name: name == "small"
    )
    assert [(rule.rule, rule.sweeps, rule.points) for rule in rules] == [
        ("measure_recovery", ("small",), "points.parquet"),
        ("measure_recovery_stack", ("wide",), "stacks/{stack}.parquet"),
        # Pairs of seeds lie in different stacks, so that they are never measured apart.
        ("measure_seeds", ("wide",), "points.parquet"),
    ]
    assert [dict(rule.outputs) for rule in rules] == [
        {"table": "recovery.parquet"},
        {"table": "recovery/{stack}.parquet"},
        {"table": "consistency.tsv"},
    ]


def test_a_measure_without_a_sweep_has_no_rule():
    assert plan_measures({"seeds": SEEDS}, {"seeded_sweeps": []}, is_small=bool) == []
    assert plan_measures({"seeds": SEEDS}, {}, is_small=bool) == []


def test_results_of_a_sweep_are_those_of_its_measures():
    assert results([RECOVERY, SEEDS], LISTS, "small") == ["recovery.parquet"]
    assert results([RECOVERY, SEEDS], LISTS, "wide") == ["recovery.parquet", "consistency.tsv"]
