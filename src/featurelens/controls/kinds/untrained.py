"""The SAE with its initial weights."""

from featurelens.controls.control import Control

CONTROL = Control(of="sae", label="untrained SAE", place=2, trained="nothing")
