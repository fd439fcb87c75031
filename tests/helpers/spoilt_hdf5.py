"""HDF5 files spoilt by what hypothesis draws: parts, links, shapes, types, values, attributes.

The container stays whole, or is cut off: what HDF5 does with damaged bytes is its own. Where the
values of a sparse matrix stand is left as it is, or lost: scipy trusts it.
"""

import shutil

import h5py
import numpy as np
from hypothesis import strategies as st

from mutations import FEW, KINDS, reshaped

TEXTS = st.sampled_from(
    ["", "c0", "nan", "unknown", "a\nb", "a\tb", "\x1b[2J", "é", "x" * 300, b"\xff", "../x"]
)
NUMBERS = st.sampled_from([0, 1, -1, 3, 7, 0.5, 2**31, 2**62, 1e300, np.nan, np.inf])
SETTINGS = st.one_of(
    TEXTS,
    NUMBERS,
    st.sampled_from(
        [
            *("csr_matrix", "csc_matrix", "array", "string-array", "categorical", "dataframe"),
            *("dict", "null", "nullable-integer", "nullable-string-array", "raw", "rec-array"),
            *("0.1.0", "9.9.9", "cell_type", "_index", "symbol"),
        ]
    ),
    st.lists(NUMBERS, max_size=3),
    st.lists(st.sampled_from(["cell_type", "donor", "x", ""]), max_size=3),
    st.just(h5py.Empty("f")),
)
NAMES = st.sampled_from(
    ["X", "x", "_index", "counts", "data", "codes", "categories", "values", "mod", "raw", "é"]
)
ADDRESSES = ("indices", "indptr", "shape")


def write_spoilt(draw, whole, path):
    """Copy a file, spoilt by one to three steps; some of them are cut off."""
    shutil.copyfile(whole, path)
    with h5py.File(path, "r+") as handle:
        for _ in range(draw(FEW)):
            paths = []
            handle.visit(paths.append)
            if paths:
                part = draw(st.sampled_from(sorted(paths)))
                step = draw(st.sampled_from(_STEPS))
                step = _remove if part.endswith(ADDRESSES) else step
                step(draw, handle, part, sorted(paths))
    if draw(st.integers(0, 15)) == 0:
        data = path.read_bytes()
        path.write_bytes(data[: draw(st.integers(0, len(data)))])


def _remove(_draw, handle, path, _):
    del handle[path]


def _rename(draw, handle, path, _):
    parent, _, old = path.rpartition("/")
    name = draw(st.one_of(NAMES, st.sampled_from([old + "s", old.upper(), old[1:] or "x"])))
    if name not in handle[parent or "/"]:
        handle.move(path, f"{parent}/{name}")


def _put(handle, path, value):
    """A new part of the attributes of the old one."""
    kept = dict(handle[path].attrs)
    is_text = getattr(value, "dtype", np.dtype(float)).kind == "O"
    if is_text:
        flat = [each if isinstance(each, bytes) else str(each).encode() for each in value.ravel()]
        value = np.array(flat, dtype=object).reshape(value.shape)
    del handle[path]
    if value is None:
        handle.create_group(path)
    else:
        handle.create_dataset(path, data=value, dtype=h5py.string_dtype() if is_text else None)
    handle[path].attrs.update(kept)


def _content(draw, handle, path, _):
    """Another shape, type or value of an array."""
    part = handle[path]
    if isinstance(part, h5py.Group) or part.shape is None:
        return
    array = np.asarray(part[()])
    how = draw(st.sampled_from(["shape", "value", "value", "type"]))
    if how == "shape":
        array = np.asarray(reshaped(draw, array))
    elif array.dtype.kind in "OS":
        _text(draw, handle, path, array, how)
        return
    elif how == "type":
        with np.errstate(all="ignore"):
            array = array.astype(draw(st.sampled_from(KINDS)))
    elif array.size:
        value = draw(NUMBERS)
        flat = array.ravel()
        whole = isinstance(value, int) and array.dtype.kind in "iu"
        flat = flat.astype(np.int64 if whole else np.float64)
        flat[draw(st.integers(0, flat.size - 1))] = value
        array = flat.reshape(array.shape)
        kept = handle[path].dtype
        if draw(st.booleans()) and np.isfinite(value) and abs(value) < 2**31:
            array = array.astype(kept)
    _put(handle, path, array)


def _text(draw, handle, path, array, how):
    if how == "type":
        kinds = [np.zeros(array.shape), array.astype("S4"), np.full(array.shape, True)]
        _put(handle, path, draw(st.sampled_from(kinds)))
    elif array.size:
        flat = array.astype(object).ravel()
        flat[draw(st.integers(0, flat.size - 1))] = draw(TEXTS)
        _put(handle, path, flat.reshape(array.shape))


def _kind(draw, handle, path, _):
    """A group where an array is meant, an array where a group is, or nothing."""
    is_group = isinstance(handle[path], h5py.Group)
    ways = [np.zeros(3), np.float64(1), h5py.Empty("f"), *([] if is_group else [None])]
    _put(handle, path, draw(st.sampled_from(ways)))


def _attribute(draw, handle, path, _):
    part = handle[draw(st.sampled_from([path, path.rpartition("/")[0] or "/"]))]
    names = sorted(part.attrs)
    name = draw(st.sampled_from([*names, "encoding-type"]))
    if name == "shape" or (name in part.attrs and draw(st.booleans())):
        del part.attrs[name]
    else:
        part.attrs[name] = draw(SETTINGS)


def _copy(draw, handle, path, paths):
    """A part in the place of another, or beside it."""
    other = draw(st.sampled_from(paths))
    place = other if draw(st.booleans()) else f"{other.rpartition('/')[0]}/{draw(NAMES)}"
    place = place.lstrip("/")
    if (
        place.endswith(ADDRESSES)
        or f"{place}/".startswith(f"{path}/")
        or f"{path}/".startswith(f"{place}/")
    ):
        return
    if handle.get(place, getlink=True) is not None:
        del handle[place]
    handle.copy(path, place)


def _link(draw, handle, path, paths):
    """A name that leads nowhere, to another part, to itself or out of the file."""
    places = ["/nowhere", f"/{path}", "/", f"/{draw(st.sampled_from(paths))}"]
    ways = [*map(h5py.SoftLink, places), h5py.ExternalLink("nowhere.h5", "/x")]
    del handle[path]
    handle[path] = draw(st.sampled_from(ways))


_STEPS = (
    *(_remove, _rename, _content, _content, _content, _kind, _attribute, _attribute),
    *(_copy, _link),
)
