"""How systems are called for the entries on lengths, matrices and their properties.

The names are those of ``glue_layers``.
"""

import inspect
from types import SimpleNamespace as Config
from typing import Any
from unittest import mock

import torch
from torch import Tensor

# Lengths --------------------------------------------------------------------------------------


def l2_norm__get_weight_norm(system: Any, x: Tensor) -> Any:
    layer = inspect.getmodule(system).DoraLinearLayer(fan_in_fan_out=False)  # type: ignore[union-attr]
    return system(layer, x, torch.zeros_like(x), 1.0)


def euclidean_distance__MimiEuclideanCodebook(system: Any, a: Tensor, b: Tensor) -> Any:
    size = {"codebook_size": len(b), "codebook_dim": b.shape[-1]}
    codebook = system(Config(**size))
    codebook.embed_sum = b
    seen: list[Tensor] = []
    cdist: Any = torch.cdist

    def measure(*points: Tensor, **order: Any) -> Tensor:
        seen.append(cdist(*points, **order))
        return seen[-1]

    with mock.patch.object(torch, "cdist", measure):
        codebook.quantize(a)
    return torch.linalg.diagonal(seen[0][0])


def unit_vector__l2norm(system: Any, x: Tensor) -> Any:
    direction = system(x)
    return (x * direction).sum(-1), direction


def vector_projection__normalized_guidance(system: Any, a: Tensor, b: Tensor) -> Any:
    whole, rest = (system(b, b - a, guidance_scale=1.0, eta=eta) for eta in (1.0, 0.0))
    return whole - rest


# Matrices -------------------------------------------------------------------------------------


def transpose__other_transpose(system: Any, a: Tensor) -> Any:
    return torch.stack([system(matrix, True) for matrix in a])


def hadamard_product__HadaWeight(system: Any, a: Tensor, b: Tensor) -> Any:
    eye, scale = torch.eye(a.shape[-1], dtype=a.dtype), torch.ones((), dtype=a.dtype)
    return torch.stack([system.apply(x, eye, y, eye, scale) for x, y in zip(a, b)])


# Properties -----------------------------------------------------------------------------------


def is_positive_definite__positive_definite(system: Any, a: Tensor) -> Any:
    return system.check(a)
