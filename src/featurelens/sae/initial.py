"""Initial values that several architectures share."""

import numpy as np


def uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> np.ndarray:
    """Uniform on ±1/√fan_in, the default of torch.nn.Linear."""
    bound = fan_in**-0.5
    return rng.uniform(-bound, bound, size=shape)


def linear_weights(rng: np.random.Generator, d_in: int, d_sae: int) -> dict[str, np.ndarray]:
    """Encoder (d_in, d_sae) and decoder (d_sae, d_in) as untied torch.nn.Linear layers start."""
    return {
        "W_enc": uniform(rng, (d_in, d_sae), d_in),
        "W_dec": uniform(rng, (d_sae, d_in), d_sae),
    }


def linear_layers(rng: np.random.Generator, d_in: int, d_sae: int) -> dict[str, np.ndarray]:
    """Weights and biases as torch.nn.Linear(d_in, d_sae) and torch.nn.Linear(d_sae, d_in) start.

    b_enc (d_sae) is uniform on ±1/√d_in and b_dec (d_in) on ±1/√d_sae: how the author's single-cell
    scripts start their SAE, whose biases are those of its layers (``01_sae_training.py``).
    """
    return {
        **linear_weights(rng, d_in, d_sae),
        "b_enc": uniform(rng, (d_sae,), d_in),
        "b_dec": uniform(rng, (d_in,), d_sae),
    }


def transposed(
    rng: np.random.Generator, d_in: int, d_sae: int, *, norm: float = 1.0
) -> dict[str, np.ndarray]:
    """Decoder rows in random directions of one length, the encoder their transpose, no biases.

    Gao et al. 2024 (arXiv 2406.04093), appendix A.1: starting from the transpose leaves few
    features dead.
    """
    rows = rng.normal(size=(d_sae, d_in))
    rows *= norm / np.linalg.norm(rows, axis=1, keepdims=True)
    return {
        "W_enc": rows.T.copy(),
        "W_dec": rows,
        "b_enc": np.zeros(d_sae),
        "b_dec": np.zeros(d_in),
    }
