"""What a run says last, from made folders and logs."""

from featurelens.planning.ended import KILLED, Ending, Failed, log_end

END = (
    "made on: a processor\ntook 1.00 s of processor time, 0.50 s of it to start; peak memory "
    "{mib} MiB of 1000 MB asked for; 1.50 s by the clock\n"
)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_log_ends_with_its_last_fifteen_lines_less_what_every_log_ends_with(tmp_path):
    text = "\n".join(f"line {number}" for number in range(1, 21)) + "\n\n" + END.format(mib=9)
    path = write(tmp_path / "job.log", text)
    assert log_end(path) == [f"line {number}" for number in range(6, 21)]


def test_a_job_that_was_killed_is_said_to_have_been(tmp_path):
    assert log_end(write(tmp_path / "job.log", "epoch 1\nepoch 2\n")) == [
        "epoch 1",
        "epoch 2",
        KILLED,
    ]
    assert log_end(write(tmp_path / "empty.log", "")) == [KILLED]


def test_a_job_without_a_log_did_not_begin(tmp_path):
    [line] = log_end(tmp_path / "none.log")
    assert "did not come to begin" in line


def test_a_failed_run_names_job_log_and_command(tmp_path):
    log = write(
        tmp_path / "run/logs/simulate/small.log", "at work\nerror: no\n" + END.format(mib=9)
    )
    job = Failed("simulate", {"simulation": "small"}, [str(log)], attempts=2)
    ending = Ending(str(tmp_path / "run"), ["--cores", "2", "my sweep"], [job])
    assert ending.lines(success=False) == [
        f"memory and time by rule: {tmp_path}/run/benchmarks/by_rule.tsv",
        "failed: simulate (simulation=small), tried 2 times",
        f"  log: {log}",
        "  | at work",
        "  | error: no",
        f"1 failed; what is finished is kept in {tmp_path}/run. "
        "To go on: snakemake --cores 2 'my sweep'",
    ]


def test_of_many_failed_jobs_three_show_their_logs(tmp_path):
    logs = [write(tmp_path / f"{number}.log", "why\n" + END.format(mib=9)) for number in range(5)]
    jobs = [Failed("train_stack", {"stack": str(n)}, [str(log)]) for n, log in enumerate(logs)]
    lines = Ending(str(tmp_path), [], jobs).lines(success=False)
    assert lines.count("  | why") == 3
    assert sum(line.startswith("failed: train_stack (stack=") for line in lines) == 5


def test_a_run_that_was_ended_by_hand_says_how_to_go_on(tmp_path):
    assert Ending(str(tmp_path), ["--cores", "2"]).lines(success=False) == [
        f"the run was ended; what is finished is kept in {tmp_path}. To go on: snakemake --cores 2"
    ]


def test_a_finished_run_says_where_results_are_and_what_took_too_much(tmp_path):
    run = tmp_path / "run"
    write(run / "logs/train_sae/a.log", END.format(mib=1000))  # 1,049 MB
    write(run / "atlas/index.html", "")
    ending = Ending(str(run), [], again={"train_stack": 2})
    assert ending.lines(success=True) == [
        "tried again: train_stack, 2 jobs",
        "note: train_sae took 1,049 MB, more than the 1,000 it asked for",
        f"memory and time by rule: {run}/benchmarks/by_rule.tsv",
        f"every feature, to browse: {run}/atlas/index.html",
        f"done: results are in {run}",
    ]
