r"""Gates: smooth functions that say how much of a number gets through.

The sigmoid turns a score into a number between 0 and 1. Used as a factor it is a gate: at 0 it
holds back, at 1 it lets pass. The gates of the LSTM take this factor from other units; what passes
them is a tanh, the same curve between -1 and 1. SiLU takes the factor from the number itself, and so
does GELU, with the normal distribution function in the place of the sigmoid. Both come close to
:math:`\max(0, x)` far from 0, are smooth at 0, dip below 0 for negative numbers and have one minimum
there.

In the feed-forward layer of recent language models SiLU or GELU acts on one of two projections and
the other is multiplied by the result. Programs under the name GELU do not all compute the same
function: beside the exact one there are a form with tanh, up to 0.0005 away, and a form with a
sigmoid of :math:`1.702 x`, up to 0.0204 away. Both are entries among the rectifiers.

:map: 2.2 Activations
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, special_namespace
from mlmath_ref.sets import Real, SignedUnit, Unit, checked


@checked
def sigmoid(x: Real[Array, "*shape"]) -> Unit[Array, "*shape"]:
    r"""Logistic sigmoid: turns a score into a probability, log odds into a share.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}

    It is also :math:`e^x / (1 + e^x)` and :math:`\tfrac12 (1 + \tanh(x / 2))`, rises from 0 to 1,
    squashes every score into that range (the output of a binary classifier), and is symmetric:
    :math:`\sigma(-x) = 1 - \sigma(x)`. Its derivative
    :math:`\sigma'(x) = \sigma(x) \, (1 - \sigma(x))` is at most :math:`\tfrac14` and vanishes where
    the unit saturates; its inverse is the logit, :math:`x = \log \frac{p}{1 - p}` for
    :math:`p = \sigma(x)`.

    Args:
        x: :math:`x`, a score, the logarithm of odds.

    Returns:
        :math:`\sigma(x)`, number by number.

    Also called:
        logistic function, expit, inverse logit, logistic sigmoid, soft step, sigmoid activation.

    Asked as:
        Fermi function; S-curve; sigma(x); turn a logit into a probability; squash to 0 and 1;
        sigmoid saturates; vanishing gradient of the sigmoid.

    Role in ML:
        - layer -- DeepSeek-V3: scores every expert for a token by itself; the scores of the chosen
          experts are then divided by their sum :cite:p:`deepseek2024v3{eqs. (13), (15)}`.
          Witness: ``transformers.models.deepseek_v3.modeling_deepseek_v3.DeepseekV3TopkRouter``.
        - activation -- gpt-oss: gates the expert networks, where :math:`x \sigma(1.702 x)` scales
          a second projection :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 254}`.
        - objective -- SigLIP: judges every pair of an image and a text on its own, with the
          logarithm of a sigmoid in the place of a softmax over the batch
          :cite:p:`zhai2023sigmoid{code: big_vision/trainers/proj/image_text/siglip.py, line 300}`.

    Numerics:
        The exponential is only taken of numbers at or below 0, so that it cannot overflow. Far
        below 0 the relative precision stays: :math:`\sigma(-40)` is :math:`4.2 \cdot 10^{-18}`.
        Far above 0 the result rounds to 1; for :math:`\log \sigma` or :math:`1 - \sigma` start
        from the score, not from the result.

    Checked against:
        ``scipy.special.expit(x)``, ``torch.sigmoid(x)``

    Examples:
        By hand, odds of 3 : 1 are a probability of :math:`\tfrac34`:

        >>> import numpy as np
        >>> float(sigmoid(np.log(np.asarray(3.0))))
        0.75

        Scores on both sides of 0, as ``scipy.special.expit`` has them:

        >>> sigmoid(np.asarray([-2.5, -0.3, 0.8, 1.7])).round(4).tolist()
        [0.0759, 0.4256, 0.69, 0.8455]

        The derivative :math:`\sigma (1 - \sigma)` is largest at 0:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> sigmoid(x).sum().backward()
        >>> x.grad
        tensor([0.0701, 0.2500, 0.1306])

        Large scores do no harm, and small results keep their digits:

        >>> sigmoid(np.asarray([-1000.0, 1000.0])).tolist()
        [0.0, 1.0]
        >>> round(float(sigmoid(np.asarray(-40.0)) * 1e18), 4)
        4.2484
    """
    xp = array_namespace(x)
    positive = x >= 0
    small = xp.exp(xp.where(positive, -x, x))
    return xp.where(positive, 1.0, small) / (1 + small)


@checked
def tanh(x: Real[Array, "*shape"]) -> SignedUnit[Array, "*shape"]:
    r"""Hyperbolic tangent: bends the line into the range from -1 to 1, with slope 1 at 0.

    .. math:: \tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}

    Odd and rising, and so centered at 0; it is also :math:`\sinh(x) / \cosh(x)` and
    :math:`(e^{2x} - 1) / (e^{2x} + 1)`. It is a sigmoid in another frame,
    :math:`\tanh(x) = 2 \sigma(2x) - 1`, and its derivative is
    :math:`1 - \tanh(x)^2 = 1 / \cosh(x)^2`, at most 1.

    Args:
        x: :math:`x`, the number before the activation.

    Returns:
        :math:`\tanh(x)`, number by number.

    Also called:
        hyperbolic tangent, tanh activation.

    Asked as:
        soft cap; soft clipping; squashing function; logit soft-capping; zero-centered sigmoid;
        squash to -1 and 1; cap logits smoothly.

    Role in ML:
        - activation -- xLSTM 7B: caps the inputs of the gates at 15 and the logits at 30, as
          :math:`c \tanh(x / c)` :cite:p:`beck2025xlstm7b{code: transformers,
          models/xlstm/configuration_xlstm.py, lines 144-145}`.
        - activation -- Gemma 2: caps the scores of attention at 50 and the final logits at 30 in the
          same way :cite:p:`gemma2024two{code: gemma_pytorch, gemma/config.py,
          lines 130-131}`.
        - activation -- xLSTM: makes the candidate that a scalar cell adds to its memory; the gates
          are sigmoids or exponentials, because a gate may not be negative
          :cite:p:`beck2024xlstm{code: xlstm/blocks/slstm/src/vanilla/slstm.py, line 32}`.

    Numerics:
        The quotient as displayed is not computed: its exponentials overflow, and infinity over
        infinity is no number. The library function, ``np.tanh`` or ``torch.tanh``, has no such
        range, keeps small numbers to the last digit, and rounds to 1 from about 19 on in float64,
        where the unit is saturated and the gradient vanishes to 0.

    Checked against:
        ``np.vectorize(mpmath.tanh, otypes=[float])(x)``

    Examples:
        By hand, at :math:`\log 2` and at :math:`\log 3`: :math:`\tfrac{2 - 1/2}{2 + 1/2}` and
        :math:`\tfrac{3 - 1/3}{3 + 1/3}`:

        >>> import numpy as np
        >>> tanh(np.log(np.asarray([2.0, 3.0]))).round(4).tolist()
        [0.6, 0.8]

        A number below 0 has a negative result, which no gate may have:

        >>> tanh(np.asarray([-2.0, -0.3, 1.7])).round(4).tolist()
        [-0.964, -0.2913, 0.9354]

        The derivative is :math:`1 - \tanh(x)^2`:

        >>> import torch
        >>> x = torch.tensor([-2.0, 0.0, 1.7], requires_grad=True)
        >>> tanh(x).sum().backward()
        >>> x.grad
        tensor([0.0707, 1.0000, 0.1250])

        At 1000 the quotient of exponentials is no number, the function is 1; near 0 all digits stay:

        >>> x = torch.tensor([1000.0])
        >>> (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))
        tensor([nan])
        >>> tanh(x)
        tensor([1.])
        >>> float(tanh(np.asarray(1e-9)) * 1e9)
        1.0
    """
    xp = array_namespace(x)
    return xp.tanh(x)


@checked
def silu(x: Real[Array, "*shape"]) -> Real[Array, "*shape"]:
    r"""Sigmoid linear unit: lets a number through in the share that its own sigmoid gives.

    .. math:: \operatorname{SiLU}(x) = x \, \sigma(x) = \frac{x}{1 + e^{-x}}

    Here :math:`\sigma` is the logistic sigmoid; with a slope inside, :math:`x \, \sigma(\beta x)`,
    it is Swish, which comes near ReLU for large :math:`\beta`. The derivative is :math:`\sigma(x) +
    x \, \sigma(x) \, (1 - \sigma(x)) = \sigma(x) \, (1 + x \, (1 - \sigma(x)))`. The smallest value
    is -0.2785, at :math:`x = -1.2785`.

    Args:
        x: :math:`x`, the number before the activation.

    Returns:
        :math:`\operatorname{SiLU}(x)`, number by number.

    Also called:
        Swish, swish-1, sigmoid-weighted linear unit, SiLU activation.

    Asked as:
        x*sigmoid(x); self-gated activation; SiL; activation of Llama; is SiLU the same as Swish.

    Role in ML:
        - activation -- DeepSeek-V3: inside SwiGLU, where it acts on one projection and the result
          multiplies another, in the dense layers and in the experts
          :cite:p:`deepseek2024v3{code: inference/model.py, lines 532 and 633}`.
          Witness: ``transformers.models.deepseek_v3.modeling_deepseek_v3.DeepseekV3MLP``.
        - activation -- Sigmoid-weighted linear units: proposed for the networks that approximate
          value functions in reinforcement learning :cite:p:`elfwing2018sigmoid{abstract}`.
        - activation -- Swish: found again by a search over activation functions, with a slope
          inside the sigmoid; slope 1 is this function
          :cite:p:`ramachandran2017searching{sec. 3 and 4}`.

    Numerics:
        Far below 0 it goes to 0 from below without overflow, far above it is :math:`x`. It is a
        smooth ReLU that lets small negative numbers through; the function is not monotone: it falls
        up to the minimum and rises after it.

    Checked against:
        ``torch.nn.functional.silu(x)``

    Examples:
        By hand, :math:`\log 3 \cdot \tfrac34`, and :math:`-\log 3 \cdot \tfrac14`:

        >>> import numpy as np
        >>> silu(np.log(np.asarray([3.0, 1 / 3]))).round(4).tolist()
        [0.824, -0.2747]

        Other numbers, as ``torch.nn.functional.silu`` has them:

        >>> silu(np.asarray([-2.5, -0.3, 0.8, 1.7])).round(4).tolist()
        [-0.1896, -0.1277, 0.552, 1.4374]

        The derivative is :math:`\tfrac12` at 0 and 0 at the minimum, where the value is -0.2785:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> silu(x).sum().backward()
        >>> x.grad
        tensor([-0.0994,  0.5000,  1.0676])
        >>> x = torch.tensor(-1.27846, dtype=torch.float64, requires_grad=True)
        >>> lowest = silu(x)
        >>> lowest.backward()
        >>> round(float(lowest.detach()), 4), bool(abs(x.grad) < 1e-4)
        (-0.2785, True)

        Large numbers do no harm:

        >>> silu(np.asarray([-1000.0, 1000.0])).tolist()
        [-0.0, 1000.0]
    """
    return x * sigmoid(x)


@checked
def gelu(x: Real[Array, "*shape"]) -> Real[Array, "*shape"]:
    r"""Gaussian error linear unit: scales a number by the chance that a normal variable is below.

    .. math:: \operatorname{GELU}(x) = \frac{x}{2}
       \left( 1 + \operatorname{erf} \left( \frac{x}{\sqrt{2}} \right) \right)

    This is :math:`x \, \Phi(x) = x \, P(X \le x)` for :math:`X \sim \mathcal{N}(0, 1)`, with
    :math:`\Phi` the distribution function of the standard normal: a smooth ReLU. With its density
    :math:`\phi` the derivative is :math:`\Phi(x) + x \, \phi(x)`. The smallest value is -0.1700, at
    :math:`x = -0.7518`.

    Args:
        x: :math:`x`, the number before the activation.

    Returns:
        :math:`\operatorname{GELU}(x)`, number by number.

    Also called:
        gaussian error linear units, exact GELU, erf GELU, GeLU, GELU activation.

    Asked as:
        x*Phi(x); activation of BERT and ViT; exact or tanh GELU; why do two GELUs differ.

    Role in ML:
        - activation -- DINOv3: between the two linear maps of the feed-forward layers of the small,
          base and large vision transformers, in the exact form
          :cite:p:`simeoni2025dinov3{code: dinov3/layers/ffn_layers.py, line 30}`.
          Witness: ``transformers.models.dinov3_vit.modeling_dinov3_vit.DINOv3ViTMLP``.
        - activation -- Whisper: between the linear maps of the feed-forward layers, and after the
          convolutions of the audio encoder :cite:p:`radford2022whisper{code: openai/whisper,
          whisper/model.py, classes ResidualAttentionBlock and AudioEncoder}`.
        - contrast -- Gemma 3: the gate of its feed-forward layer computes the tanh approximation
          instead :cite:p:`gemma2025three{code: gemma/model.py, line 208}`, as the public code of
          GPT-2 does :cite:p:`radford2019language{code: src/model.py, lines 25-26}`.
        - contrast -- BERT: the tanh form too, although the function is called GELU there
          :cite:p:`devlin2019bert{code: modeling.py, lines 275-277}`.

    Numerics:
        Computed as :math:`\tfrac{x}{2} \operatorname{erfc}(-x / \sqrt{2})`, which is the same and
        does not cancel: below -6 the sum :math:`1 + \operatorname{erf}` would have lost its
        digits. The approximation
        :math:`\tfrac{x}{2} (1 + \tanh(\sqrt{2 / \pi} \, (x + 0.044715 \, x^3)))` is off by at most
        :math:`4.8 \cdot 10^{-4}`, and :math:`x \, \sigma(1.702 x)` by at most 0.0204.

    Checked against:
        ``torch.nn.functional.gelu(x)``

        ``x * scipy.stats.norm.cdf(x)``

    Examples:
        By hand: 68.27 % of a normal distribution lie within one standard deviation, so
        :math:`\Phi(1) = 0.8413` and :math:`\Phi(-1) = 0.1587`:

        >>> import numpy as np
        >>> gelu(np.asarray([1.0, -1.0])).round(4).tolist()
        [0.8413, -0.1587]

        Other numbers, as ``torch.nn.functional.gelu`` has them:

        >>> gelu(np.asarray([-2.5, -0.7518, 0.3, 1.7])).round(4).tolist()
        [-0.0155, -0.17, 0.1854, 1.6242]

        The derivative is :math:`\tfrac12` at 0 and may be above 1:

        >>> import torch
        >>> x = torch.tensor([-2.5, 0.0, 1.7], requires_grad=True)
        >>> gelu(x).sum().backward()
        >>> x.grad
        tensor([-0.0376,  0.5000,  1.1153])

        Far below 0 the digits stay, and large numbers do no harm:

        >>> round(float(gelu(np.asarray(-8.0)) * 1e15), 4)
        -4.9768
        >>> gelu(np.asarray([-1000.0, 1000.0])).tolist()
        [-0.0, 1000.0]

        How far the two approximations are off, at their worst:

        >>> x = np.linspace(-6, 6, 120001)
        >>> tanh = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        >>> [float(np.max(np.abs(a - gelu(x))).round(5)) for a in (tanh, x * sigmoid(1.702 * x))]
        [0.00047, 0.02033]
    """
    special = special_namespace(x)
    # erfc(-u) is 1 + erf(u), without the cancellation
    return x / 2 * special.erfc(-x / math.sqrt(2))
