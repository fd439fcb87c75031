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
