r"""Backpropagation: the chain rule from the loss back to every weight.

Three things together make backpropagation: the chain rule, its evaluation from the last function to
the first, and the values kept from the forward pass. Forward mode follows the same chain rule from
the other end, at a cost that grows with the number of inputs :cite:p:`baydin2018automatic`. A
network has millions of inputs to its loss and one output, so reverse mode it is. Reverse
accumulation is older than its use on networks with hidden units
:cite:p:`linnainmaa1976taylor,rumelhart1986learning`.

In a network of dense layers :math:`z^{[l]} = W^{[l]} a^{[l-1]} + b^{[l]}`,
:math:`a^{[l]} = \phi(z^{[l]})` all that travels back is the error :math:`\delta^{[l]} = \partial
\mathcal{L} / \partial z^{[l]}`. Each layer makes two things of it: the gradients of its own
weights, and the error of the layer before. From the last error to the first leads a product of one
factor for each layer between, which shrinks or grows exponentially with depth unless something
holds it near 1: the variance of the first weights, residual connections, gates, normalization.

:map: 2.1 Chain rule
"""

from collections.abc import Callable

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, Tensor, total
from mlmath_ref.calculus.derivatives import gradient
from mlmath_ref.linear_algebra.products import matmul
from mlmath_ref.sets import Real, checked


@checked
def reverse_mode_gradient(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, "m"]],
    g: Callable[[Real[Tensor, "m"]], Real[Tensor, "k"]],
    loss: Callable[[Real[Tensor, "k"]], Real[Tensor, ""]],
    x: Real[Tensor, "n"],
) -> Real[Tensor, "n"]:
    r"""Backpropagation: the gradient of a chain of functions, taken from the loss backward.

    .. math::
       \begin{aligned}
       \bar{x} &= F^\top G^\top \, \nabla \mathcal{L}(v), & u &= f(x), \quad v = g(u), \\
       F_{ij} &= \frac{\partial f_i(x)}{\partial x_j}, &
       G_{hi} &= \frac{\partial g_h(u)}{\partial u_i}
       \end{aligned}

    The Jacobian of the whole, a row, is :math:`\nabla \mathcal{L}(v)^\top G F`: of :math:`L`
    layers, the product runs from layer :math:`L` down. An entry of :math:`G F` is
    :math:`\sum_i G_{hi} F_{ij}`, a sum over all intermediate values :math:`u_i`; where all are
    numbers the rule is :math:`\frac{\partial \mathcal{L}}{\partial x} = \frac{\partial
    \mathcal{L}}{\partial v} \frac{\partial v}{\partial u} \frac{\partial u}{\partial x}`.

    Args:
        f: :math:`f`, the first function.
        g: :math:`g`, the second function.
        loss: :math:`\mathcal{L}`, the last function, with one number as result.
        x: :math:`x`, the input.

    Returns:
        :math:`\bar{x}`, the gradient of :math:`\mathcal{L}(g(f(x)))` in :math:`x`.

    Also called:
        backprop, backpropagation, reverse mode, reverse-mode automatic differentiation, reverse
        accumulation, reverse-mode AD.

    Asked as:
        autograd; autodiff; loss.backward; backward pass; how does backpropagation work; chain rule
        through layers.

    Role in ML:
        - primitive -- DeepSeek-V3: in the pipeline of its training a stage runs backward from the
          gradients of its outputs, and the backward step of attention and feed-forward layers is
          split into one for their inputs and one for their weights, which can come later
          :cite:p:`deepseek2024v3{sec. 3.2.1; code: deepseek-ai/DualPipe at 3da1bbe,
          dualpipe/dualpipe.py, lines 87-119}`.
        - primitive -- llm.c: a GPT-2 without an autograd engine; one function calls the backward
          step of each layer, from the loss to the embeddings, on the activations that the forward
          pass stored :cite:p:`karpathy2024llmc{code: train_gpt2.c, lines 898-1005}`.
        - primitive -- PyTorch: a model cut into pipeline stages is run backward one stage at a time,
          from the gradient that arrives and the outputs and inputs that the stage kept
          :cite:p:`ansel2024pytorch2{code: torch/distributed/pipelining/_backward.py,
          def stage_backward}`.

    Numerics:
        From right to left every step is a matrix times a vector, and no Jacobian is formed: the
        cost is a small multiple of one evaluation, whatever the number of inputs. Backpropagation
        needs much memory: the activations :math:`u` and :math:`v` are kept until the way back has
        passed them, unless checkpointing computes them anew. ``loss.backward()`` goes this way.

    Checked against:
        ``torch.func.jacfwd(lambda x: loss(g(f(x))))(x)``,
        ``torch.stack([loss(g(f(x + 1e-30j * e))).imag / 1e-30 for e in torch.eye(len(x),
        dtype=x.dtype)])``

    Examples:
        By hand, :math:`(2x + 1)^3` at 3 is :math:`7^3 = 343`, with the slope
        :math:`1 \cdot 3 \cdot 7^2 \cdot 2 = 294`; and :math:`x^2 + 3x` at 2 has the slope 7:

        >>> import torch
        >>> inner, cube, total = lambda x: 2 * x + 1, lambda u: u**3, lambda v: v.sum()
        >>> reverse_mode_gradient(inner, cube, total, torch.tensor([3.0]))
        tensor([294.])
        >>> reverse_mode_gradient(lambda x: x, lambda u: u**2 + 3 * u, total, torch.tensor([2.0]))
        tensor([7.])

        Three inputs, four and two intermediate values; forward mode gives the same:

        >>> a = [[0.5, -0.7, 0.2], [0.4, 1.1, -0.3], [1.3, 0.6, 0.9], [-0.8, 0.1, 1.4]]
        >>> a = torch.tensor(a)
        >>> f = lambda x: torch.tanh(a @ x)
        >>> g = lambda u: torch.stack([u.prod(), (u**2).sum()])
        >>> loss = lambda v: v[0] * v[1] + 3 * v[1]
        >>> x = torch.tensor([0.9, -0.4, 1.8])
        >>> reverse_mode_gradient(f, g, loss, x)
        tensor([ 0.0712, -1.1840,  1.0180])
        >>> torch.func.jacfwd(lambda x: loss(g(f(x))))(x)
        tensor([ 0.0712, -1.1840,  1.0180])

        The order of the Jacobians is the last function's first. The other order does not fit:

        >>> from mlmath_ref.calculus.derivatives import gradient, jacobian
        >>> f_jacobian, g_jacobian = jacobian(f, x), jacobian(g, f(x))
        >>> gradient(loss, g(f(x))) @ g_jacobian @ f_jacobian
        tensor([ 0.0712, -1.1840,  1.0180])
        >>> f_jacobian @ g_jacobian
        Traceback (most recent call last):
        RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x3 and 2x4)

        Differentiated again, :math:`6 (2x + 1)^2` has the slope :math:`24 (2x + 1) = 168` at 3:

        >>> x = torch.tensor([3.0], requires_grad=True)
        >>> reverse_mode_gradient(inner, cube, total, x).backward()
        >>> x.grad
        tensor([168.])
    """
    import torch

    u, pull_f = torch.func.vjp(f, x)[:2]
    v, pull_g = torch.func.vjp(g, u)[:2]
    (u_bar,) = pull_g(gradient(loss, v))
    return pull_f(u_bar)[0]


@checked
def backprop_delta(
    w: Real[Array, "m n"], delta: Real[Array, "*batch m"], s: Real[Array, "*batch n"]
) -> Real[Array, "*batch n"]:
    r"""Error recursion: what a layer's units did to the loss, from what the next layer's did.

    .. math:: \delta^{[l]} = \left( W^{[l+1]} \right)^\top \delta^{[l+1]} \odot \phi'(z^{[l]})

    Here :math:`\delta^{[l]} = \partial \mathcal{L} / \partial z^{[l]}`, where :math:`z^{[l+1]} =
    W^{[l+1]} \phi(z^{[l]}) + b^{[l+1]}` and :math:`\odot` multiplies unit by unit. The slope is
    that of the layer's own units, the weights are those of the layer after. Written for unit
    :math:`j`, with :math:`k` over the next layer, it is :math:`\delta_j = \phi'(z_j) \sum_k W_{kj}
    \delta_k`; a unit with slope 0 passes nothing on.

    Args:
        w: :math:`W^{[l+1]}`, the weights of layer :math:`l + 1`, a row for each of its units.
        delta: :math:`\delta^{[l+1]}`, the error of layer :math:`l + 1`.
        s: :math:`\phi'(z^{[l]})`, the slopes of the activation :math:`\phi` at layer :math:`l`.

    Returns:
        :math:`\delta^{[l]}`, the error of layer :math:`l`.

    Also called:
        generalized delta rule, backpropagation equation.

    Asked as:
        delta rule; error signal; local gradient; dgrad; input gradient; activation gradient;
        backprop through a layer.

    Role in ML:
        - primitive -- DeepSeek-V3: the product with the transposed weights (Dgrad) is one of the
          three matrix products of a linear layer that run in 8 bits, beside the forward one and the
          one for the weights :cite:p:`deepseek2024v3{sec. 3.3.1}`.
        - primitive -- llm.c: spelled out in loops over the output channels, followed by the slope
          of GELU :cite:p:`karpathy2024llmc{code: train_gpt2.c, lines 231-251 and 422-432}`.
        - analysis -- PReLU networks: the first weights get the variance that keeps this recursion
          from shrinking or growing; the slope of a unit is 1 or a learned number
          :cite:p:`he2015delving{sec. 2.2}`.
          Witness: ``torch.nn.PReLU``.

    Numerics:
        One example costs :math:`2 m n` floating-point operations, as on the way forward. At the
        outputs it starts from :math:`\nabla_a \mathcal{L} \odot \phi'(z)`, after softmax and
        cross-entropy :math:`\hat{y} - y`. Saturated units, such as a sigmoid far from 0, have
        slopes that round to 0, and everything before them stops learning; a sigmoid's is at most
        1/4.

    Checked against:
        ``torch.func.vjp(lambda z: w @ (s * z), 0 * s)[1](delta)[0]``,
        ``np.einsum("i,ij,j->j", delta, w, s)``

    Examples:
        By hand, :math:`(1 \cdot 10 + 3 \cdot 1) \cdot 0.5` and
        :math:`(2 \cdot 10 + 4 \cdot 1) \cdot 0.25`:

        >>> import numpy as np
        >>> w = np.asarray([[1.0, 2.0], [3.0, 4.0]])
        >>> backprop_delta(w, np.asarray([10.0, 1.0]), np.asarray([0.5, 0.25])).tolist()
        [6.5, 6.0]

        Two examples through a layer of three tanh units before two outputs:

        >>> w = np.asarray([[0.2, 0.5, -0.7], [1.1, -0.3, 0.9]])
        >>> delta = np.asarray([[0.4, -1.5], [2.0, 0.6]])
        >>> z = np.asarray([[0.3, -1.2, 2.5], [0.8, 1.7, -0.4]])
        >>> backprop_delta(w, delta, 1 - np.tanh(z) ** 2).round(4).tolist()
        [[-1.4368, 0.1983, -0.0433], [0.5926, 0.1025, -0.7358]]

        Autograd has the same numbers at the inputs of the units:

        >>> import torch
        >>> leaf = torch.tensor(z, requires_grad=True)
        >>> torch.autograd.backward(torch.tanh(leaf) @ torch.tensor(w).mT, torch.tensor(delta))
        >>> leaf.grad.numpy().round(4).tolist()
        [[-1.4368, 0.1983, -0.0433], [0.5926, 0.1025, -0.7358]]

        The result is linear in the error that arrives; its gradient there is the weights times the
        slopes:

        >>> error = torch.tensor([0.4, -1.5], requires_grad=True)
        >>> slopes = torch.tensor([0.5, 2.0, 1.0])
        >>> backprop_delta(torch.tensor(w).float(), error, slopes).sum().backward()
        >>> error.grad
        tensor([0.4000, 0.8500])

        Rectified units that are off pass nothing on, and a sigmoid at 40 has the slope 4e-18, which
        is 0 if computed as :math:`\sigma (1 - \sigma)`:

        >>> p = 1 / (1 + np.exp(-np.asarray([40.0, 40.0, 0.0])))
        >>> backprop_delta(w, delta[0], p * (1 - p)).round(4).tolist()
        [-0.0, 0.0, -0.4075]
    """
    return (delta @ w) * s


@checked
def dense_gradients(
    delta: Real[Array, "*batch n m"], a: Real[Array, "*batch n d"]
) -> tuple[Real[Array, "*batch m d"], Real[Array, "*batch m"]]:
    r"""Gradients of a dense layer: error times input for each weight, error alone for each offset.

    .. math:: \frac{\partial \mathcal{L}}{\partial W} = \sum_{i=1}^{n} \delta_i \, a_i^\top, \qquad
       \frac{\partial \mathcal{L}}{\partial b} = \sum_{i=1}^{n} \delta_i

    The layer is :math:`z_i = W a_i + b`, and :math:`\delta_i = \partial \mathcal{L} / \partial z_i`
    is the error of example :math:`i`. For one example :math:`\frac{\partial \mathcal{L}}{\partial
    W_{jk}} = \delta_j a_k`, with examples as rows the sum is :math:`\delta^\top a`; an example adds
    a matrix of rank 1, so the gradient over :math:`n` examples has at most rank :math:`n`.

    Args:
        delta: :math:`\delta`, the errors at the outputs of the layer, a row for each example.
        a: :math:`a`, the inputs of the layer, a row for each example.

    Returns:
        :math:`(\frac{\partial \mathcal{L}}{\partial W}, \frac{\partial \mathcal{L}}{\partial b})`,
        the gradients of the weights and of the offsets, of the shapes of :math:`W` and :math:`b`.

    Also called:
        linear layer backward, gradients of a linear layer.

    Asked as:
        weight gradient; bias gradient; wgrad; dW; outer product rule; matmul backward; nn.Linear
        gradient.

    Role in ML:
        - primitive -- DeepSeek-V3: because this product (Wgrad) runs in 8 bits too, the inputs of a
          layer are kept in 8 bits for the way back; the gradients themselves are kept in more
          :cite:p:`deepseek2024v3{sec. 3.3.1}`.
        - primitive -- llm.c: both gradients are added to what is there already, in one loop
          over the output channels :cite:p:`karpathy2024llmc{code: train_gpt2.c, lines 253-268}`.
        - primitive -- PyTorch: what a linear layer leaves in the gradients of its weight and bias
          :cite:p:`ansel2024pytorch2{code: torch/nn/modules/linear.py, class Linear}`.
          Witness: ``torch.nn.Linear``.

    Numerics:
        :math:`2 n m d` floating-point operations. A sum over many tokens loses small terms in 16
        bits; accumulate in 32. The division by the number of examples, where the loss is a mean, is
        already in :math:`\delta`; texts with :math:`dW = \frac{1}{n} \, dZ \, A^\top` divide here.

    Checked against:
        ``(np.einsum("im,id->md", delta, a), np.einsum("im->m", delta))``,
        ``torch.func.vjp(lambda w, b: torch.nn.functional.linear(a, w, b), torch.zeros(len(delta.T),
        len(a.T), dtype=a.dtype), 0 * delta[0])[1](delta)``

    Examples:
        By hand, one example: a weight's gradient is its row's error times its column's input:

        >>> import numpy as np
        >>> w, b = dense_gradients(np.asarray([[10.0, 1.0]]), np.asarray([[1.0, 2.0, 3.0]]))
        >>> w.tolist(), b.tolist()
        ([[10.0, 20.0, 30.0], [1.0, 2.0, 3.0]], [10.0, 1.0])

        Three examples of two inputs and four outputs, as ``np.einsum`` has it:

        >>> delta = [[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2], [-0.9, 2.2, 0.1, 0.7]]
        >>> delta = np.asarray(delta)
        >>> a = np.asarray([[1.5, -0.4], [0.7, 2.2], [-1.1, 0.6]])
        >>> w, b = dense_gradients(delta, a)
        >>> w.round(4).tolist()
        [[2.63, 3.08], [-3.94, 2.68], [3.22, -2.26], [4.07, 11.54]]
        >>> b.round(4).tolist()
        [1.1, 1.4, 2.0, 6.7]

        Of the sum of all outputs of :math:`W x + b` every error is 1: autograd finds
        :math:`\mathbf{1} x^\top`, :math:`\mathbf{1}` and, in :math:`x`, :math:`W^\top \mathbf{1}`;
        the weights come from a seeded generator, so that they are the same on every run:

        >>> import torch
        >>> seeded = torch.Generator().manual_seed(0)
        >>> weight = torch.randn(2, 3, generator=seeded, requires_grad=True)
        >>> x, bias = torch.tensor([1.0, 2.0, 3.0], requires_grad=True), torch.zeros(2)
        >>> torch.nn.functional.linear(x, weight, bias.requires_grad_()).sum().backward()
        >>> weight.grad, bias.grad
        (tensor([[1., 2., 3.],
                [1., 2., 3.]]), tensor([1., 1.]))
        >>> torch.equal(x.grad, weight.sum(0))
        True
        >>> dense_gradients(torch.ones(1, 2), x.detach()[None])[0]
        tensor([[1., 2., 3.],
                [1., 2., 3.]])

        The derivative of the weights' gradient in the error is the input:

        >>> error = torch.tensor([[10.0, 1.0]], requires_grad=True)
        >>> dense_gradients(error, torch.tensor([[1.0, 2.0, 3.0]]))[0][:, 2].sum().backward()
        >>> error.grad
        tensor([[3., 3.]])

        Adding 0.0004 a thousand times to 1 is lost in 16 bits:

        >>> total = torch.tensor(1.0, dtype=torch.float16)
        >>> for _ in range(1000):
        ...     total = total + 0.0004
        >>> total, dense_gradients(torch.full((1000, 1), 4e-4), torch.ones(1000, 1))[1]
        (tensor(1., dtype=torch.float16), tensor([0.4000]))
    """
    return delta.mT @ a, total(delta.mT)


@checked
def gradient_flow_product(
    w: Real[Array, "*batch k n n"], s: Real[Array, "*batch k n"]
) -> Real[Array, "*batch n n"]:
    r"""Gradient flow: the matrix that carries the last layer's error back to the first.

    .. math:: P = \prod_{l=1}^{k} \operatorname{diag}(s_l) \, W_l^\top

    The first factor stands on the left, and :math:`\delta^{[1]} = P \, \delta^{[k+1]}`; the weights
    of layer 1 itself are not in it. If every factor has a spectral norm of at most :math:`c < 1`,
    then :math:`\lVert P \rVert_2 \le c^k` and the gradient must vanish with depth. If norms are
    above 1 it can explode, but need not.

    Args:
        w: :math:`W`, the weights of layers 2 to :math:`k + 1`, all of width :math:`n`;
            :math:`W_l` is :math:`W^{[l+1]}`.
        s: :math:`s`, the slopes of layers 1 to :math:`k`; :math:`s_l` is :math:`\phi'(z^{[l]})`,
            and :math:`\delta^{[l]}` the error at :math:`z^{[l]}`.

    Returns:
        :math:`P`, the transposed Jacobian of :math:`z^{[k+1]}` in :math:`z^{[1]}`.

    Also called:
        gradient flow, product of Jacobians.

    Asked as:
        vanishing gradients; exploding gradients; why do gradients vanish; long-term dependencies;
        signal propagation.

    Role in ML:
        - analysis -- mHC: the matrices that mix the residual streams are multiplied over the depth;
          the largest column sum of the product measures how far it amplifies gradients, and rose to
          the thousands before the matrices were constrained :cite:p:`xie2025mhc{eq. (4), fig. 3}`.
        - analysis -- Recurrent networks: through time all :math:`W_l` are one matrix, and a largest
          singular value below the inverse of the largest slope makes long-term gradients vanish
          :cite:p:`pascanu2013difficulty{sec. 2.1}`.

    Numerics:
        Computed in 64 bits and rounded once. 100 factors of norm 0.1 leave 0 in float32, and early
        layers do not learn; 100 of norm 10 leave infinity, and the loss turns NaN; what leaves the
        range of 64 bits before the last factor is refused, as the next sum could be
        :math:`\infty - \infty`. A product below :math:`10^{-308}` on the way loses digits, and below
        :math:`10^{-324}` it is 0, whatever factors follow. Through time it is :math:`\frac{\partial h_t}{\partial h_k} =
        \prod_{i=k+1}^{t} \frac{\partial h_i}{\partial h_{i-1}}`. Backpropagation multiplies by the
        error from the right, at :math:`k n^2` products where the matrix takes :math:`k n^3`.

    Checked against:
        ``torch.func.jacrev(lambda z: functools.reduce(lambda z, l: w[l] @ (s[l] * z),
        range(len(s)), z))(0 * s[0]).mT``

    Examples:
        By hand, two layers of width 1: slopes 0.5 and 0.25, weights 3 and 8, product 3:

        >>> import numpy as np
        >>> w, s = np.asarray([[[3.0]], [[8.0]]]), np.asarray([[0.5], [0.25]])
        >>> gradient_flow_product(w, s).tolist()
        [[3.0]]

        Three tanh layers of two units: autograd's error at the first layer is the product times the
        error at the last, here :math:`(1, -2)`:

        >>> import torch
        >>> w = torch.tensor([[[0.5, -1.2], [0.8, 1.1]], [[1.4, 0.3], [-0.6, 0.9]]])
        >>> z1 = torch.tensor([0.3, -0.7], requires_grad=True)
        >>> z2 = w[0] @ torch.tanh(z1)
        >>> z3 = w[1] @ torch.tanh(z2)
        >>> s = 1 - torch.tanh(torch.stack([z1, z2]).detach()) ** 2
        >>> p = gradient_flow_product(w, s)
        >>> p
        tensor([[ 0.5083,  0.4106],
                [-0.3663,  0.7563]])
        >>> error = torch.tensor([1.0, -2.0])
        >>> p @ error, torch.autograd.grad(z3, z1, error)[0]
        (tensor([-0.3128, -1.8789]), tensor([-0.3128, -1.8789]))

        The weights :math:`W^{[1]}` do not belong to it: in a linear network their gradient
        :math:`P \, \delta x^\top` is the same when they are a hundred times as large:

        >>> x = torch.tensor([0.4, -1.5])
        >>> for size in (1.0, 100.0):
        ...     w1 = (size * torch.tensor([[0.7, 0.2], [-0.1, 0.6]])).requires_grad_()
        ...     torch.autograd.grad(error @ (w[1] @ (w[0] @ (w1 @ x))), w1)[0]
        tensor([[ 0.0400, -0.1500],
                [-1.9080,  7.1550]])
        tensor([[ 0.0400, -0.1500],
                [-1.9080,  7.1550]])
        >>> torch.outer(gradient_flow_product(w, torch.ones(2, 2)) @ error, x)
        tensor([[ 0.0400, -0.1500],
                [-1.9080,  7.1550]])

        A norm of 2 need not explode: this matrix gives 0 when it is applied twice. A norm of 0.5
        must vanish, here as :math:`0.5^4`:

        >>> shift = np.broadcast_to(np.asarray([[0.0, 2.0], [0.0, 0.0]]), (2, 2, 2))
        >>> float(np.linalg.norm(shift[0], 2))
        2.0
        >>> gradient_flow_product(shift, np.ones((2, 2))).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
        >>> half = np.broadcast_to(0.5 * np.eye(2), (4, 2, 2))
        >>> gradient_flow_product(half, np.ones((4, 2))).tolist()
        [[0.0625, 0.0], [0.0, 0.0625]]

        The two ends of the range of float32, in a batch of two, and what leaves that of 64 bits:

        >>> w = torch.tensor([0.1, 10.0]).reshape(2, 1, 1, 1).expand(2, 100, 1, 1)
        >>> gradient_flow_product(w, torch.ones(2, 100, 1)).flatten()
        tensor([0., inf])
        >>> tenths, tens = np.full((400, 1, 1), 0.1), np.full((400, 1, 1), 10.0)
        >>> gradient_flow_product(np.concat([tenths, tens]), np.ones((800, 1))).tolist()
        [[0.0]]
        >>> w, s = torch.full((400, 1, 1), 10.0), torch.ones(400, 1)
        >>> gradient_flow_product(w, s)
        Traceback (most recent call last):
        ValueError: gradient_flow_product: arguments must keep every step in its set, got matmul: a must hold finite real numbers, got inf at [0, 0]

        The derivative in a slope is the product without it:

        >>> s = torch.tensor([[0.5], [0.25]], requires_grad=True)
        >>> gradient_flow_product(torch.tensor([[[3.0]], [[8.0]]]), s).sum().backward()
        >>> s.grad
        tensor([[ 6.],
                [12.]])
    """
    xp = array_namespace(w, s)
    factors = xp.astype(s, xp.float64)[..., None] * xp.astype(w, xp.float64).mT
    product = factors[..., 0, :, :]
    for layer in range(1, w.shape[-3]):
        product = matmul(product, factors[..., layer, :, :])
    return xp.astype(product, w.dtype)
