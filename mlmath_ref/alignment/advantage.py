r"""Advantages: how much better an action did than was expected.

A policy gradient weighs each action by how good its consequences were. The sum of later rewards is
right on average and noisy, because everything that happens afterwards is in it; one reward plus a
critic's estimate of what follows is quiet and wrong by the critic's error. Generalized advantage
estimation is a dial between the two: it averages over all horizons, with weights that fall off
geometrically.

In reinforcement learning from human feedback or from checkable answers an action is a token, an
episode a response, and the reward often stands at its last token only. PPO takes its advantages
from a critic in this way; GRPO, as in DeepSeek-R1, has no critic and compares the responses of a
group instead :cite:p:`deepseek2025r1{v1, sec. 2.2.1}`.

:map: 6.8 Alignment
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Real, Unit, checked


@checked
def generalized_advantage_estimation(
    rewards: Real[Array, "*batch T"],
    values: Real[Array, "*batch T+1"],
    *,
    gamma: Unit[float, ""] = 0.99,
    lam: Unit[float, ""] = 0.95,
) -> Real[Array, "*batch T"]:
    r"""Generalized advantage estimation: surprises of the critic, summed with fading weights.

    .. math::
        \hat{A}_t = \sum_{k=t}^{T} (\gamma \lambda)^{k-t} \, (r_k + \gamma V_{k+1} - V_k)

    With the surprises (TD errors) :math:`\delta_t = r_t + \gamma V_{t+1} - V_t` it is
    :math:`\sum_{l=0}^{T-t} (\gamma \lambda)^l \, \delta_{t+l}`; :math:`\lambda` trades bias against
    variance. At :math:`\lambda = 0` it is the one-step surprise, at :math:`\lambda = 1` the
    discounted return less :math:`V_t`. One row is one episode, or one piece of it: where the
    episode has ended :math:`V_{T+1} = 0`, where it was only cut off :math:`V_{T+1}` is the critic's
    estimate.

    Args:
        rewards: :math:`r`, the rewards, with :math:`t` counted from 1 to :math:`T`.
        values: :math:`V`, the critic's estimates before each of the :math:`T` actions and after the
            last one, taken as constants.
        gamma: :math:`\gamma`, the discount of later rewards.
        lam: :math:`\lambda`, 0 to trust the critic, 1 to trust the rewards. The defaults of both
            are those of PPO for continuous control :cite:p:`schulman2017proximal{table 3}`.

    Returns:
        :math:`\hat{A}`, the advantages, in the unit of the rewards.

    Also called:
        GAE, GAE lambda, GAE(lambda).

    Asked as:
        advantage function; TD lambda advantage; temporal difference residual; TD error; lambda
        return; advantage estimation; PPO advantages; bias variance trade-off of returns.

    Role in ML:
        - estimator -- Open-Reasoner-Zero: PPO on a base language model with
          :math:`\gamma = \lambda = 1`, so that an advantage is the score of the answer less the
          critic's forecast :cite:p:`hu2025open{abstract; code: orz/ppo/utils.py, line 283}`.
        - estimator -- PPO: weighs each step of the clipped objective, on pieces of a fixed length
          :cite:p:`schulman2017proximal{eq. (11) and (12), table 3}`.
          Witness: ``stable_baselines3.common.buffers.RolloutBuffer``.
        - estimator -- Trust-region policy optimization: the simulated walkers that the method was
          made for :cite:p:`schulman2016high{eq. (16), sec. 6}`.

    Numerics:
        :math:`0^0 = 1`: if :math:`\gamma \lambda = 0`, the result is the one-step TD error. Most
        programs run :math:`\hat{A}_t = \delta_t + \gamma \lambda \hat{A}_{t+1}` backwards, in
        :math:`T` steps; the body doubles the number of summed terms in each of
        :math:`\log_2 T` passes, which compilers can trace. Memory is proportional to :math:`T`. A
        row that holds several episodes has to be cut at their ends.

    Checked against:
        ``scipy.signal.lfilter([1], [1, -gamma * lam],
        (rewards + gamma * values[1:] - values[:-1])[::-1])[::-1]``

    Examples:
        By hand, with :math:`\gamma = \lambda = \tfrac12` and an ended episode: the surprises are
        :math:`1 + 2 - 2`, :math:`0 + 3 - 4` and :math:`10 + 0 - 6`, each carried back by a quarter.

        >>> import numpy as np
        >>> rewards, values = np.asarray([1.0, 0.0, 10.0]), np.asarray([2.0, 4.0, 6.0, 0.0])
        >>> generalized_advantage_estimation(rewards, values, gamma=0.5, lam=0.5).tolist()
        [1.0, 0.0, 4.0]

        Two rows with the defaults, as ``scipy.signal.lfilter`` of the reversed surprises has them;
        the last values stand for a future that was cut off:

        >>> rewards = np.asarray([[1.0, 0.0, 10.0], [-0.5, 2.5, 0.3]])
        >>> values = np.asarray([[2.0, 4.0, 6.0, 5.0], [0.7, -1.2, 3.4, 1.1]])
        >>> generalized_advantage_estimation(rewards, values).round(4).tolist()
        [[12.7012, 10.3575, 8.95], [2.4788, 5.1747, -2.011]]

        At :math:`\lambda = 1` the advantage is the return less the value, at 0 one surprise; the
        gradient in the last reward is :math:`(\gamma \lambda)^{T-t}`:

        >>> import torch
        >>> rewards, values = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.25, 0.5, 0.75, 0.0])
        >>> generalized_advantage_estimation(rewards, values, gamma=1.0, lam=1.0).tolist()
        [0.75, 0.5, 0.25]
        >>> generalized_advantage_estimation(rewards, values, gamma=0.8, lam=0.0)
        tensor([0.1500, 0.1000, 0.2500])
        >>> _ = rewards.requires_grad_()
        >>> generalized_advantage_estimation(rewards, values, gamma=1.0, lam=0.5)[0].backward()
        >>> rewards.grad
        tensor([1.0000, 0.5000, 0.2500])
    """
    xp = array_namespace(rewards, values)
    adv = rewards + gamma * values[..., 1:] - values[..., :-1]  # the TD errors
    for span in [2**k for k in range((rewards.shape[-1] - 1).bit_length())]:
        # each pass doubles the number of steps that are summed
        later = xp.concat([adv[..., span:], xp.zeros_like(adv[..., :span])], axis=-1)
        adv = adv + (gamma * lam) ** span * later
    return adv
