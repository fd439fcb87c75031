"""What a job leaves in its log."""

import re
import subprocess
import sys
import time

import pytest

from featurelens.io import InputError
from featurelens.logs import job_log

COST = re.compile(
    r"took (\d+\.\d\d) s of processor time, (\d+\.\d\d) s of it to start; peak memory (\d+) MiB"
)


def cost(path):
    """Seconds, seconds to start and MiB of the last line of a log."""
    last = path.read_text().splitlines()[-1]
    return [float(number) for number in COST.fullmatch(last).groups()]


def test_the_last_line_says_what_the_job_took(tmp_path):
    path = tmp_path / "logs/job.log"
    with job_log(path) as log:
        log("at work")
        held = bytearray(b"x") * 2**26
        sum(range(3_000_000))
    assert path.read_text().splitlines()[0] == "at work"
    seconds, to_start, peak = cost(path)
    assert seconds > to_start > 0
    assert peak > len(held) / 2**20


def test_a_job_that_is_ended_leaves_nothing_half_written(tmp_path):
    code = (
        "import time\nfrom featurelens.io import atomic_path\n"
        "from featurelens.logs import job_log\n"
        "with job_log('job.log') as log, atomic_path('figure.pdf') as path:\n"
        "    path.write_text('half'); log('at work'); time.sleep(60)\n"
    )
    log = tmp_path / "job.log"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as job:
        while job.poll() is None and not (log.exists() and "at work" in log.read_text()):
            time.sleep(0.02)
        job.terminate()
    assert job.returncode == 128 + 15
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]
    assert cost(tmp_path / "job.log")


def test_a_job_that_fails_says_what_it_took(tmp_path):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit), job_log(path):
        raise InputError("cells.h5ad: no such file")
    assert path.read_text().splitlines()[0] == "error: cells.h5ad: no such file"
    assert cost(path)[0] > 0


def test_output_goes_to_the_log_and_back_to_the_terminal(tmp_path, capfd):
    path = tmp_path / "job.log"
    with job_log(path):
        print("into the log", file=sys.__stderr__, flush=True)
    print("onto the terminal", file=sys.__stderr__, flush=True)
    assert "into the log" in path.read_text()
    assert capfd.readouterr().err.endswith("onto the terminal\n")
