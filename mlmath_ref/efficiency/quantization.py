r"""Quantization: numbers are rounded to a few codes.

An affine quantizer lays an even grid of :math:`2^b` points over the real line and keeps, for each
number, the index of the nearest point. Two numbers describe the grid: its step, and the code that
stands for zero. Inside the grid no number moves by more than half a step; beyond its ends numbers
are clamped. A coarse step clips little and rounds much, a fine one the other way round, and one
outlier decides it for everything that shares the scale. That is why scales are given to rows,
tokens or groups of 32. The way back is exact arithmetic on the codes: what was lost was lost when
they were rounded and clamped.

Eight bits are a quarter of float32 and a half of bfloat16; a saving has no meaning without its
baseline, and the scales have to be counted too. Not every narrow format is affine: gpt-oss keeps
its expert weights in MXFP4, blocks of 32 four-bit floats with a shared scale
:cite:p:`openai2025gptoss{code: gpt_oss/torch/weights.py, line 11}`, and DeepSeek-V3
runs most matrix products of its training in eight-bit floats
:cite:p:`deepseek2024v3{sec. 3.3}`. Such grids are finer near zero.

:map: 6.6 Efficiency and scale
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, widest
from mlmath_ref.sets import Integer, Natural, Positive, Real, checked


@checked
def quantize_affine(
    x: Real[Array, "*batch n"],
    scale: Positive[float, ""],
    zero_point: Integer[int, ""],
    *,
    bits: Natural[int, "", "16"] = 8,
) -> Integer[Array, "*batch n"]:
    r"""Affine quantization: the index of the nearest point on an even grid of signed integers.

    .. math::
        q_i = \min\left( \max\left( \operatorname{round}\left( \frac{x_i}{s} \right) + z,
            \; -2^{b-1} \right), \; 2^{b-1} - 1 \right)

    A code stands for the number :math:`s (q_i - z)`; where nothing is clamped it lies within
    :math:`s / 2` of :math:`x_i`. Ties are rounded to the even integer, and as papers write it
    :math:`q = \operatorname{clamp}(\operatorname{round}(x / s) + z, q_{\min}, q_{\max})`.

    Args:
        x: :math:`x`, the numbers that share one scale.
        scale: :math:`s`, the distance of neighboring points, in the unit of :math:`x`.
        zero_point: :math:`z`, the code of the number zero; 0 makes the grid symmetric.
        bits: :math:`b`, the bits of a code.

    Returns:
        :math:`q`, codes from :math:`-2^{b-1}` to :math:`2^{b-1} - 1`.

    Also called:
        uniform quantization, asymmetric quantization, affine quantizer, linear quantization.

    Asked as:
        INT8; INT4; integer quantization; fake quantize; absmax quantization; scale and zero point;
        clamp(round(x / s) + z); post-training quantization; quantize_per_tensor; how to choose the
        scale.

    Role in ML:
        - compression -- Llama 3.2 quantized: linear layers keep 4-bit weights with a scale for
          every group of 32 and quantize activations to 8 bits, token by token, while running
          :cite:p:`meta2024llama32{Quantization Scheme}`.
        - compression -- torchao: the activation routine of such layers finds a scale and a zero
          point for each token, then rounds and clamps to -128..127
          :cite:p:`or2025torchao{code: torchao/quantization/utils.py, line 529;
          torchao/quantization/quant_primitives.py, line 480}`.
          Witness: ``torchao.quantization.quant_primitives.quantize_affine``.

    Numerics:
        Without the clamp a narrow integer wraps: 130 would be stored as -126. The quotient is
        rounded in the precision of ``x``, so a number halfway between two points may fall
        differently in float32 and float64: 0.15 / 0.1 is 1.5 in one and just below it in the other.
        Multiplying by a rounded :math:`1 / s`, as some kernels do, moves ties as well. Codes come
        back in 64-bit integers; storage is the caller's. The unsigned convention is the same with
        :math:`2^{b-1}` added to :math:`q` and to :math:`z`. The gradient is zero almost everywhere.
        To cover all numbers, as in post-training quantization, if :math:`x_{\min} \leq 0 \leq
        x_{\max}` take :math:`s = \frac{x_{\max} - x_{\min}}{2^b - 1}` and :math:`z = -2^{b-1} -
        \operatorname{round}(x_{\min} / s)`; if all numbers have one sign, :math:`z` would leave the
        range of the codes, so extend the interval to 0 first. Or
        without a zero point, absmax, take :math:`s = \frac{\max_i |x_i|}{2^{b-1} - 1}`.
        ``torch.quantize_per_tensor`` gives such codes in 8 bits.

    Checked against:
        ``-2 ** (bits - 1) + np.argmin(np.abs(x[..., None]
        - scale * (np.arange(-2 ** (bits - 1), 2 ** (bits - 1)) - zero_point)), axis=-1)``

    Examples:
        By hand, with a step of 0.1 and zero at code 3: 0.26 is 2.6 steps, rounded to 3.

        >>> import numpy as np
        >>> quantize_affine(np.asarray([-1.0, 0.0, 0.26, 0.5]), 0.1, 3).tolist()
        [-7, 3, 6, 8]

        Four bits hold -8 to 7, and what lies outside is clamped, not wrapped; at eight bits the
        same holds for -128 and 127:

        >>> quantize_affine(np.asarray([-2.0, -1.1, 0.42, 0.9]), 0.1, -1, bits=4).tolist()
        [-8, -8, 3, 7]
        >>> quantize_affine(np.asarray([-200.0, 130.0]), 1.0, 0).tolist()
        [-128, 127]

        Codes and zero points far outside are clamped too; 64-bit integers do not hold the sums of
        larger zero points:

        >>> quantize_affine(np.asarray([-1e30, -(2.0**61), 1e30]), 1.0, 2**61).tolist()
        [-128, 0, 127]
        >>> quantize_affine(np.asarray([0.0]), 1.0, 2**61 + 1)
        Traceback (most recent call last):
        ValueError: quantize_affine: zero_point must lie between -2^61 and 2^61, got 2305843009213693953

        Ties go to the even integer:

        >>> quantize_affine(np.asarray([-1.5, -0.5, 0.5, 1.5, 2.5]), 1.0, 0).tolist()
        [-2, 0, 0, 2, 2]

        PyTorch gives the same codes; 0.15 / 0.1 is a tie in float32 and none in float64:

        >>> import torch
        >>> x = torch.tensor([0.15, -0.33, 20.0])
        >>> quantize_affine(x, 0.1, 0), quantize_affine(x.double(), 0.1, 0).dtype
        (tensor([  2,  -3, 127]), torch.int64)
        >>> quantize_affine(np.asarray([0.15]), 0.1, 0).tolist()
        [1]
    """
    if abs(zero_point) > 2**61:
        raise ValueError(
            f"quantize_affine: zero_point must lie between -2^61 and 2^61, got {zero_point}"
        )
    xp = array_namespace(x)
    steps = xp.clip(xp.round(x / scale), -(2.0**62), 2.0**62)  # so that they fit into integers
    codes = xp.astype(steps, xp.int64) + zero_point
    return xp.clip(codes, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@checked
def dequantize_affine(
    q: Integer[Array, "*batch n"], scale: Positive[float, ""], zero_point: Integer[int, ""]
) -> Real[Array, "*batch n"]:
    r"""Dequantization: the numbers that the codes of an affine quantizer stand for.

    .. math:: \hat{x}_i = s \, (q_i - z)

    The code :math:`z` gives exactly 0, so zeros in padding and sparse inputs stay zeros.
    Quantizing the result again gives the same codes. After a quantizer with the same :math:`s` and
    :math:`z` it is within :math:`s / 2` of the original wherever nothing was clamped.

    Args:
        q: :math:`q`, the codes.
        scale: :math:`s`, the distance of neighboring points, in the unit of :math:`\hat{x}`.
        zero_point: :math:`z`, the code of the number zero.

    Returns:
        :math:`\hat{x}`, the points of the grid, in float64.

    Also called:
        dequant, dequantize, reconstruction of quantized numbers.

    Asked as:
        fake quantization; quantize-dequantize; QDQ; INT8 to float; s (q - z); int_repr; wrong
        values after dequantization.

    Role in ML:
        - primitive -- torchao: the reference that its quantized tensors fall back to where no
          kernel works on the codes; it subtracts the zero point after the cast to floating point
          :cite:p:`or2025torchao{code: torchao/quantization/quant_primitives.py,
          _dequantize_affine_no_dtype_check}`.
          Witness: ``torchao.quantization.quant_primitives.dequantize_affine``.
        - compression -- KIVI: keys and values in 2 bits are read back as code times scale plus the
          smallest number of the group, which plays the part of :math:`-s z` without having to be a
          multiple of the scale :cite:p:`liu2024kivi{code: jy-yuan/KIVI, quant/new_pack.py, line
          65}`.

    Numerics:
        The codes become floating point before :math:`z` is taken off: in an eight-bit integer
        :math:`-128 - 100` would wrap to 28. Other widths of the codes and an unsigned convention,
        with :math:`2^{b-1}` more in :math:`q` and in :math:`z`, give the same numbers. Codes beyond
        :math:`2^{53}` would be rounded. In a matrix product :math:`s` can be taken out of the sum
        and the codes multiplied as integers. Quantizer and dequantizer in a row, fake quantization,
        ``torch.fake_quantize_per_tensor_affine``, give :math:`\hat{x} = s \,
        (\operatorname{clamp}(\operatorname{round}(x / s) + z, q_{\min}, q_{\max}) - z)`.
        ``torch.dequantize`` returns float32.

    Checked against:
        ``np.polynomial.Polynomial([-scale * zero_point, scale])(q)``

    Examples:
        By hand, with a step of 0.1 and zero at code 3: code 6 is three steps up.

        >>> import numpy as np
        >>> dequantize_affine(np.asarray([-7, 3, 6, 8]), 0.1, 3).round(4).tolist()
        [-1.0, 0.0, 0.3, 0.5]

        There and back: each of the first three moves by half a step or less, the last was clamped
        to code 7 of four bits. Quantized once more, the points keep their codes:

        >>> x = np.asarray([-0.98, 0.37, 0.655, 4.2])
        >>> codes = quantize_affine(x, 0.15, -1, bits=4)
        >>> points = dequantize_affine(codes, 0.15, -1)
        >>> points.round(4).tolist()
        [-1.05, 0.3, 0.6, 1.2]
        >>> (np.abs(points - x) <= 0.15 / 2).tolist()
        [True, True, True, False]
        >>> quantize_affine(points, 0.15, -1, bits=4).tolist() == codes.tolist()
        True

        PyTorch takes both steps at once, in float32:

        >>> import torch
        >>> torch.fake_quantize_per_tensor_affine(torch.tensor(x).float(), 0.15, -1, -8, 7)
        tensor([-1.0500,  0.3000,  0.6000,  1.2000])

        Codes may come in eight bits, whatever their distance from the zero point; there the first
        difference alone would have wrapped:

        >>> q = torch.tensor([-128, -3, 41, 127], dtype=torch.int8)
        >>> dequantize_affine(q, 0.25, 100)
        tensor([-57.0000, -25.7500, -14.7500,   6.7500], dtype=torch.float64)
        >>> (q - torch.tensor(100, dtype=torch.int8))[0].item()
        28

        Codes counted from 0, with the zero point moved along:

        >>> dequantize_affine(np.asarray([121, 131]), 0.1, 131).tolist()
        [-1.0, 0.0]
        >>> dequantize_affine(np.asarray([-7, 3]), 0.1, 3).tolist()
        [-1.0, 0.0]

        A product with codes: the scale comes out of the sum, which is one of integers:

        >>> weights = np.asarray([4, -2, 7])
        >>> round(float(dequantize_affine(codes[:3], 0.15, -1) @ weights), 4)
        -0.6
        >>> round(float(0.15 * ((codes[:3] + 1) @ weights)), 4)
        -0.6
    """
    xp = array_namespace(q)
    return scale * (xp.astype(q, widest(q)) - zero_point)
