r"""Inference: what an observation does to belief.

Before the observation there is a prior over hypotheses. Each hypothesis says how probable the
observation was: that is its likelihood, a function of the hypothesis, which need not sum to one.
Bayes' theorem multiplies the two and normalizes. The result is the probability of the hypothesis
given the data, which must not be taken for the probability of the data given the hypothesis: a test
that is right 99 times in 100 can be wrong most of the times it says yes, if what it tests for is
rare.

The rule says nothing on where the prior comes from, and it chooses among the hypotheses it was
given. With a continuum of hypotheses the sum becomes an integral that is seldom tractable;
variational and sampling methods approximate it. In a few families it stays in closed form, because
the posterior is of the same kind as the prior. For unknown probabilities of :math:`K` outcomes that
family is the Dirichlet distribution, and all that an observation does is to be counted.

:map: 3.3 Bayes' theorem
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import Index, Masses, Positive, Simplex, checked


@checked
def bayes_theorem(
    likelihood: Masses[Array, "*batch n"], prior: Simplex[Array, "*#batch n"]
) -> Simplex[Array, "*batch n"]:
    r"""Bayes' theorem: turns what hypotheses say of the data into what the data say of them.

    .. math::
        P(H_i \mid D) = \frac{P(D \mid H_i) \, P(H_i)}{\sum_{j=1}^{n} P(D \mid H_j) \, P(H_j)}

    For two events it is :math:`P(A \mid B) = \frac{P(B \mid A) \, P(A)}{P(B)}`, for a parameter
    :math:`p(\theta \mid D) = \frac{p(D \mid \theta) \, p(\theta)}{\int p(D \mid \theta) \,
    p(\theta) \, d\theta}`; here the hypotheses :math:`H_1, \dots, H_n` exclude each other, and one
    of them holds. Only ratios of likelihoods matter, :math:`\frac{P(H_1 \mid D)}{P(H_2 \mid D)} =
    \frac{P(D \mid H_1)}{P(D \mid H_2)} \frac{P(H_1)}{P(H_2)}` in odds: multiplying all by one
    positive number changes nothing. Observations that are independent given the hypothesis may come
    one by one, each posterior the next prior.

    Args:
        likelihood: :math:`P(D \mid H_i)`, how probable the data :math:`D` are under each
            hypothesis; a density will do.
        prior: :math:`P(H_i)`, the probability of each hypothesis before the data.

    Returns:
        :math:`P(H_i \mid D)`, the posterior: the probability of each hypothesis given the data.

    Raises:
        ValueError: No hypothesis has both a likelihood and a prior above 0.

    Also called:
        Bayes rule, Bayes' rule, Bayes formula, Bayes' law.

    Asked as:
        posterior; posterior probability; Bayesian inference; Bayesian update; inverse probability;
        evidence; base rate; base rate fallacy; P(A|B).

    Role in ML:
        - estimator -- SynthID-Text: the Bayesian detector weighs the likelihood of a text's
          watermarking values with and without a watermark, and a prior, into the probability that
          the text is watermarked
          :cite:p:`dathathri2024scalable{code: src/synthid_text/detector_bayesian.py}`.
          Witness: ``transformers.generation.watermarking.BayesianDetectorModel``.
        - sampling -- MDLM: a reverse step draws the less noisy state of
          each masked token from its posterior, with the network's prediction in the place of the
          unknown token
          :cite:p:`sahoo2024simple{code: diffusion.py, lines 598-607}`.

    Numerics:
        A hypothesis with likelihood or prior 0 gets exactly 0 and never recovers. The product of
        many likelihoods underflows: add logarithms, and take the softmax of log-likelihood plus
        log-prior, which is the same formula. If no hypothesis can explain the data the fraction is
        0 by 0, and the call is refused. Where only the order counts, likelihood times prior will
        do: :math:`p(\theta \mid D) \propto p(D \mid \theta) \, p(\theta)`. A rare cause stays
        unlikely: if 1 % have a disease, and a test finds 99 % of them and 5 % of the healthy, the
        probability of disease given a positive test is :math:`\frac{0.99 \cdot 0.01}{0.99 \cdot
        0.01 + 0.05 \cdot 0.99} = \frac16`.

    Checked against:
        ``torch.softmax(torch.log(likelihood) + torch.log(prior), dim=-1)``

    Examples:
        By hand, a spam filter: the word "free" is in 0.8 of the spam and in 0.1 of the rest, and
        0.3 of the mail is spam; :math:`0.24 / (0.24 + 0.07)`:

        >>> import numpy as np
        >>> likelihood, prior = np.asarray([0.8, 0.1]), np.asarray([0.3, 0.7])
        >>> bayes_theorem(likelihood, prior).round(4).tolist()
        [0.7742, 0.2258]

        A test that finds 99 of 100 cases and is wrong on 5 of 100 others, where one in 100 is a
        case: after a positive result the probability is :math:`0.0099 / 0.0594 = 1/6`, after a
        negative one :math:`0.0001 / 0.9406`:

        >>> results = np.asarray([[0.99, 0.05], [0.01, 0.95]])
        >>> bayes_theorem(results, np.asarray([0.01, 0.99])).round(4).tolist()
        [[0.1667, 0.8333], [0.0001, 0.9999]]

        Three hypotheses and two observations, one by one and at once; the softmax of the summed
        logarithms gives the same:

        >>> prior = np.asarray([0.5, 0.2, 0.3])
        >>> first, second = np.asarray([0.1, 0.7, 0.4]), np.asarray([2.3, 0.6, 1.1])
        >>> bayes_theorem(second, bayes_theorem(first, prior)).round(4).tolist()
        [0.3474, 0.2538, 0.3988]
        >>> bayes_theorem(first * second, prior).round(4).tolist()
        [0.3474, 0.2538, 0.3988]
        >>> import scipy
        >>> scipy.special.softmax(np.log(prior) + np.log(first) + np.log(second)).round(4).tolist()
        [0.3474, 0.2538, 0.3988]

        The derivative of the first posterior :math:`p_1` in the likelihoods is
        :math:`p_1 (1 - p_1) / 0.8` and :math:`-p_1 (1 - p_1) / 0.2`:

        >>> import torch
        >>> likelihood = torch.tensor([0.8, 0.2], requires_grad=True)
        >>> bayes_theorem(likelihood, torch.tensor([0.3, 0.7]))[0].backward()
        >>> likelihood.grad
        tensor([ 0.2909, -1.1634])

        A hypothesis that the data rule out is out; data that all rule out are refused, in any row:

        >>> bayes_theorem(np.asarray([0.0, 0.4, 0.1]), np.asarray([0.5, 0.25, 0.25])).tolist()
        [0.0, 0.8, 0.2]
        >>> bayes_theorem(np.asarray([[0.3, 0.4], [0.0, 0.4]]), np.asarray([1.0, 0.0]))
        Traceback (most recent call last):
        ValueError: bayes_theorem: arguments must keep every step in its set, got _normalized: joint must hold finite non-negative vectors with an entry above zero, got [0.0, 0.0] at [1]
    """
    return _normalized(likelihood / scale(likelihood) * prior)


@checked
def _normalized(joint: Masses[Array, "*batch n"]) -> Simplex[Array, "*batch n"]:
    """The shares of numbers from 0 up, not all of them 0."""
    return joint / total(joint)[..., None]


@checked
def dirichlet_posterior(
    counts: Index[Array, "*batch K"], alpha: Positive[Array, "*#batch K"]
) -> Positive[Array, "*batch K"]:
    r"""Dirichlet posterior: what counted outcomes say about unknown probabilities.

    .. math:: \alpha'_k = \alpha_k + c_k

    With a Dirichlet prior on the probabilities and independent draws from them, the posterior is
    Dirichlet again: prior concentrations are counts made in advance. The probability that the next
    outcome is :math:`k` is :math:`\alpha'_k` over the sum of all,
    :math:`\frac{\alpha_k + c_k}{\sum_j (\alpha_j + c_j)}`, with ones as prior
    :math:`\frac{c_k + 1}{n + K}` after :math:`n` draws; with two outcomes,
    :math:`\operatorname{Beta}(a, b)` becomes :math:`\operatorname{Beta}(a + c_1, b + c_2)`. Order
    does not matter, and counts may come in portions.

    Args:
        counts: :math:`c`, how often each of the :math:`K` outcomes was seen.
        alpha: :math:`\alpha`, the concentrations of the prior; all 1 is the uniform density.

    Returns:
        :math:`\alpha'`, the concentrations of the posterior.

    Also called:
        Dirichlet-categorical update, Dirichlet-multinomial update, conjugate update of the
        Dirichlet distribution.

    Asked as:
        Beta-Bernoulli update; Beta-binomial update; conjugate prior; add-one smoothing; Laplace
        smoothing; additive smoothing; pseudocounts; rule of succession.

    Role in ML:
        - metric -- Bayes@N: graded answers of a language model are counted for each question, one
          is added to every grade, and mean and deviation of the score follow in closed form
          :cite:p:`hariri2026dont{code: mohsenhariri/scorio, scorio/eval/_categorical.py,
          line 170}`.
        - estimator -- scikit-learn: the naive Bayes classifier for counts adds its smoothing to
          the counts of every feature, and uses the mean of this posterior
          :cite:p:`pedregosa2011scikit{code: sklearn/naive_bayes.py, line 927}`.
          Witness: ``sklearn.naive_bayes.MultinomialNB``.

    Numerics:
        One addition. An outcome that was never seen keeps a probability above 0, so that its
        logarithm is finite. Concentrations below the precision of the counts are lost in them, in
        float32 1e-3 beside 1e5. Nothing was observed where all counts are 0: the prior comes back.

    Checked against:
        ``1 + torch.func.grad(lambda q: torch.distributions.Dirichlet(alpha, validate_args=False)
        .log_prob(torch.exp(q)) + (counts * q).sum())(torch.log(alpha / alpha.sum()))``

    Examples:
        By hand, three red, no blue and one green ball from a uniform prior; the next is blue with
        probability 1/7:

        >>> import numpy as np
        >>> posterior = dirichlet_posterior(np.asarray([3, 0, 1]), np.ones(3))
        >>> posterior.tolist(), (posterior / posterior.sum()).round(4).tolist()
        ([4.0, 1.0, 2.0], [0.5714, 0.1429, 0.2857])

        Two portions of counts give what all at once give, from concentrations on both sides of one:

        >>> alpha, first, second = np.asarray([0.5, 2.5]), np.asarray([4, 1]), np.asarray([0, 7])
        >>> dirichlet_posterior(second, dirichlet_posterior(first, alpha)).tolist()
        [4.5, 10.5]
        >>> dirichlet_posterior(np.stack([first + second, first]), alpha).tolist()
        [[4.5, 10.5], [4.5, 3.5]]

        It is Bayes' theorem: prior density times likelihood is the posterior density but for a
        factor, the same at every :math:`p`, here :math:`B(4.5, 3.5) / B(0.5, 2.5)` with Euler's
        beta function:

        >>> from mlmath_ref.probability.densities import dirichlet_pdf
        >>> p, alpha, counts = np.asarray([[0.2, 0.8], [0.6, 0.4]]), np.asarray([0.5, 2.5]), [4, 1]
        >>> joint = dirichlet_pdf(p, alpha) * np.prod(p ** np.asarray(counts), axis=-1)
        >>> (joint / dirichlet_pdf(p, dirichlet_posterior(np.asarray(counts), alpha))).round(4)
        array([0.0065, 0.0065])

        The logarithm of the chance of the outcome that was seen has the derivative
        :math:`1 / \alpha'_k - 1 / \sum_j \alpha'_j` in :math:`\alpha_k`:

        >>> import torch
        >>> alpha = torch.ones(3, requires_grad=True)
        >>> posterior = dirichlet_posterior(torch.tensor([3, 0, 1]), alpha)
        >>> (posterior[0] / posterior.sum()).log().backward()
        >>> alpha.grad
        tensor([ 0.1071, -0.1429, -0.1429])

        Nothing seen, nothing learned; and a small concentration beside a large count in float32:

        >>> dirichlet_posterior(np.asarray([0, 0]), np.asarray([0.7, 1.9])).tolist()
        [0.7, 1.9]
        >>> small = np.asarray([1e-3, 1e-3], dtype=np.float32)
        >>> dirichlet_posterior(np.asarray([100_000, 0]), small)
        array([1.e+05, 1.e-03], dtype=float32)
    """
    xp = array_namespace(counts, alpha)
    return alpha + xp.astype(counts, alpha.dtype)
