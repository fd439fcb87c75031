"""Checksums of a run: all bytes count, but for how long something took."""

import hashlib
import json
import subprocess
import sys

import pandas as pd
import pytest

from featurelens.checksums import checksums, differences, main
from featurelens.io import InputError


@pytest.fixture
def run(tmp_path):
    return made(tmp_path / "one", 1.0)


def made(folder, seconds):
    """A run of one table of each form, a file without time, and what is about the run."""
    for part in ("logs/train", "benchmarks", "tables", "sweeps/store", "search/small"):
        (folder / part).mkdir(parents=True)
    table = pd.DataFrame({"id": ["a", "b"], "seconds": [seconds, 2 * seconds], "loss": [0.5, 0.25]})
    table.to_parquet(folder / "sweeps/points.parquet")
    table.to_csv(folder / "tables/points.tsv", sep="\t", index=False)
    row = {"loss": 0.5, "of": [{"seconds": seconds, "k": 3}]}
    (folder / "train.json").write_text(json.dumps(row))
    (folder / "sweeps/store/points.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n")
    (folder / "page.html").write_text(f'<script>{{"seconds":{seconds},"loss":0.5}}</script>')
    (folder / "weights.safetensors").write_bytes(bytes(range(9)))
    (folder / "plain.json").write_text('{ "k" : 3 }')
    about = ("logs/train/a.log", "benchmarks/a.tsv", "versions.tsv", "search/small/journal.log")
    for path in about:
        (folder / path).write_text(f"{seconds}")
    return folder


def test_files_without_time_count_with_all_their_bytes(run):
    found = checksums(run)
    assert found["weights.safetensors"] == hashlib.sha256(bytes(range(9))).hexdigest()
    assert found["plain.json"] == hashlib.sha256(b'{ "k" : 3 }').hexdigest()


def test_what_a_job_took_does_not_count(run, tmp_path):
    other = made(tmp_path / "two", 7.0)
    assert (run / "train.json").read_bytes() != (other / "train.json").read_bytes()
    assert checksums(run) == checksums(other)
    assert sorted(checksums(run)) == [
        "page.html",
        "plain.json",
        "sweeps/points.parquet",
        "sweeps/store/points.jsonl",
        "tables/points.tsv",
        "train.json",
        "weights.safetensors",
    ]


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("sweeps/points.parquet", lambda table: table.assign(loss=[0.5, 0.2500000001])),
        ("sweeps/points.parquet", lambda table: table.astype({"loss": "float32"})),
        ("sweeps/points.parquet", lambda table: table.iloc[::-1]),
        ("sweeps/points.parquet", lambda table: table.rename(columns={"loss": "cost"})),
    ],
)
def test_any_other_change_of_a_timed_table_counts(run, path, change):
    before = checksums(run)
    change(pd.read_parquet(run / path)).to_parquet(run / path, index=False)
    assert differences(checksums(run), before) == [f"{path}\tdiffers"]


@pytest.mark.parametrize(
    "path",
    [
        *("tables/points.tsv", "train.json", "sweeps/store/points.jsonl", "page.html"),
        "weights.safetensors",
    ],
)
def test_a_changed_digit_counts(run, path):
    before = checksums(run)
    content = (run / path).read_bytes()
    changed = content.replace(b"0.5", b"0.6").replace(b"\x05", b"\x06")
    assert changed != content
    (run / path).write_bytes(changed)
    assert differences(checksums(run), before) == [f"{path}\tdiffers"]


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "featurelens.checksums", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_what_it_reads_again(run, tmp_path):
    done = command(run)
    assert (done.returncode, done.stderr) == (0, "")
    there = tmp_path / "there.tsv"
    there.write_text(done.stdout)
    again = command(run, "--against", there)
    assert (again.returncode, again.stdout) == (0, "7 files here, 7 there, 0 differ\n")


def test_two_folders_that_differ(run, tmp_path, capsys):
    other = made(tmp_path / "two", 1.0)
    (other / "train.json").unlink()
    (other / "more.tsv").write_text("gene\n")
    (other / "plain.json").write_text("{}")
    assert main([str(run), "--against", str(other)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "more.tsv\tonly there",
        "plain.json\tdiffers",
        "train.json\tonly here",
        "7 files here, 7 there, 3 differ",
    ]


def test_a_folder_without_results(tmp_path, capsys):
    with pytest.raises(InputError, match="no results of a run; name its folder"):
        checksums(tmp_path)
    assert main([str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("text", ["", "file\tsha256\nonly\n", "something else"])
def test_a_file_that_holds_no_checksums(run, tmp_path, text, capsys):
    path = tmp_path / "there.tsv"
    path.write_text(text)
    assert main([str(run), "--against", str(path)]) == 2
    assert "neither a run's folder nor its checksums" in capsys.readouterr().err
