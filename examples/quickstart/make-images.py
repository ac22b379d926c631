#!/usr/bin/env python3
"""Creates the ten images of this example, as OCI image layouts in images/.

    examples/quickstart/make-images.py [DIR]      default: images/ next to this file

The images are complete, with config and layer. They contain a script but no shell, so they can be listed, not run.
The output is the same on every machine: times are 0, names are sorted, and layers are stored in gzip format without
compression, because compressed bytes depend on the version of the compressor. The result is committed; CI compares it.
"""

import hashlib
import io
import json
import shutil
import struct
import sys
import tarfile
import zlib
from pathlib import Path

VERSION = "v1.0.0"
# The architecture in names -> architecture and variant of the platform.
ARCHES = {
    "amd64": ("amd64", None),
    "arm": ("arm", "v7"),
    "arm64": ("arm64", None),
    "ppc64le": ("ppc64le", None),
    "s390x": ("s390x", None),
}
PROGRAMS = {
    "hello": "#!/bin/sh\necho \"hello from linux/$(cat /etc/arch)\"\n",
    "clock": "#!/bin/sh\necho \"$(date -u +%H:%M) on linux/$(cat /etc/arch)\"\n",
}

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def main():
    here = Path(__file__).resolve().parent
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "images"
    if images.exists():
        shutil.rmtree(images)
    for name, script in sorted(PROGRAMS.items()):
        for arch, (architecture, variant) in sorted(ARCHES.items()):
            make_image(images / f"{name}-{arch}", name, script, architecture, variant)


def make_image(layout, name, script, architecture, variant):
    spelled = f"{architecture}/{variant}" if variant else architecture
    tar = make_tar({
        "etc/arch": (0o644, spelled + "\n"),
        f"usr/bin/{name}": (0o755, script),
    })
    platform = {"architecture": architecture, "os": "linux"} | ({"variant": variant} if variant else {})
    config = platform | {
        "created": "1970-01-01T00:00:00Z",
        "config": {"Cmd": [f"/usr/bin/{name}"], "Labels": {"org.opencontainers.image.version": VERSION}},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "make-images.py"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": put(layout, CONFIG, to_json(config)),
        "layers": [put(layout, LAYER, to_gzip(tar))],
    }
    entry = put(layout, MANIFEST, to_json(manifest))
    entry["annotations"] = {"org.opencontainers.image.ref.name": VERSION}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    (layout / "index.json").write_bytes(to_json(index))
    (layout / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')


def put(layout, media_type, data):
    """Writes a blob and returns its descriptor."""
    algorithm, encoded = digest(data).split(":")
    path = layout / "blobs" / algorithm / encoded
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def make_tar(files):
    folders = {parent.as_posix() for path in files for parent in Path(path).parents} - {"."}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folders | files.keys()):
            entry = tarfile.TarInfo(path)
            if path in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.mode, data = files[path][0], files[path][1].encode()
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        end = tar.offset
    # Two empty blocks end a tar; Python fills up to twenty.
    return out.getvalue()[: end + 1024]


def to_gzip(data):
    deflate = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return head + deflate.compress(data) + deflate.flush() + struct.pack("<II", zlib.crc32(data), len(data))


def to_json(value):
    return json.dumps(value, indent=2).encode() + b"\n"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
