"""A job that is handed over sees what it would see if Python had been started for it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from featurelens.starts import run

pytestmark = pytest.mark.skipif(not run.can_start(), reason="processes are copied on Linux alone")

TELLS = """
import json, os, sys
json.dump({
    "name": __name__, "arguments": sys.argv, "path": sys.path, "folder": os.getcwd(),
    "environment": dict(os.environ), "is_copy": "colorsys" in sys.modules,
}, sys.stdout)
"""
WAITS = """
import pathlib, signal, sys, time
def end(number, _):
    pathlib.Path("asked").write_text(str(number))
    sys.exit(7)
signal.signal(signal.SIGTERM, end)
pathlib.Path("waits").touch()
time.sleep(60)
"""


@pytest.fixture(scope="module")
def before():
    """What stands before commands, of a process that has loaded a module that nobody else needs."""
    process, command = run.launch(["colorsys", "no_such_module"])
    yield command
    process.communicate()
    assert process.returncode == 0
    assert not Path(command[-1]).parent.exists()


def begin(before, folder, script, **environment):
    (folder / "job.py").write_text(script)
    return subprocess.Popen(
        [*before, sys.executable, "job.py"],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(before, folder, script, **environment):
    process = begin(before, folder, script, **environment)
    output, errors = process.communicate()
    return process.returncode, output, errors


def appears(path):
    for _ in range(600):
        if path.exists():
            return True
        time.sleep(0.05)
    return False


def test_a_job_sees_what_a_plain_one_sees(before, tmp_path):
    told = [json.loads(ended(how, tmp_path, TELLS, MINE="1")[1]) for how in (before, [])]
    assert [job.pop("is_copy") for job in told] == [True, False]
    assert told[0] == told[1]
    assert told[0]["environment"]["MINE"] == "1"


@pytest.mark.parametrize(
    ("script", "status", "says"),
    [
        ("", 0, ""),
        ("raise SystemExit(3)", 3, ""),
        ("import sys; sys.exit('no')", 1, "no\n"),
        ("import os; os.kill(os.getpid(), 9)", 137, ""),
    ],
)
def test_a_job_ends_as_it_would(before, tmp_path, script, status, says):
    assert ended(before, tmp_path, script)[::2] == (status, says)


def test_what_a_job_registered_for_its_end_is_done(before, tmp_path):
    script = "import atexit; atexit.register(print, 'last'); print('first')"
    assert ended(before, tmp_path, script) == (0, "first\nlast\n", "")


def test_an_exception_is_shown_and_ends_the_job(before, tmp_path):
    status, _, errors = ended(before, tmp_path, "1 / 0")
    assert status == 1
    assert errors.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_jobs_do_not_wait_for_each_other(before, tmp_path):
    process = begin(before, tmp_path, WAITS)
    assert appears(tmp_path / "waits")
    other = tmp_path / "other"
    other.mkdir()
    assert ended(before, other, "print(1)") == (0, "1\n", "")
    process.terminate()
    process.communicate()


def test_a_job_that_is_asked_to_end_ends_its_own_way(before, tmp_path):
    process = begin(before, tmp_path, WAITS)
    assert appears(tmp_path / "waits")
    process.terminate()
    process.communicate()
    assert process.returncode == 7
    assert (tmp_path / "asked").read_text() == str(int(signal.SIGTERM))


def test_a_job_is_asked_to_end_when_nobody_waits_for_it(before, tmp_path):
    process = begin(before, tmp_path, WAITS)
    assert appears(tmp_path / "waits")
    process.kill()
    process.communicate()
    assert appears(tmp_path / "asked")


def test_jobs_are_asked_to_end_with_the_run_that_began_them(tmp_path):
    process, command = run.launch([])
    job = begin(command, tmp_path, WAITS)
    assert appears(tmp_path / "waits")
    process.communicate()
    assert (tmp_path / "asked").exists()
    job.communicate()
    assert job.returncode == 7


STUBBORN = WAITS.replace("sys.exit(7)", "")
"""As a job in a loop of compiled code: Python's handler of a signal waits until it has ended."""


def processes_in(folder):
    """Processes that work in a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            found += [int(place.parent.name)] if place.resolve() == folder.resolve() else []
    return found


def remaining(folder):
    """The same once they have had time to end."""
    for _ in range(600):
        if not processes_in(folder):
            break
        time.sleep(0.05)
    return processes_in(folder)


def test_no_job_outlives_the_run_that_began_it(tmp_path):
    process, command = run.launch([])
    job = begin(command, tmp_path, STUBBORN)
    assert appears(tmp_path / "waits")
    process.communicate()
    job.communicate()
    assert job.returncode == 137
    assert processes_in(tmp_path) == []


def test_a_job_that_nobody_waits_for_ends_though_it_does_not_listen(before, tmp_path):
    client = begin(before, tmp_path, STUBBORN)
    assert appears(tmp_path / "waits")
    client.kill()
    client.communicate()
    assert remaining(tmp_path) == []
    (tmp_path / "other").mkdir()
    assert ended(before, tmp_path / "other", "print(1)") == (0, "1\n", "")


def test_jobs_are_killed_with_the_process_that_they_are_copies_of(tmp_path):
    process, command = run.launch([])
    client = begin(command, tmp_path, STUBBORN)
    assert appears(tmp_path / "waits")
    process.kill()
    process.communicate()
    client.communicate()
    assert remaining(tmp_path) == []


def test_libraries_take_the_threads_of_the_job(tmp_path):
    process, command = run.launch(["numpy", "threadpoolctl"])
    script = (
        "import json, threadpoolctl\n"
        "print(json.dumps([pool['num_threads'] for pool in threadpoolctl.threadpool_info()]))"
    )
    try:
        for count in (1, 2):
            _, output, _ = ended(command, tmp_path, script, OMP_NUM_THREADS=str(count))
            assert set(json.loads(output)) == {count}
    finally:
        process.communicate()


def test_a_run_that_is_killed_while_libraries_load_leaves_nothing(tmp_path, monkeypatch):
    """What stands behind the module that is being loaded is not begun."""
    (tmp_path / "first.py").write_text(
        "import pathlib, time\npathlib.Path('loads').touch()\n"
        "while not pathlib.Path('killed').exists(): time.sleep(0.01)\n"
    )
    (tmp_path / "second.py").write_text("import pathlib\npathlib.Path('loaded').touch()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    process, command = run.launch(["first", "second"])
    assert appears(tmp_path / "loads")
    process.stdin.close()
    (tmp_path / "killed").touch()
    assert process.wait() == 0
    assert not (tmp_path / "loaded").exists()
    assert not Path(command[-1]).parent.exists()


def test_a_process_with_threads_is_not_copied(tmp_path, monkeypatch):
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=[60], daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process, command = run.launch(["starts_a_thread"])
    assert ended(command, tmp_path, "print(1)") == (0, "1\n", "")
    process.communicate()


def test_without_the_process_and_for_other_commands_the_command_itself_runs(before, tmp_path):
    nowhere = [*before[:-1], str(tmp_path / "nowhere")]
    assert ended(nowhere, tmp_path, "print(1)") == (0, "1\n", "")
    other = subprocess.run([*before, "echo", "2"], capture_output=True, text=True, check=True)
    assert other.stdout == "2\n"


def test_a_few_jobs_are_not_worth_it(tmp_path):
    assert run.start(tmp_path, ["absent.py"] * (run.FEWEST - 1)) == ""


def test_what_scripts_import_at_their_head_is_loaded(tmp_path):
    script = tmp_path / "a.py"
    script.write_text(
        "import os\nfrom typing import Any\nfrom featurelens.io import read_table\n"
        "def f():\n    from featurelens.places import Place\n"
    )
    assert run.imported([script, script]) == ["featurelens.io"]
