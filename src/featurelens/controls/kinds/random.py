"""Random directions that fire as often as the features of the SAE."""

from featurelens.controls.control import Control
from featurelens.controls.directions import random_directions

CONTROL = Control(
    of="sae",
    label="random directions",
    place=1,
    draw=lambda sae, X, seed: random_directions(sae, X, seed=seed),
)
