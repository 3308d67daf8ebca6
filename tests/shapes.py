"""The checker of shapes that jaxtyping calls while the tests run."""

from beartype import BeartypeConf, beartype

typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as to mypy
