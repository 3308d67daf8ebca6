r"""Convolution layers: one small set of weights, used at every place.

A fully connected layer has a weight for each pair of an input and an output. A convolutional layer
looks at :math:`k` neighboring inputs and uses the same weights wherever it looks: it has few of
them, its input may have any length, and a shifted input gives a shifted output. Stride skips
places, zero padding adds some at the ends, and dilation spreads the window over a wider stretch.

What deep learning calls a convolution is a cross-correlation: the window is laid on the input as
it is. The convolution of mathematics, of probability and of signal processing turns it around
first. For weights that are learned the difference is a renaming of the weights, so nobody turns
them; for a given filter, or where the order of factors must not matter, it is another result:
:math:`(1, 2, 3)` over :math:`(1, 2, 3, 4, 5)` gives :math:`(14, 20, 26)` one way and
:math:`(10, 16, 22)` the other.

:map: 6.3 Layers
"""

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Index, Natural, Real, checked


@checked
def cross_correlation(
    x: Real[Array, "*batch c_in n"],
    w: Real[Array, "c_out c_in k"],
    *,
    stride: Natural[int, ""] = 1,
    padding: Index[int, ""] = 0,
) -> Real[Array, "*batch c_out (n+2*{padding}-k)//{stride}+1"]:
    r"""Convolution layer: how well each stretch of the input matches a learned pattern.

    .. math:: y_{oi} = \sum_{c=1}^{c_{\mathrm{in}}} \sum_{j=1}^{k} w_{ocj} \, z_{c, s(i-1)+j},
       \qquad z_{cl} = \begin{cases} x_{c, l-p} & \text{if } p < l \leq p + n \\
       0 & \text{otherwise} \end{cases}, \qquad l = 1, \dots, n + 2 p

    The pattern is laid on the padded input :math:`z_{cl}` as it is, not turned around: this is a
    cross-correlation, under the name of convolution. For one channel, stride 1 and no padding it is
    :math:`y_i = \sum_j w_j \, x_{i + j - 1}`, for an image :math:`X` and a kernel :math:`K` it is
    :math:`S(i, j) = \sum_m \sum_n X(i + m, j + n) \, K(m, n)` with :math:`m` and :math:`n` from 0,
    linear in the input and in the weights. Shifting the input by :math:`s` shifts the output by
    one, up to the ends.

    Args:
        x: :math:`x`, the input, a row for each of its :math:`c_{\mathrm{in}}` channels.
        w: :math:`w`, the weights, for each output channel :math:`o` and input channel :math:`c` a
            window of :math:`k`.
        stride: :math:`s`, how far the window moves from one output to the next.
        padding: :math:`p`, how many zeros :math:`z` has on either side of :math:`x`.

    Returns:
        :math:`y`, a row for each output channel, before any offset.

    Raises:
        ValueError: The window is wider than the padded input.

    Also called:
        conv layer, conv1d, sliding dot product, convolutional layer.

    Asked as:
        CNN layer; temporal convolution; valid convolution; filter bank; 2D convolution; Conv2d; is
        the kernel flipped; convolution of deep learning; sliding window.

    Role in ML:
        - layer -- Voxtral: two of these, with windows of 3 and strides 1 and 2, halve the frames of
          a spectrogram before the audio encoder's attention
          :cite:p:`liu2025voxtral{code: transformers, models/voxtral/modeling_voxtral.py,
          lines 267 and 268}`.
          Witness: ``transformers.models.voxtral.modeling_voxtral.VoxtralEncoder``.
        - layer -- Mamba-2: mixes each channel with its own three predecessors before the state
          space; the padding of 3 on the right is cut off again, so that nothing comes from later
          :cite:p:`dao2024transformers{code: mamba_ssm/modules/mamba2.py, lines 105 and 233}`.

    Numerics:
        An output costs :math:`2 c_{\mathrm{in}} k` operations. Zeros outside of the input pull the
        outputs at the ends toward 0. An odd window with :math:`p = (k - 1) / 2` and stride 1 keeps
        the length. Left and right padding are equal here; a causal layer pads the left only.

    Checked against:
        ``torch.nn.functional.conv1d(x, w, stride=stride, padding=padding)`` and
        ``np.stack([sum(scipy.signal.correlate(np.pad(row, padding), v, "valid")[::stride]
        for row, v in zip(x, rows)) for rows in w])``

    Examples:
        By hand, :math:`1 \cdot 1 + 2 \cdot 2 + 3 \cdot 3 = 14`, then :math:`2 + 6 + 12` and
        :math:`3 + 8 + 15`:

        >>> import numpy as np
        >>> x, w = np.asarray([[1.0, 2.0, 3.0, 4.0, 5.0]]), np.asarray([[[1.0, 2.0, 3.0]]])
        >>> cross_correlation(x, w).tolist()
        [[14.0, 20.0, 26.0]]

        With zeros at both ends the length stays; every second place of that:

        >>> cross_correlation(x, w, padding=1).tolist()
        [[8.0, 14.0, 20.0, 26.0, 14.0]]
        >>> cross_correlation(x, w, padding=1, stride=2).tolist()
        [[8.0, 20.0, 14.0]]

        Two channels to three, as ``torch.nn.functional.conv1d`` has it:

        >>> x = np.asarray([[0.3, -1.2, 2.5, 0.8, -0.6], [1.7, 0.4, -0.9, 5.2, 1.3]])
        >>> w = np.asarray([[[0.2, 0.5], [-0.7, 1.1]], [[1.4, -0.3], [0.9, 0.6]],
        ...                 [[-0.4, 0.8], [0.1, -1.5]]])
        >>> cross_correlation(x, w, stride=2, padding=1).round(4).tolist()
        [[2.02, -0.26, -2.35], [0.93, -2.61, 6.76], [-2.31, 3.87, -2.23]]

        In a batch, and in the precision of the input:

        >>> batch = cross_correlation(np.stack([x, -10 * x]), w, stride=2, padding=1)[1]
        >>> batch.round(4).tolist()
        [[-20.2, 2.6, 23.5], [-9.3, 26.1, -67.6], [23.1, -38.7, 22.3]]
        >>> x, w = x.astype(np.float32), w.astype(np.float32)
        >>> cross_correlation(x, w, padding=1).dtype.name
        'float32'

        The derivative of one output is its window, at the place that it looks at:

        >>> import torch
        >>> x = torch.zeros(1, 5, requires_grad=True)
        >>> cross_correlation(x, torch.tensor([[[0.2, 0.5, -0.7]]]), stride=2)[0, 1].backward()
        >>> x.grad
        tensor([[ 0.0000,  0.0000,  0.2000,  0.5000, -0.7000]])

        A window that is wider than the input has no place:

        >>> cross_correlation(torch.ones(1, 2), torch.ones(1, 1, 3))
        Traceback (most recent call last):
            ...
        ValueError: cross_correlation: arguments must leave a result of size 1 up, got 0
    """
    xp = array_namespace(x, w)
    edge = xp.zeros((*x.shape[:-1], padding), dtype=x.dtype, device=device(x))
    z = xp.concat([edge, x, edge], axis=-1)
    k = w.shape[-1]
    places = z.shape[-1] - k + 1
    return sum(w[..., j] @ z[..., j : j + places : stride] for j in range(k))


@checked
def convolution(f: Real[Array, "*batch n"], g: Real[Array, "m"]) -> Real[Array, "*batch n+m-1"]:
    r"""Discrete convolution: every number of one sequence leaves a scaled copy of the other.

    .. math:: (f * g)_t = \sum_{i=1,\, 1 \leq t-i+1 \leq m}^{n} f_i \, g_{t-i+1}

    The two indices always have the same sum, so one sequence runs backward:
    :math:`(f * g)[n] = \sum_m f[m] \, g[n - m]`, for functions
    :math:`(f * g)(t) = \int f(s) \, g(t - s) \, ds`, and a product of Fourier transforms,
    :math:`\mathcal{F}(f * g) = \mathcal{F}(f) \, \mathcal{F}(g)`. The order of the two does not
    matter, and the result is as long as both together less one. These are the coefficients of a
    product of polynomials and the probabilities of a sum of independent counts.

    Args:
        f: :math:`f`, a sequence, zero outside.
        g: :math:`g`, another one, such as a filter, the same for the whole batch.

    Returns:
        :math:`f * g`, all places :math:`t` where the two overlap.

    Also called:
        full convolution, Cauchy product, linear convolution, true convolution.

    Asked as:
        polynomial multiplication; impulse response; FIR filter; fftconv; convolution theorem; f *
        g; flip the kernel; sum of two dice.

    Role in ML:
        - layer -- Evo 2: its longest filters reach as far as the sequence; Fourier transforms of
          twice the length multiply them with the input, and the first half of the result is kept
          :cite:p:`brixi2025genome{code: vortex, vortex/model/engine.py, lines 331-337}`.

    Numerics:
        Written out it costs :math:`2 n m` operations; for long sequences a Fourier transform is
        faster, and its rounding errors are a share of the largest result, not of each. A transform
        of fewer than :math:`n + m - 1` points folds the end onto the beginning. The layers called
        convolution in PyTorch do not turn the filter around: ``conv1d`` gives
        :math:`(14, 20, 26)` where the places of full overlap here are :math:`(10, 16, 22)`.

    Checked against:
        ``np.convolve(f, g)``, ``scipy.signal.fftconvolve(f, g[(None,) * (f.ndim - 1)], axes=-1)``

    Examples:
        By hand: :math:`(1 + 2x)(3 + 4x + 5x^2) = 3 + 10x + 13x^2 + 10x^3`:

        >>> import numpy as np
        >>> convolution(np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0, 5.0])).tolist()
        [3.0, 10.0, 13.0, 10.0]

        The filter is turned around, so the middle differs from what a convolution layer gives,
        until the layer gets the turned filter:

        >>> f, g = np.asarray([1.0, 2.0, 3.0, 4.0, 5.0]), np.asarray([1.0, 2.0, 3.0])
        >>> convolution(f, g).tolist()
        [1.0, 4.0, 10.0, 16.0, 22.0, 22.0, 15.0]
        >>> cross_correlation(f[None], g[None, None])[0].tolist()
        [14.0, 20.0, 26.0]
        >>> cross_correlation(f[None], g[None, None, ::-1])[0].tolist()
        [10.0, 16.0, 22.0]

        Two sequences with one filter, as ``numpy.convolve`` has it; the order does not matter:

        >>> f = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> g = np.asarray([0.7, -0.2, 1.1])
        >>> convolution(f, g).round(4).tolist()
        [[0.21, -0.9, 2.32, -1.26, 2.59, 0.88], [1.19, -0.06, 1.37, 4.2, -1.7, 5.72]]
        >>> convolution(g, f[1]).round(4).tolist()
        [1.19, -0.06, 1.37, 4.2, -1.7, 5.72]

        The sum of two dice: 7 has the probability 6 in 36:

        >>> dice = np.full(6, 1 / 6)
        >>> (36 * convolution(dice, dice)).round(4).tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]

        The derivative of one place is the other sequence, turned around:

        >>> import torch
        >>> f = torch.zeros(4, requires_grad=True)
        >>> convolution(f, torch.tensor([0.7, -0.2, 1.1]))[3].backward()
        >>> f.grad
        tensor([ 0.0000,  1.1000, -0.2000,  0.7000])

        With too few points a Fourier transform folds the last two places onto the first two:

        >>> spectrum = np.fft.rfft([1.0, 2.0, 3.0, 4.0, 5.0]) * np.fft.rfft([1.0, 2.0, 3.0, 0, 0])
        >>> np.fft.irfft(spectrum, 5).round(4).tolist()
        [23.0, 19.0, 10.0, 16.0, 22.0]
    """
    xp = array_namespace(f, g)
    m = g.shape[0]
    turned = xp.stack([g[m - 1 - j] for j in range(m)])
    return cross_correlation(f[..., None, :], turned[None, None, :], padding=m - 1)[..., 0, :]


@checked
def conv_output_size(
    n: Natural[int, ""],
    k: Natural[int, ""],
    *,
    padding: Index[int, ""] = 0,
    stride: Natural[int, ""] = 1,
    dilation: Natural[int, ""] = 1,
) -> Index[int, ""]:
    r"""Convolution output size: at how many places a window fits.

    .. math:: n_{\mathrm{out}} = \max\left( 0, \left\lfloor
       \frac{n + 2 p - d (k - 1) - 1}{s} \right\rfloor + 1 \right)

    A window of :math:`k` numbers, :math:`d` apart, spans :math:`d (k - 1) + 1`. Without dilation
    the size is :math:`\left\lfloor \frac{n - k + 2 p}{s} \right\rfloor + 1`, and without padding
    and stride too it is :math:`n - k + 1`. It is 0 where the window does not fit once.

    Args:
        n: :math:`n`, the length of the input along one axis.
        k: :math:`k`, the size of the window.
        padding: :math:`p`, zeros on either side of the input.
        stride: :math:`s`, how far the window moves from one output to the next.
        dilation: :math:`d`, the distance of neighboring numbers of the window; 1 for an ordinary
            one.

    Returns:
        :math:`n_{\mathrm{out}}`, the length of the output along that axis.

    Also called:
        convolution arithmetic, conv output shape, feature map size, convolution output shape.

    Asked as:
        pooling output size; receptive field arithmetic; same padding; valid padding; (W - K + 2P)/S
        + 1.

    Role in ML:
        - planning -- Voxtral: 3000 frames of a spectrogram, 30 seconds, become 1500 audio
          embeddings, which it counts ahead of time with this formula for the window 3, the padding
          1 and the stride 2 :cite:p:`liu2025voxtral{code: transformers,
          models/voxtral/modeling_voxtral.py, line 339}`.
          Witness:
          ``transformers.models.voxtral.modeling_voxtral.VoxtralEncoder._get_feat_extract_output_lengths``.
        - planning -- DINOv3: a window of 16 with stride 16 cuts an image into patches, so that 224
          pixels a side are 14 tokens a side
          :cite:p:`simeoni2025dinov3{code: transformers,
          models/dinov3_vit/modeling_dinov3_vit.py, line 71}`.

    Numerics:
        Whole numbers throughout. Where the division is not even, the last numbers of the input are
        in no window. Libraries raise an error where this gives 0. ``padding="same"`` of
        ``torch.nn.Conv1d`` keeps :math:`n`, with one more zero on the right where
        :math:`d (k - 1)` is odd; it allows no stride.

    Checked against:
        ``len(range(0, n + 2 * padding - dilation * (k - 1), stride))``

    Examples:
        By hand, 5 numbers and a window of 3; with one zero on either side; and every second place
        of these:

        >>> conv_output_size(5, 3), conv_output_size(5, 3, padding=1)
        (3, 5)
        >>> conv_output_size(5, 3, padding=1, stride=2)
        3

        With dilation 2 a window of 3 spans 5, and 32 pixels become 30, not 32; PyTorch gives the
        same:

        >>> conv_output_size(32, 3, padding=1), conv_output_size(32, 3, padding=1, dilation=2)
        (32, 30)
        >>> import torch
        >>> torch.nn.Conv1d(1, 1, 3, padding=1, dilation=2)(torch.zeros(1, 32)).shape[-1]
        30

        The first layer of ResNet, a window of 7 with stride 2, and the patches of a vision
        transformer:

        >>> conv_output_size(224, 7, padding=3, stride=2), conv_output_size(224, 16, stride=16)
        (112, 14)

        An uneven division leaves numbers out: 30 of 32 or all 32 are seen alike. A window that is
        too wide fits nowhere:

        >>> [conv_output_size(n, 5, padding=2, stride=3, dilation=3) for n in (30, 32, 33, 8)]
        [8, 8, 9, 0]
        >>> conv_output_size(2, 7, padding=1)
        0
    """
    span = dilation * (k - 1) + 1
    return max(0, (n + 2 * padding - span) // stride + 1)
