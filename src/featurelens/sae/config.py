"""What one sparse autoencoder is and how it is trained, apart from the data, or where it lies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from featurelens.io import InputError
from featurelens.options import STRICT, File
from featurelens.sae.listing import architectures, engines, formats, starts_linear

TrainedPart = Literal["all", "encoder", "nothing"]
if TYPE_CHECKING:
    ArchitectureName = str
    EngineChoice = str
    FormatChoice = str
else:
    ArchitectureName = Literal[architectures()]
    EngineChoice = Literal[("auto", *engines())]
    FormatChoice = Literal[("auto", *formats())]


@dataclass(frozen=True, kw_only=True)
class SAEConfig:
    """One sparse autoencoder; the data give d_in, and with it d_sae (:func:`width`)."""

    __pydantic_config__ = STRICT

    architecture: ArchitectureName
    """Which architecture; vanilla, relu and topk are the paper's own."""
    expansion: Annotated[float, Gt(0)]
    """Features per input dimension (the paper's hidden or scaling factor)."""
    max_features: Annotated[int, Ge(0)] = 0
    """Most features, however many dimensions the input has; 0 sets no limit."""
    l1: Annotated[float, Ge(0)] = 1e-3
    """Weight of the sparsity penalty; the top-k kinds do not use it."""
    k: Annotated[float, Gt(0), Le(100)] = 10.0
    """Active features per row as a percentage of d_sae, at least one (top-k kinds only)."""
    learning_rate: Annotated[float, Gt(0)] = 1e-4
    """Step size of Adam."""
    epochs: Annotated[int, Ge(1)] = 500
    """Passes over the training rows."""
    batch_size: Annotated[int, Ge(1)] = 128
    """Rows per step; the last batch of an epoch may be shorter."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the initial weights, the batch order and the validation split."""
    reduction: Literal["paper", "sum"] = "paper"
    """paper averages squared error and penalty over the width too; sum adds them over the width."""
    validation_fraction: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of the rows held out of training."""
    patience: Annotated[int, Ge(0)] = 0
    """Epochs without a new lowest validation loss before training stops; 0 never stops early."""
    convention: Literal["published", "corrected"] = "corrected"
    """published holds out the last rows, averages their loss over batches and keeps the last
    weights; corrected draws rows, averages over rows and keeps the best weights."""
    validation: Literal["held_out", "unreset"] = "held_out"
    """unreset: to the loss of the held-out batches that of the epoch's training batches is added
    before it is divided by their number, as in the author's sweep over cells, which never resets
    its sum; early stopping looks at it (published only)."""
    warmup: Annotated[float, Ge(0), Le(1)] = 0.0
    """Share of the steps over which the learning rate rises linearly from zero."""
    decay: Annotated[float, Ge(0), Le(1)] = 0.0
    """Share of the steps, at the end, over which the learning rate falls linearly to zero."""
    sparsity_warmup: Annotated[float, Ge(0), Le(1)] = 0.0
    """Share of the steps over which the sparsity penalty rises linearly from zero."""

    auxiliary: Annotated[float, Ge(0)] = 1 / 32
    """Weight of the loss that revives dead features (topk_aux, batchtopk and matryoshka only)."""
    dead_after: Annotated[int, Ge(1)] = 1
    """Epochs without firing after which that loss counts a feature as dead."""
    bandwidth: Annotated[float, Gt(0)] = 1e-3
    """Width of the kernel that gives the threshold of jumprelu its gradient."""
    normalise: Literal["auto", "none", "scale"] = "auto"
    """scale brings the mean of the embedding to 0 and its spread per dimension to 1, by one factor
    for all, and undoes both in the weights; auto does so for an SAE of an embedding of your own
    (kind precomputed), and in no other place and in no sweep."""
    initialisation: Literal["own", "linear"] = "own"
    """own: each architecture's start, for the paper's that of its simulations; linear: biases too
    start as torch.nn.Linear's, as in the author's scripts for single cells (vanilla only)."""
    trained: TrainedPart = "all"
    """What training may change: encoder leaves the random decoder rows, nothing all weights."""

    def __post_init__(self) -> None:
        if self.patience and not self.validation_fraction:
            raise ValueError("patience needs a validation_fraction above 0")
        if self.validation == "unreset" and self.convention != "published":
            raise ValueError("validation unreset is of the convention published; leave it out")
        if self.warmup + self.decay > 1:
            raise ValueError("warmup and decay together exceed the whole training (1)")
        if self.initialisation == "linear" and not starts_linear(self.architecture):
            able = ", ".join(name for name in architectures() if starts_linear(name))
            what = f"initialisation linear is a start of {able}, not of {self.architecture}"
            raise ValueError(f"{what}; leave it out")


@dataclass(frozen=True, kw_only=True)
class TensorNames:
    """Names of the tensors in a file that no package of docs/saved-models.md wrote."""

    __pydantic_config__ = STRICT

    W_enc: str
    """Encoder, (d_in, d_sae) or (d_sae, d_in)."""
    W_dec: str | None = None
    """Decoder, (d_sae, d_in) or (d_in, d_sae); null takes the encoder, transposed."""
    b_enc: str | None = None
    """Bias of the encoder, (d_sae,); null for none."""
    b_dec: str | None = None
    """Bias of the decoder, (d_in,); null for none."""
    subtracted: str | None = None
    """What is subtracted from the input, (d_in,), often the bias of the decoder; null for none."""
    added: str | None = None
    """What is added to the input, (d_in,), as in the study's ReLU SAEs; null for none."""
    threshold: str | None = None
    """Above what features fire, (d_sae,) or one number (jumprelu only)."""
    log_threshold: str | None = None
    """The same as its natural logarithm."""
    transposed: bool | None = None
    """Whether the encoder is (d_sae, d_in), as torch.nn.Linear keeps it, and a square decoder as
    that does too; null sees it by shapes."""


@dataclass(frozen=True, kw_only=True)
class ImportedSAE:
    """One sparse autoencoder that was trained elsewhere (docs/saved-models.md)."""

    __pydantic_config__ = STRICT

    path: File
    """Folder or file that holds it."""
    format: FormatChoice = "auto"
    """What wrote it; auto knows by what the files hold."""
    architecture: str | None = None
    """Its class or activation, where the files do not say it: of dictionary_learning and
    overcomplete the name of the class, of tensors the activation relu, topk or jumprelu."""
    k: Annotated[int, Ge(1)] | None = None
    """Features kept per row, where the files do not say it."""
    threshold: Annotated[float, Ge(0)] | None = None
    """Above what features fire, where the files do not say it."""
    input_scale: Annotated[float, Gt(0)] | None = None
    """What the embedding is multiplied by before it is encoded, where training scaled it and the
    files do not say by what."""
    tensors: TensorNames | None = None
    """Names of the tensors (format tensors)."""


def _given_or_trained(value: Any) -> str:
    is_given = "path" in value if isinstance(value, Mapping) else isinstance(value, ImportedSAE)
    return "imported" if is_given else "trained"


AnySAE = Annotated[
    Annotated[SAEConfig, Tag("trained")] | Annotated[ImportedSAE, Tag("imported")],
    Discriminator(_given_or_trained),
]
"""An SAE of a run: trained on its embeddings, or with a path to one that was trained elsewhere."""


def to_train(saes: Mapping[str, SAEConfig | ImportedSAE]) -> dict[str, SAEConfig]:
    """Those that a run trains."""
    return {name: sae for name, sae in saes.items() if isinstance(sae, SAEConfig)}


def to_import(saes: Mapping[str, SAEConfig | ImportedSAE]) -> dict[str, ImportedSAE]:
    """Those that were trained elsewhere."""
    return {name: sae for name, sae in saes.items() if isinstance(sae, ImportedSAE)}


def for_embedding(config: SAEConfig, *, is_given: bool) -> SAEConfig:
    """The same with ``normalise`` decided, for an embedding that was given or made by the run.

    The unit of an embedding that somebody brings is unknown; what the library's own models make
    are trained on as they are, as in the paper.
    """
    if config.normalise != "auto":
        return config
    return replace(config, normalise="scale" if is_given else "none")


def require_valid(config: SAEConfig) -> None:
    """Raise :class:`InputError` that names the first field whose value is not allowed.

    The workflow's configs are checked when they are read; this is for those made in Python.
    """
    try:
        TypeAdapter(SAEConfig).validate_python(asdict(config))
    except ValidationError as error:
        problem = error.errors()[0]
        (field,) = problem["loc"][:1]
        message = problem["msg"].replace("Input should be", "should be")
        raise InputError(f"SAE config: {field} is {problem['input']!r}, {message}") from None


def width(config: SAEConfig, d_in: int) -> int:
    """Number of features for inputs of ``d_in`` dimensions: d_in times expansion, up to a limit.

    Examples
    --------
    >>> width(SAEConfig(architecture="relu", expansion=10), 4)
    40
    >>> width(SAEConfig(architecture="relu", expansion=10, max_features=30), 4)
    30
    """
    d_sae = int(d_in * config.expansion)
    return min(d_sae, config.max_features) if config.max_features else d_sae


def n_kept(config: SAEConfig, d_sae: int) -> int:
    """Features that a top-k kind keeps per row: max(1, int(d_sae k / 100)).

    Examples
    --------
    >>> n_kept(SAEConfig(architecture="topk", expansion=10, k=25), 9)
    2
    """
    return max(1, int(d_sae * config.k / 100))


def error_scale(config: SAEConfig, d_in: int) -> float:
    """Factor of the squared error summed over d_in and averaged over the rows."""
    return 1 / d_in if config.reduction == "paper" else 1.0


def penalty_scale(config: SAEConfig, d_sae: int) -> float:
    """Factor of the penalty summed over d_sae and averaged over the rows, without ``l1``."""
    return 1 / d_sae if config.reduction == "paper" else 1.0


def effective_l1(config: SAEConfig, d_in: int, d_sae: int) -> float:
    """Coefficient that gives the same optimum when both terms are summed over the width.

    With averages over both widths it is l1 d_in / d_sae, so one value of ``l1`` means another
    penalty at each width.

    Examples
    --------
    >>> config = SAEConfig(architecture="relu", expansion=10, l1=0.5, reduction="paper")
    >>> effective_l1(config, 4, 40)  # 0.5 · 4 / 40
    0.05
    """
    return config.l1 * penalty_scale(config, d_sae) / error_scale(config, d_in)
