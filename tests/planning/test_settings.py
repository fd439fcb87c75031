"""Settings of Snakemake that have other effects than one would think."""

import pytest

from featurelens.planning.settings import notes_on_settings

OURS = {"triggers": ["mtime", "params", "input", "software-env"], "grouped": [], "arrays": None}


def test_the_settings_of_the_profiles_go_without_a_word():
    assert notes_on_settings(**OURS) == []
    assert notes_on_settings(**OURS | {"grouped": ["train_stack"], "arrays": ""}) == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"triggers": ["mtime", "code"]}, "--rerun-triggers mtime params input software-env"),
        ({"grouped": ["fetch_resource"]}, "snakemake --cores 1 downloads"),
        ({"arrays": "train_sae, train_stack"}, "--slurm-array-jobs asks"),
        ({"arrays": "all"}, "leave it out"),
    ],
)
def test_each_of_the_others_is_one_line(setting, said):
    [note] = notes_on_settings(**OURS | setting)
    assert said in note
    assert "\n" not in note
