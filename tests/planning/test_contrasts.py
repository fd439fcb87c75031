"""Which contrasts and conventions are tested by one job."""

import re

from featurelens.config.run import DatasetRun, ExpectedSize
from featurelens.datasets.config import OwnCells, Pbmc68kReduced
from featurelens.planning.contrasts import is_small, plan_tests, ways_of

CONTRASTS = ("global", "within_type")


def own(**sizes):
    return DatasetRun(
        cells=OwnCells(path="cells.h5ad", cell_type="type"),
        models={},
        expected=ExpectedSize(**sizes) if sizes else None,
    )


def test_sizes_that_are_not_known_are_large():
    assert is_small(DatasetRun(cells=Pbmc68kReduced(), models={}))
    assert not is_small(own())
    assert is_small(own(cells=5_000, genes=1_000, dimensions=20))
    assert not is_small(own(cells=5_001, genes=1_000, dimensions=20))


def test_few_cells_are_tested_in_every_way_by_one_job():
    datasets = {"mine": own(), "blood": DatasetRun(cells=Pbmc68kReduced(), models={})}
    jobs = plan_tests(datasets, ["topk", "topk-x20"], CONTRASTS)
    assert [(job.suffix, job.datasets, job.tests, job.log) for job in jobs] == [
        (
            "_of_sae",
            "blood",
            ("global_published", "global_corrected", "within_type_corrected"),
            "",
        ),
        ("_of_control", "blood", ("global_published", "global_corrected"), ""),
        ("", "[^/]+", ("{contrast}_{convention}",), "/{contrast}_{convention}"),
    ]
    of_sae, of_control, _ = (re.compile(f"^(?:{job.sources})/") for job in jobs)
    for source in ("topk", "topk-x20"):
        assert of_sae.match(source + "/")
        assert not of_control.match(source + "/")
    for source in ("topk.seed1", "topk-x20.untrained", "control.pca"):
        assert of_control.match(source + "/")
        assert not of_sae.match(source + "/")


def test_many_cells_have_a_job_for_each_test():
    [job] = plan_tests({"mine": own()}, ["topk"], CONTRASTS)
    assert (job.suffix, job.is_whole) == ("", False)


def test_controls_have_the_global_contrast_and_nobody_one_that_is_not_asked_for():
    assert ways_of("topk", ["topk"], ("global",)) == ["global_published", "global_corrected"]
    assert ways_of("topk.seed1", ["topk"], CONTRASTS) == ["global_published", "global_corrected"]
