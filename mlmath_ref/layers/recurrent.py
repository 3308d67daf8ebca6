r"""Recurrent cells: a state that is carried from step to step.

A recurrent layer reads a sequence one item at a time and keeps what it has seen in a state of fixed
size. The plain cell passes the whole state through a matrix and a nonlinear function at every step,
and gradients through many steps shrink or grow like a product of as many matrices. The long
short-term memory adds a second state :math:`c_t` that is multiplied by a gate and added to, feature
by feature: :math:`\partial c_t / \partial c_{t-1}` along that path is the forget gate, and a gate
near 1 carries a gradient over many steps. The forget gate came three years after the cell
:cite:p:`gers2000learning`.

:map: 6.3 Layers
"""

from array_api_compat import array_namespace

from mlmath_ref.activations.gates import sigmoid
from mlmath_ref.arrays import Array
from mlmath_ref.layers.affine import linear
from mlmath_ref.sets import Real, SignedUnit, checked


@checked
def rnn_cell(
    x: Real[Array, "*batch d"],
    h: Real[Array, "*batch m"],
    w: Real[Array, "m d"],
    u: Real[Array, "m m"],
    b: Real[Array, "m"],
) -> SignedUnit[Array, "*batch m"]:
    r"""Elman recurrent cell: the new state is a layer of the input and of the state before.

    .. math:: h_t = \tanh(W x_t + U h_{t-1} + b)

    It is also written :math:`h_t = \tanh(W_{xh} x_t + W_{hh} h_{t-1} + b_h)`, with an output
    :math:`y_t = W_{hy} h_t + b_y`, and every number of the (hidden) state lies between -1 and 1.
    The derivative in the state before is :math:`\operatorname{diag}(1 - h_t \odot h_t) \, U`, and
    over many steps it is a product of such matrices, :math:`\frac{\partial h_T}{\partial h_t} =
    \prod_{k=t+1}^{T} \frac{\partial h_k}{\partial h_{k-1}}`: it may explode, and it vanishes where
    their norms stay below 1, as they do when :math:`U` has no singular value of 1 or more.

    Args:
        x: :math:`x_t`, the input of this step.
        h: :math:`h_{t-1}`, the state after the step before; zeros at the start.
        w: :math:`W`, weights of the input, one row for each feature of the state.
        u: :math:`U`, weights of the state before, one row for each feature.
        b: :math:`b`, offsets.

    Returns:
        :math:`h_t`, the state after this step, which is the output too.

    Also called:
        RNN, vanilla RNN, simple recurrent network, Elman network, SRN, nn.RNNCell, recurrent neural
        network.

    Asked as:
        backpropagation through time; BPTT; recurrent layer; tanh(W x + U h + b); gradients vanish
        over many steps.

    Role in ML:
        - layer -- FlashRNN: one of the four cells that it makes fast on a GPU, for tasks where a
          state has to be tracked; the features are split into heads, and each head has a
          :math:`U` of its own
          :cite:p:`poppel2024flashrnn{code: flashrnn/flashrnn/vanilla/elman.py, line 20}`.
        - analysis -- Gradient clipping: the recurrence in which gradients through time were shown
          to explode, against which their norm is clipped
          :cite:p:`pascanu2013difficulty{abstract and alg. 1}`.

    Numerics:
        Where the sum is large the result is exactly 1 or -1 and the derivative exactly 0.
        ``torch.nn.RNNCell`` keeps two offsets where :math:`b` is their sum. A step costs
        :math:`2 m (d + m)` floating-point operations and waits for the one before.

    Checked against:
        ``torch.func.functional_call(torch.nn.RNNCell(len(x), len(h)), {"weight_ih": w,
        "weight_hh": u, "bias_ih": b, "bias_hh": 0 * b}, (x, h))``

    Examples:
        By hand: :math:`\tfrac12 \log 3` comes together from the input, the state and the offset,
        and its tanh is :math:`(3 - 1) / (3 + 1)`:

        >>> import numpy as np
        >>> x, h = np.asarray([0.1]), np.asarray([-0.2])
        >>> w, u = np.asarray([[2.0]]), np.asarray([[3.0]])
        >>> round(float(rnn_cell(x, h, w, u, np.log([3.0]) / 2 + 0.4)[0]), 4)
        0.5

        Three inputs, two features, as ``torch.nn.RNNCell`` has it:

        >>> x, h = np.asarray([0.3, -1.2, 2.5]), np.asarray([0.4, -0.7])
        >>> w = np.asarray([[0.2, 0.5, -0.7], [1.1, -0.3, 0.9]])
        >>> u, b = np.asarray([[0.6, -0.2], [1.3, 0.8]]), np.asarray([0.15, -2.25])
        >>> rnn_cell(x, h, w, u, b).round(4).tolist()
        [-0.9425, 0.5717]

        The gradient of the last state in the first, after one step and after twenty, with a
        :math:`U` that halves what it gets and with one that turns it by a quarter:

        >>> import torch
        >>> def slope(u, steps):
        ...     first = torch.zeros(2, requires_grad=True)
        ...     h, none = first, torch.zeros(2)
        ...     for _ in range(steps):
        ...         h = rnn_cell(none, h, torch.zeros(2, 2), u, none)
        ...     return torch.autograd.grad(h[0], first)[0]
        >>> half, quarter = torch.eye(2) / 2, torch.tensor([[0.0, -1.0], [1.0, 0.0]])
        >>> [slope(half, steps).norm().item() for steps in (1, 2, 20)]
        [0.5, 0.25, 9.5367431640625e-07]
        >>> [slope(quarter, steps).norm().item() for steps in (1, 2, 20)]
        [1.0, 1.0, 1.0]

        A large sum saturates, in every row of a batch, and then no gradient passes:

        >>> one = torch.ones(1, 1)
        >>> h = torch.tensor([[30.0], [-40.0]], requires_grad=True)
        >>> after = rnn_cell(torch.zeros(2, 1), h, one, one, torch.zeros(1))
        >>> after.sum().backward()
        >>> after.flatten().tolist(), h.grad.flatten().tolist()
        ([1.0, -1.0], [0.0, 0.0])
    """
    xp = array_namespace(x, h)
    return xp.tanh(linear(x, w, b) + linear(h, u))


@checked
def lstm_cell(
    x: Real[Array, "*batch d"],
    h: Real[Array, "*batch m"],
    c: Real[Array, "*batch m"],
    w: Real[Array, "4*m d"],
    u: Real[Array, "4*m m"],
    b: Real[Array, "4*m"],
) -> tuple[Real[Array, "*batch m"], Real[Array, "*batch m"]]:
    r"""Long short-term memory cell: one step that forgets, writes and reads a memory by gates.

    .. math::
       \begin{aligned}
       h_t &= o_t \odot \tanh(c_t), & c_t &= f_t \odot c_{t-1} + i_t \odot g_t, \\
       i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i), & f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f), \\
       g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g), & o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o)
       \end{aligned}

    The gates :math:`i_t` (write), :math:`f_t` (keep) and :math:`o_t` (read) are sigmoids
    :math:`\sigma(z) = 1/(1 + e^{-z})`, the candidate :math:`g_t` is a hyperbolic tangent, and
    :math:`\odot` multiplies feature by feature; with the two inputs put together a gate is
    :math:`f_t = \sigma(W_f [h_{t-1}, x_t] + b_f)` and the candidate
    :math:`\tilde{c}_t = \tanh(W_c [h_{t-1}, x_t] + b_c)`, with
    :math:`c_t = f_t \odot c_{t-1} + i_t \odot \tilde{c}_t`. Every :math:`h_t` lies between -1 and
    1, while :math:`c_t` (the cell state) is not bounded and carries long dependencies without a
    vanishing gradient as long as the keep gate is near 1.

    Args:
        x: :math:`x_t`, the input of this step.
        h: :math:`h_{t-1}`, the output of the step before.
        c: :math:`c_{t-1}`, the memory after the step before.
        w: :math:`W_i, W_f, W_g, W_o`, weights of the input, stacked, one row for each feature.
        u: :math:`U_i, U_f, U_g, U_o`, weights of the output before, stacked in the same order.
        b: :math:`b_i, b_f, b_g, b_o`, offsets, stacked in the same order.

    Returns:
        :math:`(h_t, c_t)`, the output and the memory after this step.

    Also called:
        LSTM, LSTM cell, long short term memory, nn.LSTMCell, long short-term memory.

    Asked as:
        gated recurrent cell; forget gate; constant error carousel; order of the gates in PyTorch;
        cell state and hidden state.

    Role in ML:
        - layer -- Google flood forecasting: one network of these cells reads a year of weather, a
          second one runs over the seven days of the forecast
          :cite:p:`nearing2024global{Methods, AI model}`.
        - primitive -- xLSTM: its code keeps this cell as the baseline; the new scalar cell replaces
          the sigmoid of the write gate by an exponential and divides the memory by a running sum of
          gates
          :cite:p:`beck2024xlstm{code: xlstm/blocks/slstm/src/vanilla, lstm.py and slstm.py}`.
          Witness: ``xlstm.blocks.slstm.src.vanilla.lstm.slstm_forward_pointwise``.

    Numerics:
        Saturated gates are exact: 0 forgets all, 1 keeps :math:`c_{t-1}` to the last digit. The
        order of the gates (input, forget, candidate, output) is that of ``torch.nn.LSTMCell``,
        which keeps two offsets where :math:`b` is their sum; ONNX stacks input, output, forget,
        candidate. A step costs :math:`8 m (d + m)` floating-point operations and waits for the one
        before.

    Checked against:
        ``torch.func.functional_call(torch.nn.LSTMCell(len(x), len(h)), {"weight_ih": w,
        "weight_hh": u, "bias_ih": b, "bias_hh": 0 * b}, (x, (h, c)))``

    Examples:
        By hand: with no weights every gate is :math:`\sigma(0) = \tfrac12` and the candidate 0, so
        the memory 2 becomes 1 and the output :math:`\tfrac12 \tanh 1`:

        >>> import numpy as np
        >>> x, h, c = np.asarray([5.0]), np.asarray([-3.0]), np.asarray([2.0])
        >>> h, c = lstm_cell(x, h, c, np.zeros((4, 1)), np.zeros((4, 1)), np.zeros(4))
        >>> round(float(h[0]), 4), float(c[0])
        (0.3808, 1.0)

        Three inputs, two features, as ``torch.nn.LSTMCell`` has it; each gate has its own weights:

        >>> x = np.asarray([0.3, -1.2, 2.5])
        >>> h, c = np.asarray([0.4, -0.7]), np.asarray([1.3, -0.2])
        >>> w = np.sin(np.arange(24.0)).reshape(8, 3)
        >>> u = np.cos(np.arange(16.0)).reshape(8, 2)
        >>> b = 0.1 * np.arange(8.0) - 0.3
        >>> h, c = lstm_cell(x, h, c, w, u, b)
        >>> h.round(4).tolist(), c.round(4).tolist()
        ([0.8092, -0.0763], [1.679, -0.2639])

        The memory's derivative in the memory before is the forget gate, here
        :math:`\sigma(2) = 0.8808`:

        >>> import torch
        >>> c = torch.tensor([0.7], requires_grad=True)
        >>> b = torch.tensor([0.0, 2.0, 0.0, 0.0])
        >>> zero = torch.zeros(1)
        >>> lstm_cell(zero, zero, c, torch.zeros(4, 1), torch.zeros(4, 1), b)[1].backward()
        >>> c.grad
        tensor([0.8808])

        A closed write gate and an open keep gate leave the memory as it was, in every row:

        >>> b, c = torch.tensor([-1000.0, 1000.0, 0.0, 0.0]), torch.tensor([[0.7], [-1.9]])
        >>> zero = torch.zeros(2, 1)
        >>> lstm_cell(zero, zero, c, torch.zeros(4, 1), torch.zeros(4, 1), b)[1]
        tensor([[ 0.7000],
                [-1.9000]])
    """
    xp = array_namespace(x, h, c)
    m = h.shape[-1]
    z = linear(x, w, b) + linear(h, u)
    i, f, g, o = (z[..., k * m : (k + 1) * m] for k in range(4))
    memory = sigmoid(f) * c + sigmoid(i) * xp.tanh(g)
    return sigmoid(o) * xp.tanh(memory), memory
