"""Every job of the miniature ran with only its declared inputs in sight, in a folder of its own."""

import re

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("miniature")]


def test_every_job_ran_in_sight_of_its_inputs_alone(finished, records):
    # Jobs on few cells log where the rules of large data do.
    rules = {re.sub("_of_(sae|control)$", "", record["rule"]) for record in records}
    logs = {
        path.relative_to(finished / "results/demo/logs").parts[0]
        for path in finished.glob("results/demo/logs/**/*.log")
    }
    assert rules == {name.removesuffix(".log") for name in logs}


def test_no_job_leaves_a_file_that_it_does_not_declare(records):
    assert [record for record in records if record["undeclared"]] == []
