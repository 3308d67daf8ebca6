r"""Lengths: how long a vector is, how far apart two are, and what one has along another.

A norm turns a vector into one number. The Euclidean norm is the length that a ruler gives, and no
rotation changes it. The L1 norm adds the sizes of the components; its ball has corners on the axes,
so a penalty by it sets components to exactly zero, where a squared Euclidean penalty only makes
them small.

The rest is built on the Euclidean norm. The distance of two points is the norm of their difference.
A vector is its length times a direction, and models treat the two apart: normalization keeps the
direction, adapters learn a length of their own. The projection is what a vector has along the
direction of another; what is left is perpendicular to it. On unit vectors all comparisons agree:
the squared distance is :math:`2 - 2 \cos`, so ranking by any of them gives one order.

:map: 1.4 Norms
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.linear_algebra.products import dot_product
from mlmath_ref.sets import Nonneg, Nonzero, Positive, Real, checked


@checked
def l2_norm(x: Real[Array, "*batch n"]) -> Nonneg[Array, "*batch"]:
    r"""Euclidean norm: the length of a vector.

    .. math:: \lVert x \rVert_2 = \sqrt{\sum_{i=1}^{n} x_i^2}

    Also :math:`\sqrt{x^\top x}`; zero exactly for the zero vector, and multiplied by :math:`|c|`
    when :math:`x` is by :math:`c`. The triangle inequality is :math:`\lVert x + y \rVert_2 \leq
    \lVert x \rVert_2 + \lVert y \rVert_2`. Orthogonal matrices leave it as it is.

    Args:
        x: :math:`x`, a vector.

    Returns:
        :math:`\lVert x \rVert_2`, one number per batch element.

    Also called:
        L2 norm, 2-norm, Euclidean length, magnitude.

    Asked as:
        vector norm; modulus; length of a vector; np.linalg.norm; gradient of a norm at zero is nan.

    Role in ML:
        - compression -- L2-norm cache pruning: of the keys that attention has stored, those of
          small norm tend to get much attention and are kept; the long ones are dropped
          :cite:p:`devoto2024simple{code: NVIDIA/kvpress, kvpress/presses/knorm_press.py, line
          38}`.
        - layer -- DoRA: the norm of each row of a pretrained weight matrix becomes a learned
          parameter, apart from the row's direction
          :cite:p:`liu2024dora{code: huggingface/peft, src/peft/tuners/lora/dora.py, line 90}`.
          Witness: ``peft.tuners.lora.dora.DoraLinearLayer.get_weight_norm``.

    Numerics:
        The vector is divided by a power of two near its largest entry first, so that no square
        overflows or vanishes; ``np.linalg.norm`` and ``torch.linalg.norm`` square what they are given. The gradient is
        :math:`x / \lVert x \rVert_2`, of length 1 however short :math:`x` is. At zero, a kink, the
        slope is taken as 0; written with a square root of a sum, autograd gives NaN there.

    Checked against:
        ``scipy.linalg.norm(x)``, ``math.hypot(*x)``, ``np.linalg.norm(x)``

    Examples:
        By hand, :math:`\sqrt{2^2 + 3^2 + 6^2} = \sqrt{49}`:

        >>> import numpy as np
        >>> float(l2_norm(np.asarray([2.0, -3.0, 6.0])))
        7.0

        Two rows, with the values of ``scipy.linalg.norm``:

        >>> x = np.asarray([[0.7, -1.3, 2.1, 0.4], [-2.9, 1.6, 0.8, -5.5]])
        >>> l2_norm(x).round(4).tolist()
        [2.5981, 6.4699]

        The gradient is the unit vector, here of :math:`(2, -3, 6)`:

        >>> import torch
        >>> x = torch.tensor([2.0, -3.0, 6.0], requires_grad=True)
        >>> l2_norm(x).backward()
        >>> x.grad
        tensor([ 0.2857, -0.4286,  0.8571])

        Entries whose squares do not fit into a float do no harm, large or small:

        >>> [f"{length:.4g}" for length in l2_norm(np.asarray([[3e200, 4e200], [3e-200, 4e-200]]))]
        ['5e+200', '5e-200']

        At zero the slope is 0, where that of the square root of a sum is not a number:

        >>> x = torch.zeros(2, requires_grad=True)
        >>> l2_norm(x).backward()
        >>> x.grad
        tensor([0., 0.])
        >>> torch.autograd.grad(torch.sqrt((x * x).sum()), x)
        (tensor([nan, nan]),)
    """
    xp = array_namespace(x)
    top = scale(x)  # so that no square overflows
    squares = total((x / top) ** 2)
    root = xp.sqrt(xp.where(squares > 0, squares, 1.0))
    return xp.where(squares > 0, top[..., 0] * root, 0.0)


@checked
def l1_norm(x: Real[Array, "*batch n"]) -> Nonneg[Array, "*batch"]:
    r"""L1 norm: the sum of the sizes of the components.

    .. math:: \lVert x \rVert_1 = \sum_{i=1}^{n} |x_i|

    Zero exactly for the zero vector, between :math:`\lVert x \rVert_2` and
    :math:`\sqrt{n} \, \lVert x \rVert_2`. It is :math:`(\sum_i |x_i|^p)^{1/p}` at :math:`p = 1`,
    and of a difference the Manhattan distance :math:`\sum_i |a_i - b_i|`; of all norms under which
    every unit vector of an axis has length 1 it is the largest. A rotation changes it.

    Args:
        x: :math:`x`, a vector.

    Returns:
        :math:`\lVert x \rVert_1`, one number per batch element.

    Also called:
        taxicab norm, Manhattan norm, sum of absolute values.

    Asked as:
        Manhattan distance; city block distance; SAD; lasso penalty; sparsity penalty.

    Role in ML:
        - regularizer -- Sparse autoencoders: the norm of a token's feature activations is added to
          the reconstruction error, so that few features are active at once
          :cite:p:`marks2024dictionary{code: dictionary_learning/trainers/standard.py, line 118}`.
        - similarity -- RT-DETR: the norm of the difference of two boxes is part of the cost by
          which predicted boxes are matched to the true ones
          :cite:p:`zhao2024detrs{code: huggingface/transformers,
          src/transformers/loss/loss_rt_detr.py, line 118}`.

    Numerics:
        No squares, so no early overflow. The gradient is the sign of each component, equally strong
        for small ones and for large: a penalty of weight :math:`\lambda` takes the same from every
        component a step until it is zero. At zero there is a kink, where the slope is taken as 0
        and descent therefore steps over zero to and fro; what sets components to exactly zero is
        the proximal step, which moves each by :math:`\lambda` and stops at zero.

    Checked against:
        ``np.linalg.norm(x, 1)``, ``torch.nn.functional.l1_loss(x, 0 * x, reduction="sum")``

    Examples:
        By hand, :math:`2 + 3 + 6`, where the Euclidean norm is 7:

        >>> import numpy as np
        >>> float(l1_norm(np.asarray([2.0, -3.0, 6.0])))
        11.0

        Two rows, with the values of ``scipy.linalg.norm``:

        >>> x = np.asarray([[0.7, -1.3, 2.1, 0.4], [-2.9, 1.6, 0.8, -5.5]])
        >>> l1_norm(x).round(4).tolist()
        [4.5, 10.8]

        The gradient is the sign of each component, 0 at the kink:

        >>> import torch
        >>> x = torch.tensor([0.001, -50.0, 0.0], requires_grad=True)
        >>> l1_norm(x).backward()
        >>> x.grad
        tensor([ 1., -1.,  0.])

        Descent with step 0.3 on it reaches 0.1 and then jumps over zero forever; the proximal step
        of the same size stops at zero:

        >>> w = [1.0]
        >>> for _ in range(5):
        ...     w.append(w[-1] - 0.3 * np.sign(w[-1]))
        >>> np.round(w, 4).tolist()
        [1.0, 0.7, 0.4, 0.1, -0.2, 0.1]
        >>> w = [1.0]
        >>> for _ in range(5):
        ...     w.append(np.sign(w[-1]) * max(abs(w[-1]) - 0.3, 0.0))
        >>> np.round(w, 4).tolist()
        [1.0, 0.7, 0.4, 0.1, 0.0, 0.0]
    """
    xp = array_namespace(x)
    return total(xp.abs(x))


@checked
def euclidean_distance(
    a: Real[Array, "*batch n"], b: Real[Array, "*batch n"]
) -> Nonneg[Array, "*batch"]:
    r"""Euclidean distance: how far apart two points are, along a straight line.

    .. math:: d(a, b) = \lVert a - b \rVert_2 = \sqrt{\sum_{i=1}^{n} (a_i - b_i)^2}

    In the plane it is :math:`\sqrt{(x_1 - x_2)^2 + (y_1 - y_2)^2}`; zero exactly when the points
    are equal, symmetric, and never longer than a way through a third point. For unit vectors
    :math:`d(a, b)^2 = 2 - 2 \cos(a, b)`. It has no upper bound.

    Args:
        a: :math:`a`, a point.
        b: :math:`b`, a point with as many coordinates.

    Returns:
        :math:`d(a, b)`, one number per batch element.

    Also called:
        L2 distance, straight-line distance, Minkowski distance of order 2.

    Asked as:
        pairwise distance; cdist; nearest neighbor distance; distance between two points.

    Role in ML:
        - layer -- Moshi: the codec Mimi turns a frame of speech into the index of the nearest
          vector of a codebook, then does the same with what is left
          :cite:p:`defossez2024moshi{code: huggingface/transformers,
          src/transformers/models/mimi/modeling_mimi.py, line 945}`.
          Witness: ``transformers.models.mimi.modeling_mimi.MimiEuclideanCodebook``.
        - objective -- Boltz-1: one loss compares the distances within pairs of atoms, predicted
          and true, so that it does not matter how the whole molecule is turned or moved
          :cite:p:`wohlwend2024boltz1{code: src/boltz/model/loss/diffusion.py, lines 131-148}`.

    Numerics:
        The points are subtracted before anything is squared. The expansion
        :math:`\lVert a \rVert^2 + \lVert b \rVert^2 - 2 a \cdot b`, by which libraries get many
        distances from one matrix product, cancels for near points far from 0 and may turn negative.
        The gradient in :math:`a` is the unit vector from :math:`b` to :math:`a`; where they meet,
        at a kink, the slope is taken as 0. Nearest neighbors need no square root.

    Checked against:
        ``scipy.spatial.distance.euclidean(a, b)``, ``np.linalg.norm(a - b)``,
        ``torch.cdist(a[None], b[None])[0, 0]``, ``math.dist(a, b)``

    Examples:
        By hand, the difference is :math:`(3, -4)`:

        >>> import numpy as np
        >>> float(euclidean_distance(np.asarray([4.0, 1.0]), np.asarray([1.0, 5.0])))
        5.0

        Two pairs, with the values of ``scipy.spatial.distance.euclidean``:

        >>> a = np.asarray([[0.7, -1.3, 2.1], [-2.9, 1.6, 0.8]])
        >>> b = np.asarray([[1.9, 0.4, -0.6], [-0.8, 3.3, -1.7]])
        >>> euclidean_distance(a, b).round(4).tolist()
        [3.4088, 3.681]

        The gradients point away from each other, and vanish where the points meet:

        >>> import torch
        >>> a = torch.tensor([[4.0, 1.0], [2.0, 2.0]], requires_grad=True)
        >>> b = torch.tensor([[1.0, 5.0], [2.0, 2.0]], requires_grad=True)
        >>> euclidean_distance(a, b).sum().backward()
        >>> a.grad, b.grad
        (tensor([[ 0.6000, -0.8000],
                [ 0.0000,  0.0000]]), tensor([[-0.6000,  0.8000],
                [-0.0000, -0.0000]]))

        Near points far from the origin: the difference keeps what the expansion loses:

        >>> a, b = np.asarray([1e8, 0.25]), np.asarray([1e8, 0.0])
        >>> float(euclidean_distance(a, b)), float(a @ a + b @ b - 2 * a @ b)
        (0.25, 0.0)

        On unit vectors the squared distance is :math:`2 - 2 \cos = 2 - 2 \cdot 0.96`:

        >>> a, b = np.asarray([0.6, 0.8]), np.asarray([0.8, 0.6])
        >>> round(float(euclidean_distance(a, b) ** 2), 4)
        0.08
    """
    return l2_norm(a - b)


@checked
def unit_vector(
    x: Nonzero[Array, "*batch n"],
) -> tuple[Positive[Array, "*batch"], Real[Array, "*batch n"]]:
    r"""Magnitude and direction: a vector as its length times a vector of length one.

    .. math:: \hat{x}_i = \frac{x_i}{\lVert x \rVert_2}, \qquad
       \lVert x \rVert_2 = \sqrt{\sum_{i=1}^{n} x_i^2}

    So :math:`\hat{x} = x / \lVert x \rVert_2` and :math:`\lVert \hat{x} \rVert_2 = 1`. Multiplying
    :math:`x` by a positive number changes the length only, by a negative one the length and the
    sign of the direction. The zero vector has no direction.

    Args:
        x: :math:`x`, a vector that is not zero, such as an embedding or a row of weights.

    Returns:
        :math:`(\lVert x \rVert_2, \hat{x})`, the length and the direction.

    Also called:
        normalized vector, L2 normalization, unit normalization, versor.

    Asked as:
        normalize; F.normalize; QK normalization; polar decomposition of a vector; length and
        direction.

    Role in ML:
        - layer -- Kimi Linear: queries and keys are brought to length 1 before they write to and
          read from the memory of a head
          :cite:p:`kimi2025linear{code: huggingface/transformers,
          src/transformers/models/kimi_linear/modeling_kimi_linear.py, line 400}`.
          Witness: ``transformers.models.kimi_linear.modeling_kimi_linear.l2norm``.
        - layer -- nGPT: the hidden state lives on the unit sphere; each sublayer moves it part of
          the way to its own normalized output, and then its length is set to 1 again
          :cite:p:`loshchilov2024ngpt{code: NVIDIA/ngpt, model.py, lines 103-106 and 148-153}`.

    Numerics:
        A zero vector is refused. Systems return zeros instead, by a small number in the
        denominator: :math:`10^{-6}` under the root in Kimi Linear,
        :math:`x / \max(\lVert x \rVert_2, 10^{-12})` in ``torch.nn.functional.normalize``. The
        first makes every vector shorter than 1, the second only those shorter than
        :math:`10^{-12}`. The vector is divided by a power of two near its largest entry first, so
        that no square overflows or vanishes. The gradient of the direction is perpendicular to
        :math:`x` and grows like :math:`1 / \lVert x \rVert_2`.

    Checked against:
        ``(torch.sqrt(torch.dot(x, x)), torch.nn.functional.normalize(x, dim=0, eps=0.0))``

    Examples:
        By hand, :math:`(2, -3, 6)` is 7 long:

        >>> import numpy as np
        >>> length, direction = unit_vector(np.asarray([2.0, -3.0, 6.0]))
        >>> float(length), (7 * direction).round(4).tolist()
        (7.0, [2.0, -3.0, 6.0])

        Two rows, with the values of ``torch.nn.functional.normalize``:

        >>> x = np.asarray([[0.7, -1.3, 2.1, 0.4], [-2.9, 1.6, 0.8, -5.5]])
        >>> length, direction = unit_vector(x)
        >>> length.round(4).tolist()
        [2.5981, 6.4699]
        >>> direction.round(4).tolist()
        [[0.2694, -0.5004, 0.8083, 0.154], [-0.4482, 0.2473, 0.1236, -0.8501]]

        The gradient of the first component of the direction, :math:`(1 - 0.36) / 5` and
        :math:`-0.48 / 5`; along :math:`x` nothing changes:

        >>> import torch
        >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
        >>> unit_vector(x)[1][0].backward()
        >>> x.grad
        tensor([ 0.1280, -0.0960])

        Entries whose squares do not fit into a float do no harm; a floor for the length would
        leave little of the second row:

        >>> x = torch.tensor([[3e20, 0.0, 4e20], [-3e-30, 0.0, -4e-30]])
        >>> unit_vector(x)
        (tensor([5.0000e+20, 5.0000e-30]), tensor([[ 0.6000,  0.0000,  0.8000],
                [-0.6000,  0.0000, -0.8000]]))
        >>> torch.nn.functional.normalize(x[1], dim=0)
        tensor([-3.0000e-18,  0.0000e+00, -4.0000e-18])

        A zero vector is refused:

        >>> unit_vector(torch.zeros(2))
        Traceback (most recent call last):
        ValueError: unit_vector: x must hold finite real vectors with a length above zero, got [0.0, 0.0]
    """
    xp = array_namespace(x)
    top = scale(x)  # so that no square overflows
    length = xp.sqrt(total((x / top) ** 2))[..., None]
    return (top * length)[..., 0], x / top / length


@checked
def vector_projection(
    a: Real[Array, "*batch n"], b: Nonzero[Array, "*batch n"]
) -> Real[Array, "*batch n"]:
    r"""Projection onto a vector: the part of one vector that lies along another.

    .. math:: \operatorname{proj}_b(a) = \frac{a^\top b}{b^\top b} \, b

    It is the multiple of :math:`b` nearest to :math:`a`, and what is left,
    :math:`a - \operatorname{proj}_b(a)`, is perpendicular to :math:`b`. It is also :math:`\frac{a
    \cdot b}{\lVert b \rVert_2^2} \, b`, and :math:`P a` with :math:`P = b b^\top / (b^\top b)`;
    projecting again changes nothing. Neither length nor sign of :math:`b` matters.

    Args:
        a: :math:`a`, the vector that is projected.
        b: :math:`b`, a vector that is not zero and gives the direction.

    Returns:
        :math:`\operatorname{proj}_b(a)`, a multiple of :math:`b`.

    Also called:
        orthogonal projection, vector component, parallel component.

    Asked as:
        vector rejection; scalar projection; directional ablation; abliteration; Gram-Schmidt step;
        least squares on one feature.

    Role in ML:
        - sampling -- Adaptive projected guidance: the guidance update is split into its projection
          onto the model's conditional prediction and the rest; turning the projection down removes
          the oversaturation of strong guidance
          :cite:p:`sadat2024eliminating{code: huggingface/diffusers,
          src/diffusers/guiders/adaptive_projected_guidance.py, lines 242-248}`.
          Witness: ``diffusers.guiders.adaptive_projected_guidance.normalized_guidance``.
        - analysis -- Refusal direction: subtracting from every activation its projection onto one
          direction takes from a chat model the ability to refuse
          :cite:p:`arditi2024refusal{code: andyrdt/refusal_direction, pipeline/utils/hook_utils.py,
          lines 50-52}`.

    Numerics:
        Computed as :math:`(a \cdot \hat{b}) \, \hat{b}` with the unit vector :math:`\hat{b}`, so
        that :math:`b \cdot b` neither overflows nor vanishes. The remainder is perpendicular to
        :math:`b` up to rounding of the size of :math:`a`; where :math:`a` nearly lies along
        :math:`b`, it cancels and keeps few digits. The scalar projection is
        :math:`a \cdot b / \lVert b \rVert_2`. In :math:`a` the map is linear, and its gradient is
        the same projection. A zero vector :math:`b` is refused.

    Checked against:
        ``b * np.linalg.lstsq(b[:, None], a)[0]``

    Examples:
        By hand, :math:`a \cdot b = 10` and :math:`b \cdot b = 25`, so the result is
        :math:`\tfrac{2}{5} b`:

        >>> import numpy as np
        >>> a, b = np.asarray([2.0, 1.0]), np.asarray([3.0, 4.0])
        >>> vector_projection(a, b).round(4).tolist()
        [1.2, 1.6]

        What is left is perpendicular to :math:`b`:

        >>> abs(round(float((a - vector_projection(a, b)) @ b), 4))
        0.0

        Two pairs, with the values of ``numpy.linalg.lstsq``; the second vectors make an obtuse
        angle, and the projection points against :math:`b`:

        >>> a = np.asarray([[0.7, -1.3, 2.1], [-2.9, 1.6, 0.8]])
        >>> b = np.asarray([[1.9, 0.4, 0.6], [0.8, 0.3, -1.7]])
        >>> vector_projection(a, b).round(4).tolist()
        [[0.9523, 0.2005, 0.3007], [-0.7072, -0.2652, 1.5028]]

        The gradient of the first component is the projection of :math:`(1, 0)`:

        >>> import torch
        >>> a, b = torch.tensor([2.0, 1.0], requires_grad=True), torch.tensor([3.0, 4.0])
        >>> vector_projection(a, b)[0].backward()
        >>> a.grad
        tensor([0.3600, 0.4800])

        A direction whose square leaves the range of float32, beside one whose square vanishes:

        >>> vector_projection(torch.ones(2, 2), torch.tensor([[3e30, 4e30], [-3e-30, 4e-30]]))
        tensor([[ 0.8400,  1.1200],
                [-0.1200,  0.1600]])

        A zero vector gives no direction:

        >>> vector_projection(torch.ones(2), torch.zeros(2))
        Traceback (most recent call last):
        ValueError: vector_projection: b must hold finite real vectors with a length above zero, got [0.0, 0.0]
    """
    _, direction = unit_vector(b)
    return dot_product(a, direction)[..., None] * direction
