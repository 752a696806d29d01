"""Files of runs: odd names through the proxy and on the server's own disk, empty, deep and many."""

from urllib.parse import quote

import requests

from seed.world import World

# Names that the Python client carries through the proxy unharmed.
ODD_NAMES = [
    "with space.txt",
    " leading and trailing ",
    "größe 模型 \U0001f680.txt",
    "e\u0301 decomposed.txt",
    "a+b&c=d;e,f.txt",
    "colon: it's (here) [there] {too}.txt",
    "at@tilde~caret^star*bang!dollar$.txt",
    "back\\slash.txt",
    "pipe|less<more>.txt",
    'double"quote.txt',
    ".hidden",
    ".hidden folder/.deeper/..two dots",
    "...",
    "no extension",
    "UPPER.TXT",
    "upper.txt",
    "long " + "n" * 200 + ".txt",
    "deep/" * 20 + "file.txt",
    "a folder/like.a.file/data.tar.gz",
]
# Names that the proxy stores under their own name when they are encoded once, which the Python client does not do.
RAW_NAMES = ["question?mark.txt", "100% sure.txt", "%zz no escape.txt"]
# Names that cannot pass the proxy, or not unchanged: written to the server's disk.
LOCAL_NAMES = ["hash#tag.txt", "escaped%20space.txt", "double%2520.txt", "%23.txt", "folder#1/50%/file.txt"]


def fill(world: World) -> None:
    proxied(world)
    places = {"plain path": str(world.local_artifacts / "plain path"), "file uri": (world.local_artifacts / "as-uri").as_uri()}
    for kind, location in places.items():
        local(world, kind, location)


def content(names: list[str]) -> dict[str, bytes]:
    files = {f"odd/{name}": f"content of {name}\n".encode() for name in names}
    return {**files, "empty": b"", "odd/empty too": b"", "binary.bin": bytes(range(256)) * 300, "at the root.txt": b"root\n"}


def proxied(world: World) -> None:
    experiment = world.remember("experiment.artifacts", world.experiment("artifacts through the proxy"))
    run = world.remember("run.artifacts", world.run(experiment, "odd file names"))
    world.put_files(run, content(ODD_NAMES))
    scheme, _, root = world.client.get_run(run).info.artifact_uri.partition(":/")
    # A server that proxies nothing gives a path of its own disk.
    for name in RAW_NAMES if scheme == "mlflow-artifacts" else []:
        url = f"{world.uri}/api/2.0/mlflow-artifacts/artifacts/{quote(f'{root}/raw/{name}')}"
        requests.put(url, data=f"content of {name}\n".encode(), timeout=60).raise_for_status()
    many = world.remember("run.120_files", world.run(experiment, "120 files"))
    world.put_files(many, {f"part {i % 4}/{i:03}.txt": f"{i}\n".encode() for i in range(120)})


def local(world: World, kind: str, location: str) -> None:
    name = f"artifacts at a {kind}"
    experiment = world.remember(f"experiment.{kind}", world.experiment(name, location=location))
    run = world.remember(f"run.{kind}", world.run(experiment, f"odd file names at a {kind}"))
    world.put_files(run, content(ODD_NAMES + RAW_NAMES))
    refused = world.remember(f"run.{kind}.unproxied", world.run(experiment, f"names no proxy takes at a {kind}"))
    world.put_files(refused, {name: f"content of {name}\n".encode() for name in LOCAL_NAMES})
