"""The awkward registry of the live suite, by theme: each module has one `fill(world)`."""
