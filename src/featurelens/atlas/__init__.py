"""The atlas: every feature of one source on one page that opens from a disk."""
