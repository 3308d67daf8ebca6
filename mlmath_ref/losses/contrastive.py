r"""Contrastive losses: find the partner among strangers.

Two views of the same thing, say two crops of a picture, should get vectors that point the same way,
and vectors of different things should not. A contrastive loss makes this a classification: given
one view, which of all the others in the batch is its partner? The scores are cosines divided by a
temperature, the loss is the cross-entropy, and no label is needed.

Which pairs compete is where the losses differ. The one of SimCLR, here, compares every view with
all other views of both sides, never with itself. CLIP compares images with texts only, so that
nothing has to be excluded, and averages both directions :cite:p:`radford2021learning`. SigLIP
judges every pair on its own, with a sigmoid :cite:p:`zhai2023sigmoid`.

:map: 6.2 Losses
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.numerics.logarithms import log_sum_exp
from mlmath_ref.sets import Nonneg, Nonzero, Positive, checked


@checked
def info_nce(
    z1: Nonzero[Array, "*batch n d"],
    z2: Nonzero[Array, "*batch n d"],
    *,
    tau: Positive[float, ""] = 0.1,
) -> Nonneg[Array, "*batch"]:
    r"""NT-Xent: the surprise at which of all other views is the partner.

    .. math::
       \begin{aligned}
       \mathcal{L} &= -\frac{1}{2n} \sum_{i=1}^{n} \left(
       \log \frac{e^{s_{i, n+i} / \tau}}{\sum_{k=1,\, k \neq i}^{2n} e^{s_{ik} / \tau}} +
       \log \frac{e^{s_{n+i, i} / \tau}}{\sum_{k=1,\, k \neq n+i}^{2n} e^{s_{n+i, k} / \tau}}
       \right), \\
       s_{ik} &= \frac{z_i^\top z_k}{\lVert z_i \rVert_2 \lVert z_k \rVert_2}
       \end{aligned}

    The score :math:`s_{ik}` is a cosine, so that only directions count, and the two sides may
    change places. The partner stands in the denominator too, the view itself does not. Among
    :math:`2n - 1` equal candidates the loss is :math:`\log (2n - 1)`.

    Args:
        z1: :math:`z_1, \dots, z_n`, one view of each of :math:`n` things, a row each.
        z2: :math:`z_{n+1}, \dots, z_{2n}`, the other view, in the same order.
        tau: :math:`\tau`, the temperature; the lower, the more the closest strangers count.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over all :math:`2n` views.

    Also called:
        NT-Xent, InfoNCE, SimCLR loss, contrastive loss, normalized temperature-scaled
        cross-entropy, in-batch negatives, N-pair loss.

    Role in ML:
        - objective -- Qwen3 Embedding: brings a query and its document together; other queries
          and other documents of the batch are the strangers, as here, hard negatives are added,
          and strangers that look like the answer are left out
          :cite:p:`zhang2025qwen3embedding{eq. (1)}`.
        - objective -- SimCLR: learns representations of images from two random crops of each, with
          neither labels nor a memory of earlier batches :cite:p:`chen2020simple{eq. (1)}`; the
          released code adds the means of the two sides, which is twice this number
          :cite:p:`chen2020simple{code: objective.py, line 86}`.
          Witness: ``pytorch_metric_learning.losses.NTXentLoss``.
        - estimator -- Contrastive predictive coding: with :math:`N` candidates, :math:`\log N`
          minus a loss of this kind bounds the mutual information from below, and cannot show more
          than :math:`\log N` :cite:p:`oord2018representation{sec. 2.3}`.

    Numerics:
        The view itself enters as a score of :math:`-\infty`, which takes no share and no gradient.
        A zero vector has no direction and is refused. The matrix of scores has :math:`4 n^2`
        entries. With one pair there is nothing to confuse, and the loss is 0.

    Checked against:
        ``torch.nn.functional.cross_entropy(torch.nn.functional.cosine_similarity(
        torch.cat([z1, z2])[:, None], torch.cat([z1, z2]), dim=-1).fill_diagonal_(-torch.inf) / tau,
        torch.arange(2 * len(z1)).roll(len(z1)))``

    Examples:
        By hand: at :math:`\tau = 1 / \log 3` a cosine of 1 weighs 3, one of 0 weighs 1. Each view
        has its partner at 1 and two strangers at 0, so that the loss is :math:`\log \tfrac53`:

        >>> import numpy as np
        >>> z = np.asarray([[1.0, 0.0], [0.0, 2.0]])
        >>> float(info_nce(z, z, tau=float(1 / np.log(3))))
        0.5108

        Three things in two dimensions, as ``torch.nn.functional.cross_entropy`` of the masked
        cosines has it, at two temperatures:

        >>> z1 = np.asarray([[0.3, -1.2], [2.5, 0.8], [-0.7, 1.1]])
        >>> z2 = np.asarray([[0.9, -2.1], [1.7, -0.4], [0.2, 1.6]])
        >>> float(info_nce(z1, z2)), float(info_nce(z1, z2, tau=0.5))
        (0.0257, 0.5233)

        A step against the gradient turns a view towards its partner and does not change its length
        at first:

        >>> import torch
        >>> first = torch.tensor(z1, requires_grad=True)
        >>> info_nce(first, torch.tensor(z2), tau=0.5).backward()
        >>> first.grad.float()
        tensor([[ 0.1122,  0.0280],
                [-0.0296,  0.0924],
                [-0.0466, -0.0296]])
        >>> bool(torch.all(torch.abs(torch.sum(first * first.grad, dim=1)) < 1e-12))
        True

        Views that are all alike give :math:`\log (2 \cdot 3 - 1)`, here beside the views from
        above, and a single pair gives 0:

        >>> z1, z2 = (torch.tensor(np.stack([z, np.ones((3, 2))])).float() for z in (z1, z2))
        >>> info_nce(z1, z2, tau=0.5)
        tensor([0.5233, 1.6094])
        >>> info_nce(torch.tensor([[0.3, -1.2]]), torch.tensor([[0.9, 2.1]]))
        tensor(0.)
    """
    xp = array_namespace(z1, z2)
    n = z1.shape[-2]
    z = xp.concat([z1, z2], axis=-2)
    z = z / xp.max(xp.abs(z), axis=-1, keepdims=True)  # so that no square overflows or vanishes
    u = z / xp.linalg.vector_norm(z, axis=-1, keepdims=True)
    s = u @ u.mT / tau
    itself = xp.eye(2 * n, dtype=s.dtype, device=s.device) == 1
    others = log_sum_exp(xp.where(itself, -math.inf, s))
    return xp.mean(others, axis=-1) - xp.mean(xp.linalg.diagonal(s, offset=n), axis=-1)
