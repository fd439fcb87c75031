"""Every file the user brought, looked at before anything is computed."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from featurelens.claims.entries import read_claims
from featurelens.config.errors import absent_file
from featurelens.config.run import DatasetRun
from featurelens.datasets.beside import check_beside
from featurelens.datasets.checks import check_dataset
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_genes, read_type_sizes
from featurelens.datasets.remarks import hint_of_symbols, remarks, remarks_on_genes
from featurelens.downloads.config import belongs_to
from featurelens.embeddings.packages import require_package
from featurelens.embeddings.registry import check_model
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.genesets.compiling import Checked, check_collection
from featurelens.genesets.config import CollectionConfig, annotated_with
from featurelens.genesets.identifiers import GeneIndex, read_background, require_overlap
from featurelens.genesets.overlay import require_testable
from featurelens.genesets.sets import GeneSets
from featurelens.genesets.text import read_lines
from featurelens.io import InputError, sha256_file
from featurelens.options import build, user_files
from featurelens.places import Place
from featurelens.planning.groups import check_groups
from featurelens.planning.imported import read_imported
from featurelens.planning.set_shares import Look, shares
from featurelens.sae.config import AnySAE, ImportedSAE, SAEConfig, width

if TYPE_CHECKING:
    import pandas as pd


class Finding(NamedTuple):
    """What was found in a file of the user's."""

    key: str
    """Key of the config that names it."""
    path: str
    found: str
    remarks: tuple[str, ...] = ()
    """What is unusual though it can be read, a line each."""


def check_inputs(
    datasets: Mapping[str, Any],
    collections: Mapping[str, Any],
    claims: str | None,
    tests: Mapping[str, Any] | None = None,
    named: Sequence[Mapping[str, Any]] = (),
    saes: Mapping[str, Any] | None = None,
    *,
    pending: Sequence[str] = (),
) -> pd.DataFrame:
    """Check files, keys, cell names, embeddings, gene sets and claims of a run.

    Parameters
    ----------
    datasets, collections
        The parts of a run's configuration of that name, in plain form.
    claims
        File with the paper's claims, or None.
    tests
        Of the part ``enrichment`` of the configuration: universe, min_genes and max_genes; the
        defaults when None.
    named
        Features that the configuration names by number
        (:attr:`featurelens.planning.plan.Plan.named_features`).
    saes
        Those that were trained elsewhere (:func:`featurelens.planning.imported.imported_of`).
    pending
        Files that the run is going to download. What names one of them is left out, to be checked
        when they have come.

    Returns
    -------
    DataFrame
        One row a file: key of the config, path, sha256, and what was found in it.

    Raises
    ------
    InputError
        With one line that names the file or the key and says what to do.
    """
    import pandas as pd

    found = find_inputs(datasets, collections, claims, tests, named, saes, pending=pending)
    rows = [(row.key, row.path, sha256_file(row.path), row.found) for row in found]
    return pd.DataFrame(rows, columns=["key", "path", "sha256", "found"])


def find_inputs(
    datasets: Mapping[str, Any],
    collections: Mapping[str, Any],
    claims: str | None,
    tests: Mapping[str, Any] | None = None,
    named: Sequence[Mapping[str, Any]] = (),
    saes: Mapping[str, Any] | None = None,
    *,
    pending: Sequence[str] = (),
    look: Look | None = None,
) -> Iterator[Finding]:
    """The same, file by file and without checksums, which take long for large files.

    ``look`` receives what is not of one file.
    """
    datasets, collections = (
        {name: block for name, block in part.items() if not _waits(block, pending)}
        for part in (datasets, collections)
    )
    dimensions: dict[str, int | None] = {} if look is None else look.dimensions
    for name, block in datasets.items():
        yield from _check_dataset(name, block, dimensions)
    widths: dict[str, int] = {}
    for name, block in (saes or {}).items():
        if not _waits(block, pending):
            found = read_imported(name, **block, dimensions=dimensions, datasets=datasets)
            widths[name] = found.n_features
            yield from (Finding(found.key, file, found.found) for file in found.files)
    for feature in named:
        _require_feature(feature, dimensions.get(feature["embedding"]), widths)
    asked = build(EnrichmentConfig, tests or {})
    yield from _check_genes(datasets, collections, asked, pending, look)
    if claims is not None and not _waits(claims, pending):
        _require_file("claims", claims)
        yield Finding("claims", claims, f"{len(read_claims(claims))} claims")


def check_packages(datasets: Mapping[str, Any], embeddings: Iterable[str]) -> None:
    """Check that the packages are installed of models that need more than the core.

    Parameters
    ----------
    datasets
        The part of a run's configuration of that name, in plain form.
    embeddings
        Those that are going to be made, as dataset/model.

    Raises
    ------
    InputError
        With one line that says how to get the first that is missing.
    """
    for embedding in embeddings:
        place = Place.parse(embedding)
        model = build(DatasetRun, datasets[place.dataset]).models[place.model]
        require_package(model, f"datasets.{place.dataset}.models.{place.model}")


def _waits(block: Any, pending: Sequence[str]) -> bool:
    """Whether some value in a part of the config is a file, or a folder of one, that will come."""
    if isinstance(block, Mapping):
        return any(_waits(value, pending) for value in block.values())
    return isinstance(block, str) and any(belongs_to(path, block) for path in pending)


def _check_dataset(
    name: str, block: Mapping[str, Any], dimensions: dict[str, int | None]
) -> Iterator[Finding]:
    """A row for every file of a dataset; the dimensions of its embeddings are put down."""
    run = build(DatasetRun, block)
    key = f"datasets.{name}"
    if isinstance(run.cells, OwnCells):
        _require_file(f"{key}.cells.path", run.cells.path)
        check_beside(run.cells)
    donor = run.steering.donor if run.steering is not None else None
    check_dataset(run.cells, columns=[] if donor is None else [donor])
    of_models: list[str] = []
    for model_name, model in run.models.items():
        d, of_model = check_model(run.cells, model)
        dimensions[f"{name}/{model_name}"] = d
        of_models += of_model
        found = model.kind if d is None else f"{model.kind}, {d} dimensions"
        for part, path in model.files.items():
            if Path(path).exists():
                yield Finding(f"{key}.models.{model_name}.{part}", path, found)
    cell_types = read_type_sizes(run.cells)
    check_groups(key, run, cell_types)
    if isinstance(run.cells, OwnCells):
        said = (*remarks(run.cells), *of_models)
        yield Finding(f"{key}.cells.path", run.cells.path, f"{len(cell_types)} cell types", said)


def _require_feature(
    feature: Mapping[str, Any], d_in: int | None, widths: Mapping[str, int]
) -> None:
    """Raise where an SAE will not have a feature that the configuration names."""
    sae: SAEConfig | ImportedSAE = build(AnySAE, feature["config"])
    if isinstance(sae, SAEConfig):
        count = None if d_in is None else width(sae, d_in)
    else:
        count = widths.get(feature["sae"])
    if count is None:
        return
    if feature["number"] >= count:
        raise InputError(
            f"config: '{feature['key']}' names feature {feature['number']}, but "
            f"{feature['sae']!r} has {count} features on {feature['embedding']!r}, 0 to {count - 1}"
        )


def _check_genes(
    datasets: Mapping[str, Any],
    collections: Mapping[str, Any],
    tests: EnrichmentConfig,
    pending: Sequence[str],
    look: Look | None,
) -> Iterator[Finding]:
    """A row for every file of collections and universe, whose genes must be among the data's."""
    annotated = {name: block for name, block in datasets.items() if block["saes"] != []}
    universe = tests.universe
    indices = {name: _gene_index(block) for name, block in annotated.items() if collections}
    if universe.file is not None and not _waits(universe.file, pending):
        key = "enrichment.universe.file"
        _require_file(key, universe.file)
        for index in indices.values():
            read_background(universe.file, index)
        yield Finding(key, universe.file, f"{sum(1 for _ in read_lines(universe.file))} lines")
    configs = {name: build(CollectionConfig, block) for name, block in collections.items()}
    sets: dict[str, GeneSets | None] = {}
    for name, config in configs.items():
        if config.union:
            continue
        checked = _check_collection(name, config)
        sets[name] = checked.sets
        yield from _rows(name, config, checked)
        for dataset in filter(config.covers, indices):
            index = indices[dataset]
            what = f"the genes of 'collections.{name}' and of 'datasets.{dataset}'"
            try:
                require_overlap(checked.genes, index, universe.min_overlap, what=what)
            except InputError as error:
                hints = _hints(annotated[dataset], checked.genes)
                raise InputError("; ".join([str(error), *hints])) from None
    if _waits(universe.file, pending):
        return
    for dataset, index in indices.items():
        for name in annotated_with(configs, dataset):
            held = [sets.get(part) for part in configs[name].union or (name,)]
            known = [each for each in held if each is not None]
            if len(known) == len(held):  # the others are made of annotations, or downloaded
                given = GeneSets.of(itertools.chain(*(each.rows for each in known)))
                _require_testable(given, index, tests, f"collections.{name}")
                if look is not None:
                    look.names[name, dataset] = index.account(given.distinct)
                    look.sets += shares(given, index, tests, dataset=dataset, collection=name)


def _gene_index(block: Mapping[str, Any]) -> GeneIndex:
    """Names of a data set's genes, without reading its counts."""
    return GeneIndex.of(read_genes(build(DatasetRun, block).cells))


def _hints(block: Mapping[str, Any], genes: Collection[str]) -> list[str]:
    """What may be done where gene sets and the genes of a data set do not meet."""
    cells = build(DatasetRun, block).cells
    if not isinstance(cells, OwnCells):
        return []
    hint = hint_of_symbols(cells, genes)
    return remarks_on_genes(cells) + ([] if hint is None else [hint])


def _check_collection(name: str, config: CollectionConfig) -> Checked:
    """What the files of a collection hold, all of which must be there."""
    for field, path in user_files(config).items():
        _require_file(f"collections.{name}.{field}", path)
    return check_collection(config)


def _rows(name: str, config: CollectionConfig, checked: Checked) -> list[Finding]:
    """A row for every file of a collection."""
    return [
        Finding(f"collections.{name}.{field}", path, checked.found[field])
        for field, path in user_files(config).items()
    ]


def _require_testable(sets: GeneSets, index: GeneIndex, tests: EnrichmentConfig, key: str) -> None:
    """Raise where no set of a collection has a size that is tested."""
    try:
        require_testable(
            sets,
            index,
            min_genes=tests.min_genes,
            max_genes=tests.max_genes,
            background=tests.universe.file,
        )
    except InputError as error:
        raise InputError(f"'{key}': {error}") from None


def _require_file(key: str, path: str) -> None:
    if not Path(path).exists():
        raise InputError(absent_file(key, path))
