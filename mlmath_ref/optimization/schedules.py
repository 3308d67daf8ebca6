r"""Schedules: how the learning rate changes while a model trains.

A run begins with a warmup, because at first the optimizer's moments are estimated from few
gradients and the weights are random: full steps would be taken on bad advice. It ends with a decay,
because a large rate keeps the parameters bouncing across the valley that they have found. Between
the two, the schedules differ. The cosine starts to fall at once and has to know the length of the
run beforehand. The warmup-stable-decay schedule holds the rate, so that the run can be prolonged
and a decay be started from any checkpoint.

Time :math:`t` counts the optimizer's steps from 0, and after the last step the rate stays where it
is. Published lengths of the warmup differ widely: 500 steps in Kimi K2
:cite:p:`kimi2025k2{sec. 2.5}`, 8,000 in Llama 3 405B :cite:p:`grattafiori2024llama3{sec. 3.4.1}`.

:map: 5.2 Schedules
"""

import math

from mlmath_ref.sets import Index, Natural, Nonneg, checked


@checked
def warmup_cosine(
    t: Index[int, ""],
    *,
    total: Natural[int, ""],
    warmup: Index[int, "", "total - 1"],
    eta_max: Nonneg[float, ""],
    eta_min: Nonneg[float, ""] = 0.0,
) -> Nonneg[float, ""]:
    r"""Warmup and cosine decay: up along a line, then down along half a cosine wave.

    .. math::
        \eta_t = \begin{cases}
        \eta_{\max} \, \frac{t}{T_w} & \text{if } t < T_w \\
        \eta_{\min} + \frac{\eta_{\max} - \eta_{\min}}{2}
        \left(1 + \cos\left(\pi \, \frac{\min(t, T) - T_w}{T - T_w}\right)\right)
        & \text{otherwise}
        \end{cases}

    The rate is :math:`\eta_{\max}` at :math:`t = T_w`, halfway between the two rates in the
    middle of the decay, and :math:`\eta_{\min}` from :math:`t = T` on. The decay is flat at both
    ends.

    Args:
        t: :math:`t`, the step, from 0.
        total: :math:`T`, the number of steps of the whole run.
        warmup: :math:`T_w`, the number of them that the warmup takes; 0 for none.
        eta_max: :math:`\eta_{\max}`, the peak learning rate.
        eta_min: :math:`\eta_{\min}`, the learning rate at the end.

    Returns:
        :math:`\eta_t`, the learning rate of step :math:`t`.

    Also called:
        cosine schedule with warmup, cosine decay with warmup, linear warmup and cosine decay,
        linear warmup cosine annealing.

    Asked as:
        LLM learning rate schedule; cosine learning rate schedule; warmup then decay;
        get_cosine_schedule_with_warmup; learning rate schedule of Llama 3; decay to a tenth of the
        peak.

    Role in ML:
        - schedule -- Llama 3: the 405B model warms up over 8,000 steps to :math:`8 \cdot 10^{-5}`
          and decays to :math:`8 \cdot 10^{-7}` over 1.2 million
          :cite:p:`grattafiori2024llama3{sec. 3.4.1}`.
        - schedule -- OLMo 2: the 7B run measures :math:`t` in tokens, decays to a tenth of the peak
          and holds it after :math:`T`
          :cite:p:`olmo2024two{code: olmo/optim.py, lines 693-709},
          olmo2024two{code: configs/official-1124/OLMo2-7B-stage1.yaml, lines 56-62}`.
          Witness: ``transformers.get_cosine_with_min_lr_schedule_with_warmup``, held after the end,
          where its wave rises again.
        - schedule -- GLM-4.5: chosen over warmup-stable-decay after a comparison
          :cite:p:`glm2025{sec. 2.4}`.

    Numerics:
        The first step, :math:`t = 0`, has the rate 0 and moves nothing, unless :math:`T_w = 0`;
        schedules that count from 1 avoid this. ``torch.optim.lr_scheduler.CosineAnnealingLR`` knows
        no warmup, which ``torch.optim.lr_scheduler.SequentialLR`` can put before it, and rises
        again after :math:`T`; here :math:`t` is held at :math:`T`. To 0, with
        :math:`\eta_{\min} = 0`, the decay is :math:`\tfrac12 \eta_{\max} (1 + \cos(\pi \frac{t -
        T_w}{T - T_w}))`, as in ``transformers.get_cosine_schedule_with_warmup``.

    Checked against:
        ``np.interp(t, [0, warmup], [0, eta_max]) if t < warmup else functools.reduce(
        lambda s, k: (s.optimizer.step(), s.step(), s)[-1], range(min(t, total) - warmup),
        torch.optim.lr_scheduler.CosineAnnealingLR(
        torch.optim.SGD([torch.zeros(1)], lr=eta_max), total - warmup, eta_min)).get_last_lr()[0]``

    Examples:
        By hand, with the peak 8 after 4 of 12 steps and the floor 2: half the warmup gives 4, the
        middle of the decay :math:`(8 + 2) / 2 = 5`, and a quarter of it
        :math:`2 + 3 (1 + \cos \tfrac{\pi}{4}) = 7.1213`:

        >>> rates = [warmup_cosine(t, total=12, warmup=4, eta_max=8.0, eta_min=2.0)
        ...          for t in (0, 2, 4, 6, 8, 12)]
        >>> [round(rate, 4) for rate in rates]
        [0.0, 4.0, 8.0, 7.1213, 5.0, 2.0]

        The seventh step of a run of ten, as ``torch.optim.lr_scheduler`` gives it, in units of
        :math:`10^{-4}`:

        >>> round(warmup_cosine(7, total=10, warmup=3, eta_max=2.2, eta_min=0.22), 4)
        0.9897

        Without a warmup the first step has the full rate, without a floor the last has none, and
        after the end nothing changes:

        >>> [warmup_cosine(t, total=5, warmup=0, eta_max=0.3) for t in (0, 5)]
        [0.3, 0.0]
        >>> [warmup_cosine(t, total=5, warmup=2, eta_max=0.3, eta_min=0.1) for t in (5, 6, 900)]
        [0.1, 0.1, 0.1]
    """
    if t < warmup:
        return eta_max * t / warmup
    left = (total - min(t, total)) / (total - warmup)
    return eta_min + (eta_max - eta_min) * math.sin(math.pi / 2 * left) ** 2


@checked
def warmup_stable_decay(
    t: Index[int, ""],
    *,
    warmup: Index[int, ""],
    stable: Index[int, ""],
    decay: Natural[int, ""],
    eta_max: Nonneg[float, ""],
    eta_min: Nonneg[float, ""] = 0.0,
) -> Nonneg[float, ""]:
    r"""Warmup-stable-decay: up along a line, level for most of the run, down along a line.

    .. math::
        \eta_t = \begin{cases}
        \eta_{\max} \, \frac{t}{T_w} & \text{if } t < T_w \\
        \eta_{\max} & \text{if } T_w \leq t < T_w + T_s \\
        \eta_{\max} - (\eta_{\max} - \eta_{\min}) \min\left(1, \frac{t - T_w - T_s}{T_d}\right)
        & \text{otherwise}
        \end{cases}

    The rate before the decay does not depend on the length of the run. The decay here is linear;
    any falling curve from :math:`\eta_{\max}` to :math:`\eta_{\min}` makes a schedule of this
    family.

    Args:
        t: :math:`t`, the step, from 0.
        warmup: :math:`T_w`, the number of steps of the warmup; 0 for none.
        stable: :math:`T_s`, the number of steps at the peak.
        decay: :math:`T_d`, the number of steps of the decay.
        eta_max: :math:`\eta_{\max}`, the peak learning rate.
        eta_min: :math:`\eta_{\min}`, the learning rate at the end.

    Returns:
        :math:`\eta_t`, the learning rate of step :math:`t`.

    Also called:
        WSD, WSD schedule, trapezoidal schedule, trapezoidal learning rate schedule, warmup constant
        cooldown, constant learning rate with cooldown.

    Asked as:
        linear cooldown; linear warmup and linear decay; linear schedule with warmup;
        get_wsd_schedule; schedule when the length of the run is not known; continue training from a
        checkpoint.

    Role in ML:
        - schedule -- MiniCPM: introduced the name; its own decay is exponential, and a tenth of the
          run is found to be enough for it :cite:p:`hu2024minicpm{eq. (1), sec. 4.3 and 6.2}`.
        - schedule -- Kimi K2: 500 steps of warmup, then :math:`2 \cdot 10^{-4}` for 10T tokens,
          then down to :math:`2 \cdot 10^{-5}` along a cosine over 5.5T tokens
          :cite:p:`kimi2025k2{sec. 2.5}`.
        - schedule -- DeepSeek-V3: the same shape without the name, with 2,000 steps of warmup and
          two constant rates after the cosine :cite:p:`deepseek2024v3{sec. 4.2}`.
        - analysis -- Scaling laws: with a short linear cooldown, runs of many lengths share one
          level stretch :cite:p:`hagele2024scaling{sec. 3}`.
          Witness: ``transformers.get_wsd_schedule``, with its linear decay, and a warmup from 0,
          not from the minimum.

    Numerics:
        As with every warmup from zero, step 0 moves nothing unless :math:`T_w = 0`. The pieces
        meet: the rate is :math:`\eta_{\max}` at :math:`t = T_w` and at :math:`t = T_w + T_s`, and
        :math:`\eta_{\min}` from :math:`t = T_w + T_s + T_d` on. With :math:`T_s = 0`,
        :math:`\eta_{\min} = 0` and :math:`T = T_w + T_d` it is linear warmup and linear decay,
        :math:`\eta_{\max} \frac{T - t}{T - T_w}` on the way down, as in
        ``transformers.get_linear_schedule_with_warmup``. A common other curve is :math:`\eta_{\max}
        (1 - \sqrt{(t - T_w - T_s) / T_d})`.

    Checked against:
        ``np.interp(t, np.cumsum([0, warmup, stable, decay]), [0, eta_max, eta_max, eta_min])``

    Examples:
        By hand, with 2 steps up, 5 level and 4 down from 8 to 2, a quarter of the decay loses
        :math:`6 / 4 = 1.5`:

        >>> rates = [warmup_stable_decay(t, warmup=2, stable=5, decay=4, eta_max=8.0, eta_min=2.0)
        ...          for t in range(12)]
        >>> rates
        [0.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 6.5, 5.0, 3.5, 2.0]

        A step of the decay of a longer run, as ``np.interp`` gives it, in units of
        :math:`10^{-4}`:

        >>> round(warmup_stable_decay(43, warmup=3, stable=33, decay=11, eta_max=2.2,
        ...                           eta_min=0.7), 4)
        1.2455

        Without warmup and without a level stretch it is a linear decay; after the end nothing
        changes:

        >>> [warmup_stable_decay(t, warmup=0, stable=0, decay=4, eta_max=1.0) for t in (0, 1, 4, 9)]
        [1.0, 0.75, 0.0, 0.0]
    """
    if t < warmup:
        return eta_max * t / warmup
    share = min(1.0, max(0, t - warmup - stable) / decay)
    return (1 - share) * eta_max + share * eta_min
