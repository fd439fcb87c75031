"""Benchmarks, which compute as the workflow does: libraries are told how before any is loaded."""

import featurelens as featurelens
