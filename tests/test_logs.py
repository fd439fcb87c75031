"""What a job leaves in its log."""

import json
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from featurelens.io import InputError
from featurelens.logs import describe_machine, job_log
from featurelens.portable import processor

COST = re.compile(
    r"took (\d+\.\d\d) s of processor time, (\d+\.\d\d) s of it to start; peak memory (\d+) MiB"
    r"; \d+\.\d\d s by the clock"
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


FULL = "raise OSError(28, 'No space left on device', 'results/a.h5ad')"
CAUSES = {
    "by number": FULL,
    "in words": "raise RuntimeError('results/a.h5ad: write failed: No space left on device')",
    "behind another": f"try:\n        {FULL}\n"
    "    except OSError as error:\n        raise ValueError('cannot be written') from error",
    "in the log itself": "print('x' * 10, file=open('/dev/full', 'w', buffering=1))",
}


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("log", ["job.log", "/dev/full"])
def test_a_full_disk_is_one_line(tmp_path, cause, log):
    code = f"from featurelens.logs import job_log\nwith job_log({log!r}):\n    {CAUSES[cause]}\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert re.fullmatch(
        r"error: (results/a\.h5ad|/.*): No space left on device; make room, then run it again: "
        r"what is finished is kept",
        line,
    )


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


def test_a_log_says_on_which_processor_and_gpu_the_job_ran(tmp_path, monkeypatch):
    with job_log(tmp_path / "job.log"):
        pass
    assert (tmp_path / "job.log").read_text().splitlines()[-2] == f"made on: {processor()}"
    used = SimpleNamespace(is_initialized=lambda: True, get_device_name=lambda: "A card")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=used))
    assert describe_machine() == f"{processor()}, A card"


def test_blas_has_one_thread_in_a_job_of_several(tmp_path):
    """Loaded before the job began, or after: numpy's and scipy's."""
    code = """
import json, sys, numpy
from threadpoolctl import threadpool_info
from featurelens.logs import job_log
def threads():
    return [row["num_threads"] for row in threadpool_info() if row["user_api"] == "blas"]
before = threads()
with job_log("job.log"):
    import scipy.linalg
    found = threads()
open("found.json", "w").write(json.dumps([before, found]))
"""
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2"},
        check=True,
    )
    before, found = json.loads((tmp_path / "found.json").read_text())
    assert found == [1, 1]
    assert before == [min(2, os.cpu_count())]
