"""Files of figures and tables that say themselves what they are made from."""

from dataclasses import dataclass

import pytest

from featurelens.planning.outputs import (
    jobs_of,
    plan_outputs,
    read_output,
    read_outputs,
    write_caption,
)


@dataclass(frozen=True)
class Place:
    embedding: str
    collection: str

    def __str__(self):
        return f"{self.embedding}/{self.collection}"


NAMES = {
    "annotated": [Place("blood/pca", "go"), Place("blood/scvi", "go")],
    "steered": None,
    "structured": [],
    "first": "blood/pca",
    "probes": ["autophagy"],
    "filter": {"q": 0.05},
}


def write(folder, name, head, caption="**A caption.** Of two\nlines."):
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    text = f'"""{caption}"""\n\nfrom nowhere import nothing\n\n{head}\n\n\n'
    path.write_text(text + "def draw():\n    INPUTS = 1 +\n")
    return path


def plan(folder, **options):
    return plan_outputs(read_outputs(folder), NAMES, **options)


def test_a_literal_may_bear_a_type(tmp_path):
    path = write(tmp_path, "typed", "INPUTS: dict[str, str] = {}\nPARAMS: dict\nMEMORY = 3")
    output = read_output(path)
    assert (output.inputs, output.params, output.memory) == ({}, {}, 3)


def test_a_file_is_read_without_importing_or_parsing_its_functions(tmp_path):
    path = write(tmp_path, "figure_9", 'INPUTS = {"a": "tables/a.tsv"}\nPARAMS = {"n": 3}')
    output = read_output(path)
    assert (output.name, output.caption) == ("figure_9", "**A caption.** Of two\nlines.")
    assert (output.inputs, output.params) == ({"a": "tables/a.tsv"}, {"n": 3})
    assert output.outputs == {"figure_9": output.caption}


def test_a_module_without_inputs_is_no_output(tmp_path):
    write(tmp_path, "parts", "COLOURS = {}")
    (tmp_path / "__init__.py").write_text('"""Figures."""\n')
    assert read_outputs(tmp_path) == {}


def test_a_name_of_several_things_makes_as_many_paths(tmp_path):
    inputs = {
        "kept": "concepts/{annotated}/kept.parquet",
        "terms": "genesets/{annotated.collection}/terms.tsv",
        "one": "embeddings/{first}/cells.h5ad",
    }
    params = '{"names": "{annotated}", "collections": "{annotated.collection}", "plain": 3}'
    write(tmp_path, "t", f"INPUTS = {inputs}\nPARAMS = {params}")
    planned = plan(tmp_path)["t"]
    assert planned.inputs == {
        "kept": {
            "blood/pca/go": "concepts/blood/pca/go/kept.parquet",
            "blood/scvi/go": "concepts/blood/scvi/go/kept.parquet",
        },
        "terms": {
            "blood/pca/go": "genesets/go/terms.tsv",
            "blood/scvi/go": "genesets/go/terms.tsv",
        },
        "one": "embeddings/blood/pca/cells.h5ad",
    }
    assert planned.params == {
        "names": ["blood/pca/go", "blood/scvi/go"],
        "collections": ["go", "go"],
        "plain": 3,
    }
    assert planned.files("results/demo", prefix="t_") == {
        "t_kept": [
            "results/demo/concepts/blood/pca/go/kept.parquet",
            "results/demo/concepts/blood/scvi/go/kept.parquet",
        ],
        "t_terms": ["results/demo/genesets/go/terms.tsv"] * 2,
        "t_one": "results/demo/embeddings/blood/pca/cells.h5ad",
    }
    assert planned.keys == {
        "kept": ["blood/pca/go", "blood/scvi/go"],
        "terms": ["blood/pca/go", "blood/scvi/go"],
        "one": None,
    }


@pytest.mark.parametrize(
    "head",
    [
        'INPUTS = {"a": "steering/{steered}/a.tsv"}',
        'INPUTS = {"a": "sweeps/{structured}/a.tsv"}',
        'INPUTS = {}\nPARAMS = {"names": "{structured}"}',
        'INPUTS = {}\nNEEDS = ["steered"]',
        'INPUTS = {"a": "tables/of_another_run.tsv"}',
    ],
)
def test_nothing_is_made_where_the_run_lacks_what_it_is_made_of(tmp_path, head):
    write(tmp_path, "figure", head)
    assert plan(tmp_path) == {}


def test_what_ends_with_a_question_mark_may_be_missing(tmp_path):
    inputs = {
        "a": "steering/{steered}/a.tsv?",
        "b": "tables/of_another_run.tsv?",
        "c": "sweeps/{structured}/c.tsv?",
        "d": "genesets/{first}/d.tsv?",
    }
    write(tmp_path, "figure", f'INPUTS = {inputs}\nPARAMS = {{"names": "{{structured}}?"}}')
    planned = plan(tmp_path)["figure"]
    assert planned.inputs == {"a": {}, "b": {}, "c": {}, "d": "genesets/blood/pca/d.tsv"}
    assert planned.params == {"names": []}


def test_a_table_of_a_table_is_made_where_that_one_is(tmp_path):
    write(tmp_path, "second", 'INPUTS = {"a": "tables/first.tsv"}')
    write(tmp_path, "third", 'INPUTS = {"a": "tables/extra.tsv", "b": "tables/claims.tsv"}')
    write(
        tmp_path,
        "source",
        'OUTPUTS = {"first": "**One.**", "extra": ""}\nINPUTS = {"a": "dge/{first}/a.tsv"}',
    )
    write(tmp_path, "circle", 'INPUTS = {"a": "tables/circle.tsv"}')
    assert set(plan(tmp_path)) == {"source", "second"}
    assert set(plan(tmp_path, elsewhere=["tables/claims.tsv"])) == {"source", "second", "third"}
    assert read_outputs(tmp_path)["source"].outputs == {"first": "**One.**", "extra": ""}


def test_a_name_that_the_plan_does_not_know_is_named_with_those_it_knows(tmp_path):
    write(tmp_path, "figure", 'INPUTS = {"a": "steering/{steerd}/a.tsv"}')
    with pytest.raises(LookupError, match=r"figure\.py asks for \{steerd\}.* steered, structured"):
        plan(tmp_path)


def test_a_file_without_caption_or_with_computed_inputs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a literal"):
        read_output(write(tmp_path, "figure", "INPUTS = dict(a=nothing)"))
    path = tmp_path / "bare.py"
    path.write_text("INPUTS = {}\n")
    with pytest.raises(ValueError, match="no docstring"):
        read_output(path)


def test_a_caption_is_written_once(tmp_path):
    path = write_caption("figure_9", "**A caption.**", tmp_path / "captions")
    assert path == str(tmp_path / "captions/figure_9.rst")
    before = (tmp_path / "captions/figure_9.rst").stat().st_mtime_ns
    assert write_caption("figure_9", "**A caption.**", tmp_path / "captions") == path
    assert (tmp_path / "captions/figure_9.rst").stat().st_mtime_ns == before
    assert (tmp_path / "captions/figure_9.rst").read_text() == "**A caption.**\n"


def test_files_of_one_word_are_made_by_one_job(tmp_path):
    for name, head in (("a", 'TOGETHER = "x"'), ("b", ""), ("c", 'TOGETHER = "x"')):
        write(tmp_path, name, f"INPUTS = {{}}\n{head}")
    jobs = jobs_of(plan(tmp_path))
    assert {job: list(members) for job, members in jobs.items()} == {"x": ["a", "c"], "b": ["b"]}
