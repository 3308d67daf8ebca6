r"""Preferences: learning from which of two answers was liked better.

The Bradley-Terry model says that the answer with the higher reward wins with a probability that is
the logistic function of the difference. Reward models are fitted to such choices; a policy is then
moved to higher reward, at a price on its divergence from a reference. That price limits how far
the policy goes after the reward model's mistakes and does not rule them out.

For the penalized problem the best policy is known: the reference, reweighted by the exponential of
the reward. Read backwards, every policy is the best one for some reward, up to a constant of each
prompt, and that constant cancels in a comparison. So the policy can be fitted to the choices
directly. This and the reward-model route have the same optimum with unlimited data, a Bradley-Terry
world and unrestricted policies; they are not the same algorithm, and with finite data they differ.

:map: 6.8 Alignment
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Nonneg, Nonpositive, Positive, checked


@checked
def dpo_loss(
    policy_chosen: Nonpositive[Array, "*batch n"],
    policy_rejected: Nonpositive[Array, "*batch n"],
    ref_chosen: Nonpositive[Array, "*batch n"],
    ref_rejected: Nonpositive[Array, "*batch n"],
    *,
    beta: Positive[float, ""] = 0.1,
) -> Nonneg[Array, "*batch"]:
    r"""DPO loss: how badly a policy's implicit reward explains the choices that people made.

    .. math::
        \mathcal{L}_{\mathrm{DPO}} = -\frac1n \sum_{i=1}^{n} \log \sigma\left( \beta
            \log \frac{\pi_\theta(y_i^{+} \mid x_i)}{\pi_{\mathrm{ref}}(y_i^{+} \mid x_i)} - \beta
            \log \frac{\pi_\theta(y_i^{-} \mid x_i)}{\pi_{\mathrm{ref}}(y_i^{-} \mid x_i)} \right)

    With the logistic function :math:`\sigma(u) = 1 / (1 + e^{-u})` it is :math:`\log 2` where the
    policy is the reference. Only the change of the log-odds between the two answers matters: both
    probabilities may fall while the loss does.

    Args:
        policy_chosen: :math:`\log \pi_\theta(y_i^{+} \mid x_i)`, log-probability, summed over
            tokens, that the trained policy gives to the preferred answer.
        policy_rejected: :math:`\log \pi_\theta(y_i^{-} \mid x_i)`, the same for the other answer.
        ref_chosen: :math:`\log \pi_{\mathrm{ref}}(y_i^{+} \mid x_i)`, the frozen reference's, for
            the preferred answer.
        ref_rejected: :math:`\log \pi_{\mathrm{ref}}(y_i^{-} \mid x_i)`, the reference's, for the
            other.
        beta: :math:`\beta`, the price of divergence from the reference in the problem that is
            solved.

    Returns:
        :math:`\mathcal{L}_{\mathrm{DPO}}`, in nats, the mean over :math:`n` pairs.

    Also called:
        direct preference optimization, DPO, preference tuning, implicit reward, preference loss.

    Role in ML:
        - objective -- Llama 3: post-training with :math:`\beta = 0.1`, masked formatting tokens and
          an added likelihood term of weight 0.2 on the preferred answers
          :cite:p:`grattafiori2024llama3{sec. 4.1.4}`.
        - objective -- Tulu 3: a length-normalized form, in which each log-probability is averaged
          over its tokens and :math:`\beta = 5`
          :cite:p:`lambert2024tulu{code: allenai/open-instruct, docs/tulu3.md, line 158}`.
        - objective -- Llama 3.2 quantized: the last stage, on backbone and adapters together
          :cite:p:`meta2024llama32{Quantization-Aware Training and LoRA}`.
        - objective -- DPO: fits the policy without a reward model and without sampling from it
          :cite:p:`rafailov2023direct{eq. (7)}`.
          Witness: ``trl.DPOTrainer``.

    Numerics:
        :math:`-\log \sigma(u)` is taken as :math:`\log(e^0 + e^{-u})` in one stable operation: a
        margin of -1000 costs 1000 and overflows nothing. The gradient in a preferred
        log-probability is :math:`-\beta \sigma(-u) / n`, so pairs that are already right weigh
        little.

    Checked against:
        ``-scipy.stats.logistic.logcdf(policy_chosen - ref_chosen,
        loc=policy_rejected - ref_rejected, scale=1 / beta).mean()``

    Examples:
        By hand: the policy raised the odds of the preferred answer by :math:`\log 3`, which with
        :math:`\beta = 1` is :math:`-\log \tfrac34`.

        >>> import numpy as np
        >>> chosen, rejected = np.log(np.asarray([0.6])), np.log(np.asarray([0.2]))
        >>> ref = np.log(np.asarray([0.3]))
        >>> float(dpo_loss(chosen, rejected, ref, ref, beta=1.0))
        0.2877

        Two pairs at the usual :math:`\beta = 0.1`, one right and one wrong, with margins 8 and -5
        and :math:`\tfrac12 (\log(1 + e^{-0.8}) + \log(1 + e^{0.5}))`:

        >>> import torch
        >>> policy_chosen = torch.tensor([-20.0, -41.0], requires_grad=True)
        >>> policy_rejected = torch.tensor([-30.0, -35.0])
        >>> ref_chosen, ref_rejected = torch.tensor([-23.0, -38.0]), torch.tensor([-25.0, -37.0])
        >>> loss = dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected)
        >>> loss.item()
        0.6726
        >>> loss.backward()
        >>> policy_chosen.grad
        tensor([-0.0155, -0.0311])

        Two sets of pairs: a policy equal to its reference is at :math:`\log 2`, and hopeless pairs
        cost their margin:

        >>> ref = torch.tensor([[-7.0, -9.0, -4.0], [-7.0, -9.0, -4.0]])
        >>> dpo_loss(ref - torch.tensor([[0.0], [1000.0]]), ref, ref, ref, beta=1.0).tolist()
        [0.6931, 1000.0]
    """
    xp = array_namespace(policy_chosen, policy_rejected, ref_chosen, ref_rejected)
    margin = beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))
    return xp.mean(xp.logaddexp(xp.zeros_like(margin), -margin), axis=-1)
