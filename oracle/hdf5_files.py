"""Small HDF5 files of every form that Keras' files may have, and what h5py reads in them."""

import base64
import ctypes
import io
import tempfile
from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t

from packing import pack
from reference import generator


def values(seed: int, name: str, shape: tuple) -> np.ndarray:
    return np.round(generator(seed, "hdf5", name).normal(0, 1, shape), 2).astype("float32")


def keeps_no_times(file: h5py.File) -> bool:
    """Whether types of this file that have a name do not hold the time at which they were made."""
    return file.libver[0] == "earliest"


def keras_like(file: h5py.File, seed: int) -> None:
    """What Keras' files are made of: groups, float32 in one piece, texts."""
    file.attrs["keras_version"] = "3.0"
    file.attrs["model_config"] = '{"name": "Größe"}'.encode()
    group = file.create_group("layers/dense/vars")
    for i, shape in enumerate([(3, 4), (4,), ()]):
        group.create_dataset(str(i), data=values(seed, str(i), shape), track_times=False)
    file.create_dataset("none", data=np.zeros((0, 3), "float32"), track_times=False)
    file["layers/dense"].attrs["weight_names"] = np.array([b"kernel:0", b"bias:0"])


def texts(file: h5py.File, seed: int) -> None:
    file.attrs["text"] = "naïve"
    file.attrs["bytes"] = b"ASCII"
    file.attrs["fixed"] = np.bytes_(b"fixed")
    file.attrs["empty"] = ""
    file.attrs["list of bytes"] = np.array([b"a", b"bcd", b""], dtype="S3")
    file.attrs["list of texts"] = np.array(["ä", "", "日本語"], dtype=h5py.string_dtype())
    file.attrs["square of texts"] = np.array([["a", "b"], ["c", "d"]], dtype=h5py.string_dtype())
    file.attrs["no texts"] = np.array([], dtype="float64")
    file.attrs["nothing"] = h5py.Empty("S1")
    for name, padding in {"terminated": h5t.STR_NULLTERM, "spaces": h5t.STR_SPACEPAD}.items():
        kind = h5t.C_S1.copy()
        kind.set_size(8)
        kind.set_strpad(padding)
        attribute = h5py.h5a.create(file.id, name.encode(), kind, h5s.create(h5s.SCALAR))
        attribute.write(np.array(b"ab      " if name == "spaces" else b"ab", dtype="S8"), mtype=kind)
    if keeps_no_times(file):
        file["name"] = np.dtype("S5")
        file.attrs.create("of a named type", b"named", dtype=file["name"])


def types(file: h5py.File, seed: int) -> None:
    numbers = values(seed, "types", (2, 3))
    for order in "<>":
        for size in (2, 4, 8):
            file.create_dataset(f"{order}f{size}", data=numbers.astype(f"{order}f{size}"), track_times=False)
        for kind in "iu":
            for size in (1, 2, 4, 8):
                whole = np.array([0, 1, 2 ** (8 * size - 1) - 1, 100], f"{order}{kind}{size}")
                if kind == "i":
                    whole[3] = -100
                file.create_dataset(f"{order}{kind}{size}", data=whole, track_times=False)
    file.create_dataset("bool", data=np.array([True, False, True]), track_times=False)
    halves = np.array([0, -0.0, 6e-8, 1.5, 65504, -2.5], "float16")
    file.create_dataset("halves", data=halves, track_times=False)
    if keeps_no_times(file):
        file["named"] = np.dtype("<f8")
        file.create_dataset("of a named type", data=numbers, dtype=file["named"], track_times=False)


def create_dataset(file: h5py.File, name: str, space: h5s.SpaceID, plist: h5p.PropDCID) -> h5d.DatasetID:
    """A dataset of float32 with properties that h5py's options do not reach."""
    plist.set_obj_track_times(False)
    return h5d.create(file.id, name.encode(), h5t.IEEE_F32LE, space, plist)


def compact(file: h5py.File, seed: int) -> None:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_layout(h5d.COMPACT)
    data = values(seed, "compact", (3, 5))
    create_dataset(file, "compact", h5s.create_simple(data.shape), plist).write(h5s.ALL, h5s.ALL, data)


def chunked(file: h5py.File, seed: int) -> None:
    """With every filter that is known, and chunks that reach over the edge."""
    options = {
        "plain": {},
        "gzip": {"compression": "gzip"},
        "shuffle": {"shuffle": True},
        "checksum": {"fletcher32": True},
        "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    }
    for name, filters in options.items():
        for dtype in ("float32", ">f8", "int8"):
            data = (10 * values(seed, "chunks", (7, 5, 3))).astype(dtype)
            path = f"{name} {dtype}"
            file.create_dataset(path, data=data, chunks=(3, 2, 3), track_times=False, **filters)
    data = np.round(values(seed, "rows", (1, 300)))
    file.create_dataset("many", data=data, chunks=(1, 1), track_times=False)
    file.create_dataset("one", data=data, chunks=(1, 300), compression="gzip", track_times=False)
    skipped = file.create_dataset(
        "skipped", (2, 4), "<f4", chunks=(1, 4), shuffle=True, compression="gzip", track_times=False
    )
    skipped[0] = [1, 2, 3, 4]
    # The second chunk was not packed.
    skipped.id.write_direct_chunk((1, 0), np.array([5, 6, 7, 8], "<f4").tobytes(), filter_mask=3)


def indexed(file: h5py.File, seed: int) -> None:
    """With every index of chunks that the latest format has, packed or not."""
    for name, filters in {"plain": {}, "gzip": {"compression": "gzip", "shuffle": True}}.items():
        group = file.create_group(name)

        def add(path, data, chunks, maxshape=None, group=group, filters=filters):
            group.create_dataset(path, data=data, chunks=chunks, maxshape=maxshape, track_times=False, **filters)

        add("single", values(seed, "single", (4, 3)), (4, 3))
        add("fixed array", values(seed, "fixed", (7, 5)), (3, 2))
        add("fixed array that may grow", values(seed, "grow", (7, 5)), (3, 2), (9, 11))
        add("fixed array in pages", np.arange(2500, dtype="int16"), (2,))
        add("extensible array", values(seed, "extensible", (7, 5)), (3, 2), (None, 5))
        add("extensible array across", values(seed, "across", (7, 5, 2)), (3, 2, 2), (9, None, 2))
        add("extensible array with super blocks", np.arange(300, dtype="int16"), (1,), (None,))
        add("tree", values(seed, "tree", (7, 5)), (3, 2), (None, None))
        add("deep tree", np.arange(400, dtype="int16").reshape(20, 20), (1, 1), (None, None))
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((3, 2))
    plist.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    data = values(seed, "implicit", (7, 5))
    create_dataset(file, "implicit", h5s.create_simple(data.shape), plist).write(h5s.ALL, h5s.ALL, data)


def sparse(file: h5py.File, seed: int) -> None:
    """So many chunks that blocks of their index have pages, few of which are written."""
    numbers = file.create_dataset("x", (135_000,), "i1", chunks=(1,), maxshape=(None,), fillvalue=5, track_times=False)
    for i in (0, 3, 250, 131_100, 134_608):
        numbers[i] = 1


def filled(file: h5py.File, seed: int) -> None:
    """Not written, or in part, and with a value for that."""
    file.create_dataset("row", (5,), "<f4", fillvalue=2.5, track_times=False)
    file.create_dataset("zeros", (5,), ">f8", fillvalue=0.0, track_times=False)
    some = file.create_dataset("some", (4, 6), "<i2", chunks=(2, 2), fillvalue=-7, track_times=False)
    some[0:2, 2:4] = 1
    file.create_dataset("none", (0, 4), "<f4", track_times=False)


def links(file: h5py.File, seed: int) -> None:
    file.create_dataset("a/b/numbers", data=values(seed, "links", (2,)), track_times=False)
    file["a/again"] = file["a/b"]
    file["a/b/loop"] = file["/a"]
    file["soft"] = h5py.SoftLink("/a/b")
    file["a/beside"] = h5py.SoftLink("b/numbers")
    file["twice"] = h5py.SoftLink("soft/./numbers")
    file["nowhere"] = h5py.SoftLink("/a/c")
    file["round"] = h5py.SoftLink("/round")


def many(file: h5py.File, seed: int) -> None:
    """More links and attributes than an object's header holds."""
    data = file.create_dataset("data", data=values(seed, "many", (2,)), track_times=False)
    group = file.create_group("group")
    for i in range(1500):
        group[f"link {i}"] = data
    for i in range(120):
        file["group"].attrs[f"attribute {i}"] = f"text {i}"


def refused(file: h5py.File, seed: int) -> None:
    data = values(seed, "refused", (4, 3))
    file.create_dataset("lzf", data=data, chunks=(2, 3), compression="lzf", track_times=False)
    file.create_dataset("scaleoffset", data=data, chunks=(2, 3), scaleoffset=2, track_times=False)
    file.create_dataset("never written", (3,), "<f4", track_times=False)
    part = file.create_dataset("written in part", (4, 3), "<f4", chunks=(2, 3), track_times=False)
    part[:2] = 1
    file.create_dataset("external", (3,), "<f4", external=[("elsewhere.bin", 0, 12)], track_times=False)
    plist = h5p.create(h5p.DATASET_CREATE)
    space = h5s.create_simple((4, 3))
    plist.set_virtual(space, b"elsewhere.h5", b"data", space)
    create_dataset(file, "virtual", space, plist)
    file.create_dataset("nothing", data=h5py.Empty("f4"), track_times=False)
    file.create_dataset("texts", data=np.array(["a"], dtype=h5py.string_dtype()), track_times=False)
    file.create_dataset("complex", data=data.astype("complex64"), track_times=False)
    file.create_dataset("opaque", data=np.array([b"ab"], dtype="V2"), track_times=False)
    file.create_dataset("long double", data=np.zeros(1, "longdouble"), track_times=False)
    file["outside"] = h5py.ExternalLink("elsewhere.h5", "/data")
    file.attrs["number"] = 3


# By name: what is in the file, and how h5py opens it.
FILES = {
    **{
        f"{make.__name__}, {version}": (make, {"libver": version})
        for make in (keras_like, texts, types, compact, chunked, filled, links, many)
        for version in ("earliest", "latest")
    },
    "keras_like, v108": (keras_like, {"libver": ("v108", "v108")}),
    "keras_like, after 512 bytes": (keras_like, {"userblock_size": 512}),
    "keras_like, after 2048 bytes, latest": (keras_like, {"userblock_size": 2048, "libver": "latest"}),
    "keras_like, by creation": (keras_like, {"track_order": True}),
    "keras_like, by creation, latest": (keras_like, {"track_order": True, "libver": "latest"}),
    "indexed, latest": (indexed, {"libver": "latest"}),
    "sparse, latest": (sparse, {"libver": "latest"}),
    "refused": (refused, {"libver": "latest"}),
}


def _low_level(folder: Path, seed: int) -> dict[str, bytes]:
    """Files whose first block h5py's options do not reach."""
    made = {}
    for name, change in {
        "keras_like, addresses of 4 bytes": lambda plist: plist.set_sizes(4, 4),
        # Another number of chunks in a node of a B-tree than usual, which h5py has no function for.
        "keras_like, superblock 1": lambda plist: _library().H5Pset_istore_k(ctypes.c_int64(plist.id), 16),
    }.items():
        plist = h5p.create(h5p.FILE_CREATE)
        change(plist)
        path = folder / "low.h5"
        access = h5p.create(h5p.FILE_ACCESS)
        access.set_libver_bounds(h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST)
        with h5py.File(h5f.create(str(path).encode(), h5f.ACC_TRUNC, fcpl=plist, fapl=access)) as file:
            keras_like(file, seed)
        made[name] = path.read_bytes()
    return made


def _library() -> ctypes.CDLL:
    """The C library that h5py has loaded."""
    with open("/proc/self/maps") as maps:
        return ctypes.CDLL(next(line.split()[-1] for line in maps if "/libhdf5-" in line or "/libhdf5.so" in line))


def _huge_attribute() -> bytes:
    """More than 64 KiB, which lies by itself."""
    content = io.BytesIO()
    with h5py.File(content, "w", libver="latest") as file:
        file.attrs["names"] = np.array([f"layer {i}".encode() for i in range(4200)], dtype="S16")
        file.attrs["short"] = "short"
    return content.getvalue()


def cases(seed: int) -> list[dict]:
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (make, options) in FILES.items():
            path = Path(folder) / "file.h5"
            with h5py.File(path, "w", **options) as file:
                make(file, seed)
            files[name] = path.read_bytes()
        files.update(_low_level(Path(folder), seed))
    files["huge attribute, latest"] = _huge_attribute()
    return [
        {"name": name, **_read(content), "file": base64.b64encode(content).decode()} for name, content in files.items()
    ]


def _read(content: bytes) -> dict:
    """What h5py finds: names in groups, texts in attributes, numbers as float32."""
    found = {"groups": {}, "texts": {}, "numbers": {}}
    visited = set()

    def visit(path: str, member) -> None:
        if texts := {name: text for name in member.attrs if (text := _texts(member.attrs, name)) is not None}:
            found["texts"][path] = texts
        if isinstance(member, h5py.Dataset):
            if (numbers := _numbers(member)) is not None:
                found["numbers"][path] = numbers
        elif isinstance(member, h5py.Group):
            found["groups"][path] = sorted(member)
            if member.id.__hash__() in visited:
                return
            visited.add(member.id.__hash__())
            # Of many that are alike, some do.
            for name in list(member)[:: 1 + len(member) // 50]:
                try:
                    inner = member[name]
                except (KeyError, OSError, RuntimeError):
                    continue
                visit(f"{path}/{name}", inner)

    with h5py.File(io.BytesIO(content)) as file:
        visit("", file)
    return found


def _texts(attributes, name: str):
    """A text, or a list of them; null for an attribute that holds others."""
    value = attributes[name]
    if isinstance(value, h5py.Empty):
        return []
    if isinstance(value, str | bytes):
        return _decode(value)
    value = np.asarray(value)
    if value.size == 0:
        return []
    return [_decode(one) for one in value.ravel()] if value.dtype.kind in "SO" else None


def _decode(text) -> str:
    return text.decode() if isinstance(text, bytes) else text


def _numbers(dataset: h5py.Dataset):
    try:
        data = dataset[()]
    except OSError:
        return None
    if isinstance(data, h5py.Empty) or np.asarray(data).dtype.kind not in "fiub" or dataset.dtype == np.longdouble:
        return None
    return pack(np.asarray(data).astype("float32"))
