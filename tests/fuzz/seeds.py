# SPDX-License-Identifier: MIT
# Writes the seeds of the fuzz targets, all but those of checkpoints and of JPEG (jpeg_seeds.py), beside itself:
# `python3 tests/fuzz/seeds.py`.
import io
import json
import pathlib
import struct
import zipfile
import zlib

folder = pathlib.Path(__file__).parent / "seeds"


def write(target, name, content):
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / target / name).write_bytes(bytes(content))


def idx(sizes, values):
    return bytes([0, 0, 8, len(sizes)]) + b"".join(struct.pack(">I", s) for s in sizes) + bytes(values)


def gz(content, level=9, flags=0, extra=b""):
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    head = bytes([0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 3]) + extra
    if flags & 2:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    return head + stream.compress(content) + stream.flush() + struct.pack("<II", zlib.crc32(content), len(content))


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def passes(width, height, interlace):
    """The number of rows and columns of each picture that a file consists of."""
    adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x, y, dx, dy in adam7 if interlace else [(0, 0, 1, 1)]:
        columns, rows = (width - x + dx - 1) // dx, (height - y + dy - 1) // dy
        if columns > 0:
            yield rows, columns


def rows_of(width, height, depth, kind, interlace):
    """Rows of any numbers, with filters 0 to 4; small indices, so that palettes of five colours have them."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    content, i = bytearray(), 0
    for rows, columns in passes(width, height, interlace):
        for row in range(rows):
            content.append(0 if kind == 3 else i % 5)
            for _ in range((columns * samples * depth + 7) // 8):
                i += 1
                content.append(i % 5 if kind == 3 and depth == 8 else 0 if kind == 3 else i * i // 3 % 256)
    return bytes(content)


palette = bytes(7 * i % 256 for i in range(15))


def header(width, height, depth, kind, interlace):
    return struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)


def png(width, height, depth, kind, interlace=0, before=b"", between=b"", split=None, level=9):
    data = zlib.compress(rows_of(width, height, depth, kind, interlace), level)
    parts = [data] if split is None else [data[:split], b"", data[split:]]
    colours = chunk(b"PLTE", palette[: 3 * min(5, 2**depth)]) if kind == 3 else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header(width, height, depth, kind, interlace)) + before + colours
            + between + b"".join(chunk(b"IDAT", part) for part in parts) + chunk(b"IEND", b""))


def safetensors(tensors, checksum=False, metadata=None):
    """tensors: name -> (type, shape, bytes). With the checksum that the library writes, if asked for."""
    entries, data = {}, b""
    for name, (kind, shape, content) in tensors.items():
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(entries)
    if checksum:
        text = '{"__metadata__": {"format": "pt", "crc32": "00000000"}, ' + text[1:]
    elif metadata is not None:
        text = '{"__metadata__": ' + json.dumps(metadata) + ", " + text[1:]
    text = text.encode() + b" " * (-len(text.encode()) % 8)
    file = struct.pack("<Q", len(text)) + text + data
    return file.replace(b'"00000000"', b'"%08x"' % zlib.crc32(file), 1) if checksum else file


image = idx([2, 3, 4], range(24))
write("idx", "good_images", image)
write("idx", "good_labels", idx([5], [1, 0, 2, 9, 255]))
write("idx", "good_empty", idx([0, 3], []))
write("idx", "wrapping", idx([2**31, 2**31, 4, 1], []))
write("idx", "type", b"\0\0\x0d\1" + struct.pack(">If", 1, 0.5))

write("idx_gz", "good_fixed", gz(image))
write("idx_gz", "good_stored", gz(image, 0))
write("idx_gz", "good_dynamic", gz(idx([600], [i * i // 7 % 23 if i // 5 % 4 == 0 else 0 for i in range(600)])))
write("idx_gz", "good_names", gz(image, 9, 31, struct.pack("<H", 3) + b"abcname\0comment\0"))
write("idx_gz", "bomb", gz(idx([20000], bytes(20000))[:-1]))

kinds = {"grey": 0, "rgb": 2, "palette": 3, "grey_alpha": 4, "rgba": 6}
depths = {"grey": [1, 2, 4, 8, 16], "rgb": [8, 16], "palette": [1, 2, 4, 8], "grey_alpha": [8, 16], "rgba": [8, 16]}
pictures = {}
for kind, number in kinds.items():
    for depth in depths[kind]:
        for interlace in [0, 1]:
            name = f"good_{kind}_{depth}" + ("_interlaced" if interlace else "")
            pictures[name] = png(5, 4, depth, number, interlace)
pictures["good_split"] = png(5, 4, 8, 0, split=3)
pictures["good_stored"] = png(5, 4, 8, 0, level=0)
pictures["good_text"] = png(5, 4, 8, 2, before=chunk(b"tEXt", b"a\0b"), between=chunk(b"tRNS", bytes(6)))
pictures["good_dynamic"] = png(40, 30, 8, 2)
for name, content in pictures.items():
    write("png", name, content)

f32, f64 = lambda *x: struct.pack(f"<{len(x)}f", *x), lambda *x: struct.pack(f"<{len(x)}d", *x)
model = {"rng": ("U64", [2], struct.pack("<2Q", 2**64 - 1, 5)), "0.bias": ("F64", [2], f64(1, 2)), "step": ("F64", [], f64(3)), 
         "0.weight": ("F32", [3, 2], f32(*range(6))), "1.variance": ("F32", [2], f32(1, 2)), "none": ("F32", [0, 0], b"")}
half = {**model, "0.weight": ("F16", [3, 2], struct.pack("<6e", *range(6))), "1.variance": ("BF16", [2], b"\x80\x3f" * 2),
        "1.num_batches_tracked": ("I64", [], struct.pack("<q", 9))}


def odd(file):
    """Of an odd size: the target reads those with other options."""
    size = struct.unpack("<Q", file[:8])[0]
    return struct.pack("<Q", size + 1) + file[8 : 8 + size] + b" " + file[8 + size :]


write("safetensors", "good_checksum", safetensors(model, checksum=True))
write("safetensors", "good_plain", safetensors(model))
write("safetensors", "good_half", safetensors(half, metadata={"format": "pt", "\u00e9\"\\": "\n"}))
write("safetensors", "good_part", odd(safetensors({"module.0.bias": ("F64", [2], f64(1, 2)), "a": ("F32", [1], f32(1))})))
write("safetensors", "exabytes", b"\0" * 6 + b"\x10\0" + b"{}")
write("safetensors", "wrapping", safetensors({"step": ("F64", [2**61], b"")}))



def npy(kind, shape, numbers, fortran=False, version=1, dictionary=None):
    """As NumPy writes it."""
    text = dictionary or f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    size = "<H" if version == 1 else "<I"
    text += " " * (-(8 + struct.calcsize(size) + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(text)) + text.encode() + numbers


i64 = struct.pack("<2q", -(2**53), 7)
npys = {
    "good_f4": npy("<f4", (2, 3), f32(*range(6))),
    "good_f8_scalar": npy("<f8", (), f64(0.1)),
    "good_f8_beyond_float": npy(">f8", (4,), struct.pack(">4d", 1e304, -1e39, float("-inf"), float("nan"))),
    "good_i2_big_fortran": npy(">i2", (2, 3), struct.pack(">6h", *range(-3, 3)), fortran=True),
    "good_i8": npy("<i8", (2,), i64),
    "good_b1": npy("|b1", (3, 1, 1), b"\0\1\1"),
    "good_u4_empty": npy("<u4", (0, 7), b""),
    "good_version_2": npy("<u2", (1,), b"\xff\xff", version=2),
    "good_version_3": npy("|i1", (2, 1, 2), b"\x80\x7f\0\1", version=3),
    "good_python": npy("", (), f32(1, 2), dictionary='{ "shape" : (2L,) , \'fortran_order\':False,"descr":\'<f4\'}'),
    "exabytes": npy("<f4", (2**32, 2**32, 4), b""),
    "object": npy("|O", (1,), b"\x80\3."),
}
for name, content in npys.items():
    write("npy", name, content)


def npz(members, method, force_zip64=True, streamed=False, comment=b""):
    """As NumPy writes it: with sizes of zip64 before the content. Streamed: with sizes of 0 there."""

    class Stream(io.BytesIO):
        def seekable(self):
            return not streamed

        def seek(self, *arguments):
            if streamed:
                raise io.UnsupportedOperation
            return super().seek(*arguments)

        def tell(self):
            if streamed:
                raise io.UnsupportedOperation
            return super().tell()

    file = Stream()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.comment = comment
        for name, content in members.items():
            info = zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            with archive.open(info, "w", force_zip64=force_zip64) as member:
                member.write(content)
    return file.getvalue()


arrays = {"x": npys["good_f4"], "y": npys["good_i8"]}
write("npz", "good_stored", npz(arrays, zipfile.ZIP_STORED))
write("npz", "good_deflated", npz(arrays, zipfile.ZIP_DEFLATED))
write("npz", "good_plain", npz({"x": npys["good_b1"]}, zipfile.ZIP_DEFLATED, force_zip64=False, comment=b"PK\5\6 none"))
write("npz", "good_streamed", npz({"x": npys["good_version_2"]}, zipfile.ZIP_DEFLATED, streamed=True))
write("npz", "good_empty", npz({}, zipfile.ZIP_STORED))
write("npz", "bomb", npz({"x": npy("<f4", (2,), bytes(100_000))}, zipfile.ZIP_DEFLATED))

write("csv", "good_header", b'\xef\xbb\xbf"a, b",c\r\n1,-2.5e3\r\n"+3", .5 \r\n')
write("csv", "good_quotes", b'"x\n""y""",z\n"1",2\n\n\n')
write("csv", "good_one", b"age\n34\n28\n")
write("csv", "missing", b"a,b\n1,\nNA,?\n")
write("csv", "numbers", b"1,2\n3,4\n")
write("csv", "ranges", b"a\n1e400\n1e-400\n0x10\ninf\n")

write("mended", "good_png", b"\0" + pictures["good_rgb_8_interlaced"])
write("mended", "good_palette", b"\0" + pictures["good_palette_4"])
write("mended", "good_gz", b"\1" + gz(image))
write("mended", "good_gz_checksum", b"\1" + gz(image, 9, 2))
write("mended", "good_safetensors", b"\2" + (folder / "safetensors/good_checksum").read_bytes())
for kind, depth, interlace in [(0, 1, 1), (2, 16, 0), (3, 2, 1), (4, 8, 1), (6, 16, 1)]:
    colours = (bytes([1, 4]) + palette[:12]) if kind == 3 else bytes(2)
    write("mended", f"good_parts_{kind}_{depth}", b"\4" + header(5, 4, depth, kind, interlace) + colours
          + rows_of(5, 4, depth, kind, interlace))
checkpoint = folder / "checkpoint/whole"
if checkpoint.exists():
    write("mended", "checkpoint", b"\3" + checkpoint.read_bytes())
