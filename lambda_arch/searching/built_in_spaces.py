"""The names of the built-in spaces; the files are in ``spaces/``."""

BUILT_IN = ("ablation", "scaling", "stages", "blocks", "networks")
DEFAULT_SPACE = "scaling"
