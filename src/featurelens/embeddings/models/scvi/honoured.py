"""Options of scvi-tools' SCVI, and what is read of them.

Those that SCVI and its module VAE take in scvi-tools 0.20.3, 1.0.4, 1.1.6, 1.2.2, 1.3.3 and 1.4.2
(``scvi/model/_scvi.py``, ``scvi/module/_vae.py``). An option that is not on a list here may change
what the networks compute, so it is refused by its name, and one of a later version with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from featurelens.io import InputError

SEEN_IN_WEIGHTS = (
    "n_hidden",
    "n_latent",
    "n_layers",
    "dispersion",
    "use_batch_norm",
    "encode_covariates",
    "deeply_inject_covariates",
)
"""Options that shapes and names of the weights tell; every value is honoured."""

OF_TRAINING = (
    "dropout_rate",
    "use_observed_lib_size",
    "extra_payload_autotune",
    "adata",  # None, where a model was made without data
    "registry",
    "layer",
    "batch_key",
    "labels_key",
)
"""Options that change neither means of z nor proportions of genes, or only say where data lay."""

READ: dict[str, tuple[Any, ...]] = {
    "gene_likelihood": ("zinb", "nb", "poisson"),
    "log_variational": (True, False),
    "latent_distribution": ("normal",),
    "use_layer_norm": ("none",),
    "batch_representation": ("one-hot",),
    "batch_embedding_kwargs": (None, {}),
    "var_activation": (None,),
    "extra_encoder_kwargs": (None, {}),
    "extra_decoder_kwargs": (None, {}),
    "use_size_factor_key": (False,),
    "size_factor_key": (None,),
    "categorical_covariate_keys": (None, []),
    "continuous_covariate_keys": (None, []),
}
"""Values that are read of the options that matter."""

REMEDIES = {
    "gene_likelihood": "a model of normalised values is not fed counts; train one with 'nb'",
}


def given_options(init: Mapping[str, Any], setup: Mapping[str, Any]) -> dict[str, Any]:
    """Options by name, of the model, of its module and of the data.

    Parameters
    ----------
    init
        ``init_params_``: those of the model under ``non_kwargs``; those that it hands on to its
        module under ``kwargs``, one dictionary deeper.
    setup
        ``setup_args`` of the registry.

    Raises
    ------
    KeyError, AttributeError
        If ``init`` is of another form.
    """
    options = dict(init["non_kwargs"])
    for handed_on in init["kwargs"].values():
        options |= handed_on
    return options | dict(setup)


def require_honoured(options: Mapping[str, Any], *, version: str, path: str) -> None:
    """Raise :class:`InputError` that names the first option which is not read as it was set."""
    for option, value in options.items():
        if option in SEEN_IN_WEIGHTS or option in OF_TRAINING:
            continue
        if option not in READ:
            raise InputError(
                f"{path}: was made by scvi-tools {version} with {option}={_shown(value)}, an "
                "option that is not known here; train a model without it"
            )
        if not any(type(value) is type(plain) and value == plain for plain in READ[option]):
            first = READ[option][0]
            remedy = REMEDIES.get(option, f"train a model with {option}={first!r}")
            raise InputError(
                f"{path}: was made with {option}={_shown(value)}, which is not read; {remedy}"
            )


def _shown(value: Any) -> str:
    """A value as it was written, or that it is none that can be shown."""
    plain = (str, int, float, bool, type(None), list, tuple, dict)
    return repr(value) if isinstance(value, plain) and "_Inert" not in repr(value) else "an object"
