r"""Discrete probability: what can be said when the outcomes can be counted.

A distribution over countably many outcomes is a list of probabilities that sum to one, and an event
is a set of outcomes. Two rules carry all calculation. Events are joined by addition, where what
belongs to both is counted once; they are combined by multiplication, where the second factor is
taken given the first. The second rule, applied token by token, is how a language model assigns a
probability to a text, and solved for the other condition it is Bayes' theorem.

Two distributions are enough for most of machine learning. The Bernoulli distribution decides
between yes and no: a masked token, a dropped unit, a positive label. The categorical distribution
decides among :math:`K` classes: the next token, an action, an expert. Both are products of
probabilities raised to 0 or 1, and their logarithms are the losses of classification.

:map: 3.2 Distributions
"""

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import Binary, Joint, Labels, Nonneg, Simplex, Unit, checked


@checked
def addition_rule(
    a: Binary[Array, "*batch n"], b: Binary[Array, "*batch n"], p: Simplex[Array, "*#batch n"]
) -> Nonneg[Array, "*batch"]:
    r"""Addition rule: how probable it is that at least one of two events happens.

    .. math:: P(A \cup B) = P(A) + P(B) - P(A \cap B) = \sum_{i=1}^{n} p_i (a_i + b_i - a_i b_i)

    What belongs to both events is in both of the first terms, and is taken off once. Events that
    exclude each other simply add, :math:`P(A \cup B) = P(A) + P(B)`, and independent ones give
    :math:`1 - (1 - P(A)) (1 - P(B))`; in general the sum of the first two terms is an upper bound,
    for many events the union bound :math:`P(A_1 \cup \dots \cup A_n) \le \sum_i P(A_i)`. The rule
    holds for every measure: for counts, lengths and areas as for probabilities.

    Args:
        a: :math:`a`, 1 where an outcome belongs to the event :math:`A`.
        b: :math:`b`, 1 where it belongs to :math:`B`.
        p: :math:`p`, the probability of each of the :math:`n` outcomes.

    Returns:
        :math:`P(A \cup B)`, one probability per pair of events.

    Where:
        - :math:`P(A)`: ``np.sum(p * a)``, the probability of :math:`A`.
        - :math:`P(B)`: ``np.sum(p * b)``, the probability of :math:`B`.
        - :math:`P(A \cap B)`: ``np.sum(p * a * b)``, the probability that both happen.

    Also called:
        sum rule of events, inclusion-exclusion of two events, probability of a union, probability
        of A or B.

    Asked as:
        OR rule; at least one of two events; union bound; Boole's inequality; sum rule of
        probability; noisy or; P(A or B); P(A \cup B).

    Role in ML:
        - primitive -- gsplat: opacity is accumulated batch by batch of splats as the probability
          that one of two independent events happens, :math:`P(A) + P(B) \, (1 - P(A))`
          :cite:p:`ye2025gsplat{code: nerfstudio-project/gsplat, gsplat/cuda/_torch_impl.py, def
          _rasterize_to_pixels}`.
        - metric -- D-FINE: the same rule for areas: what two boxes cover together, the denominator
          of their intersection over union, is the sum of their areas less the overlap
          :cite:p:`peng2024dfine{code: src/zoo/dfine/box_ops.py, line 39}`.
          Witness: ``transformers.loss.loss_for_object_detection.box_iou``.

    Numerics:
        All three sums run over the same outcomes in the same order, so that
        :math:`P(B) - P(A \cap B)` is never negative; rounding may leave a certain union one unit in
        the last place off 1. The events are indicators and carry no gradient; in :math:`p_i` the
        derivative is 1 where an outcome is in either event, else 0.

    Checked against:
        ``p[(a == 1) | (b == 1)].sum()``,
        ``1 - np.prod([1 - a, 1 - b], axis=0) @ p + (p.sum() - 1)``

    Examples:
        By hand, one die: even or above 3 is 2, 4, 5, 6, with
        :math:`\tfrac36 + \tfrac36 - \tfrac26 = \tfrac46`:

        >>> import numpy as np
        >>> die = np.full(6, 1 / 6)
        >>> even, high = np.asarray([0, 1, 0, 1, 0, 1]), np.asarray([0, 0, 0, 1, 1, 1])
        >>> round(float(addition_rule(even, high, die)), 4)
        0.6667

        A loaded die, :math:`0.45 + 0.6 - 0.4`, and on it two events that exclude each other,
        :math:`0.45 + 0.55`:

        >>> loaded = np.asarray([0.1, 0.05, 0.25, 0.15, 0.2, 0.25])
        >>> pairs = np.stack([even, even]), np.stack([high, 1 - even])
        >>> addition_rule(*pairs, loaded).round(4).tolist()
        [0.65, 1.0]

        The derivative in :math:`p` marks the union:

        >>> import torch
        >>> p = torch.tensor(loaded, requires_grad=True)
        >>> addition_rule(torch.tensor(even), torch.tensor(high), p).backward()
        >>> p.grad
        tensor([0., 1., 0., 1., 1., 1.], dtype=torch.float64)

        The impossible event adds nothing:

        >>> round(float(addition_rule(even, np.zeros(6, int), loaded)), 4)
        0.45
    """
    xp = array_namespace(a, b, p)
    p_a = total(xp.where(a > 0, p, 0.0))
    p_b = total(xp.where(b > 0, p, 0.0))
    p_both = total(xp.where((a > 0) & (b > 0), p, 0.0))
    return p_a + p_b - p_both


@checked
def multiplication_rule(
    p_a: Simplex[Array, "*batch m"], p_b_given_a: Simplex[Array, "*batch m n"]
) -> Joint[Array, "*batch m n"]:
    r"""Multiplication rule: the joint distribution, from one variable and the other given it.

    .. math:: P(A_i \cap B_j) = P(A_i) \, P(B_j \mid A_i) = P(A_i) \, T_{ij}

    For two events it is :math:`P(A, B) = P(A \mid B) \, P(B)`, so that
    :math:`P(A \mid B) = \frac{P(A, B)}{P(B)}` is the conditional probability; here each row sums to
    :math:`P(A_i)`, each column to :math:`P(B_j) = \sum_i P(B_j \mid A_i) \, P(A_i)` (total
    probability). A row over its sum is :math:`P(B_j \mid A_i) = P(A_i \cap B_j) / P(A_i)` again, a
    column over its sum is :math:`P(A_i \mid B_j)`, which is Bayes' theorem. The events are
    independent, :math:`P(A_i \cap B_j) = P(A_i) \, P(B_j)`, if and only if all rows of the
    conditional table with :math:`P(A_i) > 0` agree.

    Args:
        p_a: :math:`P(A_i)`, the probabilities of the events that are decided first.
        p_b_given_a: :math:`T`, the table of conditional probabilities, a row for each
            :math:`A_i`: the distribution of what follows it.

    Returns:
        :math:`P(A_i \cap B_j)`, the probability that both happen, as a table.

    Where:
        - :math:`P(B_j \mid A_i)`: ``p_b_given_a[i - 1, j - 1]``, the probability of :math:`B_j`
          given :math:`A_i`.

    Also called:
        product rule of probability, multiplication law of probability, chain rule of probability.

    Asked as:
        conditional probability; joint probability; autoregressive factorization; probability of A
        and B; law of total probability; AND rule; P(A, B); P(B|A).

    Role in ML:
        - planning -- EAGLE-2: a draft token is worth its own probability times that of the path
          that leads to it, added up as logarithms; the draft tree grows where the product is
          largest :cite:p:`li2024eagle2{code: eagle/model/cnets.py, line 740}`.
        - sampling -- gpt-oss: a text is drawn as the rule factorizes it, each token from its
          distribution given all tokens so far
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 459-466}`.

    Numerics:
        For many variables it is :math:`P(x_1, \dots, x_n) = \prod_{i=1}^{n} P(x_i \mid x_1, \dots,
        x_{i-1})`, and a product of many factors underflows: after 1100 tokens of probability 1/2
        float64 has 0 left. Sequences are scored by the sum of the logarithms. A row that cannot be
        reached, with :math:`P(A_i) = 0`, gives zeros, and its conditional distribution cannot be
        had back from the table.

    Checked against:
        ``np.diag(p_a) @ p_b_given_a``,
        ``torch.exp(torch.log(p_a)[:, None] + torch.log(p_b_given_a))``

    Examples:
        By hand, two balls from an urn with 3 red and 2 blue, the first not put back: both red with
        :math:`\tfrac35 \cdot \tfrac24`, both blue with :math:`\tfrac25 \cdot \tfrac14`:

        >>> import numpy as np
        >>> first, second = np.asarray([3 / 5, 2 / 5]), np.asarray([[2 / 4, 2 / 4], [3 / 4, 1 / 4]])
        >>> multiplication_rule(first, second).round(4).tolist()
        [[0.3, 0.3], [0.3, 0.1]]

        Two events against three; the columns sum to :math:`P(B_j)`, and a column over its sum is
        what Bayes' theorem gives:

        >>> p_a = np.asarray([0.7, 0.3])
        >>> p_b_given_a = np.asarray([[0.1, 0.6, 0.3], [0.5, 0.3, 0.2]])
        >>> joint = multiplication_rule(p_a, p_b_given_a)
        >>> joint.round(4).tolist()
        [[0.07, 0.42, 0.21], [0.15, 0.09, 0.06]]
        >>> (joint[:, 0] / joint[:, 0].sum()).round(4).tolist()
        [0.3182, 0.6818]
        >>> from mlmath_ref.probability.inference import bayes_theorem
        >>> bayes_theorem(p_b_given_a[:, 0], p_a).round(4).tolist()
        [0.3182, 0.6818]

        The derivative of one entry in :math:`P(A_i)` is the conditional probability, and the other
        way round:

        >>> import torch
        >>> p_a = torch.tensor([0.7, 0.3], requires_grad=True)
        >>> rows = torch.tensor([[0.1, 0.6, 0.3], [0.5, 0.3, 0.2]], requires_grad=True)
        >>> multiplication_rule(p_a, rows)[1, 0].backward()
        >>> p_a.grad, rows.grad
        (tensor([0.0000, 0.5000]), tensor([[0.0000, 0.0000, 0.0000],
                [0.3000, 0.0000, 0.0000]]))

        The product of 1100 probabilities of one half is no longer a number above 0; the sum of
        their logarithms is ordinary:

        >>> halves = np.full(1100, 0.5)
        >>> float(np.prod(halves)), round(float(np.sum(np.log(halves))), 4)
        (0.0, -762.4619)
    """
    return p_a[..., None] * p_b_given_a


@checked
def bernoulli_pmf(x: Binary[Array, "*batch"], p: Unit[Array, "*#batch"]) -> Unit[Array, "*batch"]:
    r"""Bernoulli distribution: the probability of yes or no.

    .. math:: P(X = x) = p^x (1 - p)^{1 - x}

    The mean is :math:`p`, the variance :math:`p (1 - p)`, at most 1/4. As a function of :math:`p`
    it is the likelihood, and minus its logarithm, :math:`-x \log p - (1 - x) \log(1 - p)`, is the
    binary cross-entropy. The number of successes in :math:`n` trials is binomial,
    :math:`\binom{n}{k} p^k (1 - p)^{n - k}`.

    Args:
        x: :math:`x`, the outcome: 1 for yes, 0 for no.
        p: :math:`p`, the probability of 1.

    Returns:
        :math:`P(X = x)`, one probability per outcome; :math:`X` is the random outcome.

    Also called:
        Bernoulli distribution, Bernoulli pmf, binomial distribution with n = 1.

    Asked as:
        coin flip; coin toss; biased coin; Bernoulli trial; binary variable; dropout mask; random
        mask.

    Role in ML:
        - sampling -- LLaDA: each token of a training text is masked independently, with one
          probability for the whole text that is itself drawn uniformly
          :cite:p:`nie2025large{code: GUIDELINES.md, lines 27-33}`.
        - regularizer -- PyTorch: the argument of dropout is the probability that an element is
          zeroed, so the mask is 1 with the rest, and what is kept is divided by that rest
          :cite:p:`ansel2024pytorch2{code: torch/nn/functional.py, def dropout}`.
        - sampling -- Stable-Baselines3: a policy over several yes-or-no actions multiplies one of
          these for each
          :cite:p:`raffin2021stable{code: stable_baselines3/common/distributions.py, line 407}`.
          Witness: ``stable_baselines3.common.distributions.BernoulliDistribution``.

    Numerics:
        The power is a choice between :math:`p` and :math:`1 - p`, so that 0 and 1 are exact and
        the gradient in :math:`p` is 1 or -1 everywhere. A :math:`p` below about 1e-16 is lost in
        :math:`1 - p`; its logarithm is ``log1p(-p)``. From a score use the binary cross-entropy,
        which never forms :math:`p`. Dropout with drop probability :math:`q` has :math:`p = 1 - q`.
        ``torch.distributions.Bernoulli`` keeps :math:`p` a rounding unit away from 0 and 1.

    Checked against:
        ``scipy.stats.bernoulli.pmf(x, p)``,
        ``scipy.stats.binom.pmf(x, 1, p)``

    Examples:
        By hand, yes with 0.8:

        >>> import numpy as np
        >>> bernoulli_pmf(np.asarray([1, 0]), np.asarray(0.8)).round(4).tolist()
        [0.8, 0.2]

        Four outcomes under four probabilities, as ``scipy.stats.bernoulli.pmf`` has them:

        >>> x, p = np.asarray([1, 0, 0, 1]), np.asarray([0.35, 0.35, 0.07, 0.62])
        >>> bernoulli_pmf(x, p).round(4).tolist()
        [0.35, 0.65, 0.93, 0.62]

        Dropout with drop probability 0.1 keeps with 0.9 and divides by 0.9, so that the mean of the
        mask is 1; PyTorch's argument is the drop probability, at 1 nothing is left:

        >>> mask, keep = np.asarray([0, 1]), 1 - 0.1
        >>> float(np.sum(bernoulli_pmf(mask, np.asarray(keep)) * mask / keep))
        1.0
        >>> import torch
        >>> torch.nn.functional.dropout(torch.ones(3), p=1.0)
        tensor([0., 0., 0.])

        The derivative of the logarithm in :math:`p` is :math:`1 / p` or :math:`-1 / (1 - p)`:

        >>> p = torch.tensor([0.8, 0.8], requires_grad=True)
        >>> bernoulli_pmf(torch.tensor([1, 0]), p).log().sum().backward()
        >>> p.grad
        tensor([ 1.2500, -5.0000])

        What is certain is exactly certain, with a slope; and a tiny :math:`p` does not show in the
        probability of no:

        >>> p = torch.tensor([0.0, 1.0], requires_grad=True)
        >>> certain = bernoulli_pmf(torch.tensor([0, 0]), p)
        >>> certain.sum().backward()
        >>> certain.detach(), p.grad
        (tensor([1., 0.]), tensor([-1., -1.]))
        >>> rare = np.asarray(1e-20)
        >>> float(np.log(bernoulli_pmf(np.asarray(0), rare))), float(np.log1p(-rare) / rare)
        (0.0, -1.0)
    """
    xp = array_namespace(x, p)
    return xp.where(x > 0, p, 1 - p)


@checked
def categorical_pmf(
    k: Labels[Array, "*batch", "K"], p: Simplex[Array, "*#batch K"]
) -> Unit[Array, "*batch"]:
    r"""Categorical distribution: the probability of one class among several.

    .. math:: P(X = k) = \prod_{j=1}^{K} p_j^{\mathbb{1}[j = k + 1]}

    All factors but one are 1, and the one is the probability of the class,
    :math:`P(X = k) = p_{k + 1}`; with a one-hot vector :math:`x` it reads
    :math:`p(x) = \prod_j p_j^{x_j}`. Its negative logarithm is the cross-entropy loss; with
    :math:`K = 2` it is the Bernoulli distribution. Counts :math:`c` of :math:`m` draws are
    multinomial, :math:`\frac{m!}{c_1!\cdots c_K!} \prod_j p_j^{c_j}`.

    Args:
        k: :math:`k`, the class, counted from 0.
        p: :math:`p`, the probabilities of the :math:`K` classes.

    Returns:
        :math:`P(X = k)`, one probability per class asked for; :math:`X` is the random class.

    Also called:
        categorical distribution, categorical pmf, multinoulli distribution, generalized Bernoulli
        distribution, multinomial distribution with n = 1.

    Asked as:
        discrete distribution; one-of-K distribution; token probability; multinomial distribution;
        gather of probabilities.

    Role in ML:
        - sampling -- gpt-oss: the next token is a draw from it, with the softmax of the scores over
          the temperature as probabilities
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 464-465}`.
        - estimator -- Group relative policy optimization: in TRL's trainer the logarithm of this
          number, at each token of an answer, is what the ratio of new to old policy is made from
          :cite:p:`shao2024deepseekmath{code: huggingface/trl, trl/trainer/utils.py, def
          selective_log_softmax}`.
          Witness: ``trl.trainer.utils.selective_log_softmax``.

    Numerics:
        Exact: a probability is picked, nothing is rounded. The gradient is 1 at the class and 0
        elsewhere, so that a probability of 0 still has one. From scores take the log-softmax at the
        class: a probability that underflowed has the logarithm :math:`-\infty`. A class that does
        not exist is refused, negative ones too. ``torch.distributions.Categorical`` lifts a
        probability of 0 to the rounding unit, :math:`2.2 \cdot 10^{-16}` in float64.

    Checked against:
        ``scipy.stats.multinomial.pmf(np.eye(len(p))[k], 1, p)``,
        ``p[k]``

    Examples:
        By hand, the third of three classes, counted from 0:

        >>> import numpy as np
        >>> float(categorical_pmf(np.asarray(2), np.asarray([0.5, 0.2, 0.3])))
        0.3

        One distribution for all tokens, or one for each; their product is the likelihood:

        >>> p = np.asarray([[0.15, 0.6, 0.25], [0.7, 0.1, 0.2]])
        >>> categorical_pmf(np.asarray([1, 0, 1, 2]), p[0]).tolist()
        [0.6, 0.15, 0.6, 0.25]
        >>> categorical_pmf(np.asarray([1, 2]), p).tolist()
        [0.6, 0.2]

        The derivative of the logarithm is :math:`1 / p_{k+1}` at the class, 0 elsewhere:

        >>> import torch
        >>> p = torch.tensor([0.15, 0.6, 0.25], requires_grad=True)
        >>> categorical_pmf(torch.tensor(2), p).log().backward()
        >>> p.grad
        tensor([0., 0., 4.])

        In float32 a score 110 below the best one leaves no probability; the log-softmax keeps it:

        >>> z = torch.tensor([0.0, -110.0])
        >>> categorical_pmf(torch.tensor(1), torch.softmax(z, 0)).log(), z.log_softmax(0)[1]
        (tensor(-inf), tensor(-110.))

        Class 3 of three, counted from 0, does not exist:

        >>> categorical_pmf(np.asarray([0, 3]), np.asarray([0.5, 0.2, 0.3]))
        Traceback (most recent call last):
        ValueError: categorical_pmf: k must hold integers from 0 up to, not including, 3, got 3 at [1]
    """
    xp = array_namespace(k, p)
    is_class = xp.arange(p.shape[-1], device=device(p)) == k[..., None]
    return xp.sum(xp.where(is_class, p, 0.0), axis=-1)
