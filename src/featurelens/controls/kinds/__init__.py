"""Controls, one file each: a :class:`featurelens.controls.control.Control`."""
