"""A trained sparse autoencoder: encode, decode, save, load.

Every architecture folds into one inference form,

    before = x W_enc + b_enc;  z = activation(before);  x̂ = z W_dec + b_dec

where the activation is ReLU, the k largest then ReLU, or ReLU above a threshold per feature.
These are SAELens' ``standard``, ``topk`` and ``jumprelu``, and the files are SAELens' own layout
(``cfg.json`` and ``sae_weights.safetensors``), so ``sae_lens.SAE.load_from_disk`` reads them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from safetensors.numpy import save as to_bytes

from featurelens import plugins
from featurelens.io import InputError, atomic_path, write_json
from featurelens.sae.config import ImportedSAE
from featurelens.sae.files.saelens import CONFIG, FORM, WEIGHTS
from featurelens.sae.folded import Folded, RowUnits, require_whole
from featurelens.sae.saved import AGAIN, Saved
from featurelens.sae.selection import keep_largest, keep_of_groups

FILES = "featurelens.sae.files"
"""Where the forms of files are, one module each."""


@dataclass(frozen=True, eq=False)
class SAE(Folded):
    """Weights of a trained sparse autoencoder in inference form."""

    @property
    def d_in(self) -> int:
        """Dimensions of the input."""
        return self.W_enc.shape[0]

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return self.W_enc.shape[1]

    @property
    def directions(self) -> np.ndarray:
        """What each feature adds to the reconstruction, (d_sae, d_in).

        Raises
        ------
        InputError
            If it is a transcoder.
        """
        self._require_decoder()
        return self.W_dec

    @property
    def known_directions(self) -> np.ndarray | None:
        """The same, or None of a transcoder."""
        return self.W_dec if self.has_decoder else None

    def _require_decoder(self) -> None:
        if not self.has_decoder:
            raise InputError(
                f"{self.architecture}: a transcoder's decoder predicts another layer, so its "
                "features add nothing to the embedding; it cannot be steered or decoded"
            )

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Activations of the rows of ``X`` (n, d_in), as (n, d_sae).

        Raises
        ------
        InputError
            If ``X`` has another number of columns than the SAE has inputs.
        """
        X = np.asarray(X, dtype=self.W_enc.dtype)
        if X.ndim != 2 or X.shape[1] != self.d_in:
            raise InputError(f"SAE with {self.d_in} inputs cannot encode data of shape {X.shape}")
        before = self.before_selection(X)
        if self.k is not None and self.k < self.d_sae:
            return (keep_of_groups if self.in_groups else keep_largest)(before, self.k)
        if self.threshold is not None:
            before[before <= self.threshold] = 0
        return np.maximum(before, 0, out=before)

    def encode_chunks(self, X: np.ndarray, chunk_rows: int = 4096) -> Iterator[np.ndarray]:
        """Encode ``chunk_rows`` rows at a time, in order."""
        for start in range(0, len(X), chunk_rows):
            yield self.encode(X[start : start + chunk_rows])

    def encode_sparse(self, X: np.ndarray, chunk_rows: int = 4096) -> scipy.sparse.csr_matrix:
        """Activations as CSR (n, d_sae); never holds more than one dense chunk."""
        chunks = [scipy.sparse.csr_matrix(codes) for codes in self.encode_chunks(X, chunk_rows)]
        return _stacked(chunks, self.d_sae, self.W_enc.dtype)

    def decode(
        self, codes: np.ndarray | scipy.sparse.spmatrix, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Reconstruction (n, d_in) of activations (n, d_sae), dense or sparse.

        Where each row has a unit of its own (:attr:`row_units`), the ``rows`` (n, d_in) that were
        encoded give it back; without them it is in that unit.

        Raises
        ------
        InputError
            If it is a transcoder.
        """
        self._require_decoder()
        decoded = np.asarray(codes @ self.W_dec) + self.b_dec
        if self.row_units is None or rows is None:
            return decoded
        shift, scale, _ = _units(np.asarray(rows, dtype=self.W_enc.dtype), self.row_units)
        return decoded * scale + shift

    def before_selection(self, X: np.ndarray) -> np.ndarray:
        """``x W_enc + b_enc`` (n, d_sae) of rows (n, d_in), each in its own unit if it has one."""
        X = np.asarray(X, dtype=self.W_enc.dtype)
        if self.row_units is not None:
            shift, _, divisor = _units(X, self.row_units)
            X = (X - shift) / divisor
        before: np.ndarray = X @ self.W_enc
        before += self.b_enc
        return before

    def unit_of_rows(self, X: np.ndarray) -> np.ndarray:
        """What a step of 1 in decoder rows is in each row of ``X`` (n, d_in), as (n, 1)."""
        if self.row_units is None:
            return np.ones((len(X), 1), self.W_enc.dtype)
        return _units(np.asarray(X, dtype=self.W_enc.dtype), self.row_units)[1]


def _units(X: np.ndarray, row_units: RowUnits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Origin and unit of each row, and what it is divided by, (n, 1), as sae-lens 6.54.12 has them.

    ``constant_norm_rescale`` brings a row to length √d_in; ``layer_norm`` takes its mean away and
    divides by its standard deviation (of n - 1) plus 1e-5, which the way back leaves out.
    """
    if row_units == "constant_norm_rescale":
        length = np.linalg.norm(X, axis=1, keepdims=True) / X.shape[1] ** 0.5
        return np.zeros_like(length), length, length
    shift = X.mean(axis=1, keepdims=True)
    spread = X.std(axis=1, ddof=1, keepdims=True)
    return shift, spread, spread + X.dtype.type(1e-5)


def _stacked(
    chunks: list[scipy.sparse.csr_matrix], n_columns: int, dtype: np.dtype
) -> scipy.sparse.csr_matrix:
    """Rows of several matrices, which are taken from the list, so that they are not held twice."""
    n_rows = [chunk.shape[0] for chunk in chunks]
    sizes = np.concatenate([[0], *(np.diff(chunk.indptr) for chunk in chunks)])
    indptr = np.cumsum(sizes, dtype=np.int64)
    few = indptr[-1] <= np.iinfo(np.int32).max
    data = np.empty(indptr[-1], chunks[0].dtype if chunks else dtype)
    indices = np.empty(indptr[-1], np.int32 if few else np.int64)
    first = 0
    chunks.reverse()
    while chunks:
        chunk = chunks.pop()
        place = slice(first, first + chunk.nnz)
        data[place], indices[place], first = chunk.data, chunk.indices, place.stop
    bounds = indptr.astype(indices.dtype)
    return scipy.sparse.csr_matrix((data, indices, bounds), shape=(sum(n_rows), n_columns))


def save(sae: SAE, folder: str | Path) -> None:
    """Write ``cfg.json`` and ``sae_weights.safetensors``, each atomically, weights first.

    An SAE that SAELens has no class for has a name there that it does not know, so that it cannot
    take it for another: ``encoder`` is one without decoder, ``groupmax`` one of groups.
    """
    folder = Path(folder)
    arrays = {"W_enc": sae.W_enc, "b_enc": sae.b_enc}
    if sae.has_decoder:
        arrays |= {"W_dec": sae.W_dec, "b_dec": sae.b_dec}
    if sae.threshold is not None:
        arrays["threshold"] = sae.threshold
    with atomic_path(folder / WEIGHTS) as temporary:
        # save_file would make a file that only its owner may read.
        temporary.write_bytes(to_bytes({k: np.ascontiguousarray(a) for k, a in arrays.items()}))
    write_json(_saelens_config(sae), folder / CONFIG)


def _saelens_config(sae: SAE) -> dict[str, Any]:
    """Content of ``cfg.json`` as SAELens 6 writes it; what is ours stands under metadata."""
    config: dict[str, Any] = {
        "architecture": "standard",
        "d_in": sae.d_in,
        "d_sae": sae.d_sae,
        "dtype": str(sae.W_enc.dtype),
        "device": "cpu",
        "apply_b_dec_to_input": False,
        "normalize_activations": sae.row_units or "none",
        "reshape_activations": "none",
    }
    if sae.k is not None:
        config |= {"architecture": "topk", "k": sae.k, "rescale_acts_by_decoder_norm": False}
    elif sae.threshold is not None:
        config["architecture"] = "jumprelu"
    if sae.in_groups:
        config["architecture"] = "groupmax"
    if not sae.has_decoder:
        config["architecture"] = "encoder"
        config["in_groups"] = sae.in_groups
    ours = {"architecture": sae.architecture, **sae.metadata}
    config["metadata"] = {"sae_lens_version": FORM, "featurelens": ours}
    return config


def load(given: str | Path | ImportedSAE, *, data_sha256: str | None = None) -> SAE:
    """Read an SAE: what :func:`save` wrote, or another package did.

    Parameters
    ----------
    given
        Folder or file of one SAE in a form of :mod:`featurelens.sae.files`, one module a package,
        or that with what its files do not say.
    data_sha256
        Digest of the embedding the SAE is about to be applied to; None applies it to anything.

    Raises
    ------
    InputError
        If a file is missing or damaged, if shapes disagree with each other, if the files say
        something that cannot be honoured, or if the SAE was trained on other data.
    """
    folder = Path(given.path if isinstance(given, ImportedSAE) else given)
    sae = read_saved(Saved(folder, given if isinstance(given, ImportedSAE) else None))
    trained_on = sae.metadata.get("data_sha256")
    if data_sha256 is not None and trained_on is not None and trained_on != data_sha256:
        raise InputError(
            f"{folder}: this SAE was trained on data with sha256 {trained_on[:12]}…, "
            f"not {data_sha256[:12]}…; train it on these data, or load it by "
            "featurelens.sae.model.load(folder), which compares nothing"
        )
    return sae


def read_saved(saved: Saved) -> SAE:
    """The SAE in files that were given, of whatever form; ``saved`` knows then what they were."""
    saved.format = saved.asked.format
    if saved.format == "auto":
        saved.format = _format(saved)
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused below
            folded = plugins.load(FILES, saved.format).read(saved)
            if saved.input_scale is not None:
                folded = folded.of_scaled(saved.input_scale)
            sae = SAE(**vars(folded.in_single()))
    except InputError:
        raise
    # On settings and arrays of another form, folding fails at whichever step they first meet.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{saved.path}: does not fit together as {saved.format} ({error}); {AGAIN}"
        ) from error
    require_whole(sae, saved.path)
    return sae


def require_width(sae: SAE, d_in: int, *, where: str, embedding: str) -> None:
    """Raise an InputError unless an SAE has as many inputs as an embedding has dimensions."""
    if sae.d_in != d_in:
        raise InputError(
            f"{where}: this SAE has {sae.d_in} inputs, but {embedding!r} has {d_in} dimensions; "
            "name the embedding that it was trained on"
        )


def _format(saved: Saved) -> str:
    """The form of files, which one module must know."""
    if not saved.path.exists():
        raise InputError(f"{saved.path}: no such file or folder; train the SAE first")
    readers = {name: plugins.load(FILES, name) for name in plugins.names(FILES)}
    found = [name for name, reader in readers.items() if reader.is_here(saved)]
    if not found and saved.loose is not None:
        found = [name for name, reader in readers.items() if reader.is_of(saved.loose_tensors)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{saved.path}: may be of the form {' or '.join(found)}; write which one as format"
        )
    held = ", ".join(sorted(each.name for each in saved.folder.iterdir())[:8])
    if saved.loose is not None:
        held = f"tensors {', '.join(sorted(saved.loose_tensors)[:8])}"
    raise InputError(
        f"{saved.path}: is no SAE of a form that is known (found {held or 'nothing'}); "
        f"{', '.join(readers)} are read (docs/saved-models.md)"
    )
