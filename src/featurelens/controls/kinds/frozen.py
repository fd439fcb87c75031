"""The SAE trained under its initial decoder: random directions with the best encoder for them."""

from featurelens.controls.control import Control

CONTROL = Control(of="sae", label="frozen decoder", place=3, trained="encoder")
