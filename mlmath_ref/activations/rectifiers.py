r"""Rectifiers: functions that pass positive numbers and hold back negative ones.

The rectified linear unit is :math:`\max(0, x)`: its slope is 1 on one side and 0 on the other, so a
stack of them passes the gradient through active units unchanged; the weights between them do not. A unit that is off
for every input gets no gradient at all and stays off. Leaky ReLU leaves a small slope on that side;
squared ReLU goes the other way, with a slope that starts at 0 and grows with the number.

At :math:`x = 0` the first two have a kink, where any slope between those of the two sides is a
subgradient. What a program returns there is a convention. The entries take the slope of the left
side, as PyTorch does: 0 for ReLU, :math:`\alpha` for leaky ReLU. A maximum of two tensors divides
the slope between them, which is another convention.

GELU is a rectifier without a kink. Its exact form needs the error function, and two forms without it
are in use under the same name. They are no roundings of one function: a network has to run with the
form that it was trained with.

:map: 2.2 Activations
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.activations.gates import sigmoid
from mlmath_ref.arrays import Array
from mlmath_ref.sets import Nonneg, Real, checked


@checked
def relu(x: Real[Array, "*shape"]) -> Nonneg[Array, "*shape"]:
    r"""Rectified linear unit: a number where it is positive, and 0 where it is not.

    .. math:: \operatorname{ReLU}(x) = \max(0, x)

    It is also :math:`x \, \mathbb{1}[x > 0]` and :math:`(x + |x|) / 2`. The derivative is 1 for
    :math:`x > 0` and 0 for :math:`x < 0`, so that gradients do not shrink through active units and
    a unit that is never active learns no more (a dead neuron); at 0 the convention here is 0. It
    commutes with multiplication by a positive number.

    Args:
        x: :math:`x`, the number before the activation.

    Returns:
        :math:`\operatorname{ReLU}(x)`, number by number.

    Also called:
        rectifier, positive part, ramp function, rectified linear unit, ReLU activation, half-wave
        rectifier.

    Asked as:
        hinge function; dying ReLU; dead ReLU; max(0, x); gradient of ReLU at 0; units that never
        activate.

    Role in ML:
        - activation -- DeepSeek-V3.2-Exp: applied to the products of an indexer's queries and keys
          before its heads are added up; chosen over other functions because it is fast
          :cite:p:`deepseek2025v32exp{eq. (1)}`.
        - activation -- SAM 2: between the linear maps of the small networks that turn the tokens of
          the mask decoder into the filters of the masks
          :cite:p:`ravi2024sam2{code: transformers, models/sam2/modeling_sam2.py, class
          Sam2FeedForward}`.
          Witness: ``transformers.models.sam2.modeling_sam2.Sam2FeedForward``.

    Numerics:
        Exact. The slope at 0 is 0; the maximum of two tensors has the same values and the slope
        :math:`\tfrac12` there.

    Checked against:
        ``torch.nn.functional.relu(x)``, ``np.maximum(x, 0)``

    Examples:
        By hand:

        >>> import numpy as np
        >>> relu(np.asarray([-2.5, -0.3, 0.0, 0.45, 1.7])).tolist()
        [0.0, 0.0, 0.0, 0.45, 1.7]

        The derivative, with the convention at 0:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> relu(x).sum().backward()
        >>> x.grad.tolist()
        [0.0, 0.0, 1.0]

        Written as a maximum of two tensors it has another slope at 0:

        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> torch.maximum(x, torch.zeros(3)).sum().backward()
        >>> x.grad.tolist()
        [0.0, 0.5, 1.0]
    """
    xp = array_namespace(x)
    # where, not maximum, which divides the slope at 0
    return xp.where(x > 0, x, 0.0)


@checked
def leaky_relu(
    x: Real[Array, "*shape"], *, alpha: Nonneg[float, ""] = 0.01
) -> Real[Array, "*shape"]:
    r"""Leaky rectified linear unit: negative numbers pass too, made smaller.

    .. math:: f(x) = \begin{cases} x & x > 0 \\ \alpha x & x \leq 0 \end{cases}

    It is :math:`\max(0, x) + \alpha \min(0, x)`, so that a unit below 0 still learns and cannot die
    as with ReLU. For :math:`\alpha \leq 1` it equals :math:`\max(\alpha x, x)`; for
    :math:`\alpha > 1` that maximum is another function. The derivative is 1 for :math:`x > 0` and
    :math:`\alpha` for :math:`x < 0`; at 0 the convention here is :math:`\alpha`.

    Args:
        x: :math:`x`, the number before the activation.
        alpha: :math:`\alpha`, the slope for negative numbers.

    Returns:
        :math:`f(x)`, number by number.

    Also called:
        LeakyReLU, lrelu, leaky rectifier, leaky ReLU activation.

    Asked as:
        negative slope; PReLU with a learned slope; parametric ReLU; max(0.01x, x); fix for dying
        units.

    Role in ML:
        - activation -- Wan-Animate: in the convolutions that encode the motion of a face, with
          slope 0.2 and a factor of :math:`\sqrt{2}` after it :cite:p:`cheng2025wananimate{code:
          diffusers, models/transformers/transformer_wan_animate.py, line 108}`.
          Witness: ``diffusers.models.transformers.transformer_wan_animate.FusedLeakyReLU``, with
          its factor :math:`\sqrt{2}` set to 1.
        - activation -- CosyVoice: before each upsampling convolution of the network that turns
          spectrograms into sound, with a slope of its own, and once with 0.01 at the end
          :cite:p:`funaudiollm2024cosyvoice{code: cosyvoice/hifigan/generator.py, class HiFTGenerator}`.

    Numerics:
        One product, exact up to its rounding. The slope at 0 is :math:`\alpha`, as in
        ``torch.nn.functional.leaky_relu``; its default there is 0.01 as well, while many models set
        0.1 or 0.2.

    Checked against:
        ``torch.nn.functional.leaky_relu(x, alpha)``

    Examples:
        By hand, with the default slope and with another:

        >>> import numpy as np
        >>> x = np.asarray([-2.5, -0.3, 0.0, 0.45, 1.7])
        >>> leaky_relu(x).round(4).tolist()
        [-0.025, -0.003, 0.0, 0.45, 1.7]
        >>> leaky_relu(x, alpha=0.2).round(4).tolist()
        [-0.5, -0.06, 0.0, 0.45, 1.7]

        The derivative, with the convention at 0:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> leaky_relu(x, alpha=0.2).sum().backward()
        >>> x.grad
        tensor([0.2000, 0.2000, 1.0000])

        With :math:`\alpha = 2` the maximum of :math:`\alpha x` and :math:`x` is another function:

        >>> x = torch.tensor([-1.0, 1.0])
        >>> leaky_relu(x, alpha=2.0).tolist(), torch.maximum(2 * x, x).tolist()
        ([-2.0, 1.0], [-1.0, 2.0])
    """
    xp = array_namespace(x)
    return xp.where(x > 0, x, alpha * x)


@checked
def squared_relu(x: Real[Array, "*shape"]) -> Nonneg[Array, "*shape"]:
    r"""Squared rectified linear unit: the square of a positive number, and 0 for the rest.

    .. math:: \operatorname{ReLU}^2(x) = (\max(0, x))^2

    It is also :math:`x \operatorname{ReLU}(x)`. The derivative is :math:`2 \max(0, x)`, so there is
    no kink, and the slope grows without bound. Many numbers become exactly 0.

    Args:
        x: :math:`x`, the number before the activation.

    Returns:
        :math:`\operatorname{ReLU}^2(x)`, number by number.

    Also called:
        ReLU squared, relu2, squared rectifier.

    Asked as:
        ReLU^2; max(0, x)^2; activation of nanochat.

    Role in ML:
        - activation -- Nemotron-H: between the two linear maps of every feed-forward layer, which
          have no gate :cite:p:`nvidia2025nemotronh{code: transformers,
          models/nemotron_h/configuration_nemotron_h.py, line 115}`.
          Witness: ``transformers.models.nemotron_h.modeling_nemotron_h.NemotronHMLP``.
        - activation -- nanochat: the only nonlinearity of its feed-forward layers
          :cite:p:`karpathy2025nanochat{code: nanochat/gpt.py, class MLP}`.

    Numerics:
        Squares leave the range early: in float16 the result is infinite from 256 on.

    Checked against:
        ``torch.nn.functional.threshold(x, 0.0, 0.0).square()``

    Examples:
        By hand:

        >>> import numpy as np
        >>> squared_relu(np.asarray([-2.5, -0.3, 0.0, 1.7])).round(4).tolist()
        [0.0, 0.0, 0.0, 2.89]

        The derivative starts at 0 and grows:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 0.3, 1.7], requires_grad=True)
        >>> squared_relu(x).sum().backward()
        >>> x.grad
        tensor([0.0000, 0.0000, 0.6000, 3.4000])

        The range of float16 ends at 255.875 squared:

        >>> squared_relu(torch.tensor([255.875, 256.0], dtype=torch.float16))
        tensor([65472.,    inf], dtype=torch.float16)
    """
    return relu(x) ** 2


@checked
def gelu_tanh(x: Real[Array, "*shape"]) -> Real[Array, "*shape"]:
    r"""GELU with tanh: the approximation of GELU that GPT-2, BERT and Gemma compute.

    .. math:: y = \frac{x}{2}
       \left( 1 + \tanh \left( \sqrt{\frac{2}{\pi}} (x + 0.044715 \, x^3) \right) \right)

    It is at most :math:`4.8 \cdot 10^{-4}` away from the exact function, most at :math:`x = \pm
    2.70`. The root is about 0.7978845608. With :math:`u` the argument of the tanh it is also :math:`x \, \sigma(2u)`.

    Args:
        x: :math:`x`, the number before the activation.

    Returns:
        :math:`y`, number by number.

    Also called:
        gelu_new, gelu_pytorch_tanh, approximate GELU, tanh GELU, gelu_approx, fast GELU.

    Asked as:
        GELU of GPT-2; 0.044715; approximate='tanh'.

    Role in ML:
        - activation -- SigLIP 2: between the two linear maps of the feed-forward layers, for images
          and for text :cite:p:`tschannen2025siglip2{code: transformers,
          models/siglip2/configuration_siglip2.py, lines 56 and 107}`.
          Witness: ``transformers.models.siglip2.modeling_siglip2.Siglip2MLP``.
        - activation -- FLUX.1 Kontext: in the feed-forward layers of both kinds of its blocks, those
          with separate streams for image and text and those with one
          :cite:p:`labs2025kontext{code: src/flux/modules/layers.py, classes DoubleStreamBlock and
          SingleStreamBlock}`.
        - activation -- GPT-2: its public code computes this one and calls it GELU
          :cite:p:`radford2019language{code: src/model.py, line 25}`.
          Witness: ``transformers.activations.NewGELUActivation``.

    Numerics:
        Computed as :math:`x \, \sigma(2u)`, so that the digits far below 0 stay; :math:`1 + \tanh`
        loses them, and PyTorch's own function is 0 at -8. Beyond 50 the sigmoid is 0 or 1 to the
        last digit, so its argument goes no further and the cube cannot overflow. Code writes it as
        :math:`0.5 \, x \, (1 + \tanh(0.79788456 \, x \, (1 + 0.044715 \, x^2)))`.

    Checked against:
        ``torch.nn.functional.gelu(x, approximate="tanh")``

    Examples:
        By hand, :math:`\sqrt{2 / \pi} \cdot 1.044715 = 0.83356` at 1, and
        :math:`\tfrac12 (1 \pm \tanh 0.83356)` are 0.8412 and 0.1588:

        >>> import numpy as np
        >>> gelu_tanh(np.asarray([1.0, -1.0])).round(4).tolist()
        [0.8412, -0.1588]

        Other numbers, as ``torch.nn.functional.gelu`` with ``approximate="tanh"`` has them:

        >>> gelu_tanh(np.asarray([-2.5, -0.7518, 0.3, 1.7])).round(5).tolist()
        [-0.01508, -0.17004, 0.18537, 1.62411]

        The derivative is :math:`\tfrac12` at 0:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> gelu_tanh(x).sum().backward()
        >>> x.grad
        tensor([-0.0380,  0.5000,  1.1159])

        How far it is from the exact function, and where:

        >>> from mlmath_ref.activations.gates import gelu
        >>> x = np.linspace(-6, 0, 60001)
        >>> gap = np.abs(gelu_tanh(x) - gelu(x))
        >>> round(float(gap.max() * 1e4), 4), round(float(x[gap.argmax()]), 3)
        (4.7324, -2.699)

        Far below 0 the digits stay, where the sum with a tanh has none, and large numbers do no
        harm:

        >>> x = torch.tensor([-8.0], dtype=torch.float64)
        >>> round(float(gelu_tanh(x)) * 1e21, 4)
        -3.1078
        >>> torch.nn.functional.gelu(x, approximate="tanh").item() == 0
        True
        >>> gelu_tanh(np.asarray([-1e200, 1e200])).tolist()
        [-0.0, 1e+200]
    """
    xp = array_namespace(x)
    # further out the sigmoid is 0 or 1, and the cube would overflow
    near = xp.where(x < -50, -50.0, xp.where(x > 50, 50.0, x))
    return x * sigmoid(2 * math.sqrt(2 / math.pi) * (near + 0.044715 * near**3))


@checked
def gelu_sigmoid(x: Real[Array, "*shape"]) -> Real[Array, "*shape"]:
    r"""GELU with a sigmoid: SiLU with a steeper gate, the cheap approximation.

    .. math:: y = x \, \sigma(1.702 x)

    It is also :math:`x / (1 + e^{-1.702 x})`, at most 0.0204 away from the exact function, most at
    :math:`x = \pm 2.27`: 43 times as far as the form with tanh. As the gate is :math:`\sigma(z)`,
    the derivative is :math:`\sigma(z) + z \, \sigma(z) (1 - \sigma(z))` with :math:`z = 1.702 x`.

    Args:
        x: :math:`x`, the number before the activation.

    Returns:
        :math:`y`, number by number.

    Also called:
        QuickGELU, quick_gelu, sigmoid GELU.

    Asked as:
        gelu_approx; swish with slope 1.702; x*sigmoid(1.702x); GELU of CLIP.

    Role in ML:
        - activation -- Qwen2-VL: in the feed-forward layers of the vision encoder
          :cite:p:`wang2024qwen2vl{code: transformers,
          models/qwen2_vl/configuration_qwen2_vl.py, line 36}`.
          Witness: ``transformers.models.qwen2_vl.modeling_qwen2_vl.VisionMlp``.
        - activation -- gpt-oss: on the gate of each expert, after numbers above 7 have been cut off
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 249}`.
        - activation -- CLIP: in both encoders; weights that were trained with it need this form
          :cite:p:`radford2021learning{code: clip/model.py, line 168}`.
          Witness: ``transformers.models.clip.modeling_clip.CLIPMLP``.

    Numerics:
        Stable like the sigmoid. The difference of 0.02 to the exact function is no rounding: a
        model that runs with the other form than it was trained with computes something else.

    Checked against:
        ``x * scipy.special.expit(1.702 * x)``

        ``torch.nn.functional.silu(1.702 * x) / 1.702``

    Examples:
        By hand, at :math:`x = \log 3 / 1.702` the gate is :math:`\tfrac34`:

        >>> import numpy as np
        >>> x = np.log(3.0) / 1.702 * np.asarray([1.0, -1.0])
        >>> x.round(4).tolist(), gelu_sigmoid(x).round(4).tolist()
        ([0.6455, -0.6455], [0.4841, -0.1614])

        Other numbers, as SiLU of :math:`1.702 x` over 1.702 has them:

        >>> gelu_sigmoid(np.asarray([-2.5, -0.7518, 0.3, 1.7])).round(4).tolist()
        [-0.035, -0.1636, 0.1875, 1.6108]

        The derivative is :math:`\tfrac12` at 0:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> gelu_sigmoid(x).sum().backward()
        >>> x.grad
        tensor([-0.0447,  0.5000,  1.0914])

        How far it is from the exact function, where, and how that compares with the form with tanh:

        >>> from mlmath_ref.activations.gates import gelu
        >>> x = np.linspace(-6, 0, 60001)
        >>> gap = np.abs(gelu_sigmoid(x) - gelu(x))
        >>> round(float(gap.max()), 5), round(float(x[gap.argmax()]), 3)
        (0.02033, -2.27)
        >>> round(float(gap.max() / np.abs(gelu_tanh(x) - gelu(x)).max()), 2)
        42.97

        Large numbers do no harm:

        >>> gelu_sigmoid(np.asarray([-1000.0, 1000.0])).tolist()
        [-0.0, 1000.0]
    """
    return x * sigmoid(1.702 * x)
