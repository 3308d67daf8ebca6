r"""Products: sums of products, from two vectors to two matrices.

The dot product :math:`\sum_i a_i b_i` is the elementary step. It is large when two vectors point
the same way and are long. Divided by both lengths it is the cosine of their angle, which depends
on directions alone; retrieval systems differ in which of the two they rank by. A matrix product
is a table of dot products, of the rows of one matrix with the columns of the other, and it is how
two linear maps become one.

Most of the arithmetic of a neural network is spent in matrix products, but not every operation is
one: activations, softmax, normalization and residual sums are not, and without the nonlinear ones
a stack of layers would be a single matrix.

:map: 1.1 Linear maps
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import Nonzero, Real, SignedUnit, checked


@checked
def dot_product(a: Real[Array, "*batch n"], b: Real[Array, "*batch n"]) -> Real[Array, "*batch"]:
    r"""Dot product: how far two vectors point the same way, weighted by their lengths.

    .. math:: a \cdot b = \sum_{i=1}^{n} a_i b_i

    Also written :math:`\langle a, b \rangle = a^\top b = a_1 b_1 + \dots + a_n b_n`, it is
    :math:`\lVert a \rVert_2 \lVert b \rVert_2 \cos \theta` for the angle :math:`\theta` between the
    vectors; zero exactly when they are perpendicular, and linear in each of them. Its size never
    exceeds the product of the two lengths, :math:`|a^\top b| \leq \lVert a \rVert_2 \lVert b
    \rVert_2` (Cauchy-Schwarz).

    Args:
        a: :math:`a`, a vector.
        b: :math:`b`, a vector of the same size.

    Returns:
        :math:`a \cdot b`, one number per batch element.

    Also called:
        inner product, scalar product, a^T b, sum of products.

    Asked as:
        vecdot; dot; inner product similarity; Cauchy-Schwarz.

    Role in ML:
        - similarity -- DeepSeek-V3.2-Exp: the lightning indexer scores each earlier token by dot
          products of its key with several small queries, rectified, weighted and added; attention
          then reads the tokens with the highest scores only
          :cite:p:`deepseek2025v32exp{eq. (1)}`.
        - layer -- gpt-oss: the attention score of a query and a key is their dot product, scaled
          afterwards :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 166}`.
        - similarity -- Dense Passage Retrieval: passages are ranked by the dot product of their
          vector with the question's, lengths included :cite:p:`karpukhin2020dense{eq. (1)}`.

    Numerics:
        Costs :math:`2n - 1` operations. Terms of opposite sign cancel: the rounding error is small
        against :math:`\sum_{i=1}^{n} |a_i b_i|`, not against the result.

    Checked against:
        ``np.dot(a, b)``, ``math.fsum(x * y for x, y in zip(a, b))``, ``np.inner(a, b)``,
        ``torch.dot(a, b)``

    Examples:
        By hand, :math:`1 \cdot 4 + 2 \cdot (-5) + 3 \cdot 6`:

        >>> import numpy as np
        >>> float(dot_product(np.asarray([1.0, 2.0, 3.0]), np.asarray([4.0, -5.0, 6.0])))
        12.0

        The gradient in one vector is the other:

        >>> import torch
        >>> a = torch.tensor([0.7, -1.3, 2.1], requires_grad=True)
        >>> dot = dot_product(a, torch.tensor([1.9, 0.4, -0.6]))
        >>> dot.backward()
        >>> round(dot.item(), 4), a.grad
        (-0.45, tensor([ 1.9000,  0.4000, -0.6000]))

        Row by row; perpendicular vectors give zero:

        >>> a, b = np.asarray([[3.0, 4.0], [2.0, -1.5]]), np.asarray([[-4.0, 3.0], [0.5, 6.0]])
        >>> dot_product(a, b).tolist()
        [0.0, -8.0]
    """
    return total(a * b)


@checked
def cosine_similarity(
    a: Nonzero[Array, "*batch n"], b: Nonzero[Array, "*batch n"]
) -> SignedUnit[Array, "*batch"]:
    r"""Cosine similarity: how far two vectors point the same way, whatever their lengths.

    .. math::
        \cos(a, b) = \frac{\sum_{i=1}^{n} a_i b_i}
        {\sqrt{\sum_{i=1}^{n} a_i^2} \, \sqrt{\sum_{i=1}^{n} b_i^2}}

    One for the same direction, zero for perpendicular vectors, minus one for opposite directions.
    Multiplying a vector by a positive number changes nothing. In vectors it is :math:`\cos \theta =
    \frac{a \cdot b}{\lVert a \rVert_2 \, \lVert b \rVert_2}`, for unit vectors the dot product
    alone, and the cosine distance is :math:`1 - \cos(a, b)`.

    Args:
        a: :math:`a`, a vector that is not zero.
        b: :math:`b`, a vector of the same size that is not zero.

    Returns:
        :math:`\cos(a, b)`, one number per batch element.

    Also called:
        cosine, cos sim, normalized dot product, cosine of the angle.

    Asked as:
        cosine distance; angular similarity; how similar are two embeddings; arccos of cosine is nan.

    Role in ML:
        - objective -- DINOv3: the Gram loss holds the table of cosine similarities between the
          patches of an image near that of a teacher network
          :cite:p:`simeoni2025dinov3{code: dinov3/loss/gram_loss.py, line 62}`.
        - similarity -- CLIP: an image and a text are compared by the cosine of their embeddings,
          times a learned scale :cite:p:`radford2021learning{code: clip/model.py, CLIP.forward}`.
          Witness: ``transformers.CLIPModel``.

    Numerics:
        A zero vector has no direction and is refused. Each vector is divided by a power of two near
        its largest entry first, so that no square overflows or vanishes. Rounding can carry the
        quotient past 1 by a few units in the last place. From 0.5 on the cosine is computed from
        the unit vectors as :math:`1 - \tfrac12 \lVert \hat{a} - \hat{b} \rVert_2^2`, and up to
        -0.5 in the same way from their sum: it cannot leave :math:`[-1, 1]`, an arc cosine may
        follow, and both derivatives are right at 1 and -1 too. Embeddings of words, sentences or images are
        compared by it where their lengths say nothing about meaning.

    Checked against:
        ``torch.nn.functional.cosine_similarity(a, b, dim=-1, eps=0.0)``,
        ``1 - scipy.spatial.distance.cosine(a, b)``,
        ``sklearn.metrics.pairwise.cosine_similarity(a[None], b[None])[0, 0]``

    Examples:
        By hand, :math:`(3 \cdot 4 + 4 \cdot 3) / (5 \cdot 5)`:

        >>> import numpy as np
        >>> round(float(cosine_similarity(np.asarray([3.0, 4.0]), np.asarray([4.0, 3.0]))), 4)
        0.96

        The gradient is perpendicular to the vector: growing longer changes nothing.

        >>> import torch
        >>> a = torch.tensor([3.0, 4.0], requires_grad=True)
        >>> cosine_similarity(a, torch.tensor([4.0, 3.0])).backward()
        >>> a.grad
        tensor([ 0.0448, -0.0336])

        Two pairs off the axes, with values that ``scipy.spatial.distance.cosine`` confirms:

        >>> a = np.asarray([[0.7, -1.3, 2.1], [-2.9, -1.3, 0.0]])
        >>> b = np.asarray([[1.9, 0.4, -0.6], [-0.8, 0.0, -1.7]])
        >>> cosine_similarity(a, b).round(4).tolist()
        [-0.0863, 0.3885]

        Lengths whose squares do not fit into a float do no harm:

        >>> cosine_similarity(1e200 * a, 1e-200 * b).round(4).tolist()
        [-0.0863, 0.3885]

        The same direction gives one and no more, also where the quotient rounds upwards; the
        opposite direction gives minus one:

        >>> a = np.asarray([2.6, 2.4, 2.1])
        >>> float(cosine_similarity(a, 3.0 * a)) <= 1.0
        True
        >>> float(cosine_similarity(a, -3.0 * a)) >= -1.0
        True

        A zero vector is refused:

        >>> cosine_similarity(np.zeros(2), np.ones(2))
        Traceback (most recent call last):
        ValueError: cosine_similarity: a must hold finite real vectors with a length above zero, got [0.0, 0.0]
    """
    xp = array_namespace(a, b)
    a, b = a / scale(a), b / scale(b)  # so that no square overflows
    a, b = a / xp.sqrt(total(a * a))[..., None], b / xp.sqrt(total(b * b))[..., None]
    cosine = total(a * b)
    near_one = 1 - total((a - b) ** 2) / 2
    near_minus_one = total((a + b) ** 2) / 2 - 1
    return xp.where(cosine > 0.5, near_one, xp.where(cosine < -0.5, near_minus_one, cosine))


@checked
def matmul(a: Real[Array, "*batch m k"], b: Real[Array, "*batch k n"]) -> Real[Array, "*batch m n"]:
    r"""Matrix multiplication: the matrix of one linear map followed by another.

    .. math:: (A B)_{ij} = \sum_{l=1}^{k} A_{il} B_{lj}

    Associative, but the order matters: :math:`A B` is in general not :math:`B A`. Transposing turns
    the order around, :math:`(A B)^\top = B^\top A^\top`. Column by row it is a sum of outer
    products, :math:`A B = \sum_{l=1}^{k} a_l b_l^\top`, with the columns :math:`a_l` of :math:`A`
    and the rows :math:`b_l^\top` of :math:`B`.

    Args:
        a: :math:`A`, the map that is applied last.
        b: :math:`B`, the map that is applied first, with as many rows as :math:`A` has columns.

    Returns:
        :math:`A B`, one matrix per batch element.

    Also called:
        matrix product, matrix multiply, matrix-matrix multiplication, A @ B.

    Asked as:
        GEMM; mm; bmm; composition of linear maps; mat1 and mat2 shapes cannot be multiplied.

    Role in ML:
        - primitive -- DeepSeek-V3: training does the three matrix products of a linear layer,
          one forward and two backward, in FP8, and moves partial sums to FP32 every 128 terms,
          since the tensor cores keep about 14 bits :cite:p:`deepseek2024v3{sec. 3.3.1, 3.3.2}`.
        - layer -- Llama 3: one product of the queries with the transposed keys gives the attention
          scores of all pairs of positions
          :cite:p:`grattafiori2024llama3{code: models/llama3/model.py, line 196}`.

    Numerics:
        Costs :math:`2 m k n` operations, a multiplication and an addition each counted as one.
        Libraries sum in different orders, so that results agree to rounding and not to the bit.
        Where the inner sizes differ there is no product:
        ``mat1 and mat2 shapes cannot be multiplied``, says PyTorch. The operator ``@`` is
        ``np.matmul`` and ``torch.matmul``; ``torch.mm`` takes no batch.

    Checked against:
        ``np.einsum("il,lj->ij", a, b)``, ``np.tensordot(a, b, axes=1)``

    Examples:
        By hand, rows times columns, first :math:`1 \cdot 5 + 2 \cdot 7`:

        >>> import numpy as np
        >>> a, b = np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.asarray([[5.0, 6.0], [7.0, 8.0]])
        >>> matmul(a, b).tolist()
        [[19.0, 22.0], [43.0, 50.0]]

        In the other order the result is another:

        >>> matmul(b, a).tolist()
        [[23.0, 34.0], [31.0, 46.0]]

        The gradient in :math:`A` is the gradient of the result times :math:`B^\top`:

        >>> import torch
        >>> a = torch.tensor([[2.0, -1.0, 0.5]], requires_grad=True)
        >>> b = torch.tensor([[0.3, 1.0], [-2.0, 0.7], [4.0, -0.6]])
        >>> product = matmul(a, b)
        >>> product.backward(torch.tensor([[1.0, 10.0]]))
        >>> product.detach(), a.grad
        (tensor([[4.6000, 1.0000]]), tensor([[10.3000,  5.0000, -2.0000]]))
    """
    return a @ b
