"""The commands of `pointsman`, one file each: `add_arguments(parser)` and `run(args) -> status`."""
