"""Metrics: numbers at the edges, steps beyond what a double holds, many keys, and one very long history."""

import math

from mlflow.entities import Metric

from seed.world import EPOCH, World

LONG_HISTORY_POINTS = 30_000
MANY_KEYS = 1_200
STEPS = [-(2**62), -5, 0, 1, 2**40 + 1, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 3, 2**62, 2**63 - 1]
NUMBERS = {
    "smallest": 5e-324,
    "largest": 1.7976931348623157e308,
    "lowest": -1.7976931348623157e308,
    "minus zero": -0.0,
    "tenth": 0.1,
    "third": 1 / 3,
    "beyond 2 to the 53": 9007199254740993.0,
    "million": 1e21,
    "nan": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
}


def fill(world: World) -> None:
    experiment = world.remember("experiment.metrics", world.experiment("metrics"))
    edges(world, experiment)
    keys = world.remember("run.1200_keys", world.run(experiment, "1,200 metric keys"))
    world.log(keys, metrics=[Metric(f"group {i % 7}/key.{i:04}", i / 7, EPOCH + i, i % 5) for i in range(MANY_KEYS)])
    long = world.remember("run.30000_points", world.run(experiment, "30,000 points"))
    world.log(long, metrics=[Metric("loss", 1 / (i + 1), EPOCH + i // 3, i // 2) for i in range(LONG_HISTORY_POINTS)])


def edges(world: World, experiment: str) -> None:
    run = world.remember("run.metric_edges", world.run(experiment, "metric edges"))
    points = [Metric(f"number/{name}", value, EPOCH, 0) for name, value in NUMBERS.items()]
    points += [Metric("all numbers", value, EPOCH, step) for step, value in enumerate(NUMBERS.values())]
    points += [Metric("steps", float(i), EPOCH + i, step) for i, step in enumerate(STEPS)]
    points += [Metric("equal steps", value, EPOCH + at, 7) for at, value in enumerate([3.0, 1.0, 2.0])]
    points += [Metric("same step and time", value, EPOCH, 7) for value in [3.0, 1.0, math.nan, 2.0]]
    points += [Metric("times", float(i), time, i) for i, time in enumerate([0, 1, 2**53 + 1, 2**63 - 1])]
    # The latest of these is neither the last written nor the one with the latest time.
    points += [Metric("out of order", value, time, step) for value, time, step in [(1.0, EPOCH, 9), (2.0, EPOCH + 9, 3), (0.0, EPOCH + 5, 9)]]
    points += [Metric("größe /.-:_", 1.0, EPOCH, 0), Metric("m" * 250, 1.0, EPOCH, 0)]
    world.log(run, metrics=points)
