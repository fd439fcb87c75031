"""What jobs took beside what they had asked for: sums and ratios by hand."""

import pandas as pd
import pytest

from featurelens import costs
from featurelens.checksums import checksums
from featurelens.io import InputError
from featurelens.logs import job_log


@pytest.fixture
def run(tmp_path):
    """A run of three rules: one with three jobs, of which one asked for too little."""
    ends = {
        # 1000 MiB are 1,048.576 MB: more than 1,000, so this job is over, by 5 %.
        "train_sae/a.log": "took 8.00 s of processor time, 1.00 s of it to start; peak memory "
        "1000 MiB of 1000 MB asked for; 9.00 s by the clock",
        "train_sae/b.log": "took 2.00 s of processor time, 1.00 s of it to start; peak memory "
        "1500 MiB of 4000 MB asked for; 3.00 s by the clock",
        "train_sae/lost.log": "Traceback: killed",
        # 700 MiB are 734 MB; with the 300 MB of Snakemake's processes 1,034.
        "simulate/small.log": "took 1.00 s of processor time, 0.50 s of it to start; peak memory "
        "700 MiB of 1000 MB asked for; 1.50 s by the clock",
        "check_inputs.log": "took 0.50 s of processor time, 0.40 s of it to start; peak memory "
        "400 MiB; 0.60 s by the clock",
    }
    for name, end in ends.items():
        path = tmp_path / "run/logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"at work\nmade on: a processor\n{end}\n")
    return tmp_path / "run"


def test_jobs_are_added_up_by_rule(run):
    table = costs.by_rule(run).set_index("rule")
    assert list(table.index) == ["train_sae", "simulate", "check_inputs"]
    trained = table.loc["train_sae"]
    assert (trained["jobs"], trained["seconds"], trained["longest"]) == (2, 12.0, 9.0)
    assert trained["processor_seconds"] == 10.0
    # The tightest job, not the largest.
    assert (trained["asked_mb"], trained["peak_mb"], trained["ratio"]) == (1000, 1049, 1.05)


def test_what_took_more_than_it_asked_for_is_marked(run):
    table = costs.by_rule(run).set_index("rule")
    assert table["remark"].to_dict() == {
        "train_sae": "over",
        "simulate": "near",
        "check_inputs": "",
    }
    assert pd.isna(table.loc["check_inputs", "ratio"])


def test_the_table_is_no_result(run):
    (run / "tables").mkdir()
    (run / "tables/saes.tsv").write_text("sae\na\n")
    before = checksums(run)
    path, over = costs.write_costs(run)
    assert path == run / "benchmarks/by_rule.tsv"
    assert over == ["train_sae took 1,049 MB, more than the 1,000 it asked for"]
    assert checksums(run) == before


def test_it_is_printed_for_a_run_and_says_where_there_is_none(run, tmp_path, capsys):
    assert costs.main([str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("rule", "jobs", "seconds", "longest", "processor_seconds"),
        *("asked_mb", "peak_mb", "ratio", "remark"),
    ]
    assert lines[1].split() == [
        "train_sae",
        "2",
        "12.0",
        "9.0",
        "10.0",
        "1000.0",
        "1049.0",
        "1.05",
        "over",
    ]
    assert costs.main([str(tmp_path)]) == 2
    with pytest.raises(InputError, match="name a run"):
        costs.by_rule(tmp_path)


def test_a_log_of_today_is_read(tmp_path):
    with job_log(tmp_path / "logs/simulate/small.log", {"mem_mb": 2000, "runtime": 5}):
        pass
    with job_log(tmp_path / "logs/check_inputs.log", {}):
        pass
    table = costs.read_costs(tmp_path).set_index("rule")
    assert table.loc["simulate", "asked_mb"] == 2000
    assert table.loc["simulate", "peak_mb"] > 10
    assert table.loc["simulate", "seconds"] >= 0
    assert pd.isna(table.loc["check_inputs", "asked_mb"])
