"""One thread for every test, and what the library pins, before any library reads it."""

import os

import featurelens  # noqa: F401  (it pins)

os.environ.setdefault("OMP_NUM_THREADS", "1")
