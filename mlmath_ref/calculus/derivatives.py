r"""Derivatives: how the output of a function moves when its input does.

The gradient says it for a function with one output, the Jacobian for one with many. The chain rule
joins them: the Jacobian of a composition :math:`g \circ f` is the product
:math:`J_g(f(x)) \, J_f(x)`, outer function first, and the order matters because matrices do not
commute. For a network of :math:`L` layers the product runs from layer :math:`L` down to layer 1.

Such a product can be evaluated from either end. Forward mode pushes a direction of the input
through the factors, reverse mode pulls a weighting of the outputs back; each is a product of
matrices with one vector. A loss has one output and many inputs, so training uses reverse mode:
backpropagation is the chain rule in that order, with the intermediate values of the forward pass
kept for use. Automatic differentiation applies known derivatives of elementary operations to the
operations that ran. It is neither symbolic algebra nor finite differences, and is exact up to
rounding :cite:p:`baydin2018automatic`.

:map: 2.1 Chain rule
"""

from collections.abc import Callable

from mlmath_ref.arrays import Tensor
from mlmath_ref.sets import Real, checked


@checked
def gradient(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, ""]], x: Real[Tensor, "n"]
) -> Real[Tensor, "n"]:
    r"""Gradient: the direction in which a function rises fastest, and how fast.

    .. math:: \nabla f(x)_i = \frac{\partial f(x)}{\partial x_i}

    It points uphill, so descent goes along its negative; its Euclidean length is the slope in that
    direction. Zero at every minimum, maximum and saddle point inside the domain. Written out it is
    :math:`\nabla f = \left( \frac{\partial f}{\partial x_1}, \dots, \frac{\partial f}{\partial x_n}
    \right)^\top`, and the slope along a unit vector :math:`v`, the directional derivative, is
    :math:`D_v f(x) = \nabla f(x)^\top v`.

    Args:
        f: :math:`f`, a function of a vector with one number as result, made of PyTorch operations.
        x: :math:`x`, the point.

    Returns:
        :math:`\nabla f(x)`, one slope per coordinate of :math:`x`.

    Also called:
        grad, nabla, del, gradient vector, direction of steepest ascent.

    Asked as:
        slope; derivative of the loss; autograd; backprop; directional derivative; steepest descent;
        grad can be implicitly created only for scalar outputs.

    Role in ML:
        - optimizer -- DeepSeek-V3: AdamW moves the weights by the gradient of the loss, which is
          scaled down to norm 1 where it is longer :cite:p:`deepseek2024v3{sec. 4.2}`.
        - primitive -- MACE-MP-0: the network predicts an energy; the forces on the atoms are minus
          its gradient in their positions, taken by automatic differentiation
          :cite:p:`batatia2023foundation{code: mace/modules/utils.py, line 22}`.

    Numerics:
        One run of reverse mode, as in ``torch.func.grad``, ``torch.autograd.grad`` and
        ``loss.backward()``, which costs a small multiple of one evaluation of :math:`f` however
        large :math:`n` is, and keeps the intermediate values in memory. At a kink PyTorch returns a
        convention, such as 0 for the rectifier at 0. The result can be differentiated again. Of an
        output that is no single number PyTorch says ``grad can be implicitly created only for
        scalar outputs``.

    Checked against:
        ``torch.func.jacfwd(f)(x)``,
        ``torch.stack([f(x + 1e-30j * e).imag / 1e-30 for e in torch.eye(len(x), dtype=x.dtype)])``

    Examples:
        By hand, :math:`x_1^2 x_2` has the slopes :math:`2 x_1 x_2` and :math:`x_1^2`:

        >>> import torch
        >>> x = torch.tensor([3.0, 5.0])
        >>> gradient(lambda x: x[0] ** 2 * x[1], x)
        tensor([30.,  9.])

        A step of 0.1 along the gradient of :math:`(w - 3)^2` climbs from 49 to 70.56, a step
        against it descends to 31.36:

        >>> loss = lambda w: ((w - 3) ** 2).sum()
        >>> w = torch.tensor([10.0])
        >>> g = gradient(loss, w)
        >>> [round(float(loss(v)), 4) for v in (w, w + 0.1 * g, w - 0.1 * g)]
        [49.0, 70.56, 31.36]

        Three unequal coordinates; the gradient of the log-sum-exp is the softmax, and
        ``torch.softmax`` gives the same numbers:

        >>> z = torch.tensor([0.3, -1.2, 2.1])
        >>> gradient(lambda z: torch.logsumexp(z, 0), z)
        tensor([0.1375, 0.0307, 0.8318])

        Differentiated again, :math:`\partial (2 x_1 x_2) / \partial x` is
        :math:`(2 x_2, 2 x_1)`:

        >>> x = torch.tensor([3.0, 5.0], requires_grad=True)
        >>> gradient(lambda x: x[0] ** 2 * x[1], x)[0].backward()
        >>> x.grad
        tensor([10.,  6.])

        At the kink of the rectifier the convention is 0:

        >>> gradient(lambda x: torch.relu(x).sum(), torch.tensor([-2.0, 0.0, 2.0]))
        tensor([0., 0., 1.])
    """
    import torch

    return torch.func.grad(f)(x)


@checked
def jacobian(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, "m"]], x: Real[Tensor, "n"]
) -> Real[Tensor, "m n"]:
    r"""Jacobian matrix: the linear map that a function is when seen from close up.

    .. math:: J_{ij} = \frac{\partial f_i(x)}{\partial x_j}

    A row per output, a column per input: row :math:`i` is the gradient of :math:`f_i`. A small step
    :math:`v` moves the output by :math:`J v`, up to terms of second order:
    :math:`f(x + v) \approx f(x) + J v`. The Jacobian of a composition :math:`g \circ f` is
    :math:`J_g(f(x)) \, J_f(x)`, in this order.

    Args:
        f: :math:`f`, a function from vectors to vectors, made of PyTorch operations.
        x: :math:`x`, the point.

    Returns:
        :math:`J`, the matrix of first derivatives at :math:`x`.

    Also called:
        Jacobian, derivative matrix, total derivative, matrix of partial derivatives.

    Asked as:
        jacrev; jacfwd; sensitivity matrix; Jacobian-vector product; JVP.

    Role in ML:
        - primitive -- gsplat: a camera is replaced near each splat by its 2 by 3 Jacobian, which
          carries the covariance :math:`\Sigma` of the splat to the image as
          :math:`J \Sigma J^\top`
          :cite:p:`ye2025gsplat{code: gsplat/cuda/_torch_impl.py, lines 99-103}`.
        - objective -- TarFlow: each block is autoregressive, so its Jacobian is triangular up to
          an ordering, and the log-determinant in the likelihood is read off the diagonal
          :cite:p:`zhai2024tarflow{code: transformer_flow.py, line 181}`.
        - objective -- MeanFlow: the training target needs a total time derivative, which is the
          Jacobian of the network times one direction; forward mode gives it without the matrix
          :cite:p:`geng2025mean{code: Gsunshine/py-meanflow, meanflow/models/meanflow.py, line 55}`.

    Numerics:
        Reverse mode, ``torch.func.jacrev`` or ``torch.autograd.functional.jacobian``, costs one
        pullback per output, forward mode, ``torch.func.jacfwd``, one push per input; the matrix has
        :math:`m n` numbers. Where a product with one vector is all that is needed, form no matrix:
        forward mode gives :math:`J v = \frac{d}{dt} f(x + t v)` at :math:`t = 0`, reverse mode
        :math:`v^\top J`. Other texts call it :math:`\frac{\partial f}{\partial x}`, some with rows
        and columns exchanged.

    Checked against:
        ``torch.func.jacfwd(f)(x)``,
        ``torch.stack([f(x + 1e-30j * e).imag / 1e-30 for e in torch.eye(len(x), dtype=x.dtype)],
        dim=1)``

    Examples:
        By hand, for :math:`(x_1 x_2, \; x_1^2, \; 7 x_2)`, three outputs of two inputs:

        >>> import torch
        >>> f = lambda x: torch.stack([x[0] * x[1], x[0] ** 2, 7 * x[1]])
        >>> jacobian(f, torch.tensor([3.0, 5.0]))
        tensor([[5., 3.],
                [6., 0.],
                [0., 7.]])

        The Jacobian of a linear map is its matrix:

        >>> a = torch.tensor([[1.5, -0.7, 0.2], [0.4, 2.1, -1.3]])
        >>> jacobian(lambda x: a @ x, torch.tensor([0.9, -0.4, 1.8]))
        tensor([[ 1.5000, -0.7000,  0.2000],
                [ 0.4000,  2.1000, -1.3000]])

        The chain rule is a matrix product, outer function first; ``torch.func.jacfwd`` of the
        composition gives the same:

        >>> x = torch.tensor([0.9, -0.4, 1.8])
        >>> inner, outer = lambda x: a @ x, lambda u: torch.stack([u.prod(), u.sum() ** 2, u[1]])
        >>> jacobian(outer, inner(x)) @ jacobian(inner, x)
        tensor([[-3.4340,  6.1530, -3.1510],
                [-3.1540, -2.3240,  1.8260],
                [ 0.4000,  2.1000, -1.3000]])
        >>> torch.func.jacfwd(lambda x: outer(inner(x)))(x)
        tensor([[-3.4340,  6.1530, -3.1510],
                [-3.1540, -2.3240,  1.8260],
                [ 0.4000,  2.1000, -1.3000]])

        Differentiated again, the entry :math:`x_2` of the first row depends on :math:`x_2` only:

        >>> x = torch.tensor([3.0, 5.0], requires_grad=True)
        >>> jacobian(f, x)[0, 0].backward()
        >>> x.grad
        tensor([0., 1.])
    """
    import torch

    return torch.func.jacrev(f)(x)


@checked
def vector_jacobian_product(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, "m"]], x: Real[Tensor, "n"], v: Real[Tensor, "m"]
) -> Real[Tensor, "n"]:
    r"""Vector-Jacobian product: the step of backpropagation, from output slopes to input slopes.

    .. math:: (J^\top v)_j = \sum_{i=1}^{m} v_i \frac{\partial f_i(x)}{\partial x_j}

    Here :math:`J` is the Jacobian of :math:`f` at :math:`x`. When :math:`v` is the gradient of a
    loss in the output :math:`f(x)`, the result is its gradient in :math:`x`; applied layer by layer
    from the loss backward, this is backpropagation. Written as a row it is :math:`v^\top J`, linear
    in :math:`v`; with :math:`y = f(x)` and a loss, :math:`\frac{\partial \mathcal{L}}{\partial x_j}
    = \sum_i \frac{\partial \mathcal{L}}{\partial y_i} \frac{\partial y_i}{\partial x_j}`.

    Args:
        f: :math:`f`, a function from vectors to vectors, made of PyTorch operations.
        x: :math:`x`, the point.
        v: :math:`v`, a weight per output, such as the gradient that arrives from behind.

    Returns:
        :math:`J^\top v`, one slope per input.

    Also called:
        VJP, pullback.

    Asked as:
        reverse mode; reverse-mode automatic differentiation; backprop; backward pass; backward
        function; autodiff; adjoint; adjoint method; cotangent; grad_outputs.

    Role in ML:
        - primitive -- DeepSeek-V3: its pipeline schedule splits the backward pass of attention and
          of the feed-forward layers in two, one product for the inputs and one for the weights, so
          that the second can wait :cite:p:`deepseek2024v3{sec. 3.2.1}`.
        - analysis -- circuit-tracer: the direct effects of all earlier features on one feature or
          logit come from one backward pass, with the feature's direction put in as the vector
          :cite:p:`hanna2025circuit{code: decoderesearch/circuit-tracer,
          circuit_tracer/attribution/attribute_transformerlens.py}`.

    Numerics:
        The Jacobian is never formed: the cost is a small multiple of one evaluation of :math:`f`,
        whatever its sizes. The values of the forward pass must be kept or computed anew.
        ``torch.func.vjp`` computes it, and ``torch.autograd.grad`` with ``grad_outputs``.

    Checked against:
        ``v @ torch.func.jacfwd(f)(x)``,
        ``torch.stack([v @ f(x + 1e-30j * e).imag / 1e-30 for e in torch.eye(len(x),
        dtype=x.dtype)])``

    Examples:
        By hand, the Jacobian of :math:`(x_1 x_2, \; x_1^2, \; 7 x_2)` at :math:`(3, 5)` has the
        rows :math:`(5, 3)`, :math:`(6, 0)` and :math:`(0, 7)`, and
        :math:`1 \cdot (5, 3) + 10 \cdot (6, 0) - 2 \cdot (0, 7) = (65, -11)`:

        >>> import torch
        >>> f = lambda x: torch.stack([x[0] * x[1], x[0] ** 2, 7 * x[1]])
        >>> x, v = torch.tensor([3.0, 5.0]), torch.tensor([1.0, 10.0, -2.0])
        >>> vector_jacobian_product(f, x, v)
        tensor([ 65., -11.])

        Through a layer :math:`\tanh(A x)` it is :math:`A^\top` times the scaled vector; the whole
        Jacobian, by forward mode, gives the same:

        >>> a = torch.tensor([[0.5, -0.7, 0.2], [0.4, 1.1, -0.3]])
        >>> x, v = torch.tensor([0.9, -0.4, 1.8]), torch.tensor([1.7, -0.6])
        >>> vector_jacobian_product(lambda x: torch.tanh(a @ x), x, v)
        tensor([ 0.1431, -0.8939,  0.2494])
        >>> v @ torch.func.jacfwd(lambda x: torch.tanh(a @ x))(x)
        tensor([ 0.1431, -0.8939,  0.2494])

        Backpropagation through two functions, from the last to the first:

        >>> first, last = lambda x: a @ x, lambda u: torch.stack([u.prod(), u.sum() ** 2])
        >>> one = vector_jacobian_product(last, first(x), v)
        >>> vector_jacobian_product(first, x, one)
        tensor([-0.2934,  2.5505, -0.7103])
        >>> vector_jacobian_product(lambda x: last(first(x)), x, v)
        tensor([-0.2934,  2.5505, -0.7103])

        The gradient in :math:`v` of a sum of the result is the sum of the rows of
        :math:`J^\top`:

        >>> v = torch.tensor([1.0, 10.0, -2.0], requires_grad=True)
        >>> vector_jacobian_product(f, torch.tensor([3.0, 5.0]), v).sum().backward()
        >>> v.grad
        tensor([8., 6., 7.])
    """
    import torch

    pull = torch.func.vjp(f, x)[1]
    return pull(v)[0]
