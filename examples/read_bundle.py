"""Reads a bundle of mlferry and checks it, written from docs/bundle-format.md alone: a second reader, and a start for your own.

    pip install zstandard
    python read_bundle.py backup.tar          # or a folder

Prints what it found as JSON. Exit code 0: everything is as it should be; 1: it is not, and the first problem is on stderr.
"""

import hashlib
import json
import os
import re
import sys
import tarfile

import zstandard

FIRST_KINDS = ["experiment", "run", "logged-model", "registered-model", "model-version", "alias"]
KINDS = FIRST_KINDS[:5] + ["stage-transition", "comment", "transition-request", "alias", "permission", "webhook"]


def kinds_in(version):
    return KINDS if version >= 3 else FIRST_KINDS


def lines_in(version):
    return [f"entities/{kind}.jsonl" for kind in kinds_in(version)]


BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})(\.zst)?")
SEAL = re.compile(rb' "sha256": "([0-9a-f]{64})"\n}\n')
SEAL_BYTES = 80
MAX_WINDOW = 8 * 2**20
CHUNK = 2**20


class Damaged(Exception):
    """What is wrong, with the name of the member."""


def require(holds, problem):
    if not holds:
        raise Damaged(problem)


class Tar:
    """The members of a tar, in their order."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "r:")
        self.entries = {}
        for entry in self.tar:
            require(entry.isreg() and not entry.pax_headers, f"{entry.name}: is not a regular file")
            require(entry.name not in self.entries, f"{entry.name}: is there twice")
            self.entries[entry.name] = entry
        names = list(self.entries)
        require(names[:1] == ["header.json"], "header.json: is not the first member")
        require(names[-1] == "manifest.json", "manifest.json: is not the last member")
        lines = [content_name(name) for name in names if name.startswith("entities/")]
        require(lines in (lines_in(2), lines_in(3)), f"{lines}: are not the lines in their order")
        require(names[-1 - len(lines) : -1] == [name for name in names if name.startswith("entities/")], "the lines are not last")

    def sizes(self):
        return {name: entry.size for name, entry in self.entries.items()}

    def open(self, name):
        return self.tar.extractfile(self.entries[name])


class Folder:
    """The members in a folder."""

    def __init__(self, path):
        self.path = path

    def sizes(self):
        found = {}
        for root, folders, files in os.walk(self.path):
            for name in folders + files:
                require(not os.path.islink(os.path.join(root, name)), f"{name}: is a link")
            for name in files:
                full = os.path.join(root, name)
                found[os.path.relpath(full, self.path).replace(os.sep, "/")] = os.path.getsize(full)
        return found

    def open(self, name):
        return open(os.path.join(self.path, name), "rb")


def content_name(name):
    return name[:-4] if name.endswith(".zst") else name


def one_frame(name, chunks, size):
    """The content of one frame, which must hold just this many bytes."""
    frame = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
    given = 0
    for chunk in chunks:
        require(not frame.eof, f"{name}: goes on after its frame")
        try:
            content = frame.decompress(chunk)
        except zstandard.ZstdError as error:
            raise Damaged(f"{name}: {error}") from error
        given += len(content)
        require(given <= size, f"{name}: holds more than {size} bytes")
        yield content
    require(frame.eof and not frame.unused_data, f"{name}: is not one whole frame")
    require(given == size, f"{name}: holds {given} bytes instead of {size}")


def chunks_of(stream, size):
    while size > 0:
        chunk = stream.read(min(CHUNK, size))
        require(chunk, "a member is cut short")
        size -= len(chunk)
        yield chunk


def content_of(store, member):
    """The content of a member as the manifest describes it, in chunks; its digest is checked at the end."""
    name, digest = member["name"], hashlib.sha256()
    with store.open(name) as stream:
        if not name.endswith(".zst"):
            parts = chunks_of(stream, member["size"])
        elif "frames" not in member:
            parts = one_frame(name, chunks_of(stream, member["stored"]), member["size"])
        else:
            parts = (part for stored, size in member["frames"] for part in one_frame(name, chunks_of(stream, stored), size))
        for part in parts:
            digest.update(part)
            yield part
    require(digest.hexdigest() == member["sha256"], f"{name}: has another digest than the manifest says")


def read_manifest(store, version):
    with store.open("manifest.json") as stream:
        text = stream.read()
    seal = SEAL.fullmatch(text[-SEAL_BYTES:])
    require(seal, "manifest.json: has no digest at its end")
    require(seal[1].decode() == hashlib.sha256(text[:-SEAL_BYTES]).hexdigest(), "manifest.json: has another digest than it says")
    manifest = json.loads(text)
    require(manifest["version"] == version, "manifest.json: is of another version than the header")
    named = {}
    for member in manifest["members"]:
        name = member["name"]
        blob = BLOB.fullmatch(name)
        require(blob or content_name(name) in lines_in(version) or name == "header.json", f"{name}: is not a name that a bundle holds")
        require(version > 1 or not name.endswith(".zst"), f"{name}: is compressed, in a bundle of version 1")
        member.setdefault("stored", member["size"])
        require(name.endswith(".zst") or member["stored"] == member["size"], f"{name}: has two sizes")
        require(not blob or blob[1] == member["sha256"], f"{name}: has another digest than its name")
        frames = member.get("frames")
        if frames is not None:
            sums = [sum(part) for part in zip(*frames)]
            require(sums == [member["stored"], member["size"]], f"{name}: has frames that do not add up")
        require(content_name(name) not in named, f"{name}: is named twice")
        named[content_name(name)] = member
    return manifest, named


def read_records(store, member):
    """The records of a member, one by one."""
    held = b""
    for part in content_of(store, member):
        *lines, held = (held + part).split(b"\n")
        for line in lines:
            yield json.loads(line)
    require(held == b"", f"{member['name']}: the last line has no end")


def blobs_of(record):
    """Digest and size of every blob that a record names."""
    for file in record.get("files", []):
        yield file["sha256"], file["size"]
    if "metrics" in record:
        yield record["metrics"]["blob"], record["metrics"]["size"]
    for dataset in record["entity"].get("datasets", []):
        for field in ("source", "schema", "profile"):
            if isinstance(dataset.get(field), dict):
                yield dataset[field]["blob"], dataset[field]["size"]


def check(path):
    store = Folder(path) if os.path.isdir(path) else Tar(path)
    with store.open("header.json") as stream:
        header = json.loads(stream.read(2**20))
    require(header.get("format") == "mlferry-bundle", "header.json: is no header of a bundle")
    require(header["version"] in (1, 2, 3), f"header.json: version {header['version']} is not known")
    manifest, named = read_manifest(store, header["version"])
    sizes = store.sizes()
    said = {member["name"]: member["stored"] for member in named.values()}
    require({name: size for name, size in sizes.items() if name != "manifest.json"} == said, "manifest.json: does not name what is there")
    for _part in content_of(store, named["header.json"]):
        pass
    keys, counts, points, wanted = {}, {}, {}, {}
    for kind, lines in zip(kinds_in(header["version"]), lines_in(header["version"])):
        counts[kind] = 0
        for record in read_records(store, named[lines]):
            counts[kind] += 1
            key = record["entity"]["key"]
            require(key.split(":", 1)[0] == kind and key not in keys, f"{lines}: {key} is there twice, or does not belong there")
            keys[key] = record["entity"]["needs"]
            wanted.update(blobs_of(record))
            if "metrics" in record:
                points[record["metrics"]["blob"]] = record["metrics"]["points"]
    require(counts == manifest["counts"], "manifest.json: has other counts than there are lines")
    for key, needs in keys.items():
        require(all(needed in keys for needed in needs), f"{key}: needs something that is not there")
    total = 0
    for digest, size in wanted.items():
        member = named.get(f"blobs/sha256/{digest}")
        require(member is not None and member["size"] == size, f"blobs/sha256/{digest}: is missing, or has another size than a record says")
        lines = 0
        for part in content_of(store, member):
            lines += part.count(b"\n")
        if digest in points:
            require(lines == points[digest], f"{member['name']}: has {lines} points instead of {points[digest]}")
            total += lines
    compressed = sum(name.endswith(".zst") for name in sizes)
    return {"version": header["version"], "counts": counts, "blobs": len(wanted), "points": total, "compressed_members": compressed}


if __name__ == "__main__":
    try:
        print(json.dumps(check(sys.argv[1])))
    except Damaged as problem:
        sys.exit(f"damaged: {problem}")
