"""Files of lines to which is only added: a kill or a full disk can tear the last line."""

import os
from typing import BinaryIO


def cut_torn_line(file: BinaryIO) -> None:
    """Cut off what stands behind the last whole line; behind it nothing that is added can be read.

    Parameters
    ----------
    file
        Opened to be read and written, and locked by whoever shares it. It is read as a whole only
        where something is torn.
    """
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    file.seek(size - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
