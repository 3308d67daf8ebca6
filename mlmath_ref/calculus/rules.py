r"""Rules of differentiation: slopes of the whole from slopes of its parts.

A sum, a product and a composition of functions have derivatives that follow from those of the
parts. So a program that knows the slopes of its elementary operations can find the slope of
anything built from them, and automatic differentiation is no more than that: every operation that
runs turns values and slopes of its inputs into the value and the slope of its output
:cite:p:`baydin2018automatic`. In forward mode the slopes travel with the values, and the sum and
product rules are applied as they stand here. In reverse mode the same factors are applied in the
opposite order: a sum hands its slope to every term, a product hands each factor the other one.

The rules are given in the form in which they are computed: they take numbers that the parts have at
a point, not the parts as formulas. The chain rule takes functions, because where each factor is
evaluated is the half of it that is forgotten first. The power rule is the product rule applied to
equal factors, and holds for non-integer exponents too.

:map: 2.1 Chain rule
"""

from collections.abc import Callable

from mlmath_ref.arrays import Array, Tensor, total
from mlmath_ref.calculus.derivatives import jacobian
from mlmath_ref.sets import Positive, Real, checked


@checked
def power_rule(x: Positive[Array, "*shape"], n: Real[float, ""]) -> Real[Array, "*shape"]:
    r"""Power rule: the exponent comes down as a factor, and one power is lost.

    .. math:: \frac{d}{dx} x^n = \lim_{h \to 0} \frac{(x + h)^n - x^n}{h} = n x^{n-1}

    Of the :math:`n` equal factors of a whole power each is differentiated once, by the product
    rule; any real :math:`n` follows from :math:`x^n = e^{n \log x}` and the chain rule. Relative
    changes are multiplied by the exponent: :math:`x \, (x^n)' / x^n = n`.

    Args:
        x: :math:`x`, the base.
        n: :math:`n`, the exponent, any real number.

    Returns:
        :math:`\frac{d}{dx} x^n`, the slope.

    Also called:
        derivative of x^n, monomial derivative.

    Asked as:
        polynomial derivative; derivative of x squared; derivative of the square root; derivative of
        1/x; reciprocal rule; elasticity of a power law.

    Role in ML:
        - schedule -- Flow Matching library: a schedule that weights the data by :math:`t^n` returns
          this slope with it, and its negative as the slope of the weight of the noise
          :cite:p:`lipman2024flow{code: flow_matching/path/scheduler/scheduler.py, lines 130-136}`.
        - primitive -- modded-nanogpt: the kernel of the squared rectifier stores only the square
          and takes its root again in the backward pass, where the slope is twice the rectified
          input :cite:p:`jordan2024modded{code: triton_kernels.py, lines 473-475}`.

    Numerics:
        As the base tends to 0, the slope tends to 0 if :math:`n > 1` and is unbounded if
        :math:`n < 1`, as for the square root; it is 1 for :math:`n = 1` and 0 for :math:`n = 0`. It
        overflows like any power. The base has to be above 0, where every real exponent is defined.
        For positive integers :math:`n` the rule holds at every base, for negative integers at every
        base except 0. Common cases are
        :math:`\frac{d}{dx} x^2 = 2 x`, :math:`\frac{d}{dx} \sqrt{x} = \frac{1}{2 \sqrt{x}}` and
        :math:`\frac{d}{dx} \frac{1}{x} = -\frac{1}{x^2}`.

    Checked against:
        ``torch.func.grad(lambda y: y**n)(x)``,
        ``np.asarray(float(mpmath.diff(lambda y: y**n, float(x))))``

    Examples:
        By hand, :math:`3 \cdot 2^2 = 12` and, for the root of 4, :math:`\tfrac12 / 2`:

        >>> import numpy as np
        >>> x = np.asarray([2.0, 4.0])
        >>> float(power_rule(x, 3.0)[0]), float(power_rule(x, 0.5)[1])
        (12.0, 0.25)

        A non-integer and a negative exponent, and the second by ``mpmath.diff``:

        >>> import mpmath
        >>> x = np.asarray([0.3, 1.7])
        >>> power_rule(x, 1.4).round(4).tolist(), power_rule(x, -2.6).round(4).tolist()
        ([0.8649, 1.731], [-198.3064, -0.3849])
        >>> [round(float(mpmath.diff(lambda x: x**-2.6, x)), 4) for x in (0.3, 1.7)]
        [-198.3064, -0.3849]

        A loss that falls as :math:`N^{-0.34}` falls by about 0.34 percent for each percent of
        additional parameters, at any size:

        >>> N = np.asarray([1e9, 70e9])
        >>> (N * power_rule(N, -0.34) / N**-0.34).round(4).tolist()
        [-0.34, -0.34]

        The slope of the slope is :math:`n (n - 1) x^{n-2}`, here :math:`6 x`:

        >>> import torch
        >>> x = torch.tensor(2.0, requires_grad=True)
        >>> power_rule(x, 3.0).backward()
        >>> x.grad
        tensor(12.)

        Near 0 it vanishes, stays or grows:

        >>> x = np.asarray(1e-8)
        >>> [float(power_rule(x, n)) for n in (2.0, 1.0, 0.5)]
        [2e-08, 1.0, 5000.0]
        >>> torch.func.grad(torch.sqrt)(torch.tensor(0.0))
        tensor(inf)
    """
    return n * x ** (n - 1)


@checked
def sum_rule(c: Real[Array, "*batch m"], df: Real[Array, "*batch m n"]) -> Real[Array, "*batch n"]:
    r"""Sum rule: the gradient of a weighted sum is the weighted sum of the gradients.

    .. math:: \nabla (c_1 f_1 + \dots + c_m f_m) = \sum_{k=1}^{m} c_k \nabla f_k

    The limit of a sum is the sum of the limits, and a constant factor goes through. With two terms
    it is :math:`(a f + b g)' = a f' + b g'`, with weights 1 :math:`(f + g)' = f' + g'`, and of a
    mean loss :math:`\nabla \frac{1}{m} \sum_k \mathcal{L}_k = \frac{1}{m} \sum_k \nabla
    \mathcal{L}_k`. The weights may not depend on the point.

    Args:
        c: :math:`c`, the weight of each function.
        df: :math:`\nabla f_k`, the gradients of the functions at one point, a row for each.

    Returns:
        :math:`\nabla (c_1 f_1 + \dots + c_m f_m)`, the gradient of the weighted sum.

    Also called:
        linearity of differentiation, sum rule of differentiation.

    Asked as:
        constant multiple rule; additivity of the derivative; linear combination of gradients;
        gradient accumulation; micro-batches; averaging gradients.

    Role in ML:
        - objective -- Tulu 3: micro-batches hold unequal numbers of tokens, so a mean of their mean
          losses weights tokens unequally; the trainer sums losses over tokens instead
          :cite:p:`lambert2024tulu{code: open_instruct/finetune.py, lines 914-933 of November
          2024}`.
        - primitive -- llm.c: backward through a residual sum adds the incoming slope to both terms,
          and every slope is accumulated, as a value may be used in several places
          :cite:p:`karpathy2024llmc{code: train_gpt2.c, lines 442-447}`.

    Numerics:
        The gradient of a mean over all tokens is had from micro-batches with the shares of their
        tokens as weights; equal weights give another gradient unless all are equally large. Sums of
        gradients that cancel lose digits. An accumulator of 16 bits stops growing: in half
        precision :math:`2048 + 1` is 2048. Here such arrays are summed in 64 and rounded once.

    Checked against:
        ``torch.func.grad(lambda t: torch.dot(c, torch.sin(torch.mv(df, t))))(
        torch.zeros(df.shape[1], dtype=df.dtype))``

    Examples:
        By hand, :math:`(1, 2) + (3, 4)`, and three times the first less the second:

        >>> import numpy as np
        >>> df = np.asarray([[1.0, 2.0], [3.0, 4.0]])
        >>> sum_rule(np.asarray([1.0, 1.0]), df).tolist()
        [4.0, 6.0]
        >>> sum_rule(np.asarray([3.0, -1.0]), df).tolist()
        [0.0, 2.0]

        The gradient of :math:`0.7 \sin x_1 x_2 - 1.6 \, x_1 e^{x_2}` from those of its terms, and
        of the whole at once by PyTorch:

        >>> import torch
        >>> f = lambda x: torch.stack([torch.sin(x[0] * x[1]), x[0] * torch.exp(x[1])])
        >>> c, x = torch.tensor([0.7, -1.6]), torch.tensor([0.4, 1.3])
        >>> sum_rule(c, torch.func.jacfwd(f)(x))
        tensor([-5.0812, -2.1054])
        >>> torch.func.grad(lambda x: c @ f(x))(x)
        tensor([-5.0812, -2.1054])

        Three tokens in one micro-batch, one in another. The gradient of the mean over four tokens
        takes the weights 3/4 and 1/4; the mean of the two means counts the lone token three times:

        >>> tokens = np.asarray([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.0, 8.0]])
        >>> means = np.stack([tokens[:3].mean(0), tokens[3:].mean(0)])
        >>> tokens.mean(0).tolist(), sum_rule(np.asarray([0.75, 0.25]), means).tolist()
        ([1.5, 2.0], [1.5, 2.0])
        >>> sum_rule(np.asarray([0.5, 0.5]), means).tolist()
        [1.0, 4.0]

        The derivative in the weight of a function is the sum of that function's slopes:

        >>> c = torch.tensor([1.0, 1.0], requires_grad=True)
        >>> sum_rule(c, torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        >>> c.grad
        tensor([3., 7.])

        Four small gradients on top of a large one, in half precision: here, and in an accumulator
        that is rounded after each term:

        >>> df = torch.tensor([[2048.0], [1.0], [1.0], [1.0], [1.0]], dtype=torch.float16)
        >>> sum_rule(torch.ones(5, dtype=torch.float16), df).item()
        2052.0
        >>> total = torch.zeros(1, dtype=torch.float16)
        >>> for gradient in df:
        ...     total += gradient
        >>> total.item()
        2048.0
    """
    return total((c[..., None] * df).mT)


@checked
def product_rule(
    f: Real[Array, "*shape"],
    df: Real[Array, "*shape"],
    g: Real[Array, "*shape"],
    dg: Real[Array, "*shape"],
) -> Real[Array, "*shape"]:
    r"""Product rule: each factor changes in turn, weighted by the other.

    .. math:: (f g)' = f' g + f g'

    Both factors of :math:`(f + h f')(g + h g')` move by a small :math:`h`; what stands with
    :math:`h` is the slope, and :math:`h^2 f' g'` vanishes against it. For matrices it holds as
    well, with the order of the factors kept, :math:`d(A B) = (dA) B + A \, dB`; with :math:`1/g` as
    the second factor it is the quotient rule, :math:`(f / g)' = (f' g - f g') / g^2`.

    Args:
        f: :math:`f`, the value of the first factor.
        df: :math:`f'`, its slope.
        g: :math:`g`, the value of the second factor.
        dg: :math:`g'`, its slope.

    Returns:
        :math:`(f g)'`, the slope of the product.

    Also called:
        Leibniz rule, product rule of calculus, (uv)' = u'v + uv'.

    Asked as:
        Leibniz law; quotient rule; dual numbers; JVP of a product.

    Role in ML:
        - primitive -- Liger-Kernel: the backward kernel of SwiGLU gives each factor the incoming
          slope times the other, and the slope of :math:`a \, \sigma(a)` is itself such a sum
          :cite:p:`hsu2025liger{code: src/liger_kernel/ops/swiglu.py, lines 87-92}`.
        - activation -- llm.c: GELU is :math:`x` times a gate, and its slope is written out as
          the gate plus :math:`x` times the slope of the gate
          :cite:p:`karpathy2024llmc{code: train_gpt2.c, line 430}`.
        - primitive -- PyTorch: forward mode through a multiplication is this line of the table of
          derivatives
          :cite:p:`ansel2024pytorch2{code: tools/autograd/derivatives.yaml, name: mul.Tensor}`.
          Witness: ``torch.func.jvp``.

    Numerics:
        Two multiplications and an addition; the values of both factors have to be kept for the
        backward pass. Where a factor is 0 its own slope still passes, times the other factor: a
        closed gate gets a gradient, and what it gates gets none. The two terms may cancel. The
        relative changes add, :math:`(f g)' / (f g) = f'/f + g'/g`, which needs factors other than
        0.

    Checked against:
        ``torch.func.jvp(torch.mul, (f, g), (df, dg))[1]``,
        ``np.imag((f + 1e-30j * df) * (g + 1e-30j * dg)) / 1e-30``

    Examples:
        By hand, :math:`x^2 \cdot x^3` at 2, with values 4 and 8 and slopes 4 and 12:
        :math:`4 \cdot 8 + 4 \cdot 12 = 80`, which is :math:`5 \cdot 2^4`:

        >>> import numpy as np
        >>> f, df, g, dg = (np.asarray(v) for v in (4.0, 4.0, 8.0, 12.0))
        >>> float(product_rule(f, df, g, dg))
        80.0

        The slope of :math:`\sin(2.3 x) \, e^{-0.4 x^2}`, and the same by ``mpmath.diff``:

        >>> import mpmath
        >>> x = np.asarray([0.6, 1.7])
        >>> f, df = np.sin(2.3 * x), 2.3 * np.cos(2.3 * x)
        >>> g, dg = np.exp(-0.4 * x**2), -0.8 * x * np.exp(-0.4 * x**2)
        >>> product_rule(f, df, g, dg).round(4).tolist()
        [-0.0304, -0.223]
        >>> whole = lambda x: mpmath.sin(2.3 * x) * mpmath.exp(-0.4 * x**2)
        >>> [round(float(mpmath.diff(whole, x)), 4) for x in (0.6, 1.7)]
        [-0.0304, -0.223]

        Matrices keep their order, and so do their slopes; PyTorch's forward mode agrees with
        :math:`A' B + A B'`, not with :math:`B A' + A B'`:

        >>> import torch
        >>> a, b = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[3.0, 0.0], [1.0, 2.0]])
        >>> da, db = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
        >>> slope = torch.func.jvp(torch.matmul, (a, b), (da, db))[1]
        >>> torch.equal(slope, da @ b + a @ db), torch.equal(slope, b @ da + a @ db)
        (True, False)

        A closed gate :math:`f = 0`: in reverse mode its slope is the other factor, and the other
        factor gets nothing:

        >>> f, g = torch.tensor(0.0, requires_grad=True), torch.tensor(5.0, requires_grad=True)
        >>> product_rule(f, torch.tensor(1.0), g, torch.tensor(1.0)).item()
        5.0
        >>> (f * g).backward()
        >>> f.grad, g.grad
        (tensor(5.), tensor(0.))

        The result itself has the gradient :math:`g'` in :math:`f` and :math:`f'` in :math:`g`:

        >>> f, g = torch.tensor(4.0, requires_grad=True), torch.tensor(8.0, requires_grad=True)
        >>> product_rule(f, torch.tensor(3.0), g, torch.tensor(12.0)).backward()
        >>> f.grad, g.grad
        (tensor(12.), tensor(3.))
    """
    return df * g + f * dg


@checked
def chain_rule(
    f: Callable[[Real[Tensor, "k"]], Real[Tensor, "m"]],
    g: Callable[[Real[Tensor, "n"]], Real[Tensor, "k"]],
    x: Real[Tensor, "n"],
) -> Real[Tensor, "m n"]:
    r"""Chain rule: slopes of functions applied one after the other multiply, summed over the paths.

    .. math::
        J_{ij} = \frac{\partial f_i(g(x))}{\partial x_j}
        = \sum_l \frac{\partial f_i(y)}{\partial y_l} \frac{\partial g_l(x)}{\partial x_j},
        \quad y = g(x)

    The linear map that :math:`f \circ g` is from close up is the product of the two,
    :math:`J_f(g(x)) \, J_g(x)`: outer function first, and taken where :math:`g` has arrived. With
    one number in each place it is :math:`\frac{dz}{dx} = \frac{dz}{dy} \cdot \frac{dy}{dx}`, or
    :math:`(f \circ g)'(x) = f'(g(x)) \, g'(x)`; with several :math:`y_l` between, every path from
    :math:`x_j` to :math:`f_i` adds a term.

    Args:
        f: :math:`f`, the outer function, applied last, made of PyTorch operations.
        g: :math:`g`, the inner function, applied first, made of PyTorch operations.
        x: :math:`x`, the point.

    Returns:
        :math:`J`, the Jacobian of the composition at :math:`x`.

    Also called:
        derivative of a composition, composite function rule, (f(g(x)))' = f'(g(x)) g'(x).

    Asked as:
        dy/dx = dy/du du/dx; backprop; total derivative; Jacobian product; sum over paths.

    Role in ML:
        - objective -- llm.c: the backward pass of GPT-2 calls the backward step of every layer in
          the reverse order of the forward pass, starting from the slope of the mean loss
          :cite:p:`karpathy2024llmc{code: train_gpt2.c, lines 922-1004}`.
        - primitive -- Liger-Kernel: where the gate of SwiGLU is multiplied by a constant before the
          activation, the slope gets the same constant as one more factor
          :cite:p:`hsu2025liger{code: src/liger_kernel/ops/swiglu.py, lines 91-92}`.

    Numerics:
        The product may be formed from either end, with the same result up to rounding and at
        unequal cost: for a loss, :math:`m = 1`, a row times a matrix from the left is cheaper than
        a product of matrices by the width of the layers. The intermediate value :math:`g(x)` has to
        be kept or computed again. Along a curve it is :math:`\frac{dz}{dt} = \frac{\partial
        z}{\partial x} \frac{dx}{dt} + \frac{\partial z}{\partial y} \frac{dy}{dt}`. Many factors
        shrink or grow the product, which is how gradients vanish and explode.

    Checked against:
        ``torch.func.jacfwd(lambda x: f(g(x)))(x)``,
        ``torch.stack([torch.imag(f(g(x + 1e-30j * e))) / 1e-30 for e in torch.eye(len(x),
        dtype=x.dtype)], dim=1)``

    Examples:
        By hand, :math:`z = y^2` of :math:`y = 3 x + 1` at 2: the outer slope is taken at 7, not
        at 2, and :math:`2 \cdot 7 \cdot 3 = 42`:

        >>> import torch
        >>> chain_rule(lambda y: y**2, lambda x: 3 * x + 1, torch.tensor([2.0]))
        tensor([[42.]])

        Two paths: :math:`f = y_1 y_2` with :math:`y = (x^2, 5 x)` at 3. Over :math:`y_1` it is
        :math:`15 \cdot 6 = 90`, over :math:`y_2` it is :math:`9 \cdot 5 = 45`; the sum is the slope
        of :math:`5 x^3`:

        >>> f, g = lambda y: y.prod(0, keepdim=True), lambda x: torch.cat([x**2, 5 * x])
        >>> chain_rule(f, g, torch.tensor([3.0]))
        tensor([[135.]])

        Two outputs, three numbers between, two inputs; ``torch.func.jacfwd`` of the composition
        gives the same:

        >>> a = torch.tensor([[0.5, -0.7], [0.4, 1.1], [-1.3, 0.2]])
        >>> g, f = lambda x: torch.tanh(a @ x), lambda y: torch.stack([y.prod(), y.sum() ** 2])
        >>> x = torch.tensor([0.9, -0.4])
        >>> chain_rule(f, g, x)
        tensor([[-0.1712, -0.6095],
                [-0.2067, -0.4398]])
        >>> torch.func.jacfwd(lambda x: f(g(x)))(x)
        tensor([[-0.1712, -0.6095],
                [-0.2067, -0.4398]])

        The order matters: a rotation after a stretch is not a stretch after a rotation:

        >>> turn, stretch = torch.tensor([[0.0, -1.0], [1.0, 0.0]]), torch.tensor([2.0, 3.0])
        >>> chain_rule(lambda y: turn @ y, lambda x: stretch * x, x)
        tensor([[ 0., -3.],
                [ 2.,  0.]])
        >>> chain_rule(lambda y: stretch * y, lambda x: turn @ x, x)
        tensor([[ 0., -2.],
                [ 3.,  0.]])

        Three functions, split at either place:

        >>> h, last = lambda x: stretch * x, lambda y: y[:1] * y[1:]
        >>> chain_rule(last, lambda x: torch.sin(h(x)), x)
        tensor([[0.4235, 1.0586]])
        >>> chain_rule(lambda y: last(torch.sin(y)), h, x)
        tensor([[0.4235, 1.0586]])

        Thirty factors of 0.5 leave a slope of :math:`10^{-9}`:

        >>> layers = lambda x: x * 0.5**29
        >>> chain_rule(lambda y: 0.5 * y, layers, torch.tensor([1.0]))
        tensor([[9.3132e-10]])

        Differentiated again, the slope :math:`18 x + 6` of :math:`(3 x + 1)^2` has the slope 18:

        >>> x = torch.tensor([2.0], requires_grad=True)
        >>> chain_rule(lambda y: y**2, lambda x: 3 * x + 1, x).backward()
        >>> x.grad
        tensor([18.])
    """
    y = g(x)
    return jacobian(f, y) @ jacobian(g, x)
