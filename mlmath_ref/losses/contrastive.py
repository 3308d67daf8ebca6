r"""Contrastive losses: find the partner among strangers.

Two views of the same thing, say two crops of a picture, should get vectors that point the same way,
and vectors of different things should not. A contrastive loss makes this a classification: given
one view, which of all the others in the batch is its partner? The scores are cosines divided by a
temperature, the loss is the cross-entropy, and no label is needed.

Which pairs compete is where the losses differ. InfoNCE compares a query with one positive key and
with the keys of other queries. NT-Xent, the loss of SimCLR, compares every view with all other views
of both sides, never with itself. CLIP's compares images with texts only, which is InfoNCE in both
directions, averaged. SigLIP judges every pair on its own, with
a sigmoid :cite:p:`zhai2023sigmoid`. The triplet loss is the oldest: one partner, one stranger, and
a margin by which the stranger has to be farther away. It stops as soon as the margin is kept, and
needs strangers that are hard to tell apart; the other losses find these among the whole batch.

:map: 6.2 Losses
"""

import math

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, total
from mlmath_ref.linear_algebra.lengths import unit_vector
from mlmath_ref.losses.classification import softmax_cross_entropy
from mlmath_ref.sets import Nonneg, Nonzero, Positive, Real, checked


@checked
def info_nce_loss(
    q: Real[Array, "*batch n d"],
    k: Real[Array, "*batch n d"],
    *,
    tau: Positive[float, ""] = 0.07,
) -> Nonneg[Array, "*batch"]:
    r"""InfoNCE loss: cross-entropy of identifying the positive key of each query.

    .. math:: \mathcal{L} = -\frac{1}{n} \sum_{i=1}^{n}
       \log \frac{\exp(q_i^\top k_i / \tau)}{\sum_{j=1}^{n} \exp(q_i^\top k_j / \tau)}

    Key :math:`k_i` is the positive of query :math:`q_i`, and the keys of the other queries are its
    negatives; for one query it is :math:`-\log \frac{\exp(q \cdot k_{+} / \tau)}{\sum_j \exp(q
    \cdot k_j / \tau)}`. Among :math:`n` equal keys the loss is :math:`\log n`. If the pairs are
    drawn independently, :math:`\log n - \mathbb{E}[\mathcal{L}]` is a lower bound on the mutual
    information of query and key.

    Args:
        q: :math:`q`, the queries, one per row.
        k: :math:`k`, the keys; row :math:`i` is the positive of query :math:`i`.
        tau: :math:`\tau`, the temperature.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over the queries.

    Also called:
        InfoNCE, MoCo loss, multiple negatives ranking loss, MultipleNegativesRankingLoss.

    Asked as:
        softmax loss with in-batch negatives; loss for training embeddings; contrastive loss of a
        query and keys; noise-contrastive estimation; N-pair loss; CPC; in-batch negatives.

    Role in ML:
        - objective -- BGE-M3: trains the dense embeddings of a text retriever. The vectors are
          normalized, and the passages of the other queries in the batch are the negatives, in
          addition to mined hard negatives :cite:p:`chen2024bge{code: FlagOpen/FlagEmbedding at
          7ed43d6, FlagEmbedding/abc/finetune/embedder/AbsModeling.py, lines 197-199, and
          FlagEmbedding/finetune/embedder/encoder_only/m3/modeling.py, lines 205 and 277}`.
        - objective -- MoCo: learns representations of images. The vectors are normalized, the
          negatives come from a queue of earlier keys, and :math:`\tau = 0.07`
          :cite:p:`he2020momentum{eq. (1); code: facebookresearch/moco, moco/builder.py, class
          MoCo}`.
        - objective -- Contrastive predictive coding: the scores are the logarithms of a
          log-bilinear model, without a temperature :cite:p:`oord2018representation{eq. (4)}`.

    Numerics:
        Large scores do not overflow, and the loss of a query that is identified with near certainty
        keeps its relative precision. For vectors of length 1 the CLIP loss is the mean of this loss
        in both directions. The vectors are used as they are: normalize them first if the
        scores are to be cosines. The matrix of scores has :math:`n^2` entries. With one key the
        loss is 0. The default temperature is MoCo's; contrastive predictive coding has
        :math:`\tau = 1`.

    Checked against:
        ``torch.nn.functional.cross_entropy(q @ k.T / tau, torch.arange(len(q)))``

        ``np.mean(scipy.special.logsumexp(q @ k.T / tau, axis=1) - np.sum(q * k, axis=1) / tau)``

    Examples:
        By hand: at :math:`\tau = 1 / \log 3` a score of 1 has the weight 3 and a score of 0 the
        weight 1. The positive has the probability :math:`\tfrac34`, so the loss is
        :math:`\log \tfrac43`:

        >>> import numpy as np
        >>> q = np.asarray([[1.0, 0.0], [0.0, 1.0]])
        >>> round(float(info_nce_loss(q, q, tau=float(1 / np.log(3)))), 4)
        0.2877

        Three pairs at two temperatures:

        >>> q = np.asarray([[0.6, -0.8], [0.8, 0.6], [-0.6, 0.8]])
        >>> k = np.asarray([[0.0, -1.0], [1.0, 0.0], [-0.8, -0.6]])
        >>> [round(float(info_nce_loss(q, k, tau=tau)), 4) for tau in (0.07, 0.5)]
        [0.0187, 0.373]

        It is not symmetric, and the CLIP loss of these unit vectors is the mean of both directions:

        >>> round(float(info_nce_loss(k, q, tau=0.5)), 4), round(float(clip_loss(q, k, tau=0.5)), 4)
        (0.468, 0.4205)

        It is :math:`\log n` minus the InfoNCE bound of the scores :math:`q k^\top / \tau`:

        >>> from mlmath_ref.information.divergence import info_nce_bound
        >>> round(float(np.log(3) - info_nce_bound(q @ k.T / 0.5)), 4)
        0.373

        The gradient with respect to a query is the mean key under the softmax minus the positive
        key, divided by :math:`n \tau`:

        >>> import torch
        >>> a, b = torch.tensor(q, requires_grad=True), torch.tensor(k)
        >>> info_nce_loss(a, b, tau=0.5).backward()
        >>> p = torch.softmax(a @ b.T / 0.5, dim=1)
        >>> torch.allclose(a.grad, (p @ b - b) / (3 * 0.5))
        True

        Four equal keys cost :math:`\log 4`; a single key costs 0:

        >>> info_nce_loss(torch.ones(4, 2), torch.ones(4, 2))
        tensor(1.3863)
        >>> info_nce_loss(torch.tensor([[0.3, -1.2]]), torch.tensor([[0.9, 2.1]]))
        tensor(0.)
    """
    xp = array_namespace(q, k)
    s = q @ k.mT / tau
    positive = xp.broadcast_to(xp.arange(s.shape[-1], device=device(s)), s.shape[:-1])
    return softmax_cross_entropy(s, positive)


@checked
def nt_xent_loss(
    z1: Nonzero[Array, "*batch n d"],
    z2: Nonzero[Array, "*batch n d"],
    *,
    tau: Positive[float, ""] = 0.1,
) -> Nonneg[Array, "*batch"]:
    r"""NT-Xent: cross-entropy of identifying the positive among all other views.

    .. math::
       \begin{aligned}
       \mathcal{L} &= -\frac{1}{2n} \sum_{i=1}^{n} \left(
       \log \frac{e^{s_{i, n+i} / \tau}}{\sum_{k=1,\, k \neq i}^{2n} e^{s_{ik} / \tau}} +
       \log \frac{e^{s_{n+i, i} / \tau}}{\sum_{k=1,\, k \neq n+i}^{2n} e^{s_{n+i, k} / \tau}}
       \right), \\
       s_{ik} &= \frac{z_i^\top z_k}{\lVert z_i \rVert_2 \lVert z_k \rVert_2}
       \end{aligned}

    The score :math:`s_{ik} = \operatorname{sim}(z_i, z_k)` is a cosine, so that only directions
    count, and the two sides may change places. A single term is :math:`\ell_{i, j} = -\log
    \frac{\exp(\operatorname{sim}(z_i, z_j) / \tau)}{\sum_{k \ne i} \exp(\operatorname{sim}(z_i,
    z_k) / \tau)}`. The denominator contains the positive but not the view itself, so among
    :math:`2n - 1` equal candidates the loss is :math:`\log (2n - 1)`.

    Args:
        z1: :math:`z_1, \dots, z_n`, one view of each of :math:`n` things, a row each.
        z2: :math:`z_{n+1}, \dots, z_{2n}`, the other view, in the same order.
        tau: :math:`\tau`, the temperature; the lower, the more the closest strangers count.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over all :math:`2n` views.

    Also called:
        SimCLR loss, NTXentLoss, normalized temperature-scaled cross-entropy, normalized
        temperature-scaled cross entropy loss.

    Asked as:
        contrastive loss; contrastive learning; self-supervised contrastive loss; in-batch
        negatives; loss of two augmented views.

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

    Numerics:
        The view itself enters as a score of :math:`-\infty`, which takes no share and no gradient.
        It is not InfoNCE, in which a query has no negatives on its own side.
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
        >>> round(float(nt_xent_loss(z, z, tau=float(1 / np.log(3)))), 4)
        0.5108

        Three things in two dimensions, as ``torch.nn.functional.cross_entropy`` of the masked
        cosines has it, at two temperatures:

        >>> z1 = np.asarray([[0.3, -1.2], [2.5, 0.8], [-0.7, 1.1]])
        >>> z2 = np.asarray([[0.9, -2.1], [1.7, -0.4], [0.2, 1.6]])
        >>> [round(float(nt_xent_loss(z1, z2, tau=tau)), 4) for tau in (0.1, 0.5)]
        [0.0257, 0.5233]

        A step against the gradient turns a view towards its partner and does not change its length
        at first:

        >>> import torch
        >>> first = torch.tensor(z1, requires_grad=True)
        >>> nt_xent_loss(first, torch.tensor(z2), tau=0.5).backward()
        >>> first.grad.float()
        tensor([[ 0.1122,  0.0280],
                [-0.0296,  0.0924],
                [-0.0466, -0.0296]])
        >>> bool(torch.all(torch.abs(torch.sum(first * first.grad, dim=1)) < 1e-12))
        True

        Views that are all alike give :math:`\log (2 \cdot 3 - 1)`, here beside the views from
        above, and a single pair gives 0:

        >>> z1, z2 = (torch.tensor(np.stack([z, np.ones((3, 2))])).float() for z in (z1, z2))
        >>> nt_xent_loss(z1, z2, tau=0.5)
        tensor([0.5233, 1.6094])
        >>> nt_xent_loss(torch.tensor([[0.3, -1.2]]), torch.tensor([[0.9, 2.1]]))
        tensor(0.)
    """
    xp = array_namespace(z1, z2)
    n = z1.shape[-2]
    _, u = unit_vector(xp.concat([z1, z2], axis=-2))
    view = xp.arange(2 * n, device=device(u))
    s = xp.where(view[:, None] == view, -math.inf, u @ u.mT / tau)
    positive = xp.broadcast_to((view + n) % (2 * n), s.shape[:-1])
    return softmax_cross_entropy(s, positive)


@checked
def clip_loss(
    x: Nonzero[Array, "*batch n d"],
    y: Nonzero[Array, "*batch n d"],
    *,
    tau: Positive[float, ""] = 0.07,
) -> Nonneg[Array, "*batch"]:
    r"""CLIP loss: the surprise at which text belongs to an image, and which image to a text.

    .. math::
       \begin{aligned}
       \mathcal{L} &= -\frac{1}{2n} \sum_{i=1}^{n} \left(
       \log \frac{e^{s_{ii} / \tau}}{\sum_{j=1}^{n} e^{s_{ij} / \tau}} +
       \log \frac{e^{s_{ii} / \tau}}{\sum_{j=1}^{n} e^{s_{ji} / \tau}} \right), \\
       s_{ij} &= \frac{x_i^\top y_j}{\lVert x_i \rVert_2 \lVert y_j \rVert_2}
       \end{aligned}

    The first logarithm is a cross-entropy along the rows of the table of the cosines
    :math:`s_{ij}`, the second along its columns, and the diagonal holds the right answers:
    :math:`\mathcal{L} = \tfrac12 (\mathcal{L}_{x \to y} + \mathcal{L}_{y \to x})`. Images are
    matched with their captions and captions with their images, and the sides may change places.
    Among :math:`n` equal candidates the loss is :math:`\log n`.

    Args:
        x: :math:`x`, the vectors of :math:`n` images, a row each.
        y: :math:`y`, the vectors of their texts, in the same order.
        tau: :math:`\tau`, the temperature; the model's logit scale is :math:`1 / \tau`.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over :math:`n` pairs and both directions.

    Also called:
        image-text contrastive loss, ITC loss, ClipLoss, symmetric InfoNCE.

    Asked as:
        contrastive language-image pre-training; symmetric cross-entropy; dual-encoder loss;
        logit_scale; CLIP; match images and captions; image-text matching loss.

    Role in ML:
        - objective -- Meta CLIP 2: trains a pair of encoders on image-text pairs from the whole
          web, with :math:`1 / \tau` learned as the exponential of a parameter
          :cite:p:`chuang2025metaclip2{code: transformers,
          models/metaclip_2/modeling_metaclip_2.py, lines 647-654 and 861}`.
          Witness: ``transformers.models.metaclip_2.modeling_metaclip_2.image_text_contrastive_loss``.
        - objective -- DINOv3: aligns a text encoder with the image encoder after training; the
          table is computed in pieces that travel around the devices, and :math:`1 / \tau` is kept
          from passing 100
          :cite:p:`simeoni2025dinov3{code: dinov3/eval/text/clip_loss.py, lines 63-127, and
          train_dinotxt.py, line 208}`.
        - objective -- CLIP: both directions averaged, over the pairs of one large batch
          :cite:p:`radford2021learning{fig. 3}`.

    Numerics:
        At :math:`\tau = 0.01` the scores span 200, which a sum of exponentials in float32 does not
        survive; the log-sum-exp does. A zero vector has no direction and is refused. The table has
        :math:`n^2` entries. Two pairs with the same text count as strangers, so that the loss
        cannot reach 0 on them. A single pair has no strangers, and its loss is 0. The default is
        the value that CLIP's learned temperature starts from.

    Checked against:
        ``(lambda s: (torch.nn.functional.cross_entropy(s, torch.arange(len(x)))
        + torch.nn.functional.cross_entropy(s.T, torch.arange(len(x)))) / 2)(
        torch.nn.functional.cosine_similarity(x[:, None], y[None], dim=-1) / tau)``

    Examples:
        By hand: at :math:`\tau = 1 / \log 3` a cosine of 1 weighs 3, one of 0 weighs 1. Each image
        has its text at 1 and a stranger at 0, and the same the other way round, so that the loss is
        :math:`\log \tfrac43`:

        >>> import numpy as np
        >>> x = np.asarray([[1.0, 0.0], [0.0, 2.0]])
        >>> round(float(clip_loss(x, 3 * x, tau=float(1 / np.log(3)))), 4)
        0.2877

        Three pairs in two dimensions, as two calls of ``torch.nn.functional.cross_entropy`` have
        them, at two temperatures; the two sides may change places:

        >>> x = np.asarray([[0.3, -1.2], [2.5, 0.8], [-0.7, 1.1]])
        >>> y = np.asarray([[0.9, -2.1], [1.7, -0.4], [-1.2, -0.6]])
        >>> losses = clip_loss(x, y), clip_loss(x, y, tau=0.5), clip_loss(y, x, tau=0.5)
        >>> [round(float(loss), 4) for loss in losses]
        [0.302, 0.3943, 0.3943]

        A step against the gradient turns an image towards its text and does not change its length
        at first:

        >>> import torch
        >>> image = torch.tensor(x, requires_grad=True)
        >>> clip_loss(image, torch.tensor(y), tau=0.5).backward()
        >>> image.grad.float()
        tensor([[-0.0702, -0.0175],
                [ 0.0021, -0.0067],
                [ 0.1976,  0.1258]])
        >>> bool(torch.all(torch.abs(torch.sum(image * image.grad, dim=1)) < 1e-12))
        True

        The vectors from above beside vectors that are all alike, which give :math:`\log 3`:

        >>> both = [torch.tensor(np.stack([z, np.ones((3, 2))])).float() for z in (x, y)]
        >>> clip_loss(*both, tau=0.5)
        tensor([0.3943, 1.0986])

        Two perpendicular images with the same text: neither image can tell which copy is its own,
        which costs :math:`\log 2`, and the copies cost 0 and 100, since both point to the first
        image; the mean is :math:`\tfrac12 (\log 2 + 50)`. If the images are alike too, all is a
        coin toss:

        >>> same = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> clip_loss(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), same, tau=0.01)
        tensor(25.3466)
        >>> clip_loss(same, same, tau=0.01)
        tensor(0.6931)

        A single pair has no strangers:

        >>> clip_loss(torch.tensor([[0.3, -1.2]]), torch.tensor([[0.9, 2.1]]))
        tensor(0.)
    """
    xp = array_namespace(x, y)
    s = unit_vector(x)[1] @ unit_vector(y)[1].mT / tau
    pair = xp.broadcast_to(xp.arange(s.shape[-1], device=device(s)), s.shape[:-1])
    return (softmax_cross_entropy(s, pair) + softmax_cross_entropy(s.mT, pair)) / 2


@checked
def triplet_loss(
    a: Real[Array, "*batch n d"],
    p: Real[Array, "*batch n d"],
    q: Real[Array, "*batch n d"],
    *,
    alpha: Positive[float, ""] = 0.2,
) -> Nonneg[Array, "*batch"]:
    r"""Triplet loss: by how much a stranger is not yet far enough behind the partner.

    .. math:: \mathcal{L} = \frac{1}{n} \sum_{i=1}^{n} \max \left( 0,
       \lVert a_i - p_i \rVert_2^2 - \lVert a_i - q_i \rVert_2^2 + \alpha \right)

    With a distance :math:`d` a term is :math:`\max(d(a, p) - d(a, q) + \alpha, 0)`, and it costs
    nothing, and teaches nothing, once the stranger's squared distance exceeds the partner's by the
    margin :math:`\alpha`, :math:`\lVert a - p \rVert_2^2 + \alpha \le \lVert a - q \rVert_2^2`. A
    triplet of three equal vectors costs :math:`\alpha`, so that a collapse to one point is no
    solution. Moving or rotating all vectors together changes nothing; their scale does matter, and
    the vectors of FaceNet have length 1.

    Args:
        a: :math:`a`, the anchors, a row each.
        p: :math:`p`, a partner of each anchor (the positive).
        q: :math:`q`, a stranger to each anchor (the negative).
        alpha: :math:`\alpha`, the margin between the squared distances.

    Returns:
        :math:`\mathcal{L}`, a squared distance, the mean over :math:`n` triplets.

    Also called:
        triplet margin loss, FaceNet loss.

    Asked as:
        TripletMarginLoss; anchor positive negative; metric learning loss; ranking hinge loss;
        triplet margin; deep metric learning; face embeddings; hard negative mining; squared or
        plain distances.

    Role in ML:
        - objective -- SCimilarity: cells of the same type from different studies are drawn
          together; distances are not squared, the vectors have length 1 and the default margin is
          0.05 :cite:p:`heimberg2025cell{code: src/scimilarity/triplet_selector.py, line 423,
          nn_models.py, line 80, and training_models.py, line 81}`.
        - objective -- FaceNet: vectors of faces whose squared distance says how alike two faces are
          :cite:p:`schroff2015facenet{eq. (3)}`.
          Witness: ``pytorch_metric_learning.losses.TripletMarginLoss``, with squared distances of
          the vectors as they are and the mean over all triplets.

    Numerics:
        The difference of the squared distances is computed as
        :math:`(q_i - p_i)^\top ((a_i - p_i) + (a_i - q_i))`, so that it keeps its digits where the
        anchor is far from both. Squared distances have a gradient everywhere; a distance that is not squared has none where
        two vectors coincide, which is why ``torch.nn.functional.triplet_margin_loss``, whose
        distances are not squared, adds :math:`10^{-6}` to each difference. The two conventions
        differ: at distances 3 and 2 with margin 1 the loss is 6 here and 2 there. FaceNet sums over
        the triplets. A mean over the triplets that cost something is larger, and jumps when one
        drops out. At the margin itself the slope is 0.

    Checked against:
        ``torch.nn.functional.triplet_margin_with_distance_loss(a, p, q, margin=alpha,
        distance_function=lambda u, v: torch.cdist(u[:, None], v[:, None])[:, 0, 0] ** 2)``

    Examples:
        By hand: distances 3 and 2 with margin 1 cost :math:`9 - 4 + 1 = 6`; without the squares,
        as in PyTorch, :math:`3 - 2 + 1 = 2`:

        >>> import numpy as np
        >>> import torch
        >>> a, p, q = np.zeros((1, 2)), np.asarray([[3.0, 0.0]]), np.asarray([[0.0, 2.0]])
        >>> float(triplet_loss(a, p, q, alpha=1.0))
        6.0
        >>> other = torch.nn.functional.triplet_margin_loss(*map(torch.tensor, (a, p, q)))
        >>> round(other.item(), 4)
        2.0

        Three triplets with the default margin of 0.2, as PyTorch's
        ``triplet_margin_with_distance_loss`` has them for squared distances; the second costs
        nothing:

        >>> a = np.asarray([[0.3, -1.2], [2.5, 0.8], [-0.7, 1.1]])
        >>> p = np.asarray([[0.9, -2.1], [1.7, -0.4], [-1.2, -0.6]])
        >>> q = np.asarray([[0.6, -0.5], [-1.3, 0.2], [-0.9, 2.4]])
        >>> round(float(triplet_loss(a, p, q)), 4)
        0.8
        >>> [round(float(triplet_loss(*(z[i:][:1] for z in (a, p, q)))), 4) for i in range(3)]
        [0.79, 0.0, 1.61]

        The gradient draws the partner near and drives the stranger off, by twice the difference
        over :math:`n`, and leaves the second triplet alone:

        >>> a, p, q = (torch.tensor(z, requires_grad=True) for z in (a, p, q))
        >>> triplet_loss(a, p, q).backward()
        >>> p.grad[[0, 2]].float()
        tensor([[ 0.4000, -0.6000],
                [-0.3333, -1.1333]])
        >>> q.grad.float()
        tensor([[-0.2000, -0.4667],
                [ 0.0000,  0.0000],
                [ 0.1333, -0.8667]])

        Three equal vectors cost the margin; one batch of triplets is one loss; at the margin itself
        the slope is 0:

        >>> one, zero = torch.ones(2, 1, 3), torch.zeros(2, 1, 3)
        >>> far = torch.stack([one[0], zero[0]]).requires_grad_()
        >>> loss = triplet_loss(zero, zero, far, alpha=3.0)
        >>> loss.sum().backward()
        >>> loss.tolist(), bool((far.grad[0] == 0).all())
        ([0.0, 3.0], True)
    """
    xp = array_namespace(a, p, q)
    # the difference of the two squares, in which no large ones cancel
    behind = total((q - p) * ((a - p) + (a - q))) + alpha
    return total(xp.where(behind <= 0, 0.0, behind) / a.shape[-2])
