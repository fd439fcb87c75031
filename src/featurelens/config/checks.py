"""Contradictions between the parts of a run's config, each of which is sound by itself."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from featurelens.config.errors import suggest
from featurelens.config.simulation_run import OBSERVABLES
from featurelens.controls.config import contradictions as control_contradictions
from featurelens.datasets.config import OwnCells
from featurelens.downloads.config import DownloadConfig, belongs_to
from featurelens.genesets.config import annotated_with
from featurelens.sae.config import SAEConfig, to_train
from featurelens.sae.listing import served
from featurelens.sweeps.points import select_points

if TYPE_CHECKING:
    from featurelens.config.run import RunConfig


def _embeddings(run: RunConfig) -> list[str]:
    """Every embedding that a sweep can be over."""
    return [
        *(
            f"{simulation}/{name}"
            for simulation, block in run.simulations.items()
            for name in (*block.trained, *([OBSERVABLES] * (block.data.kind == "zipf")))
        ),
        *(f"{name}/{model}" for name, block in run.datasets.items() for model in block.models),
    ]


def _dimensions(run: RunConfig) -> dict[str, int]:
    """Dimensions of every embedding whose config tells them."""
    told = {
        f"{simulation}/{name}": autoencoder.latent
        for simulation, block in run.simulations.items()
        for name, autoencoder in block.trained.items()
    }
    told |= {
        f"{simulation}/{OBSERVABLES}": block.n_observed
        for simulation, block in run.simulations.items()
        if block.data.kind == "zipf"
    }
    return told | {
        f"{dataset}/{name}": model.dimensions
        for dataset, block in run.datasets.items()
        for name, model in block.models.items()
        if model.dimensions is not None
    }


def _width_checks(run: RunConfig) -> Iterator[str]:
    """An SAE has one feature at least, and so never keeps more than it has."""
    dimensions, trained = _dimensions(run), to_train(run.saes)
    expansions = [
        (f"sweeps.{name}.grids[{number}].expansion", expansion, sweep.embedding)
        for name, sweep in run.sweeps.items()
        for number, grid in enumerate(sweep.grids)
        for expansion in grid.expansion
    ]
    expansions += [
        (f"saes.{name}.expansion", trained[name].expansion, f"{dataset}/{model}")
        for dataset, block in run.datasets.items()
        for name in block.chosen_saes(trained)
        for model in block.models
    ]
    for key, expansion, embedding in expansions:
        d_in = dimensions.get(embedding)
        if d_in is not None and d_in * expansion < 1:
            yield (
                f"'{key}' is {expansion:g}, which makes no feature of the {d_in} dimensions of "
                f"{embedding!r}; use at least {1 / d_in:g}"
            )


def _has_connectivity(run: RunConfig, source: str) -> bool:
    return source in run.simulations and run.simulations[source].data.kind != "zipf"


def _control_checks(run: RunConfig) -> Iterator[str]:
    embeddings = [
        f"{name}/{model}" for name, block in run.datasets.items() for model in block.models
    ]
    found = control_contradictions(
        run.controls, embeddings=embeddings, saes=run.saes, collections=_annotating(run)
    )
    for message, word, known in found:
        yield message + (suggest(word, known) if word else "")


def contradictions(run: RunConfig) -> Iterator[str]:
    """Say what does not fit together, one line for each, naming the keys and what to do."""
    yield from _autoencoder_checks(run)
    yield from _sweep_checks(run)
    yield from _width_checks(run)
    yield from _engine_checks(run)
    yield from _dataset_checks(run)
    yield from _control_checks(run)
    yield from _download_checks(run.downloads)
    yield from _name_checks(run)
    yield from _paper_checks(run)


def _autoencoder_checks(run: RunConfig) -> Iterator[str]:
    for simulation, block in run.simulations.items():
        made = Counter(
            full for name, config in block.autoencoders.items() for full in config.each(name)
        )
        for name, count in made.items():
            if count > 1:
                yield (
                    f"'simulations.{simulation}.autoencoders' make {count} of the name {name!r}; "
                    "rename one"
                )


def _sweep_checks(run: RunConfig) -> Iterator[str]:
    embeddings = _embeddings(run)
    for name, sweep in run.sweeps.items():
        key = f"sweeps.{name}"
        known = embeddings
        if sweep.embedding not in known:
            yield (
                f"'{key}.embedding' is {sweep.embedding!r}, which this run does not make"
                f"{suggest(sweep.embedding, known)}"
            )
            continue
        named = {"stack_by": sweep.stack_by}
        if sweep.structure is not None:
            named["structure.select"] = tuple(sweep.structure.select)
        fields = list(SAEConfig.__dataclass_fields__)
        unknown = [(by, name) for by in named for name in named[by] if name not in fields]
        for by, name in unknown:
            yield f"'{key}.{by}' names {name!r}{suggest(name, fields)}"
        if unknown:
            continue
        try:
            stacks = sweep.stacks()
        except ValueError as error:
            yield f"'{key}.grids': {error}"
            continue
        if sweep.structure is not None and not _has_connectivity(run, sweep.source):
            yield (
                f"'{key}.structure' recovers the connectivity of a simulation, which "
                f"{sweep.embedding!r} does not have; drop it"
            )
        elif sweep.structure is not None and not select_points(stacks, sweep.structure.select):
            yield f"'{key}.structure.select' matches no point of the sweep; use values of its grids"


def _engine_checks(run: RunConfig) -> Iterator[str]:
    if run.engine != "auto":
        trained = {
            a for sweep in run.sweeps.values() for grid in sweep.grids for a in grid.architecture
        }
        trained |= {sae.architecture for sae in to_train(run.saes).values()}
        for architecture in sorted(trained - set(served(run.engine))):
            yield f"'engine' is {run.engine!r}, which does not train {architecture!r}; use auto"


def _dataset_checks(run: RunConfig) -> Iterator[str]:
    for dataset, block in run.datasets.items():
        for name in block.saes or ():
            if name not in run.saes:
                yield (
                    f"'datasets.{dataset}.saes' names {name!r}, which 'saes' does not have"
                    f"{suggest(name, list(run.saes))}"
                )
        wanted = block.steering.trajectory if block.steering is not None else None
        if wanted is not None and wanted not in block.trajectories:
            yield (
                f"'datasets.{dataset}.steering.trajectory' names {wanted!r}, which "
                f"'datasets.{dataset}.trajectories' does not have"
                f"{suggest(wanted, list(block.trajectories))}"
            )
        for number, asked in enumerate(block.high_low):
            if asked.features == "steered" and block.steering is None:
                yield (
                    f"'datasets.{dataset}.high_low[{number}].features' is 'steered', but "
                    f"'datasets.{dataset}.steering' is not given; add it, or name numbers"
                )
        if block.optional and not isinstance(block.cells, OwnCells):
            yield (
                f"'datasets.{dataset}.optional' is true, but {block.cells.kind} reads no file that "
                "could be missing; drop it"
            )
    for name, collection in run.collections.items():
        for dataset in collection.datasets or ():
            if dataset not in run.datasets:
                yield (
                    f"'collections.{name}.datasets' names {dataset!r}, which 'datasets' does not "
                    f"have{suggest(dataset, list(run.datasets))}"
                )
    yield from _token_checks(run)
    yield from _union_checks(run)
    swept = {sweep.source for sweep in run.sweeps.values()}
    if not run.saes and set(run.datasets) - swept:
        yield "'datasets' are given but no 'saes'; add at least one SAE, or a sweep over each"
    if run.dge.expression == "decoded":
        for dataset, block in run.datasets.items():
            for name, model in block.models.items():
                if not model.has_decoder:
                    yield (
                        f"'dge.expression' is 'decoded', but 'datasets.{dataset}.models.{name}' "
                        "has no decoder; write expression: measured, or available"
                    )


def _token_checks(run: RunConfig) -> Iterator[str]:
    """What moves or trains on the rows of an embedding as cells cannot be asked of tokens."""
    for dataset, block in run.datasets.items():
        for name, model in block.models.items():
            if not model.has_token_rows:
                continue
            key = f"datasets.{dataset}.models.{name}"
            if block.steering is not None:
                yield (
                    f"'datasets.{dataset}.steering' moves the embedding of cells, but the rows of "
                    f"'{key}' are tokens; drop one of them"
                )
            for sweep, each in run.sweeps.items():
                if each.embedding == f"{dataset}/{name}":
                    yield (
                        f"'sweeps.{sweep}.embedding' is {each.embedding!r}, whose rows are tokens; "
                        "sweeps are over cells"
                    )


def _union_checks(run: RunConfig) -> Iterator[str]:
    known = [name for name, collection in run.collections.items() if not collection.union]
    for name, collection in run.collections.items():
        for part in collection.union:
            if part in run.collections and part not in known:
                yield f"'collections.{name}.union' names {part!r}, a union too; name its parts"
            elif part not in known:
                yield (
                    f"'collections.{name}.union' names {part!r}, which 'collections' do not have"
                    f"{suggest(part, known)}"
                )


def _annotating(run: RunConfig) -> list[str]:
    """Collections that some dataset is annotated with; all of them where a union is unsound."""
    if any(_union_checks(run)) or not run.datasets:
        return list(run.collections)
    of_each = (annotated_with(run.collections, dataset) for dataset in run.datasets)
    return list(dict.fromkeys(itertools.chain(*of_each)))


def _name_checks(run: RunConfig) -> Iterator[str]:
    looked_at = None if run.gsea is None else run.gsea.collection
    if looked_at is not None and looked_at not in _annotating(run):
        why = "which 'collections' do not have"
        if looked_at in run.collections:
            why = "which no dataset is annotated with by itself"
        yield f"'gsea.collection' is {looked_at!r}, {why}{suggest(looked_at, _annotating(run))}"
    collision = set(run.simulations) & set(run.datasets)
    if collision:
        yield f"'{min(collision)}' names both a simulation and a dataset; rename one"


def _paper_checks(run: RunConfig) -> Iterator[str]:
    """What stands for the paper's own is of this run."""
    saes = [
        f"{dataset}/{model}/{sae}"
        for dataset, block in run.datasets.items()
        for model in block.models
        for sae in block.chosen_saes(run.saes)
    ]
    trajectories = [name for block in run.datasets.values() for name in block.trajectories]
    asked = {
        "multidgd": ([run.paper.multidgd], saes),
        "geneformer": ([run.paper.geneformer], saes),
        "seeds": (run.paper.seeds, list(run.saes)),
        "collection": ([run.paper.collection], _annotating(run)),
        "trajectory": ([run.paper.trajectory], trajectories),
    }
    for key, (names, known) in asked.items():
        for name in names:
            if name is not None and name not in known:
                yield f"'paper.{key}' names {name!r}, which this run lacks{suggest(name, known)}"


def _download_checks(downloads: Mapping[str, DownloadConfig]) -> Iterator[str]:
    for (name, left), (other, right) in itertools.permutations(downloads.items(), 2):
        if belongs_to(left.path, right.path) and (left.path != right.path or name < other):
            yield (
                f"'downloads.{name}.path' and 'downloads.{other}.path' are in each other's place "
                f"({left.path} and {right.path}); give each a path of its own"
            )
