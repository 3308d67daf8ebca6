r"""Precision: gradients where differences cancel and where small numbers vanish.

A floating-point number has a fixed number of digits and a limited range of exponents, and a
gradient can be lost to either. A difference of two nearly equal values has few digits left, and
dividing it by a small step does not bring them back. That is why gradients are not computed from
differences. As a check of a gradient that was derived otherwise, though, a central difference is
independent of the derivation, and a few digits tell a wrong formula from a right one.

Half precision has 11 digits of two and no number between 0 and :math:`2^{-24}`, about
:math:`6 \cdot 10^{-8}`. Many gradients of a network are smaller and would become 0. Multiplying the
loss by a large number multiplies all of them, by the chain rule, and division afterwards, in single
precision, gives them back :cite:p:`micikevicius2018mixed`. The format bfloat16 has the range of
single precision and needs no such factor, but three digits of two fewer.

:map: 6.1 Numerics
"""

import math
from collections.abc import Callable

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, Tensor
from mlmath_ref.sets import Extended, Positive, Real, checked


@checked
def finite_difference_gradient(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, ""]],
    x: Real[Tensor, "n"],
    *,
    h: Positive[float, ""] = 1e-6,
) -> Real[Tensor, "n"]:
    r"""Finite-difference gradient: slopes from the values a step ahead and a step behind.

    .. math:: g_i = \frac{f(x + h \, e_i) - f(x - h \, e_i)}{2 h}

    Where :math:`f` is smooth, :math:`g_i` differs from the partial derivative by about
    :math:`\tfrac16 h^2` times the third derivative along :math:`e_i`, so it is exact for
    polynomials of degree two. For one number :math:`f'(x) \approx \frac{f(x + h) - f(x - h)}{2 h}`;
    a difference in one direction only, :math:`\frac{f(x + h) - f(x)}{h}`, errs by the order of
    :math:`h`.

    Args:
        f: :math:`f`, a function of a vector with one number as result.
        x: :math:`x`, the point.
        h: :math:`h`, the step, in units of :math:`x`.

    Returns:
        :math:`g`, an approximation of the gradient at :math:`x`.

    Where:
        - :math:`e_i`: ``np.eye(n)[i - 1]``, the unit vector along input :math:`i`

    Also called:
        numerical gradient, central difference, symmetric difference quotient.

    Asked as:
        gradient check; gradient checking; gradcheck; check_grad; approx_fprime; numerical
        differentiation; numerical derivative; finite difference; forward difference.

    Role in ML:
        - analysis -- PyTorch: its check of a backward pass holds the Jacobian against central
          differences, with steps of :math:`10^{-6}` unless told otherwise
          :cite:p:`ansel2024pytorch2{code: torch/autograd/gradcheck.py, def gradcheck and def
          _compute_numerical_gradient}`.
          Witness: ``torch.autograd.gradcheck``.
        - objective -- PhysicsNeMo: one of the ways to the slopes in a residual is the network at
          points to either side, a method without derivatives of the network in its inputs
          :cite:p:`nvidia2023physicsnemo{code: physicsnemo/sym/eq/gradients.py, class
          GradientsMeshlessFiniteDifference}`.

    Numerics:
        The error is of order :math:`h^2` from the third derivative and of order
        :math:`\epsilon / h` from the precision :math:`\epsilon`; the best :math:`h` is near :math:`\epsilon^{1/3}`, that is
        :math:`6 \cdot 10^{-6}` in double and :math:`5 \cdot 10^{-3}` in single precision. The
        default is for double precision; in single precision it gives noise. It takes :math:`2 n`
        evaluations. At a kink it returns the mean of the two slopes. To check a backward pass whose
        gradient is :math:`g'`, compare by :math:`\lVert g - g' \rVert_2 / (\lVert g \rVert_2 +
        \lVert g' \rVert_2)`. ``torch.autograd.gradcheck`` compares entry by entry;
        ``scipy.optimize.approx_fprime`` takes the step ahead alone.

    Checked against:
        ``torch.stack([torch.as_tensor(np.gradient([float(f(x + s * h * e)) for s in (-1, 0, 1)],
        h)[1]) for e in torch.eye(len(x), dtype=x.dtype)])``

    Examples:
        By hand, with a step of 2 at 3: :math:`(5^2 - 1^2) / 4 = 6`, which is exact, and
        :math:`(5^3 - 1^3) / 4 = 31`, which is :math:`h^2 = 4` more than the slope 27:

        >>> import torch
        >>> x = torch.tensor([3.0])
        >>> finite_difference_gradient(lambda x: (x**2).sum(), x, h=2.0)
        tensor([6.])
        >>> finite_difference_gradient(lambda x: (x**3).sum(), x, h=2.0)
        tensor([31.])

        Three inputs with the default step, in double precision, beside the gradient itself:

        >>> f = lambda x: torch.sin(x[0] * x[1]) + x[1] ** 2 / x[2]
        >>> x = torch.tensor([0.7, -1.3, 2.6], dtype=torch.float64)
        >>> finite_difference_gradient(f, x)
        tensor([-0.7979, -0.5704, -0.2500], dtype=torch.float64)
        >>> torch.func.grad(f)(x)
        tensor([-0.7979, -0.5704, -0.2500], dtype=torch.float64)

        The error for :math:`e^x` at 1 falls with :math:`h^2`, a hundredfold for a tenth of the
        step, until rounding takes over:

        >>> one = torch.ones(1, dtype=torch.float64)
        >>> slope = lambda h: float(finite_difference_gradient(lambda x: x.exp().sum(), one, h=h))
        >>> error = lambda h: abs(slope(h) - torch.e)
        >>> [round(error(h) * 1e8) for h in (1e-2, 1e-3)]
        [4530, 45]
        >>> error(1e-5) < 1e-9, error(1e-12) > 1e-6
        (True, True)

        In single precision the default step finds noise, a larger one does well:

        >>> x = torch.tensor([0.7, -1.3, 2.6])
        >>> off = lambda h: (finite_difference_gradient(f, x, h=h) - torch.func.grad(f)(x)).abs().max()
        >>> off(1e-6) > 0.01, off(5e-3) < 1e-4
        (tensor(True), tensor(True))

        A wrong backward pass is found: one that forgets the factor 2 of :math:`x^2`, against 6:

        >>> class Square(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**2
        ...     @staticmethod
        ...     def backward(ctx, slope):
        ...         return slope * ctx.saved_tensors[0]
        >>> x = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
        >>> Square.apply(x).sum().backward()
        >>> x.grad, finite_difference_gradient(lambda x: Square.apply(x).sum(), x.detach())
        (tensor([3.], dtype=torch.float64), tensor([6.0000], dtype=torch.float64))

        At a kink it is the mean of both slopes, where PyTorch says 0:

        >>> finite_difference_gradient(lambda x: torch.relu(x).sum(), torch.zeros(1))
        tensor([0.5000])
    """
    import torch

    steps = h * torch.eye(len(x), dtype=x.dtype, device=x.device)
    return torch.stack([f(x + step) - f(x - step) for step in steps]) / (2 * h)


@checked
def loss_scaling(g: Real[Array, "*shape"], scale: Positive[float, ""]) -> Extended[Array, "*shape"]:
    r"""Loss scaling: what half precision leaves of a gradient that was carried S times as large.

    .. math:: \tilde{g} = \frac{q}{S} \operatorname{round}\left( \frac{S g}{q} \right)

    The loss times :math:`S` has the gradient :math:`\nabla (S \mathcal{L}) = S g`, which half
    precision rounds to a whole multiple of the spacing :math:`q`; the division by :math:`S` is in
    higher precision. Here :math:`q` is :math:`2^{-10}` times the largest power of two up to
    :math:`|S g|`, and never less than :math:`2^{-24}`. Up to :math:`|S g| = 2^{-25}` the result is
    0, and from 65520 on infinite.

    Args:
        g: :math:`g`, the exact gradient of the loss.
        scale: :math:`S`, the factor that the loss is multiplied by.

    Returns:
        :math:`\tilde{g}`, the gradient that reaches the optimizer.

    Where:
        - :math:`q`: ``np.spacing(np.abs(np.float16(scale * g)))``, the distance between neighbors
          in half precision at :math:`S g`

    Also called:
        gradient scaling.

    Asked as:
        GradScaler; AMP; automatic mixed precision; mixed-precision training; mixed precision; fp16
        underflow; gradient underflow; static loss scale; dynamic loss scaling; loss scale; half
        precision; binary16.

    Role in ML:
        - primitive -- Precision-RL: the trainer and the sampler of a language model both compute in
          half precision, for its finer spacing, and the trainer scales its loss; the factor may
          grow after every 400 good steps
          :cite:p:`qi2025defeating{code: sail-sg/Precision-RL, verl_fp16.patch, lines 36-38}`.
        - primitive -- PyTorch: the factor begins at :math:`2^{16}`, is halved after a step that
          overflowed, which is skipped, and doubled after 2000 steps without one
          :cite:p:`ansel2024pytorch2{code: torch/amp/grad_scaler.py, class GradScaler}`.
          Witness: ``torch.amp.GradScaler``.

    Numerics:
        A power of two for :math:`S` changes no digits, it moves the window: gradients from
        :math:`2^{-14} / S` to :math:`65504 / S` keep 11 digits of two, below them digits go one by
        one, and at :math:`2^{-25} / S` all is 0. Clipping comes after the division by :math:`S`. An
        infinity means that the step has to be skipped and :math:`S` made smaller, by half in
        ``torch.amp.GradScaler``; it is returned, not hidden. As a function of :math:`g` this is a
        staircase, so its derivative is 0. Without a factor small gradients underflow to zero in
        fp16, and training stalls; with one too large they overflow, and the loss may turn NaN.

    Checked against:
        ``(g * scale).to(torch.float16).to(g.dtype) / torch.as_tensor(scale, dtype=g.dtype)``

    Examples:
        By hand: :math:`10^{-8}` is less than half of :math:`2^{-24} = 5.96 \cdot 10^{-8}` and is
        lost; times :math:`2^{10}` it is 171.8 spacings, so 172 of them come back:

        >>> import numpy as np
        >>> g = np.asarray(1e-8)
        >>> float(loss_scaling(g, 1.0)), float(loss_scaling(g, 1024.0) / (172 * 2.0**-34))
        (0.0, 1.0)

        Other gradients under a factor that is no power of two, and the same through the type
        itself:

        >>> g = np.asarray([3.7e-7, -0.0123, 0.81])
        >>> (1e6 * loss_scaling(g, 300.0)).round(4).tolist()
        [0.3699, -12298.1771, 810000.0]
        >>> (1e6 * (300.0 * g).astype(np.float16).astype(float) / 300.0).round(4).tolist()
        [0.3699, -12298.1771, 810000.0]

        The same gradient under growing factors: absent, coarse, exact to 11 digits of two, and too
        large:

        >>> g = np.asarray(3e-6)
        >>> [round(float(1e6 * loss_scaling(g, 2.0**k)), 4) for k in (-8, 0, 6, 35)]
        [0.0, 2.9802, 3.0007, inf]

        Ties go to the even neighbor: half a spacing is lost, and one and a half become two:

        >>> (2.0**24 * loss_scaling(2.0**-25 * np.asarray([1.0, 3.0, 5.0]), 1.0)).tolist()
        [0.0, 2.0, 2.0]

        The largest number, and the first that is infinite:

        >>> import torch
        >>> g = torch.tensor([65504.0, 65519.0, 65520.0, -65520.0])
        >>> loss_scaling(g, 1.0)
        tensor([65504., 65504.,    inf,   -inf])

        A gradient of the staircase is 0:

        >>> g = torch.tensor(0.81, requires_grad=True)
        >>> loss_scaling(g, 300.0).backward()
        >>> g.grad
        tensor(0.)
    """
    xp = array_namespace(g)
    scaled = scale * g
    exponent = xp.floor(xp.log2(xp.clip(xp.abs(scaled), min=2.0**-14, max=2.0**15)))
    spacing = 2.0 ** (exponent - 10)
    rounded = spacing * xp.round(scaled / spacing)
    rounded = xp.where(rounded > 65504, math.inf, rounded)
    return xp.where(rounded < -65504, -math.inf, rounded) / scale
