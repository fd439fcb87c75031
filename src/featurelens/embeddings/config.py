"""What to embed and how: config classes of datasets and models.

Imports neither scanpy nor torch, because the workflow reads configs while it plans.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

from featurelens.conventions import Convention
from featurelens.options import STRICT

Text = Annotated[str, MinLen(1)]
EMBEDDING_SUFFIXES = (".h5ad", ".npy", ".csv", ".tsv", ".pt")


@dataclass(frozen=True, kw_only=True)
class Pbmc68kReduced:
    """700 blood cells with 765 genes that scanpy ships; integer counts are recovered exactly."""

    __pydantic_config__ = STRICT

    kind: Literal["pbmc68k_reduced"] = "pbmc68k_reduced"
    """Which reader."""


@dataclass(frozen=True, kw_only=True)
class OwnCells:
    """Cells of an ``.h5ad`` or ``.h5mu`` file with raw counts."""

    __pydantic_config__ = STRICT

    kind: Literal["h5ad"] = "h5ad"
    """Which reader."""
    path: Text
    """The file, relative to the working directory."""
    cell_type: Text
    """Column of obs with the cell type."""
    counts_layer: Text | None = None
    """Layer that holds the raw counts; null reads them from X."""
    batch: Text | None = None
    """Column of obs with the batch; null puts all cells into one."""
    symbol: Text | None = None
    """Column of var with gene symbols; null takes the names of var."""
    ensembl: Text | None = None
    """Column of var with Ensembl gene ids; null takes a column named ensembl, or else the names of
    var where they are such ids."""
    library: Text | None = None
    """Column of obs with the total count of a cell; null sums the counts of the genes kept."""
    modality: Text | None = None
    """Modality to keep, by its name in modality_column, or in a .h5mu file by its own name."""
    modality_column: Text = "modality"
    """Column of var with the modality of each feature; not used for .h5mu files."""
    only: dict[str, str] | None = None
    """Columns of obs and the value in each that cells must have; the others are left out."""

    @property
    def counts(self) -> str:
        """Place of the counts in the file."""
        return "X" if self.counts_layer is None else f"layers[{self.counts_layer!r}]"


DatasetConfig = Pbmc68kReduced | OwnCells


@dataclass(frozen=True, kw_only=True)
class PCAModel:
    """Principal components of log1p counts per 10,000, decoded linearly."""

    __pydantic_config__ = STRICT

    kind: Literal["pca"] = "pca"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 20
    """Dimension of the embedding."""
    seed: int = 0
    """Seed of the eigensolver's starting vector."""

    has_decoder: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class PoissonNMFModel:
    """Non-negative factorisation of the counts under Poisson noise, in its multinomial form."""

    __pydantic_config__ = STRICT

    kind: Literal["poisson_nmf"] = "poisson_nmf"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 10
    """Number of factors, the dimension of the embedding."""
    iterations: Annotated[int, Ge(1)] = 300
    """Multiplicative updates; all of them are made."""
    seed: int = 0
    """Seed of the initialisation."""

    has_decoder: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class RidgeSurrogate:
    """Ridge regression from an embedding to log1p counts per 10,000, where no decoder exists."""

    __pydantic_config__ = STRICT

    alpha: Annotated[float, Gt(0)] = 1.0
    """Weight of the squared coefficients, on an embedding scaled to unit variance."""
    holdout: Annotated[float, Gt(0), Lt(1)] = 0.1
    """Share of the cells on which the fit is judged; the decoder itself is fitted on all cells."""
    seed: int = 0
    """Seed of the choice of these cells."""


@dataclass(frozen=True, kw_only=True)
class PrecomputedModel:
    """An embedding that exists already, in the cells' own file or in another one."""

    __pydantic_config__ = STRICT

    kind: Literal["precomputed"] = "precomputed"
    """Which model."""
    key: Text | None = None
    """Key of obsm with the embedding (of a dictionary, where path is a .pt file of one)."""
    path: Text | None = None
    """Another file with it: .h5ad, .npy, .csv, .tsv or .pt; null looks in the cells' own file."""
    names: Text | None = None
    """Text file with the cell names of a .npy or .pt file, one a line, in the order of its rows."""
    factors: Text | None = None
    """Key of varm with non-negative gene factors that decode it; null means no decoder."""
    surrogate: RidgeSurrogate | None = None
    """Fit a decoder afterwards, marked as surrogate wherever it is used; null fits none."""

    def __post_init__(self) -> None:
        if self.factors is not None and self.surrogate is not None:
            raise ValueError("factors and surrogate are two decoders of one embedding; keep one")
        if self.path is None:
            if self.key is None:
                raise ValueError("key is missing; name the embedding's key in obsm, or give a path")
            if self.names is not None:
                raise ValueError("names belong to a .npy or .pt file; give its path, or drop names")
            return
        suffix = PurePath(self.path).suffix
        if suffix not in EMBEDDING_SUFFIXES:
            allowed = ", ".join(EMBEDDING_SUFFIXES)
            raise ValueError(f"path ends in {suffix!r}; embeddings are read from {allowed}")
        if (suffix in (".npy", ".pt")) != (self.names is not None):
            rule = "needs a text file of cell names" if self.names is None else "brings its own"
            raise ValueError(f"names: a {suffix} file {rule}")
        if suffix == ".h5ad" and self.key is None:
            raise ValueError("key is missing; name the embedding's key in obsm of the .h5ad file")
        if suffix in (".npy", ".csv", ".tsv") and self.key is not None:
            raise ValueError(f"key: a {suffix} file has no keys; drop it")

    @property
    def has_decoder(self) -> bool:
        """Whether expression can be decoded."""
        return self.factors is not None or self.surrogate is not None


@dataclass(frozen=True, kw_only=True)
class MultiDGDModel:
    """A trained multiDGD model, read from its checkpoint without the package."""

    __pydantic_config__ = STRICT

    kind: Literal["multidgd"] = "multidgd"
    """Which model."""
    checkpoint: Text
    """The state dictionary, a .pt file."""
    hyperparameters: Text
    """The .json file saved beside it."""
    split_column: Text = "train_val_test"
    """Column of obs with the split; the checkpoint's rows are its cells marked train, in order."""
    modality: Text | None = None
    """Modality whose decoder is kept, by its name in hyperparameters; null takes the first."""
    proof_cells: Annotated[int, Ge(2)] = 1000
    """Most cells on which it is proven that rows and cells match."""
    proof_permutations: Annotated[int, Ge(10)] = 100
    """Shuffles within cell types that the likelihood of the true order is compared with."""
    seed: int = 0
    """Seed of these shuffles."""

    has_decoder: ClassVar[bool] = True


GeneformerName = Literal[
    "gf-6L-30M-i2048",
    "gf-12L-30M-i2048",
    "gf-12L-95M-i4096",
    "gf-20L-95M-i4096",
    "V2-104M",
    "V2-316M",
    "V1",
    "V2",
]


GENEFORMER_DIMENSIONS = {
    "gf-6L-30M-i2048": 256,
    "gf-12L-30M-i2048": 512,
    "gf-12L-95M-i4096": 512,
    "gf-20L-95M-i4096": 896,
    "V2-104M": 768,
    "V2-316M": 1152,
}
"""Of the published models, as ``geneformer.variants.SIZES``, which is not read while planning."""


@dataclass(frozen=True, kw_only=True)
class GeneformerModel:
    """A trained Geneformer model, which reads a cell as its genes in order of their expression."""

    __pydantic_config__ = STRICT

    kind: Literal["geneformer"] = "geneformer"
    """Which model."""
    variant: GeneformerName
    """The published model, whose size the weights must have; V1 or V2 alone take any size."""
    folder: Text
    """Folder with config.json and model.safetensors or pytorch_model.bin."""
    tokens: Text
    """Dictionary from Ensembl id to token: .json, .json.gz, or Geneformer's own .pkl."""
    medians: Text
    """Dictionary from Ensembl id to the median of the gene's non-zero expression."""
    mapping: Text | None = None
    """Dictionary from Ensembl id to the id under which counts are summed; null maps none."""
    repository: Text | None = None
    """Repository of the Hugging Face hub that folder and dictionaries are paths in; null: disk."""
    revision: Text | None = None
    """Commit of the repository, so that the same files come every time."""
    layer: Annotated[int, Le(0)] = -1
    """Hidden layer: 0 is the last, -1 the second to last, and so on."""
    pooling: Literal["cell", "cls"] = "cell"
    """Mean over the genes of a cell, or (V2 only) the state of its <cls> token."""
    convention: Convention = "corrected"
    """Vectors joined by cell name, or (published) by position, though they are sorted by length."""
    min_gene_share: Annotated[float, Gt(0), Le(1)] = 0.25
    """Least share of the genes of the data that the dictionary must know."""
    tokens_per_batch: Annotated[int, Ge(1)] | None = None
    """Most tokens, padding included, in one pass; null takes 2,048 on a CPU, 65,536 on a GPU."""
    surrogate: RidgeSurrogate | None = None
    """Fit a decoder afterwards, marked as surrogate wherever it is used; null fits none."""

    def __post_init__(self) -> None:
        if self.repository is not None and self.revision is None:
            raise ValueError("revision is missing; name the commit of the repository")
        if self.repository is None and self.revision is not None:
            raise ValueError("revision: belongs to a repository; name one, or drop revision")
        if self.pooling == "cls" and self.series == "V1":
            raise ValueError(f"pooling is 'cls', but {self.variant} has no <cls> token; use cell")

    @property
    def series(self) -> Literal["V1", "V2"]:
        """Which vocabulary: V1 has no tokens but genes, V2 begins with <cls>, ends with <eos>."""
        return "V1" if self.variant == "V1" or "-30M-" in self.variant else "V2"

    @property
    def has_decoder(self) -> bool:
        """Whether expression can be decoded."""
        return self.surrogate is not None


@dataclass(frozen=True, kw_only=True)
class ScviModel:
    """scVI, trained on the cells with scvi-tools or read from a model that it saved."""

    __pydantic_config__ = STRICT

    kind: Literal["scvi"] = "scvi"
    """Which model."""
    checkpoint: Text | None = None
    """The model.pt of a saved model, which needs no scvi-tools; null trains one."""
    sample: bool = False
    """Draw one z of each cell from its distribution; otherwise the embedding is its mean."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the training and of that draw."""
    n_latent: Annotated[int, Ge(1)] = 20
    """Dimension of the embedding. This and all below is for training alone."""
    n_hidden: Annotated[int, Ge(1)] = 128
    """Width of the hidden layers."""
    n_layers: Annotated[int, Ge(1)] = 1
    """Hidden layers of encoder and decoder."""
    likelihood: Literal["nb", "zinb", "poisson"] = "nb"
    """Distribution of the counts; the zero inflation of zinb is not decoded."""
    n_genes: Annotated[int, Ge(1)] | None = None
    """Most variable genes to train on, which the bundle then holds alone; null takes all."""
    epochs: Annotated[int, Ge(1)] | None = None
    """Passes over the cells; null is the rule of scvi-tools, 400 for up to 20,000 cells."""
    batch_size: Annotated[int, Ge(1)] = 128
    """Cells in a minibatch."""
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """Step size of Adam."""

    has_decoder: ClassVar[bool] = True


FILE_FIELDS = (
    "path",
    "checkpoint",
    "hyperparameters",
    "names",
    "tokens",
    "medians",
    "mapping",
)
"""Fields of datasets and models that name a file which the user brings."""

FOLDER_FIELDS = {"folder": ("config.json", "model.safetensors", "pytorch_model.bin")}
"""Fields that name a folder of the user's, and its files that are read where they are there."""

ModelConfig = (
    PCAModel | PoissonNMFModel | PrecomputedModel | MultiDGDModel | GeneformerModel | ScviModel
)

ENVIRONMENTS = {"geneformer": "geneformer", "scvi": "scvi"}
"""Kinds of models that need more than the core packages, and the file in ``envs/`` with them."""


def user_files(part: Mapping[str, Any]) -> dict[str, str]:
    """Files of the user's that a dataset or a model names, by the key that names them.

    Parameters
    ----------
    part
        A dataset or a model in plain form.
    """
    if part.get("repository") is not None:
        return {}
    files = {field: part[field] for field in FILE_FIELDS if part.get(field) is not None}
    for field, names in FOLDER_FIELDS.items():
        if part.get(field) is not None:
            files |= {f"{field}/{name}": f"{part[field]}/{name}" for name in names}
    return files
