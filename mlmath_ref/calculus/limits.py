r"""Limits: a slope is what a ratio of two differences tends to.

Every derivative is the limit of one quotient: the change of the output over the change :math:`h` of
the input, as :math:`h` goes to 0. With several inputs one of them changes and the others stand
still. Nothing else is needed to find that :math:`e^x` is its own derivative and that
:math:`\log x` has the derivative :math:`1/x`; the rules for sums, products and compositions follow
from the same limit.

The limit defines the number and is a poor way to compute it. A computer subtracts two nearly equal
values and divides what is left of their digits by a small :math:`h`: half of the digits are gone at
best. Automatic differentiation carries the slope along instead, by known derivatives and rules, and
is exact up to rounding. Here the limits are what is displayed, and the functions compute by
rules or in closed form; the display is executed with complex numbers :math:`h` around 0, whose
mean is the limit, and the two agree.

:map: 2.1 Chain rule
"""

from collections.abc import Callable

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, Tensor
from mlmath_ref.sets import ExtendedNonneg, Index, Positive, Real, checked


@checked
def derivative(
    f: Callable[[Real[Tensor, ""]], Real[Tensor, ""]], x: Real[Tensor, ""]
) -> Real[Tensor, ""]:
    r"""Derivative: how much the output changes for each unit of a small change of the input.

    .. math:: f'(x) = \lim_{h \to 0} \frac{f(x + h) - f(x)}{h}

    A small step :math:`h` changes the output by :math:`f'(x) \, h`, up to a remainder that is small
    against :math:`h`: :math:`f(x + h) \approx f(x) + f'(x) \, h`. Zero at every minimum and maximum
    inside the domain. It exists only where the quotient has the same limit from both sides.

    Args:
        f: :math:`f`, a function of one number, made of PyTorch operations.
        x: :math:`x`, the point.

    Returns:
        :math:`f'(x)`, in units of the output for each unit of the input.

    Also called:
        slope, rate of change, dy/dx, f prime, ordinary derivative, instantaneous rate of change,
        slope of the tangent.

    Asked as:
        limit definition; difference quotient; sensitivity; velocity.

    Role in ML:
        - objective -- Stable Diffusion 3: the training losses that are compared have one form, in
          whose weight the derivative in time of the logarithm of the signal-to-noise ratio is a
          factor :cite:p:`esser2024scaling{sec. 2, eq. (10)}`.
        - primitive -- Flow Matching library: a schedule returns the weights of data and noise at
          time :math:`t` and their derivatives in :math:`t`, from which the velocity that the
          network learns is put together
          :cite:p:`lipman2024flow{code: flow_matching/path/scheduler/scheduler.py, lines 186-196;
          flow_matching/path/affine.py, line 90}`.
        - primitive -- PyTorch: the derivative of an elementwise operation with one input is
          written down once, in a table, and serves reverse and forward mode
          :cite:p:`ansel2024pytorch2{code: tools/autograd/derivatives.yaml, auto_element_wise}`.

    Numerics:
        Computed in forward mode, ``torch.func.jvp``: the pair :math:`(x, 1)` runs through
        :math:`f`, each operation turns value and slope into value and slope, and no difference is
        formed. The quotient itself has an error of order :math:`h` from the curvature and of order
        :math:`\epsilon / h` from the precision :math:`\epsilon`: in double precision it is best
        near :math:`h = 10^{-8}`, with half of the digits. At a kink PyTorch returns a convention,
        where the slope is vertical :math:`\infty`. Also written :math:`\frac{dy}{dx} = \lim_{\Delta
        x \to 0} \frac{\Delta y}{\Delta x}`, and at a point :math:`a` :math:`f'(a) = \lim_{x \to a}
        \frac{f(x) - f(a)}{x - a}`.

    Checked against:
        ``torch.func.grad(f)(x)``, ``torch.imag(f(x + 1e-30j)) / 1e-30``

    Examples:
        By hand, :math:`x^3` at 2: the quotient is :math:`12 + 6 h + h^2`, and the limit 12:

        >>> import torch
        >>> derivative(lambda x: x**3, torch.tensor(2.0))
        tensor(12.)

        A damped wave, and the same by ``mpmath.diff``:

        >>> import mpmath
        >>> wave = lambda x: torch.sin(2.3 * x) * torch.exp(-0.4 * x**2)
        >>> derivative(wave, torch.tensor(1.7))
        tensor(-0.2230)
        >>> slope = mpmath.diff(lambda x: mpmath.sin(2.3 * x) * mpmath.exp(-0.4 * x**2), 1.7)
        >>> round(float(slope), 4)
        -0.223

        A step of 0.01 changes the output by about 0.01 times the derivative:

        >>> x, step = torch.tensor([1.7, 1.71], dtype=torch.float64), 0.01
        >>> round(torch.diff(wave(x)).item(), 4), round(step * float(slope), 4)
        (-0.0021, -0.0022)

        Differentiated again, :math:`f''(x) = 6 x`:

        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> derivative(lambda x: x**3, x).backward()
        >>> x.grad
        tensor(18.)

        The quotient for :math:`e^x` at 0, whose derivative is 1: too large an :math:`h` bends, too
        small an :math:`h` rounds, and at last nothing is left of the difference:

        >>> import numpy as np
        >>> h = np.asarray([1e-1, 1e-4, 1e-8, 1e-12, 1e-16])
        >>> np.abs((np.exp(h) - 1) / h - 1).round(6).tolist()
        [0.051709, 5e-05, 0.0, 8.9e-05, 1.0]

        The rectifier has a kink at 0, the root a vertical slope:

        >>> derivative(torch.relu, torch.tensor(0.0)), derivative(torch.sqrt, torch.tensor(0.0))
        (tensor(0.), tensor(inf))
    """
    import torch

    value, slope = torch.func.jvp(f, (x,), (torch.ones_like(x),))[:2]
    return slope.to(value.dtype)  # the slopes of Python's numbers are in 64 bits


@checked
def partial_derivative(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, ""]],
    x: Real[Tensor, "n"],
    i: Index[int, "", "n - 1"],
) -> Real[Tensor, ""]:
    r"""Partial derivative: the slope along one input while all the others are held fixed.

    .. math:: \partial_{i+1} f(x) = \lim_{h \to 0} \frac{f(x + h \, e_{i+1}) - f(x)}{h}

    It is the component of the gradient that belongs to this input. All of them may exist at a
    point where :math:`f` is not even continuous; where they are continuous, together they tell the
    slope in every direction.

    Args:
        f: :math:`f`, a function of a vector with one number as result, made of PyTorch operations.
        x: :math:`x`, the point.
        i: :math:`i`, the place of the input that moves, counted from 0.

    Returns:
        :math:`\partial_{i+1} f(x)`, also written :math:`\partial f / \partial x_{i+1}`.

    Where:
        - :math:`e_k`: ``np.eye(n)[k - 1]``, the unit vector along input :math:`k`

    Also called:
        partial, df/dx_i, component of the gradient.

    Asked as:
        del f del x; ceteris paribus; slope along one input; sensitivity to one input.

    Role in ML:
        - objective -- PhysicsNeMo: the residual of a differential equation, which enters the loss,
          is put together from the partial derivatives of the network's fields in the coordinates
          :cite:p:`nvidia2023physicsnemo{code: physicsnemo/sym/eq/gradients.py, class
          GradientsAutoDiff}`.
        - primitive -- MACE-MP-0: the stress on a periodic cell is the derivative of its energy in
          each entry of a deformation of the cell, divided by the cell's volume
          :cite:p:`batatia2023foundation{code: ACEsuit/mace at 667eee4, mace/modules/utils.py, lines
          41-69}`.
        - primitive -- gsplat: the backward pass of rendering writes out the slope of a splat's
          exponent in each of three shape numbers and two offsets
          :cite:p:`ye2025gsplat{code: gsplat/cuda/csrc/RasterizeToPixels3DGSSerialBatchBwd.cu,
          lines 261-269}`.

    Numerics:
        Computed as the derivative of :math:`f` along a line, one run in forward mode. All :math:`n`
        of them take :math:`n` such runs, where reverse mode gets the whole gradient in one. What is
        held fixed belongs to the question: if another input depends on this one, the total
        derivative has further terms. A negative :math:`i` is refused, it does not count from the
        end. With two inputs :math:`\frac{\partial f}{\partial x} = \lim_{h \to 0} \frac{f(x + h, y)
        - f(x, y)}{h}`, also written :math:`f_x`.

    Checked against:
        ``torch.func.grad(f)(x)[i]``,
        ``torch.imag(f(x + 1e-30j * torch.eye(len(x), dtype=x.dtype)[i])) / 1e-30``

    Examples:
        By hand, :math:`x_1^2 + 2 x_1 x_2 + x_2^2` has the slope :math:`2 x_1 + 2 x_2` along both
        inputs:

        >>> import torch
        >>> f = lambda x: x[0] ** 2 + 2 * x[0] * x[1] + x[1] ** 2
        >>> x = torch.tensor([3.0, 5.0])
        >>> partial_derivative(f, x, 0), partial_derivative(f, x, 1)
        (tensor(16.), tensor(16.))

        Three inputs without symmetry, along the second, and the same by ``mpmath.diff``:

        >>> import mpmath
        >>> g = lambda x: torch.sin(x[0] * x[1]) + x[1] ** 2 / x[2]
        >>> x = torch.tensor([0.7, -1.3, 2.6])
        >>> partial_derivative(g, x, 1)
        tensor(-0.5704)
        >>> h = lambda x, y, z: mpmath.sin(x * y) + y**2 / z
        >>> round(float(mpmath.diff(h, (0.7, -1.3, 2.6), (0, 1, 0))), 4)
        -0.5704

        Where :math:`x_2 = x_1^2`, the partial derivative of :math:`x_1 x_2` is :math:`x_2 = 9` at
        :math:`x_1 = 3`; along the curve the slope is that of :math:`x_1^3`, which is 27:

        >>> product = lambda x: x[0] * x[1]
        >>> partial_derivative(product, torch.tensor([3.0, 9.0]), 0)
        tensor(9.)
        >>> curve = lambda x: torch.stack([x[0], x[0] ** 2])
        >>> partial_derivative(lambda x: product(curve(x)), torch.tensor([3.0]), 0)
        tensor(27.)

        The derivative of :math:`\partial_1 (x_1^2 x_2)` in :math:`x` is
        :math:`(2 x_2, 2 x_1)`, the first row of the Hessian:

        >>> x = torch.tensor([3.0, 5.0], requires_grad=True)
        >>> partial_derivative(lambda x: x[0] ** 2 * x[1], x, 0).backward()
        >>> x.grad
        tensor([10.,  6.])

        Places are counted from 0 and only from the front:

        >>> partial_derivative(f, torch.tensor([3.0, 5.0]), -1)
        Traceback (most recent call last):
        ValueError: partial_derivative: i must hold integers from 0 to 1, got -1
    """
    import torch

    direction = torch.eye(len(x), dtype=x.dtype, device=x.device)[i]
    return derivative(lambda h: f(x + h * direction), x.new_zeros(()))


@checked
def exp_derivative(x: Real[Array, "*shape"]) -> ExtendedNonneg[Array, "*shape"]:
    r"""Derivative of the exponential: growth at a rate equal to what is there already.

    .. math:: \frac{d}{dx} e^x = \lim_{h \to 0} \frac{e^{x + h} - e^x}{h} = e^x

    The quotient is :math:`e^x (e^h - 1) / h`, and :math:`(e^h - 1) / h` tends to 1. The multiples
    of :math:`e^x` are the only functions that are their own derivative. For another base
    :math:`\frac{d}{dx} a^x = a^x \log a`, and for an inner function :math:`\frac{d}{dx} e^{f(x)} =
    f'(x) \, e^{f(x)}`.

    Args:
        x: :math:`x`, the exponent.

    Returns:
        :math:`\frac{d}{dx} e^x`, the slope, which is also the value.

    Also called:
        derivative of e^x, derivative of exp, d/dx e^x, exponential rule, exp(x)' = exp(x).

    Asked as:
        exponential growth; derivative of a^x.

    Role in ML:
        - primitive -- gsplat: the weight of a splat in a pixel is a clamped multiple of an
          exponential, which is returned beside it because the backward pass takes it as the slope
          :cite:p:`ye2025gsplat{code: gsplat/cuda/csrc/RasterizeToPixels3DGSDevice.cuh, lines
          35-48}`.
        - schedule -- Flow Matching library: where the weight of the data is
          :math:`e^{-T/2}`, its slope in time is that exponential times the slope of the exponent
          :cite:p:`lipman2024flow{code: flow_matching/path/scheduler/scheduler.py, lines 157-159}`.
        - primitive -- PyTorch: the backward pass of the exponential multiplies by the result that
          was kept, and does not look at the input
          :cite:p:`ansel2024pytorch2{code: tools/autograd/derivatives.yaml, name: exp}`.

    Numerics:
        The slope costs nothing once the value is known. From :math:`x = 709.8` on, in single
        precision from 88.8, it is infinite, and below :math:`-745.2` it is 0. A quotient of
        differences for small :math:`h` needs ``expm1``, which gives :math:`e^h - 1` without
        subtracting.

    Checked against:
        ``torch.func.grad(torch.exp)(x)``,
        ``np.asarray(float(mpmath.diff(mpmath.exp, float(x))))``

    Examples:
        By hand: at 0 the slope is 1, at :math:`\log 3` it is 3:

        >>> import numpy as np
        >>> exp_derivative(np.log(np.asarray([1.0, 3.0]))).round(4).tolist()
        [1.0, 3.0]

        Other places, as ``mpmath.diff`` has them:

        >>> import mpmath
        >>> exp_derivative(np.asarray([-1.7, 0.6, 2.3])).round(4).tolist()
        [0.1827, 1.8221, 9.9742]
        >>> [round(float(mpmath.diff(mpmath.exp, x)), 4) for x in (-1.7, 0.6, 2.3)]
        [0.1827, 1.8221, 9.9742]

        The slope of the slope is the same again:

        >>> import torch
        >>> x = torch.tensor(2.3, requires_grad=True)
        >>> exp_derivative(x).backward()
        >>> x.grad
        tensor(9.9742)

        With the chain rule, a quantity that decays as :math:`e^{-0.1 t}` loses a tenth of itself
        in each unit of time:

        >>> t = np.asarray(7.0)
        >>> round(float(-0.1 * exp_derivative(-0.1 * t) / np.exp(-0.1 * t)), 4)
        -0.1

        The quotient at 0 for :math:`h = 10^{-12}`, with and without the subtraction:

        >>> h = 1e-12
        >>> round(float((np.exp(h) - 1) / h), 6), round(float(np.expm1(h) / h), 6)
        (1.000089, 1.0)

        Out of range:

        >>> exp_derivative(torch.tensor([89.0, -104.0]))
        tensor([inf, 0.])
        >>> exp_derivative(torch.tensor([710.0, -746.0], dtype=torch.float64))
        tensor([inf, 0.], dtype=torch.float64)
    """
    xp = array_namespace(x)
    return xp.exp(x)


@checked
def log_derivative(x: Positive[Array, "*shape"]) -> ExtendedNonneg[Array, "*shape"]:
    r"""Derivative of the logarithm: the same change counts for less where there is more.

    .. math:: \frac{d}{dx} \log x = \lim_{h \to 0} \frac{\log(x + h) - \log x}{h} = \frac{1}{x}

    The logarithm undoes the exponential, so the two slopes multiply to 1. For any positive
    :math:`f` it follows that :math:`(\log f)' = f' / f`, the relative rate of change, and for a
    density that :math:`\nabla p = p \, \nabla \log p`, the log-derivative trick.

    Args:
        x: :math:`x`, what the logarithm is taken of.

    Returns:
        :math:`\frac{d}{dx} \log x`, the slope.

    Also called:
        derivative of ln x, derivative of log, d/dx ln x, derivative of the natural logarithm,
        logarithm rule.

    Asked as:
        logarithmic derivative; log-derivative trick; score function trick; relative change; 1/x.

    Role in ML:
        - objective -- MDLM: the total noise is :math:`\sigma = -\log(1 - (1 - \epsilon) t)`; the
          schedule returns its derivative in :math:`t` in closed form, and that over
          :math:`e^\sigma - 1` weights the loss
          :cite:p:`sahoo2024simple{code: noise_schedule.py, lines 140-144; diffusion.py, line 894}`.
        - contrast -- llm.c: the slope :math:`-1/p` of the loss is not computed, because the
          backward step takes softmax and logarithm together and is left with a difference
          :cite:p:`karpathy2024llmc{code: train_gpt2.c, lines 502-517}`.

    Numerics:
        Large where :math:`x` is small: :math:`10^{12}` for a probability of :math:`10^{-12}`, and
        infinite in double precision below :math:`5.6 \cdot 10^{-309}`. A loss therefore takes the
        logarithm of the softmax in one step, where that factor cancels. At 0 and below there is no
        slope, and the argument is refused; PyTorch's own derivative gives :math:`1/x` there too. To
        another base :math:`\frac{d}{dx} \log_a x = \frac{1}{x \log a}`.

    Checked against:
        ``torch.func.grad(torch.log)(x)``,
        ``np.asarray(float(mpmath.diff(mpmath.log, float(x))))``

    Examples:
        By hand, 1/4 and 1/0.5:

        >>> import numpy as np
        >>> log_derivative(np.asarray([4.0, 0.5])).tolist()
        [0.25, 2.0]

        Other places, as ``mpmath.diff`` has them:

        >>> import mpmath
        >>> log_derivative(np.asarray([0.3, 1.7, 23.0])).round(4).tolist()
        [3.3333, 0.5882, 0.0435]
        >>> [round(float(mpmath.diff(mpmath.log, x)), 4) for x in (0.3, 1.7, 23.0)]
        [3.3333, 0.5882, 0.0435]

        The slope of the slope is :math:`-1/x^2`:

        >>> import torch
        >>> x = torch.tensor(4.0, requires_grad=True)
        >>> log_derivative(x).backward()
        >>> x.grad
        tensor(-0.0625)

        It undoes the slope of the exponential; and a probability that rises from 0.2 at a rate of
        0.03 rises by 15 percent of itself:

        >>> x = np.exp(np.asarray([1.3, -0.4]))
        >>> (x * log_derivative(x)).round(4).tolist()
        [1.0, 1.0]
        >>> float(0.03 * log_derivative(np.asarray(0.2)))
        0.15

        Softmax and logarithm one after the other make a huge slope and then a tiny one. With
        scores of 0 and 104 the probability underflows, and the gradient that ought to be
        :math:`(1, -1)` is none; in one step it is right:

        >>> z = torch.tensor([0.0, 104.0], requires_grad=True)
        >>> torch.log(torch.softmax(z, 0))[0].backward()
        >>> z.grad
        tensor([nan, nan])
        >>> z.grad = None
        >>> torch.log_softmax(z, 0)[0].backward()
        >>> z.grad
        tensor([ 1., -1.])

        Out of range, and outside of the domain, where PyTorch answers nevertheless:

        >>> log_derivative(torch.tensor([1e-12, 1e-310], dtype=torch.float64))
        tensor([1.0000e+12,        inf], dtype=torch.float64)
        >>> torch.func.grad(torch.log)(torch.tensor(-2.5))
        tensor(-0.4000)
        >>> log_derivative(torch.tensor(-2.5))
        Traceback (most recent call last):
        ValueError: log_derivative: x must hold finite numbers above zero, got -2.5
    """
    return 1 / x
