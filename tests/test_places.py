import pytest

from featurelens.places import Place


def test_a_place_is_its_name_taken_apart():
    place = Place.parse("pbmc/pca/topk-x20.seed1/go")
    assert (place.dataset, place.model) == ("pbmc", "pca")
    assert (place.sae, place.collection) == ("topk-x20.seed1", "go")
    assert (place.embedding, place.source) == ("pbmc/pca", "pbmc/pca/topk-x20.seed1")
    assert str(place) == f"{place}" == "pbmc/pca/topk-x20.seed1/go"


def test_a_place_is_as_deep_as_its_name():
    bundle = Place.parse("pbmc/pca")
    assert bundle == Place("pbmc", "pca")
    assert str(bundle) == bundle.embedding == "pbmc/pca"
    assert bundle.within("topk").within("go") == Place("pbmc", "pca", "topk", "go")


@pytest.mark.parametrize("name", ["pbmc", "a/b/c/d/e", "a//c", "/a/b", ""])
def test_other_names_are_none(name):
    with pytest.raises(ValueError, match="no dataset/model"):
        Place.parse(name)
