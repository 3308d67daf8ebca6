r"""Clipping: how long may a gradient be?

Backpropagation multiplies Jacobians, and a long product of them can blow up: one batch then throws
away what thousands of steps have learned. Clipping by norm bounds the step that such a batch may
take and keeps its direction. It treats the symptom only: the Jacobians stay as they are, and the
cause is fought by initialization, normalization and residual connections.

:map: 2.3 Gradient flow
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import Positive, Real, checked


@checked
def clip_grad_norm(g: Real[Array, "*batch d"], c: Positive[float, ""]) -> Real[Array, "*batch d"]:
    r"""Gradient clipping by norm: shortens a gradient that explodes and keeps its direction.

    .. math:: \hat{\mathbf{g}} = \frac{c}{\max(c, \lVert \mathbf{g} \rVert_2)} \, \mathbf{g}

    The nearest point of the ball of radius :math:`c`: a gradient inside is returned as it is, and
    :math:`\lVert \hat{\mathbf{g}} \rVert_2 = \min(c, \lVert \mathbf{g} \rVert_2)`. A batch of
    gradients is clipped one by one; for the global norm of a model, :math:`\sqrt{\sum_k \lVert
    \mathbf{g}_k \rVert_2^2}`, all its gradients form one vector. Written as in most papers, where
    :math:`\mathbf{g} \neq 0`, it is :math:`\hat{\mathbf{g}} = \min(1, c / \lVert \mathbf{g}
    \rVert_2) \, \mathbf{g}`: if :math:`\lVert \mathbf{g} \rVert_2 > c` the gradient becomes
    :math:`c \, \mathbf{g} / \lVert \mathbf{g} \rVert_2`.

    Args:
        g: :math:`\mathbf{g}`, the gradient, one vector along the last axis.
        c: :math:`c`, the largest norm allowed.

    Returns:
        :math:`\hat{\mathbf{g}}`, the clipped gradient.

    Also called:
        gradient norm clipping, global norm clipping, max grad norm, clip by norm, norm clipping,
        clipnorm, clip by global norm.

    Asked as:
        gradient clipping; grad clip; gradient rescaling; max_norm=1.0; exploding gradients; loss
        spike; clip_grad_norm_; clip by value; gradient norm is too large.

    Role in ML:
        - optimizer -- DeepSeek-V3: the global norm of the gradient is clipped at 1.0 throughout
          pre-training :cite:p:`deepseek2024v3{sec. 4.2}`.
        - optimizer -- OLMo 2: the 7B run clips at 1.0; the released code adds :math:`10^{-6}` to
          the norm :cite:p:`olmo2024two{code: olmo/optim.py, lines 337-351},
          olmo2024two{code: configs/official-1124/OLMo2-7B-stage1.yaml, line 90}`.
        - constraint -- Recurrent networks: introduced against gradients that explode over many
          time steps :cite:p:`pascanu2013difficulty{alg. 1}`.
          Witness: ``torch.nn.utils.clip_grad_norm_``.

    Numerics:
        A gradient whose norm is at most :math:`c` is returned as it is, with the derivative 1. Other
        gradients are divided by a power of two first, so that no square overflows. ``torch.nn.utils.clip_grad_norm_`` multiplies by :math:`c / (\lVert \mathbf{g}
        \rVert_2 + 10^{-6})` where that is below 1: its result is shorter by the factor :math:`1 -
        10^{-6} / \lVert \mathbf{g} \rVert_2`, even for a gradient of norm exactly :math:`c`.
        Clipping is the usual way to stop exploding
        gradients, and spikes of the loss after one bad batch. Clipping by value, :math:`\max(-c,
        \min(c, g_i))` for each component, as by ``torch.nn.utils.clip_grad_value_``, changes the
        direction.

    Checked against:
        ``torch.where(torch.sqrt(torch.dot(g, g)) > c, c * torch.nn.functional.normalize(g, dim=0),
        g)``

    Examples:
        By hand: :math:`(3, 4)` has length 5, so it is divided by 5; with :math:`c = 6` it stays:

        >>> import numpy as np
        >>> g = np.asarray([3.0, 4.0])
        >>> clip_grad_norm(g, 1.0).round(4).tolist(), clip_grad_norm(g, 6.0).tolist()
        ([0.6, 0.8], [3.0, 4.0])

        Two gradients of unequal length, each clipped on its own, as
        ``torch.nn.functional.normalize`` scales them; the second is short enough:

        >>> g = np.asarray([[2.5, -0.7, 1.9], [0.3, 1.1, -0.6]])
        >>> clip_grad_norm(g, 1.7).round(4).tolist()
        [[1.321, -0.3699, 1.004], [0.3, 1.1, -0.6]]

        The derivative of the first component, :math:`c / 5 - 9 c / 125` and
        :math:`-12 c / 125`: a change of length has no effect, a change of direction has:

        >>> import torch
        >>> g = torch.tensor([3.0, 4.0], requires_grad=True)
        >>> clip_grad_norm(g, 1.0)[0].backward()
        >>> g.grad
        tensor([ 0.1280, -0.0960])

        Zero stays zero, and a gradient of norm exactly :math:`c` is not touched; PyTorch shortens
        it by :math:`10^{-6} / 5`:

        >>> clip_grad_norm(torch.zeros(2), 5.0), clip_grad_norm(torch.tensor([3.0, 4.0]), 5.0)
        (tensor([0., 0.]), tensor([3., 4.]))
        >>> p = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
        >>> p.grad = torch.tensor([3.0, 4.0], dtype=torch.float64)
        >>> norm = torch.nn.utils.clip_grad_norm_([p], 5.0)
        >>> round(float(1 - p.grad[0] / 3), 10)
        2e-07

        Neither large gradients nor a small :math:`c` overflow or vanish in float32:

        >>> clip_grad_norm(torch.tensor([3e38, 4e38 / 2]), 5.0), clip_grad_norm(g.detach() * 1e30, 1e-20)
        (tensor([4.1603, 2.7735]), tensor([6.0000e-21, 8.0000e-21]))

        Inside the ball the clipping is the identity, at zero too: its second derivatives are 0:

        >>> torch.func.hessian(lambda x: clip_grad_norm(x, 5.0).sum())(torch.zeros(2))
        tensor([[0., 0.],
                [0., 0.]])
    """
    xp = array_namespace(g)
    unit = scale(g)  # so that no square overflows
    x = g / unit
    squares = total(x * x)[..., None]
    outside = squares > (c / unit) ** 2
    norm = xp.sqrt(xp.where(outside, squares, 1.0))
    return xp.where(outside, c * (x / norm), g)
