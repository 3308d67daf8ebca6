"""How losses and regularizers are called with the arguments of an entry.

The names are those of ``glue_layers``.
"""

from importlib import import_module
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.func import functional_call


def binary_cross_entropy_with_logits__sigmoid_cross_entropy_loss(
    system: Any, z: Tensor, y: Tensor
) -> Any:
    return torch.stack([system(a[None], b[None], 1) for a, b in zip(z, y)])


def distillation_loss__generalized_jsd_loss(
    system: Any, student: Tensor, teacher: Tensor, tau: float, *, shipped: bool = False
) -> Any:
    factor = 1.0 if shipped else tau**2
    pairs = zip(student, teacher)
    return torch.stack([factor * system(a, b, beta=0, temperature=tau) for a, b in pairs])


def clip_loss__image_text_contrastive_loss(system: Any, x: Tensor, y: Tensor, tau: float) -> Any:
    images, texts = (torch.nn.functional.normalize(z, dim=-1) for z in (x, y))
    return torch.stack([system(b @ a.T / tau) for a, b in zip(images, texts)])


def triplet_loss__TripletMarginLoss(
    system: Any, a: Tensor, p: Tensor, q: Tensor, alpha: float, *, shipped: bool = False
) -> Any:
    distances = import_module("pytorch_metric_learning.distances")
    reducers = import_module("pytorch_metric_learning.reducers")
    squared = distances.LpDistance(normalize_embeddings=False, power=2)
    ours = {} if shipped else {"distance": squared, "reducer": reducers.MeanReducer()}
    n = torch.arange(a.shape[1])
    triplets = n, n + len(n), n + 2 * len(n)
    loss = system(margin=alpha, **ours)
    each = zip(a, p, q)
    return torch.stack([loss(torch.cat(t), indices_tuple=triplets) for t in each])


def dropout__Dinov3ViTDropPath(system: Any, x: Tensor, mask: Tensor, p: float) -> Any:
    drawn = mask.to(x.dtype) * (1 + p) / 2  # a number that p leaves, or takes
    with mock.patch.object(torch, "rand", return_value=drawn.reshape(-1)):
        return system(p).train()(x.reshape(-1)).reshape(x.shape)


def spectral_normalization__spectral_norm(system: Any, w: Tensor, *, shipped: bool = False) -> Any:
    divided = []
    for matrix in w:
        layer = torch.nn.Linear(matrix.shape[1], matrix.shape[0], bias=False, dtype=w.dtype)
        layer.weight.data = matrix.detach().clone()
        layer = system(layer, n_power_iterations=1 if shipped else 2000)
        given = {"parametrizations.weight.original": matrix}
        divided.append(functional_call(layer, given, torch.eye(matrix.shape[1], dtype=w.dtype)).mT)
    return torch.stack(divided)
