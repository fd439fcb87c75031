"""Files and options of a trained Geneformer model."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le, MinLen

from featurelens.conventions import Convention
from featurelens.datasets.config import Text
from featurelens.embeddings.decoders.config import RidgeSurrogate
from featurelens.embeddings.model import Model
from featurelens.embeddings.models.geneformer.variants import SIZES
from featurelens.options import File, Users

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

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names that transformers looks for, the first one first."""
Folder = Annotated[str, MinLen(1), Users(inside=("config.json", *WEIGHTS))]


@dataclass(frozen=True, kw_only=True)
class GeneformerModel(Model):
    """A trained Geneformer model, which reads a cell as its genes in order of their expression."""

    is_network: ClassVar[bool] = True
    package: ClassVar[tuple[str, str]] = ("transformers", "transformers")
    environment: ClassVar[str] = "geneformer"

    kind: Literal["geneformer"] = "geneformer"
    """Which model."""
    variant: GeneformerName
    """The published model, whose size the weights must have; V1 or V2 alone take any size."""
    folder: Folder
    """Folder with config.json and model.safetensors or pytorch_model.bin."""
    tokens: File
    """Dictionary from Ensembl id to token: .json, .json.gz, or Geneformer's own .pkl."""
    medians: File
    """Dictionary from Ensembl id to the median of the gene's non-zero expression."""
    mapping: File | None = None
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

    @property
    def dimensions(self) -> int | None:
        """Dimensions of the embedding; the names of the series alone stand for any size."""
        return SIZES[self.variant].hidden_size if self.variant in SIZES else None

    @property
    def files(self) -> dict[str, str]:
        """Files of the user's that it reads; none where they come from a repository."""
        return {} if self.repository is not None else super().files


MODEL = GeneformerModel
