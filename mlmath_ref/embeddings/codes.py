r"""Vector codes: a vector kept as a few bytes, and compared without being restored.

A billion vectors of 128 floats are 512 GB, more than a machine has. Vector quantization replaces a
vector by the number of the nearest of :math:`K` codewords. To be exact enough it needs far more
codewords than can be learned or stored; a product of small codebooks, one for each part of the
vector, has :math:`K^M` codewords and stores :math:`K M` of them.

A code also makes comparisons cheap. A query has only :math:`K M` different distances between its
parts and the codewords. They are tabulated once, and each code then costs :math:`M` readings. The
table belongs to the query, which stays exact; only the stored side is rounded.

:map: 6.9 Embeddings and retrieval
"""

import math

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array
from mlmath_ref.embeddings.lookup import embedding_lookup
from mlmath_ref.sets import Labels, Nonneg, Real, checked


@checked
def product_quantization(
    c: Real[Array, "M K s"], x: Real[Array, "*batch M*s"]
) -> Labels[Array, "*batch M", "K"]:
    r"""Product quantization: a vector as a few small numbers, one for each of its parts.

    .. math:: y_m = \left( \arg\min_a \sum_{l=1}^{s} (x_{(m - 1) s + l} - C_{m, a, l})^2 \right) - 1

    In vectors :math:`y_m + 1 = \arg\min_a \lVert x^{(m)} - C_{m, a} \rVert_2^2`, and the memory for
    many vectors shrinks: each is cut into :math:`M` parts of :math:`s` numbers, and part :math:`m`
    is replaced by the number of the nearest of the :math:`K` codewords :math:`C_{m, a}`. The parts
    are independent, so :math:`M` codebooks of :math:`K` codewords stand for :math:`K^M` vectors.
    With :math:`M = 1` it is vector quantization,
    :math:`q(x) = \arg\min_{c \in C} \lVert x - c \rVert_2`, the step of k-means that assigns points
    to centroids.

    Args:
        c: :math:`C`, the codebooks, one for each part, most often by k-means on that part.
        x: :math:`x`, the vector to be encoded.

    Returns:
        :math:`y`, the code, a codeword for each part, numbered from 0.

    Also called:
        PQ, IndexPQ, PQ encoding.

    Asked as:
        vector quantization; VQ; codebook; codeword; sub-quantizer; compact codes; embedding
        compression; vector compression; k-means assignment.

    Role in ML:
        - compression -- Faiss: every part is compared with the codewords of its own codebook, and
          the numbers of the nearest are packed, 8 bits each when :math:`K = 256`
          :cite:p:`douze2024faiss{code: facebookresearch/faiss, faiss/impl/ProductQuantizer.cpp,
          lines 251-277}`.
        - compression -- Product quantization: the space is taken as a product of low-dimensional
          ones, each quantized by itself, and a vector becomes a short code of indices
          :cite:p:`jegou2011product{abstract}`.

    Numerics:
        A code takes :math:`M \log_2 K` bits: 8 parts with 256 codewords make 8 bytes of a vector of
        128 floats, which has 512. Of equally near codewords the first is taken. Memory is a few times
        that of the vectors: the codewords are compared one after the other. The code has no gradient; networks that quantize pass the gradient of the codeword on to the vector.

    Checked against:
        ``np.stack([scipy.cluster.vq.vq(np.atleast_2d(p), b)[0][0] for p, b in
        zip(x.reshape(len(c), -1), c)])``

    Examples:
        By hand, the part :math:`(2, 3)` is nearer to :math:`(3, 4)` than to the origin, the part
        :math:`(-1, 1)` nearer to :math:`(-2, 0)` at :math:`\sqrt 2` than to :math:`(1, 1)` at 2:

        >>> import numpy as np
        >>> c = np.asarray([[[0.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [-2.0, 0.0]]])
        >>> product_quantization(c, np.asarray([2.0, 3.0, -1.0, 1.0])).tolist()
        [1, 1]

        Three vectors and three codewords, as ``scipy.cluster.vq.vq`` has them for each half:

        >>> c = np.asarray([[[0.3, -0.8], [1.4, 0.6], [-0.9, 0.2]],
        ...                 [[0.7, 0.7], [-0.4, 1.5], [0.1, -1.1]]])
        >>> x = np.asarray([[1.1, 0.2, -0.6, 0.9], [-0.2, -0.5, 0.4, -0.3], [0.1, 0.4, 0.3, 0.5]])
        >>> product_quantization(c, x).tolist()
        [[1, 1], [0, 2], [2, 0]]

        Of equally near codewords the first is taken:

        >>> c = np.asarray([[[2.0], [1.0], [-1.0]], [[5.0], [9.0], [0.0]]])
        >>> product_quantization(c, np.asarray([0.0, 7.0])).tolist()
        [1, 0]

        The codeword in the place of the vector, and the gradient that is passed on to the vector:

        >>> import torch
        >>> x = torch.tensor([2.0, 3.0, -1.0, 1.0], requires_grad=True)
        >>> c = torch.tensor([[[0.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [-2.0, 0.0]]])
        >>> codeword = c[torch.arange(2), product_quantization(c, x)].flatten()
        >>> passed = x + (codeword - x).detach()
        >>> passed.sum().backward()
        >>> passed.detach(), x.grad
        (tensor([ 3.,  4., -2.,  0.]), tensor([1., 1., 1., 1.]))
    """
    xp = array_namespace(c, x)
    # rounded to single precision, distances that nearly agree would be equal
    c, x = xp.astype(c, xp.float64), xp.astype(x, xp.float64)
    parts = xp.reshape(x, (*x.shape[:-1], c.shape[0], c.shape[-1]))
    least = xp.full_like(parts[..., 0], math.inf)
    code = xp.zeros_like(parts[..., 0], dtype=xp.int64)
    for a in range(c.shape[1]):  # one codeword at a time needs no table of all distances
        distance = xp.sum((parts - c[:, a, :]) ** 2, axis=-1)
        code = xp.where(distance < least, a, code)
        least = xp.minimum(distance, least)
    return code


@checked
def pq_distance(
    c: Real[Array, "M K s"], q: Real[Array, "M*s"], codes: Labels[Array, "*batch M", "K"]
) -> Nonneg[Array, "*batch"]:
    r"""Asymmetric distance: how far a query is from a vector of which only the code is known.

    .. math:: D = \sum_{m=1}^{M} \sum_{l=1}^{s} (q_{(m - 1) s + l} - C_{m, y_m + 1, l})^2

    It is the squared distance from the query to the codewords in place of the vector,
    :math:`\sum_m \lVert q^{(m)} - C_{m, y_m + 1} \rVert_2^2` over the parts. The query is not
    quantized, hence asymmetric; quantizing it too would add its own error. By the triangle
    inequality :math:`\sqrt{D}` differs from the true distance by at most the length of the
    quantization error.

    Args:
        c: :math:`C`, the codebooks that the code was made with.
        q: :math:`q`, the query.
        codes: :math:`y`, the code of a vector, a codeword for each part, numbered from 0.

    Returns:
        :math:`D`, the squared distance, one number for each code.

    Also called:
        ADC, asymmetric distance computation, PQ distance, asymmetric PQ distance.

    Asked as:
        lookup-table distance; distance table; IVFPQ; IndexIVFPQ; distance to a quantized vector.

    Role in ML:
        - similarity -- Faiss: the distances of the query's parts to all codewords are tabulated
          once, and the codes are compared by reading the table
          :cite:p:`douze2024faiss{code: facebookresearch/faiss, faiss/impl/ProductQuantizer.cpp,
          lines 443-470, 781-800}`.
        - estimator -- Product quantization: comparing a vector with a code estimates the distance
          more precisely than comparing two codes :cite:p:`jegou2011product{abstract}`.

    Numerics:
        The table costs :math:`K d` operations a query, each code then :math:`M` reads and additions
        in place of :math:`d` multiplications. Codes of 8 bits are widened before they index the
        table. Equal codes have equal distances: the order within a cell of the product is lost.

    Checked against:
        ``scipy.spatial.distance.cdist(q[None], np.concatenate([b[i] for b, i in
        zip(c, codes)])[None], "sqeuclidean")[0, 0]``

    Examples:
        By hand, the code :math:`(1, 0)` stands for :math:`(3, 4, 1, 1)`; the squared distance of
        :math:`(1, 1, 0, 2)` is :math:`4 + 9 + 1 + 1`:

        >>> import numpy as np
        >>> c = np.asarray([[[0.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [-2.0, 0.0]]])
        >>> float(pq_distance(c, np.asarray([1.0, 1.0, 0.0, 2.0]), np.asarray([1, 0])))
        15.0

        Estimates for three codes and the true squared distances; each square root is off by at most
        the quantization error:

        >>> c = np.asarray([[[0.3, -0.8], [1.4, 0.6], [-0.9, 0.2]],
        ...                 [[0.7, 0.7], [-0.4, 1.5], [0.1, -1.1]]])
        >>> x = np.asarray([[1.1, 0.2, -0.6, 0.9], [-0.2, -0.5, 0.4, -0.3], [0.1, 0.4, 0.3, 0.5]])
        >>> q, codes = np.asarray([0.5, 0.1, -0.3, 0.8]), product_quantization(c, x)
        >>> estimate, true = pq_distance(c, q, codes), np.square(x - q).sum(axis=1)
        >>> estimate.round(4).tolist(), true.round(4).tolist()
        ([1.56, 4.62, 2.98], [0.47, 2.55, 0.7])
        >>> error = np.sqrt([pq_distance(c, v, code) for v, code in zip(x, codes)])
        >>> bool(np.all(np.abs(np.sqrt(estimate) - np.sqrt(true)) <= error))
        True

        The gradient in the query is twice the sum of its differences from the codewords, and a
        codeword that no code names gets none:

        >>> import torch
        >>> c = torch.tensor([[[1.0], [4.0]], [[0.5], [-2.0]]], requires_grad=True)
        >>> q = torch.tensor([2.0, 1.0], requires_grad=True)
        >>> pq_distance(c, q, torch.tensor([[1, 0], [1, 1]])).sum().backward()
        >>> q.grad.tolist(), c.grad.flatten().tolist()
        ([-8.0, 7.0], [-0.0, 8.0, -1.0, -6.0])

        Codes of 8 bits; codeword 199 of the second codebook stands at place 399 of the table:

        >>> c = np.arange(400.0).reshape(2, 200, 1)
        >>> codes = np.asarray([100, 199], dtype=np.uint8)
        >>> float(pq_distance(c, np.asarray([103.0, 395.0]), codes))
        25.0
    """
    xp = array_namespace(c, q, codes)
    m, k, s = c.shape
    table = xp.sum((xp.reshape(q, (m, 1, s)) - c) ** 2, axis=-1)
    row = xp.astype(codes, xp.int64) + k * xp.arange(m, device=device(c))
    return xp.sum(embedding_lookup(xp.reshape(table, (-1, 1)), row), axis=(-2, -1))
