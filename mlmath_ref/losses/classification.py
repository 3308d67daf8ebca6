r"""Classification losses: what a wrong belief about a label costs.

A classifier gives every class a score. The cross-entropy turns the scores into probabilities and
charges :math:`-\log` of the one that the true class got: nothing when the model was sure and right,
without bound when it was sure and wrong. It is the negative log-likelihood of a categorical
distribution, and its derivative in the scores is the difference between prediction and truth. As a
scoring rule it is strictly proper: on average only the true probabilities make it smallest
:cite:p:`gneiting2007strictly`.

All losses here start from scores, not from probabilities. A probability that went through a softmax
or a sigmoid may have been rounded to 0 or 1, and its logarithm cannot be had back; and a loss that
expects scores takes probabilities without complaint and applies the softmax a second time. Where
nearly all elements are easy, their many small losses outweigh the few hard ones; the focal loss
takes their weight away.

:map: 6.2 Losses
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.numerics.logarithms import log_sum_exp
from mlmath_ref.sets import Binary, ExtendedNonneg, Labels, Logits, Nonneg, Real, Unit, checked


@checked
def softmax_cross_entropy(
    z: Logits[Array, "*batch n k"], y: Labels[Array, "*batch n", "k"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Cross-entropy loss: the mean surprise at the true labels, given scores for all classes.

    .. math:: \mathcal{L} = -\frac{1}{n} \sum_{i=1}^{n}
       \log \frac{e^{z_{i, y_i + 1}}}{\sum_{c=1}^{k} e^{z_{i c}}}

    It is 0 only in the limit of certain and right predictions, and :math:`\log k` when all scores
    are equal. It is convex in the scores, and its derivative in :math:`z_{i c}` is
    :math:`(s_{i c} - t_{i c}) / n`, with :math:`s` the softmax of each row and :math:`t_{i c}` one
    where :math:`c = y_i + 1` and zero elsewhere.

    Args:
        z: :math:`z`, scores (logits), a row for each sample and a column for each class.
        y: :math:`y`, the true classes, counted from 0.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over the samples.

    Also called:
        cross entropy loss, CE loss, log loss, negative log-likelihood, NLL, softmax loss,
        categorical cross-entropy, sparse categorical cross-entropy, next-token loss,
        multinomial logistic loss.

    Role in ML:
        - objective -- DeepSeek-V3: trains every module of its multi-token prediction, each on the
          token that lies one step further ahead :cite:p:`deepseek2024v3{eq. (24)}`.
        - objective -- OLMo 2: the loss of pre-training, over the next token, to which a z-loss on
          the same scores is added :cite:p:`olmo2024two{code: olmo/train.py, line 132}`.
          Witness: ``transformers.loss.loss_utils.ForCausalLMLoss``.

    Numerics:
        The logarithm of the sum is computed as a log-sum-exp, so that scores of 1000 do no harm. A
        class with the score :math:`-\infty` is ruled out; if it is the true one, the loss is
        :math:`\infty`. The scores of one sample may all be shifted by the same number.

    Checked against:
        ``torch.nn.functional.cross_entropy(z, y)``

        ``-np.mean([scipy.special.log_softmax(s)[c] for s, c in zip(z, y)])``

    Examples:
        By hand: the true classes have the shares 2 of 8 and 3 of 6, so the losses are
        :math:`\log 4` and :math:`\log 2`, their mean :math:`\tfrac32 \log 2`:

        >>> import numpy as np
        >>> z = np.log(np.asarray([[1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]))
        >>> float(softmax_cross_entropy(z, np.asarray([1, 0])))
        1.0397

        Other scores, as ``torch.nn.functional.cross_entropy`` has them:

        >>> z = np.asarray([[0.3, -1.2, 2.5], [0.8, 1.7, -0.4]])
        >>> float(softmax_cross_entropy(z, np.asarray([0, 1])))
        1.3759

        The derivative is prediction minus truth, over the number of samples:

        >>> import torch
        >>> z = torch.tensor([[1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]).log().requires_grad_()
        >>> softmax_cross_entropy(z, torch.tensor([1, 0])).backward()
        >>> z.grad
        tensor([[ 0.0625, -0.3750,  0.3125],
                [-0.2500,  0.1667,  0.0833]])

        Equal scores cost :math:`\log 3`, at any size; sure and right costs nothing; and a true
        class that was ruled out costs without bound:

        >>> z = torch.tensor([[[1e3, 1e3, 1e3]], [[1e3, 0.0, 0.0]], [[0.0, -torch.inf, 0.0]]])
        >>> softmax_cross_entropy(z, torch.tensor([[2], [0], [1]]))
        tensor([1.0986, 0.0000,    inf])
    """
    xp = array_namespace(z, y)
    label = xp.astype(y, xp.int64)[..., None]
    true = xp.take_along_axis(z, label, axis=-1)[..., 0]
    return xp.mean(log_sum_exp(z) - true, axis=-1)


@checked
def focal_loss(
    z: Real[Array, "*shape"],
    y: Binary[Array, "*shape"],
    *,
    gamma: Nonneg[float, ""] = 2.0,
    alpha: Unit[float, ""] = 0.25,
) -> Nonneg[Array, "*shape"]:
    r"""Focal loss: binary cross-entropy that all but ignores what is already decided rightly.

    .. math::
       \begin{aligned}
       \mathrm{FL}(z, y) &= -\alpha_t \, (1 - p_t)^{\gamma} \log p_t, \\
       p_t &= \sigma((2 y - 1) \, z), \\
       \alpha_t &= \alpha \, y + (1 - \alpha) (1 - y)
       \end{aligned}

    Here :math:`\sigma` is the logistic sigmoid and :math:`p_t` the probability of the true class.
    With :math:`\gamma = 0` it is the binary cross-entropy, weighted by :math:`\alpha_t`. At
    :math:`\gamma = 2` an element with :math:`p_t = 0.9` counts a hundredth of that.

    Args:
        z: :math:`z`, the score (logit) that an element is positive.
        y: :math:`y`, 1 where the element is positive, 0 where it is not.
        gamma: :math:`\gamma`, how strongly easy elements are turned down.
        alpha: :math:`\alpha`, the weight of positive elements; negative ones get
            :math:`1 - \alpha`.

    Returns:
        :math:`\mathrm{FL}(z, y)`, in nats, one number per element.

    Also called:
        FL, sigmoid focal loss, RetinaNet loss, alpha-balanced focal loss, binary focal loss.

    Role in ML:
        - objective -- SAM 2: the loss of every pixel of a predicted mask, with
          :math:`\gamma = 2` and :math:`\alpha = 0.25`, beside a dice loss
          :cite:p:`ravi2024sam2{code: training/loss_fns.py, line 52}`.
        - objective -- RetinaNet: trains a detector on all of its boxes at once, almost all of which
          hold no object :cite:p:`lin2017focal{eq. (5)}`.
          Witness: ``transformers.loss.loss_for_object_detection.sigmoid_focal_loss``.

    Numerics:
        The logarithms of :math:`p_t` and of :math:`1 - p_t` both come from the score, by a stable
        :math:`\log (1 + e^x)`; neither is rounded to 0 first. For a hopeless element the loss grows
        like :math:`\alpha_t |z|`. The default :math:`\alpha` gives the rarer positives the smaller
        weight, because :math:`\gamma` already turns the easy negatives down.

    Checked against:
        ``np.where(y == 1, alpha, 1 - alpha) * scipy.special.expit(np.where(y == 1, -z, z)) ** gamma
        * -scipy.special.log_expit(np.where(y == 1, z, -z))``

    Examples:
        By hand, a positive with :math:`p_t = \tfrac34` costs
        :math:`\tfrac14 \cdot \tfrac1{16} \log \tfrac43`, and a negative with the same score, where
        :math:`p_t = \tfrac14`, costs :math:`\tfrac34 \cdot \tfrac9{16} \log 4`:

        >>> import numpy as np
        >>> z = np.log(np.asarray([3.0, 3.0]))
        >>> focal_loss(z, np.asarray([1, 0])).round(4).tolist()
        [0.0045, 0.5848]

        Other numbers, from ``binary_cross_entropy_with_logits`` of PyTorch and both weights:

        >>> z, y = np.asarray([-2.5, -0.3, 0.8, 1.7]), np.asarray([1, 0, 1, 0])
        >>> focal_loss(z, y, gamma=1.5, alpha=0.6).round(4).tolist()
        [1.3746, 0.0616, 0.0384, 0.5809]

        The derivative is large where the model is wrong, here at the first element:

        >>> import torch
        >>> z = torch.tensor([-2.5, 2.5], requires_grad=True)
        >>> focal_loss(z, torch.tensor([1, 1])).sum().backward()
        >>> z.grad
        tensor([-0.2809, -0.0003])

        Without focus and with even weights it is half the binary cross-entropy; large scores do no
        harm:

        >>> z, y = torch.tensor([0.0, -1000.0, 1000.0]), torch.tensor([1, 1, 1])
        >>> focal_loss(z, y, gamma=0.0, alpha=0.5)
        tensor([3.4657e-01, 5.0000e+02, 0.0000e+00])
        >>> focal_loss(z, y)
        tensor([4.3322e-02, 2.5000e+02, 0.0000e+00])
    """
    xp = array_namespace(z, y)
    t = xp.astype(y, z.dtype)
    x = (2 * t - 1) * z
    zero = xp.zeros_like(x)
    log_p, log_not_p = -xp.logaddexp(zero, -x), -xp.logaddexp(zero, x)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return -weight * xp.exp(gamma * log_not_p) * log_p
