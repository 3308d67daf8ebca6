r"""Inference: what an observation does to belief.

Before the observation there is a prior over hypotheses. Each hypothesis says how probable the
observation was: that is its likelihood, a function of the hypothesis, which need not sum to one.
Bayes' theorem multiplies the two and normalizes. The result is the probability of the hypothesis
given the data, which must not be taken for the probability of the data given the hypothesis: a test
that is right 99 times in 100 can be wrong most of the times it says yes, if what it tests for is
rare.

The rule says nothing on where the prior comes from, and it chooses among the hypotheses it was
given. With a continuum of hypotheses the sum becomes an integral that is seldom tractable;
variational and sampling methods approximate it.

:map: 3.3 Bayes' theorem
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Masses, Simplex, checked


@checked
def bayes_theorem(
    likelihood: Masses[Array, "*batch n"], prior: Simplex[Array, "*#batch n"]
) -> Simplex[Array, "*batch n"]:
    r"""Bayes' theorem: turns what hypotheses say of the data into what the data say of them.

    .. math::
        P(H_i \mid D) = \frac{P(D \mid H_i) \, P(H_i)}{\sum_{j=1}^{n} P(D \mid H_j) \, P(H_j)}

    The hypotheses :math:`H_1, \dots, H_n` exclude each other, and one of them holds. Only ratios of
    likelihoods matter: multiplying all by one positive number changes nothing. Observations that
    are independent given the hypothesis may come one by one, each posterior the next prior.

    Args:
        likelihood: :math:`P(D \mid H_i)`, how probable the data :math:`D` are under each
            hypothesis; a density will do.
        prior: :math:`P(H_i)`, the probability of each hypothesis before the data.

    Returns:
        :math:`P(H_i \mid D)`, the posterior: the probability of each hypothesis given the data.

    Raises:
        ValueError: No hypothesis has both a likelihood and a prior above 0.

    Also called:
        Bayes rule, Bayes' rule, Bayes formula, posterior, Bayesian inference, Bayesian update,
        inverse probability, evidence.

    Role in ML:
        - estimator -- SynthID-Text: the Bayesian detector weighs the likelihood of a text's
          watermarking values with and without a watermark, and a prior, into the probability that
          the text is watermarked
          :cite:p:`dathathri2024scalable{code: src/synthid_text/detector_bayesian.py}`.
          Witness: ``transformers.generation.watermarking.BayesianDetectorModel``.
        - sampling -- Masked diffusion language model: a reverse step draws the less noisy state of
          each masked token from its posterior, with the network's prediction in the place of the
          unknown token
          :cite:p:`sahoo2024simple{code: diffusion.py, lines 598-607}`.

    Numerics:
        A hypothesis with likelihood or prior 0 gets exactly 0 and never recovers. The product of
        many likelihoods underflows: add logarithms, and take the softmax of log-likelihood plus
        log-prior, which is the same formula. If no hypothesis can explain the data the fraction is
        0 by 0, and the call is refused.

    Checked against:
        ``torch.softmax(torch.log(likelihood) + torch.log(prior), dim=-1)``

    Examples:
        By hand, a spam filter: the word "free" is in 0.8 of the spam and in 0.11 / 0.7 of the
        rest, and 0.3 of the mail is spam; :math:`0.24 / (0.24 + 0.11)`:

        >>> import numpy as np
        >>> likelihood, prior = np.asarray([0.8, 0.11 / 0.7]), np.asarray([0.3, 0.7])
        >>> bayes_theorem(likelihood, prior).round(4).tolist()
        [0.6857, 0.3143]

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
            ...
        ValueError: bayes_theorem: likelihood must be above 0 where prior is, got evidence 0
    """
    xp = array_namespace(likelihood, prior)
    joint = likelihood * prior
    evidence = xp.sum(joint, axis=-1, keepdims=True)
    if xp.any(evidence == 0):
        raise ValueError("bayes_theorem: likelihood must be above 0 where prior is, got evidence 0")
    return joint / evidence
