r"""Classification losses: what a wrong belief about a label costs.

A classifier gives every class a score. The cross-entropy turns the scores into probabilities and
charges :math:`-\log` of the one that the true class got: nothing when the model was sure and right,
without bound when it was sure and wrong. It is the negative log-likelihood of a categorical
distribution, and its derivative in the scores is the difference between prediction and truth. As a
scoring rule it is strictly proper: on average only the true probabilities make it smallest
:cite:p:`gneiting2007strictly`.

The losses differ in what is known. One label of several: cross-entropy, or the negative
log-likelihood where a model gives log-probabilities already. Yes or no for each element: binary
cross-entropy. Where nearly all elements are easy, their many small losses outweigh the few hard
ones; the focal loss takes their weight away.

All but the negative log-likelihood start from scores, none from probabilities. A probability that
went through a softmax or a sigmoid may have been rounded to 0 or 1, and its logarithm cannot be had
back; and a loss that expects scores takes probabilities without complaint and applies the softmax a
second time.

:map: 6.2 Losses
"""

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, softplus, total
from mlmath_ref.sets import (
    Binary,
    ExtendedNonneg,
    ExtendedNonpositive,
    Labels,
    Logits,
    Nonneg,
    Real,
    Unit,
    checked,
)


@checked
def softmax_cross_entropy(
    z: Logits[Array, "*batch n k"], y: Labels[Array, "*batch n", "k"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Cross-entropy loss: the mean surprise at the true labels, given scores for all classes.

    .. math:: \mathcal{L} = -\frac{1}{n} \sum_{i=1}^{n}
       \log \frac{e^{z_{i, y_i + 1}}}{\sum_{c=1}^{k} e^{z_{i c}}}

    For one sample it is :math:`-z_y + \log \sum_c e^{z_c}`, and with one-hot or soft labels
    :math:`t` it is :math:`-\sum_c t_c \log s_c`. It is 0 only in the limit of certain and right
    predictions, and :math:`\log k` when all scores are equal, as for a model that has learned
    nothing yet. It is convex in the scores, and its derivative in :math:`z_{i c}` is
    :math:`(s_{i c} - t_{i c}) / n`, with :math:`s` the softmax of each row and :math:`t_{i c}` one
    where :math:`c = y_i + 1` and zero elsewhere.

    Args:
        z: :math:`z`, scores (logits), a row for each sample and a column for each class.
        y: :math:`y`, the true classes, counted from 0.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over the samples.

    Also called:
        cross entropy loss, CE loss, log loss, softmax loss, categorical cross-entropy, sparse
        categorical cross-entropy, multinomial logistic loss, CrossEntropyLoss, multiclass
        cross-entropy.

    Asked as:
        classification loss; softmax before CrossEntropyLoss; loss stays at log k; Target is out of
        bounds; loss of a language model.

    Role in ML:
        - objective -- DeepSeek-V3: trains every module of its multi-token prediction, each on the
          token that lies one step further ahead :cite:p:`deepseek2024v3{eq. (24)}`.
        - objective -- OLMo 2: the loss of pre-training, over the next token, to which a z-loss on
          the same scores is added; the released configuration computes both in one fused kernel
          :cite:p:`olmo2024two{code: allenai/OLMo at 59a53e3, olmo/train.py, lines 156-190, and
          configs/official-1124/OLMo2-7B-stage1.yaml, lines 39-40}`.
          Witness: ``transformers.loss.loss_utils.ForCausalLMLoss``.

    Numerics:
        The logarithm of the sum is computed as a log-sum-exp, so that scores of 1000 do no harm. A
        class with the score :math:`-\infty` is ruled out; if it is the true one, the loss is
        :math:`\infty`. The scores of one sample may all be shifted by the same number. A softmax
        before this loss is one too many: it takes scores. The logarithm of a softmax that has
        underflowed is :math:`\log 0`, and the loss infinite or NaN. ``Target 10 is out of bounds``
        says PyTorch where there are ten scores: labels count from 0. ``sklearn.metrics.log_loss``
        raises probabilities to at least :math:`2.2 \cdot 10^{-16}`, so that no sample costs more
        than 36.04.

    Checked against:
        ``torch.nn.functional.cross_entropy(z, y)``

        ``-np.mean([scipy.special.log_softmax(s)[c] for s, c in zip(z, y)])``

    Examples:
        By hand: the true classes have the shares 2 of 8 and 3 of 6, so the losses are
        :math:`\log 4` and :math:`\log 2`, their mean :math:`\tfrac32 \log 2`:

        >>> import numpy as np
        >>> z = np.log(np.asarray([[1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]))
        >>> round(float(softmax_cross_entropy(z, np.asarray([1, 0]))), 4)
        1.0397

        Other scores, as ``torch.nn.functional.cross_entropy`` has them:

        >>> z = np.asarray([[0.3, -1.2, 2.5], [0.8, 1.7, -0.4]])
        >>> round(float(softmax_cross_entropy(z, np.asarray([0, 1]))), 4)
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
    best = xp.argmax(z, axis=-1, keepdims=True)
    top = xp.take_along_axis(z, best, axis=-1)
    others = xp.arange(z.shape[-1], device=device(z)) != best
    rest = total(xp.where(others, xp.exp(z - top), 0.0))
    behind = (top - xp.take_along_axis(z, label, axis=-1))[..., 0]
    return total((behind + xp.log1p(rest)) / z.shape[-2])


@checked
def negative_log_likelihood(
    log_p: ExtendedNonpositive[Array, "*batch n k"], y: Labels[Array, "*batch n", "k"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Negative log-likelihood: the mean surprise at the true labels, given log-probabilities.

    .. math:: \mathcal{L} = -\frac{1}{n} \sum_{i=1}^{n} \ell_{i, y_i + 1}

    As probabilities it is :math:`-\frac1n \sum_{i=1}^{n} \log p_\theta(y_i \mid x_i)`, and with
    :math:`\ell` the log-softmax of scores it is their cross-entropy. Times :math:`n` it is the
    negative logarithm of the probability of all labels together,
    :math:`-\log \prod_{i=1}^{n} p_\theta(y_i \mid x_i)`, so that the smallest loss is the largest
    likelihood. The derivative is :math:`-1/n` at each true class and zero elsewhere.

    Args:
        log_p: :math:`\ell`, log-probabilities, a row for each sample and a column for each class.
        y: :math:`y`, the true classes, counted from 0.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over the samples.

    Also called:
        NLL loss, nll_loss, negative log probability, NLL, NLLLoss.

    Asked as:
        token NLL; surprisal; logarithmic score; maximum likelihood loss; negative loss from
        nll_loss; -log p(y|x).

    Role in ML:
        - objective -- MDLM: the denoiser returns log-probabilities, the
          one of each true token is picked out, and a factor that depends on the noise level weighs
          it; the autoregressive baseline takes it unweighted
          :cite:p:`sahoo2024simple{code: kuleshov-group/mdlm, diffusion.py, lines 884-905}`.
        - objective -- Iterative reasoning preference optimization: a term of this kind is added to
          the preference loss, and its authors find that the gains depend on it
          :cite:p:`pang2024iterative{abstract}`.

    Numerics:
        It picks and averages, so nothing is rounded but the mean; the precision is that of the
        log-probabilities, which a log-softmax gives safely and a logarithm of a softmax does not. A
        true class with :math:`\ell = -\infty` makes the loss :math:`\infty`. Probabilities in the
        place of their logarithms are refused; ``torch.nn.functional.nll_loss`` takes them and
        returns a negative number. A sum over :math:`n` tokens in the place of the mean is
        :math:`n` times as large, and so is its gradient.

    Checked against:
        ``torch.nn.functional.nll_loss(log_p, y)``

    Examples:
        By hand: the true classes have the probabilities :math:`\tfrac14` and :math:`\tfrac12`, so
        that the loss is :math:`\tfrac12 (\log 4 + \log 2) = \tfrac32 \log 2`:

        >>> import numpy as np
        >>> p = np.asarray([[0.25, 0.125, 0.625], [0.2, 0.5, 0.3]])
        >>> round(float(negative_log_likelihood(np.log(p), np.asarray([0, 1]))), 4)
        1.0397

        Four samples, as ``torch.nn.functional.nll_loss`` has it; the sum over the samples is four
        times the mean:

        >>> p = np.asarray([[0.1, 0.7, 0.2], [0.55, 0.15, 0.3], [0.35, 0.4, 0.25], [0.6, 0.1, 0.3]])
        >>> y = np.asarray([2, 0, 1, 1])
        >>> loss = float(negative_log_likelihood(np.log(p), y))
        >>> round(loss, 4), round(4 * loss, 4)
        (1.3565, 5.4262)
        >>> import torch
        >>> log_p = torch.tensor(p).log().requires_grad_()
        >>> total = torch.nn.functional.nll_loss(log_p, torch.tensor(y), reduction="sum")
        >>> round(total.item(), 4)
        5.4262

        The gradient sees nothing but the true class:

        >>> negative_log_likelihood(log_p, torch.tensor(y)).backward()
        >>> log_p.grad[:2].float()
        tensor([[ 0.0000,  0.0000, -0.2500],
                [-0.2500,  0.0000,  0.0000]])

        An impossible label costs without bound; each pair of samples is one loss:

        >>> log_p = torch.tensor([[[0.0, -torch.inf]] * 2, [[0.5, 0.5]] * 2])
        >>> log_p[1] = log_p[1].log()
        >>> negative_log_likelihood(log_p, torch.tensor([[0, 1], [1, 0]]))
        tensor([   inf, 0.6931])

        Probabilities instead of logarithms give a negative loss in PyTorch and are refused here:

        >>> torch.nn.functional.nll_loss(torch.tensor(p), torch.tensor(y)).item()
        -0.3125
        >>> negative_log_likelihood(p, y)
        Traceback (most recent call last):
        ValueError: negative_log_likelihood: log_p must hold numbers, zero or below, got 0.1 at [0, 0]
    """
    xp = array_namespace(log_p, y)
    label = xp.astype(y, xp.int64)[..., None]
    true = xp.take_along_axis(log_p, label, axis=-1)[..., 0]
    return -total(true / log_p.shape[-2])


@checked
def binary_cross_entropy_with_logits(
    z: Real[Array, "*batch n"], y: Unit[Array, "*batch n"]
) -> Nonneg[Array, "*batch"]:
    r"""Binary cross-entropy with logits: mean negative log-likelihood of binary labels.

    .. math:: \mathcal{L} = -\frac{1}{n} \sum_{i=1}^{n} \left(
       y_i \log \sigma(z_i) + (1 - y_i) \log (1 - \sigma(z_i)) \right)

    Here :math:`\sigma` is the logistic sigmoid; with the probabilities :math:`p_i = \sigma(z_i)` a
    term is :math:`-y_i \log p_i - (1 - y_i) \log (1 - p_i)`, and with labels :math:`t_i = \pm 1` it
    is :math:`\log(1 + e^{-t_i z_i})`. It is convex in the scores, its derivative in :math:`z_i` is
    :math:`(\sigma(z_i) - y_i) / n`, and turning all signs of :math:`z` and all :math:`y` into
    :math:`1 - y` changes nothing. It is the cross-entropy of two classes with the scores :math:`z`
    and 0.

    Args:
        z: :math:`z`, the score (logit) that each answer is yes.
        y: :math:`y`, 1 for yes, 0 for no; a number between them is a soft label.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over the :math:`n` elements.

    Also called:
        BCE, binary cross-entropy, BCEWithLogits, BCEWithLogitsLoss, sigmoid cross-entropy, logistic
        loss, Bernoulli negative log-likelihood, logistic regression loss, binary log loss, sigmoid
        loss.

    Asked as:
        BCELoss; log loss; multi-label classification loss; binary classification loss; all elements
        of input should be between 0 and 1; -(y log p + (1-y) log(1-p)); BCE gives nan.

    Role in ML:
        - objective -- EoMT: compares sampled points of each predicted mask with the annotated one,
          beside a dice loss
          :cite:p:`kerssies2025eomt{code: transformers, models/eomt/modeling_eomt.py, line 486}`.
          Witness: ``transformers.models.eomt.modeling_eomt.sigmoid_cross_entropy_loss``.
        - objective -- TD-MPC2: in tasks that can end, teaches the world model to say from a latent
          state whether the episode is over
          :cite:p:`hansen2024tdmpc2{code: tdmpc2/tdmpc2.py, line 295}`.

    Numerics:
        Computed as :math:`y \log(1 + e^{-z}) + (1 - y) \log(1 + e^z)` with a softplus that does not
        overflow and has the right first and second derivatives everywhere, at :math:`z = 0` too.
        The formula on a rounded probability :math:`p` gives NaN at :math:`y = p = 1`, from
        :math:`0 \log 0`, and :math:`\infty` at :math:`y = 1`, :math:`p = 0`, where the loss is
        finite, about :math:`|z|`; in float32 the sigmoid rounds to 1 from about :math:`z = 17` on.
        ``torch.nn.functional.binary_cross_entropy`` replaces
        logarithms below :math:`-100` by :math:`-100`, which bounds the loss and stops the gradient;
        given scores it says ``all elements of input should be between 0 and 1``.
        ``sklearn.metrics.log_loss`` bounds it at 36.04. A soft label leaves its own entropy as the
        smallest loss. Where a sample has several labels at once (multi-label classification) each
        label is an element.

    Checked against:
        ``torch.nn.functional.binary_cross_entropy_with_logits(z, y)``

        ``-np.mean(y * scipy.special.log_expit(z) + (1 - y) * scipy.special.log_expit(-z))``

    Examples:
        By hand: the scores :math:`\log 3` and :math:`\log 3` mean :math:`p = \tfrac34`; a yes
        costs :math:`\log \tfrac43`, a no :math:`\log 4`, their mean is 0.8370:

        >>> import numpy as np
        >>> z, y = np.log(np.asarray([3.0, 3.0])), np.asarray([1.0, 0.0])
        >>> round(float(binary_cross_entropy_with_logits(z, y)), 4)
        0.837

        Other scores and a soft label, as PyTorch's ``binary_cross_entropy_with_logits`` has it:

        >>> z, y = np.asarray([0.3, -1.2, 2.5]), np.asarray([1.0, 0.0, 0.35])
        >>> round(float(binary_cross_entropy_with_logits(z, y)), 4)
        0.8405

        The derivative is prediction minus truth, over the number of elements, also at 0:

        >>> import torch
        >>> z = torch.tensor([0.0, -1.2, 2.5], requires_grad=True)
        >>> binary_cross_entropy_with_logits(z, torch.tensor([1.0, 0.0, 0.35])).backward()
        >>> z.grad
        tensor([-0.1667,  0.0772,  0.1914])

        The second derivative at 0, where many a training starts, is :math:`\tfrac14` over the number
        of elements:

        >>> loss = lambda z: binary_cross_entropy_with_logits(z, torch.tensor([1.0]))
        >>> torch.func.hessian(loss)(torch.zeros(1))
        tensor([[0.2500]])

        Right and sure costs nothing, wrong and sure costs :math:`|z|`, no opinion costs
        :math:`\log 2`; from the rounded probabilities the formula gives NaN and infinity:

        >>> z, y = torch.tensor([1000.0, -1000.0, 0.0]), torch.ones(3)
        >>> binary_cross_entropy_with_logits(z[:, None], y[:, None])
        tensor([0.0000e+00, 1.0000e+03, 6.9315e-01])
        >>> p = torch.sigmoid(z)
        >>> -(y * torch.log(p) + (1 - y) * torch.log(1 - p))
        tensor([   nan,    inf, 0.6931])

        The small loss of a sure answer keeps its digits, here :math:`e^{-40}`:

        >>> loss = binary_cross_entropy_with_logits(np.asarray([40.0]), np.asarray([1.0]))
        >>> round(float(loss / np.exp(-40.0)), 12)
        1.0

        PyTorch's loss on probabilities stops at 100:

        >>> torch.nn.functional.binary_cross_entropy(p[1], y[1])
        tensor(100.)
    """
    return total((y * softplus(-z) + (1 - y) * softplus(z)) / z.shape[-1])


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

    Here :math:`\sigma` is the logistic sigmoid and :math:`p_t` the probability of the true class,
    :math:`p = \sigma(z)` if :math:`y = 1` and :math:`1 - p` if not, so that written out it is
    :math:`-\alpha y (1 - p)^\gamma \log p - (1 - \alpha) (1 - y) \, p^\gamma \log(1 - p)`. With
    :math:`\gamma = 0` it is the binary cross-entropy, weighted by :math:`\alpha_t`. At
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
        FL, sigmoid focal loss, RetinaNet loss, alpha-balanced focal loss, binary focal loss, focal
        cross-entropy.

    Asked as:
        class imbalance; too many easy negatives; (1-p_t)^gamma.

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
        weight, because :math:`\gamma` already turns the easy negatives down. It is a remedy for
        imbalanced classes, where easy negatives outnumber the rest.

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
    weight = alpha * t + (1 - alpha) * (1 - t)
    return weight * xp.exp(-gamma * softplus(x)) * softplus(-x)
