r"""Normalization layers: features brought to one scale.

A normalization layer divides numbers by their own spread and hands them to a learned scale. What
follows then sees numbers of one size, however large the input was: multiplying the input by a
positive constant changes nothing, up to :math:`\epsilon`. Layer normalization takes the features of one item
and also removes their mean; root-mean-square normalization leaves it, and with it one of the two
sums over the features. On an input of mean 0 the two agree.

Neither looks at other items of the batch, so training and inference compute the same. Batch
normalization takes one feature of all items: in training the output for an item depends on its
company, and for inference the layer has to keep running statistics. It serves convolutional
networks, whose batches have many places; transformers use the other two. Where the layer stands is
a choice of its own: after the residual sum in the original transformer, before each sublayer in
GPT-2 and Llama, after each sublayer but before the sum in OLMo 2.

:map: 6.3 Layers
"""

from typing import Any

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import Positive, Real, checked


def _standardized(x: Any, eps: float) -> Any:
    """Along the last axis, mean 0 and variance 1 but for the epsilon."""
    xp = array_namespace(x)
    n = x.shape[-1]
    half = x / 2 - x[..., :1] / 2  # no overflow, and zeros if all are equal
    s = xp.clip(scale(half), min=1.0)  # a power of two, so that no square overflows
    u = half / s
    centered = u - total(u)[..., None] / n
    variance = total(centered**2)[..., None] / n
    return centered / xp.sqrt(variance + eps / 4 / s / s)


@checked
def layer_norm(
    x: Real[Array, "*batch d"],
    gamma: Real[Array, "d"],
    beta: Real[Array, "d"],
    *,
    eps: Positive[float, ""] = 1e-5,
) -> Real[Array, "*batch d"]:
    r"""Layer normalization: the features of an item with mean 0 and variance 1, then rescaled.

    .. math:: y_i = \gamma_i \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta_i, \qquad
       \mu = \frac{1}{d} \sum_{j=1}^{d} x_j, \qquad
       \sigma^2 = \frac{1}{d} \sum_{j=1}^{d} (x_j - \mu)^2

    The mean :math:`\mu` and the variance :math:`\sigma^2`, with divisor :math:`d`, are those of one
    item: in vectors :math:`y = \frac{x - \mathbb{E}[x]}{\sqrt{\operatorname{Var}[x] + \epsilon}}
    \odot \gamma + \beta`, whatever else is in the batch. Adding the same number to every
    :math:`x_i` changes nothing; multiplying all by the same positive number changes nothing but the
    share of :math:`\epsilon`.

    Args:
        x: :math:`x`, the features of an item.
        gamma: :math:`\gamma`, the learned scale of each feature.
        beta: :math:`\beta`, the learned offset of each feature.
        eps: :math:`\epsilon`, added to the variance.

    Returns:
        :math:`y`, the normalized features.

    Also called:
        LayerNorm, LN, layer normalisation, nn.LayerNorm, layer norm, LayerNormalization.

    Asked as:
        normalize over features; epsilon of LayerNorm.

    Role in ML:
        - layer -- DeepSeek-V3.2-Exp: normalizes the keys of the indexer that picks which tokens the
          sparse attention reads; the rest of the model uses the root mean square
          :cite:p:`deepseek2025v32exp{code: inference/model.py, lines 310 and 443}`.
        - layer -- GenCast: follows each of the networks that update nodes and edges on the way from
          the grid to the mesh and back; the noise level sets its scale and offset
          :cite:p:`price2025probabilistic{code: weathernext/utils/legacy/deep_typed_graph_net.py,
          line 231}`.
        - layer -- Original transformer: normalizes the sum of a sublayer and its input
          :cite:p:`vaswani2017attention{sec. 3.1}`.
          Witness: ``torch.nn.TransformerEncoderLayer``.

    Numerics:
        The features are centered before they are squared: the mean of squares minus the square of
        the mean would lose all digits where the mean is large. Equal features give :math:`\beta`.
        Libraries differ in :math:`\epsilon` (1e-5 here and in PyTorch, 1e-6 in
        DeepSeek-V3.2-Exp), and ``torch.var`` divides by :math:`d - 1` unless told otherwise.
        Large features are divided by a power of two before they are summed and squared, so that
        neither the sum nor the squares overflow.

    Checked against:
        ``torch.nn.functional.layer_norm(x, x.shape, gamma, beta, eps)``

    Examples:
        By hand: mean 3, variance :math:`(4 + 0 + 4)/3 = 8/3`, so the ends are
        :math:`\pm 2 / \sqrt{8/3} = \pm 1.2247`:

        >>> import numpy as np
        >>> x = np.asarray([1.0, 3.0, 5.0])
        >>> layer_norm(x, np.ones(3), np.zeros(3)).round(4).tolist()
        [-1.2247, 0.0, 1.2247]

        With scale, offset and a large :math:`\epsilon`, as in ``torch.nn.functional.layer_norm``:

        >>> x = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> gamma, beta = np.asarray([1.5, -0.4, 0.7, 2.2]), np.asarray([0.2, -0.1, 0.6, 0.35])
        >>> layer_norm(x, gamma, beta, eps=0.5).round(4).tolist()
        [[-0.1003, 0.3805, 1.4877, 0.6437], [0.2163, 0.1214, -0.0913, 3.7164]]

        The derivative of the first output sums to 0, since a common shift changes nothing:

        >>> import torch
        >>> x = torch.tensor([0.3, -1.2, 2.5, 0.8], requires_grad=True)
        >>> layer_norm(x, torch.ones(4), torch.zeros(4))[0].backward()
        >>> x.grad
        tensor([ 0.5580, -0.2478, -0.1274, -0.1827])

        Equal features have no spread; what is left is the offset:

        >>> layer_norm(np.full(3, 7.0), np.ones(3), np.asarray([0.1, 0.2, 0.3])).tolist()
        [0.1, 0.2, 0.3]

        Where the variance is as small as :math:`\epsilon`, a factor :math:`1/\sqrt{2}` is left:

        >>> small = np.sqrt(1e-5) * np.asarray([-1.0, 1.0])
        >>> layer_norm(small, np.ones(2), np.zeros(2)).round(4).tolist()
        [-0.7071, 0.7071]

        A mean of a hundred million does no harm:

        >>> layer_norm(np.asarray([1.0, 3.0, 5.0]) + 1e8, np.ones(3), np.zeros(3)).round(4).tolist()
        [-1.2247, 0.0, 1.2247]

        Features whose squares, or whose sum, would overflow float32 are normalized like others,
        and equal ones still give :math:`\beta`:

        >>> layer_norm(torch.tensor([1e20, 2e20]), torch.ones(2), torch.zeros(2))
        tensor([-1.,  1.])
        >>> y = layer_norm(torch.full((200,), 9.97e36), torch.ones(200), torch.full((200,), 0.5))
        >>> y.min().item(), y.max().item()
        (0.5, 0.5)
    """
    return gamma * _standardized(x, eps) + beta


@checked
def rms_norm(
    x: Real[Array, "*batch d"],
    gamma: Real[Array, "d"],
    *,
    eps: Positive[float, ""] = 1e-6,
) -> Real[Array, "*batch d"]:
    r"""Root-mean-square normalization: features divided by their root mean square, then rescaled.

    .. math:: y_i = \gamma_i \frac{x_i}{\sqrt{\frac{1}{d} \sum_{j=1}^{d} x_j^2 + \epsilon}}

    It is :math:`\gamma_i \, x_i / \operatorname{RMS}(x)` with :math:`\operatorname{RMS}(x) =
    \sqrt{\frac{1}{d} \sum_{j=1}^{d} x_j^2}`, but for :math:`\epsilon`, or
    :math:`\sqrt{d} \, x / \lVert x \rVert_2` before the scale. No mean is removed and no offset is
    added, so the direction of :math:`x` stays where :math:`\gamma = 1`. The root mean square of the
    output is then at most 1.

    Args:
        x: :math:`x`, the features of an item.
        gamma: :math:`\gamma`, the learned scale of each feature.
        eps: :math:`\epsilon`, added to the mean square.

    Returns:
        :math:`y`, the normalized features.

    Also called:
        RMSNorm, RMS norm, root mean square layer normalization, RMS normalisation, nn.RMSNorm, RMS
        layer norm.

    Asked as:
        normalization of Llama; layer norm without the mean; x / sqrt(mean(x^2) + eps).

    Role in ML:
        - layer -- Llama 3: before each attention, each feed-forward layer and the map to the
          vocabulary
          :cite:p:`grattafiori2024llama3{code: llama-models, models/llama3/model.py, class
          RMSNorm}`.
          Witness: ``transformers.models.llama.modeling_llama.LlamaRMSNorm``.
        - layer -- OLMo 2: on the output of each sublayer, before the residual sum, and on the
          queries and keys of attention :cite:p:`olmo2024two{code:
          configs/official-1124/OLMo2-7B-stage1.yaml, norm_after and attention_layer_norm}`.
          Witness: ``transformers.models.olmo2.modeling_olmo2.Olmo2RMSNorm``.
        - layer -- gpt-oss: before each sublayer, with :math:`\epsilon` = 1e-5, computed in 32 bits
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 43}`.
          Witness: ``transformers.models.gpt_oss.modeling_gpt_oss.GptOssRMSNorm``.
        - layer -- Gemma 3: the stored weight :math:`w` is the distance from 1, so that
          :math:`\gamma = 1 + w`
          :cite:p:`gemma2025three{code: gemma_pytorch, gemma/model.py, line 187}`.
          Witness: ``transformers.models.gemma3.modeling_gemma3.Gemma3RMSNorm``, with :math:`w =
          \gamma - 1`.

    Numerics:
        An input of zeros gives zeros; the :math:`\epsilon` that makes it so is missing from the
        paper's formula :cite:p:`zhang2019root{eq. (4)}` and differs among systems: 1e-6 in
        DeepSeek-V3 and OLMo 2, 1e-5 in gpt-oss, the rounding unit of the number format in
        ``torch.nn.functional.rms_norm`` by default. Squares overflow or lose digits in 16 bits; the
        four systems above compute them in 32. Large features are divided by a power of two before
        they are squared, so that squares do not overflow.

    Checked against:
        ``torch.nn.functional.rms_norm(x, x.shape, gamma, eps)``

    Examples:
        By hand: the mean square of 1 and 7 is 25, so both are divided by 5:

        >>> import numpy as np
        >>> rms_norm(np.asarray([1.0, 7.0]), np.ones(2)).round(4).tolist()
        [0.2, 1.4]

        With a scale and a large :math:`\epsilon`, as in ``torch.nn.functional.rms_norm``:

        >>> x = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> gamma = np.asarray([1.5, -0.4, 0.7, 2.2])
        >>> rms_norm(x, gamma, eps=0.5).round(4).tolist()
        [[0.2788, 0.2974, 1.0843, 1.0905], [0.8953, -0.0562, -0.1475, 4.0165]]

        Gemma's layer on the same item, from its stored weights:

        >>> w = gamma - 1
        >>> rms_norm(x[0], 1 + w, eps=0.5).round(4).tolist()
        [0.2788, 0.2974, 1.0843, 1.0905]

        The derivative of the first output; moving along :math:`x` itself changes nothing:

        >>> import torch
        >>> x = torch.tensor([3.0, 4.0, 5.0], requires_grad=True)
        >>> rms_norm(x, torch.ones(3))[0].backward()
        >>> x.grad
        tensor([ 0.2009, -0.0588, -0.0735])

        Where the mean square is as small as :math:`\epsilon`, a factor :math:`1/\sqrt{2}` is left:

        >>> rms_norm(np.asarray([-1e-3, 1e-3]), np.ones(2)).round(4).tolist()
        [-0.7071, 0.7071]

        Zeros stay zeros:

        >>> rms_norm(np.zeros(3), np.ones(3)).tolist()
        [0.0, 0.0, 0.0]

        Features whose squares would overflow float32 are normalized like others:

        >>> rms_norm(torch.tensor([1e20, 7e20]), torch.ones(2))
        tensor([0.2000, 1.4000])
    """
    xp = array_namespace(x)
    s = xp.clip(scale(x), min=1.0)  # a power of two, so that no square overflows
    u = x / s
    mean_square = total(u**2)[..., None] / x.shape[-1]
    return gamma * (u / xp.sqrt(mean_square + eps / s / s))


@checked
def batch_norm(
    x: Real[Array, "*batch n d"],
    gamma: Real[Array, "d"],
    beta: Real[Array, "d"],
    *,
    eps: Positive[float, ""] = 1e-5,
) -> Real[Array, "*batch n d"]:
    r"""Batch normalization: each feature with mean 0 and variance 1 over the batch, then rescaled.

    .. math:: y_{bi} = \gamma_i \frac{x_{bi} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}} + \beta_i,
       \qquad \mu_i = \frac{1}{n} \sum_{b=1}^{n} x_{bi}, \qquad \sigma_i = \sqrt{\frac{1}{n}
       \sum_{b=1}^{n} (x_{bi} - \mu_i)^2}

    The mean :math:`\mu_i` and the variance :math:`\sigma_i^2`, with divisor :math:`n`, are those of
    one feature :math:`i` over all items :math:`b`, as in training: first
    :math:`\hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}`, then
    :math:`y = \gamma \hat{x} + \beta`. Every item moves the output of every other. Multiplying a
    feature by a positive number, or adding one to it in all items, changes nothing but the share of
    :math:`\epsilon`.

    Args:
        x: :math:`x`, a batch of items, one a row; the places of an image are rows too.
        gamma: :math:`\gamma`, the learned scale of each feature.
        beta: :math:`\beta`, the learned offset of each feature.
        eps: :math:`\epsilon`, added to the variance.

    Returns:
        :math:`y`, the normalized items, one a row.

    Also called:
        BatchNorm, BN, batch normalisation, nn.BatchNorm1d, nn.BatchNorm2d, spatial batch norm,
        batch norm.

    Asked as:
        internal covariate shift; train and eval give different results; running mean and variance;
        Expected more than 1 value per channel when training.

    Role in ML:
        - layer -- D-FINE: follows the convolutions of the real-time detector's encoder; for
          deployment it is multiplied into their weights
          :cite:p:`peng2024dfine{code: src/zoo/dfine/hybrid_encoder.py, lines 29 and 71-80}`.
          Witness: ``transformers.models.d_fine.modeling_d_fine.DFineConvNormLayer``.
        - layer -- Inception: normalizes the inputs of its nonlinear functions in training; the
          statistics of training are replaced by fixed ones afterwards
          :cite:p:`ioffe2015batch{alg. 1 and 2}`.

    Numerics:
        The variance here has divisor :math:`n`; the running variance that PyTorch keeps for
        inference is of variances with divisor :math:`n - 1`. Training moves the running values by
        :math:`\mu_{\mathrm{run}} \leftarrow (1 - m) \, \mu_{\mathrm{run}} + m \, \mu` with the
        momentum :math:`m`; in ``eval()`` the layer uses them, which is an affine map of each item
        by itself, and its results differ from those of ``train()``. A feature that is the same in
        all items gives :math:`\beta_i`, so a batch of one item gives :math:`\beta`;
        ``torch.nn.BatchNorm1d`` refuses it: ``Expected more than 1 value per channel when
        training``. For images of shape (N, C, H, W) the rows are all places of all images, :math:`n
        = N H W`.

    Checked against:
        ``torch.batch_norm(x, gamma, beta, None, None, True, 0.0, eps, False)``

    Examples:
        By hand: the first feature has mean 3 and variance 4, the second mean 0 and variance 100:

        >>> import numpy as np
        >>> x = np.asarray([[1.0, -10.0], [5.0, 10.0]])
        >>> batch_norm(x, np.ones(2), np.zeros(2)).round(4).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]

        Three items with scale, offset and a large :math:`\epsilon`, as in
        ``torch.nn.functional.batch_norm``:

        >>> x = np.asarray([[0.3, -1.2], [1.7, 0.4], [-0.6, 5.2]])
        >>> gamma, beta = np.asarray([1.5, -0.4]), np.asarray([0.2, -0.1])
        >>> batch_norm(x, gamma, beta, eps=0.5).round(4).tolist()
        [[-0.0116, 0.2796], [1.766, 0.0518], [-1.1544, -0.6315]]

        Two groups of three, each with its own statistics:

        >>> batch_norm(np.stack([x, 2 * x + 3]), gamma, beta, eps=0.5)[1].round(4).tolist()
        [[-0.0475, 0.289], [2.0313, 0.0556], [-1.3838, -0.6445]]

        The running variance of PyTorch has another divisor: 8/2 = 4 for 1, 3 and 5, where the layer
        divided by the root of 8/3:

        >>> import torch
        >>> layer = torch.nn.BatchNorm1d(1, momentum=1.0)
        >>> _ = layer(torch.tensor([[1.0], [3.0], [5.0]]))
        >>> layer.running_var
        tensor([4.])
        >>> x = np.asarray([[1.0], [3.0], [5.0]])
        >>> batch_norm(x, np.ones(1), np.zeros(1))[:, 0].round(4).tolist()
        [-1.2247, 0.0, 1.2247]

        The first item's output depends on all items; moving all together changes nothing:

        >>> x = torch.tensor([[0.3], [1.7], [-0.6]], requires_grad=True)
        >>> batch_norm(x, torch.ones(1), torch.zeros(1))[0].backward()
        >>> x.grad.flatten()
        tensor([ 0.6935, -0.2714, -0.4222])

        Where the variance is as small as :math:`\epsilon`, a factor :math:`1/\sqrt{2}` is left; a
        batch of one item leaves the offset:

        >>> small = np.sqrt(1e-5) * np.asarray([[-1.0], [1.0]])
        >>> batch_norm(small, np.ones(1), np.zeros(1))[:, 0].round(4).tolist()
        [-0.7071, 0.7071]
        >>> batch_norm(np.asarray([[7.0, -2.0]]), np.ones(2), np.asarray([0.3, 0.6])).tolist()
        [[0.3, 0.6]]
    """
    return gamma * _standardized(x.mT, eps).mT + beta
