r"""Annealing: by which curve does the learning rate rise and fall?

A schedule is put together from a few curves. A line leads up from zero, so that the first steps,
whose gradients say least, are short. An exponential takes the same share away at every step and
never arrives. Half a cosine wave is flat at both ends: it stays high for long, falls fast in the
middle and lands softly. The one-cycle policy joins two such waves, one up and one down, and needs
no warmup beside it.

Each function gives the rate of step :math:`t`, counted from 0. Frameworks compute the same rates
one from the other, which is equal up to rounding. The curves that end hold their last value.

:map: 5.2 Schedules
"""

import math

from mlmath_ref.sets import Index, Natural, Nonneg, OpenUnit, Positive, Share, checked


@checked
def linear_warmup(
    t: Index[int, ""], *, warmup: Natural[int, ""], eta_max: Nonneg[float, ""]
) -> Nonneg[float, ""]:
    r"""Linear warmup: from zero to the full rate along a line, and then level.

    .. math:: \eta_t = \eta_{\max} \min\left(1, \frac{t}{T_w}\right)

    The rate is 0 at :math:`t = 0` and :math:`\eta_{\max}` from :math:`t = T_w` on. The steps before
    add up to :math:`(T_w - 1) / 2` steps at the full rate. It keeps the first steps of training
    short, when full ones can make the loss spike or diverge.

    Args:
        t: :math:`t`, the step, from 0.
        warmup: :math:`T_w`, the number of steps of the warmup.
        eta_max: :math:`\eta_{\max}`, the full learning rate.

    Returns:
        :math:`\eta_t`, the learning rate of step :math:`t`.

    Also called:
        warmup, warm-up, learning rate warmup, learning rate ramp, gradual warmup.

    Asked as:
        warmup steps; LinearLR; constant schedule with warmup; Noam schedule; why does my loss spike
        at the start of training; how many warmup steps; ramp up the learning rate.

    Role in ML:
        - schedule -- Llama 3: the 405B model warms up over 8,000 steps to :math:`8 \cdot 10^{-5}`
          :cite:p:`grattafiori2024llama3{sec. 3.4.1}`.
        - schedule -- Kimi K2: 500 steps of warmup to :math:`2 \cdot 10^{-4}`
          :cite:p:`kimi2025k2{sec. 2.5}`.
        - schedule -- DINOv3: pre-training of the 7B model takes 100 epochs of 1,000 iterations to
          come up from 0, and stays at the peak, which grows with the root of the batch size
          :cite:p:`simeoni2025dinov3{code: dinov3/configs/train/dinov3_vit7b16_pretrain.yaml,
          lines 47 and 151-156}, simeoni2025dinov3{code: dinov3/train/train.py, lines 161-182}`.
        - schedule -- PixArt-Sigma: 1,000 steps of warmup before a constant rate
          :cite:p:`chen2024pixart{code: configs/PixArt_xl2_internal.py},
          chen2024pixart{code: configs/pixart_sigma_config/PixArt_sigma_xl2_img512_internalms.py}`.
          Witness: ``diffusers.optimization.get_constant_schedule_with_warmup``.
        - schedule -- nanochat: counts the steps of the warmup from 1, so that the first one moves
          :cite:p:`karpathy2025nanochat{code: scripts/base_train.py, lines 359-364}`.

    Numerics:
        The step :math:`t = 0` has the rate 0: its gradient is computed and nothing moves. Counted
        from 1, with :math:`t + 1` in the place of :math:`t`, the first rate is
        :math:`\eta_{\max} / T_w`, and ``torch.optim.lr_scheduler.LinearLR``, which refuses to start
        at 0, can express it. A decay that follows counts its time from the end of the warmup. The
        Noam schedule of the original Transformer, :math:`d^{-1/2} \min(t^{-1/2}, t \, T_w^{-3/2})`
        at the width :math:`d`, rises along such a line and then falls as :math:`1 / \sqrt{t}`
        :cite:p:`vaswani2017attention{eq. (3)}`.

    Checked against:
        ``np.interp(t, [0, warmup], [0, eta_max])``

    Examples:
        By hand, four steps of warmup to 8:

        >>> [linear_warmup(t, warmup=4, eta_max=8.0) for t in range(6)]
        [0.0, 2.0, 4.0, 6.0, 8.0, 8.0]

        A step of a longer warmup, as ``np.interp`` gives it, in units of :math:`10^{-4}`:

        >>> round(linear_warmup(37, warmup=130, eta_max=2.2), 4)
        0.6262

        Counted from 1, as ``torch.optim.lr_scheduler.LinearLR`` can do it:

        >>> import torch
        >>> [linear_warmup(t + 1, warmup=4, eta_max=8.0) for t in range(5)]
        [2.0, 4.0, 6.0, 8.0, 8.0]
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=8.0)
        >>> schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / 4, total_iters=3)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates += schedule.get_last_lr()
        ...     optimizer.step()
        ...     schedule.step()
        >>> [round(rate, 4) for rate in rates]
        [2.0, 4.0, 6.0, 8.0, 8.0]

        The rates before the full one add up to :math:`(T_w - 1) / 2` times it:

        >>> sum(linear_warmup(t, warmup=2000, eta_max=1.0) for t in range(2000))
        999.5
    """
    return eta_max * min(1.0, t / warmup)


@checked
def exponential_decay(
    t: Index[int, ""], *, eta0: Nonneg[float, ""], gamma: Share[float, ""]
) -> Nonneg[float, ""]:
    r"""Exponential decay: every step takes the same share of the learning rate.

    .. math:: \eta_t = \eta_0 \gamma^t

    One step is :math:`\eta_t = \gamma \, \eta_{t-1}`; with :math:`k = \log(1 / \gamma)` it is
    :math:`\eta_t = \eta_0 e^{-k t}`, and the rate halves every :math:`\log 2 / k` steps. The sum of
    all rates is :math:`\eta_0 / (1 - \gamma)`, so that bounded updates can only move the parameters by
    a bounded distance. With :math:`\gamma = 1` the rate is constant.

    Args:
        t: :math:`t`, the step, from 0.
        eta0: :math:`\eta_0`, the learning rate of step 0.
        gamma: :math:`\gamma`, the share that a step leaves.

    Returns:
        :math:`\eta_t`, the learning rate of step :math:`t`.

    Also called:
        ExponentialLR, geometric decay, exponential annealing, exponential learning rate schedule.

    Asked as:
        lr decay; decay rate; step decay; StepLR; learning rate half-life; multiply the learning
        rate by gamma every epoch; how to choose gamma.

    Role in ML:
        - schedule -- gsplat: the rate of the positions of the splats falls to a hundredth over the
          run, with :math:`\gamma = 0.01^{1/T}` for :math:`T` steps
          :cite:p:`ye2025gsplat{code: examples/simple_trainer.py, lines 809-814}`.
        - schedule -- Boltz-1: in stairs, with the factor 0.95 every 50,000 steps
          :cite:p:`wohlwend2024boltz1{code: src/boltz/model/optim/scheduler.py, line 95},
          wohlwend2024boltz1{code: scripts/train/configs/structure.yaml, lines 157-158}`.

    Numerics:
        To fall to the share :math:`s` over :math:`T` steps, take :math:`\gamma = s^{1/T}`; for long
        runs it is so near 1 that float32 keeps few digits of :math:`1 - \gamma`, and the end is
        missed. Far out the rate underflows to 0. Step decay, which reduces the rate by a factor
        every :math:`w` steps or epochs, is :math:`\eta_0 \gamma^{\lfloor t / w \rfloor}`, as in
        ``torch.optim.lr_scheduler.StepLR``.

    Checked against:
        ``functools.reduce(lambda s, k: (s.optimizer.step(), s.step(), s)[-1], range(t),
        torch.optim.lr_scheduler.ExponentialLR(
        torch.optim.SGD([torch.zeros(1)], lr=eta0), gamma)).get_last_lr()[0]``

    Examples:
        By hand, half of the rate at every step:

        >>> [exponential_decay(t, eta0=0.8, gamma=0.5) for t in range(4)]
        [0.8, 0.4, 0.2, 0.1]

        A later step, as ``torch.optim.lr_scheduler.ExponentialLR`` arrives at it:

        >>> import torch
        >>> round(exponential_decay(17, eta0=2.2, gamma=0.93), 4)
        0.6407
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=2.2)
        >>> schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.93)
        >>> for _ in range(17):
        ...     optimizer.step()
        ...     schedule.step()
        >>> round(schedule.get_last_lr()[0], 4)
        0.6407

        To a hundredth in 30,000 steps, and to a tenth in half of them; with :math:`\gamma` in
        float32 the end is missed by 0.04 percent:

        >>> gamma = 0.01 ** (1 / 30000)
        >>> [round(exponential_decay(t, eta0=1.0, gamma=gamma), 7) for t in (15000, 30000)]
        [0.1, 0.01]
        >>> round(exponential_decay(30000, eta0=1.0, gamma=torch.tensor(gamma).item()), 7)
        0.0100036

        All rates together, :math:`1 / (1 - 0.9)`; the last of them is 0 by underflow:

        >>> rates = [exponential_decay(t, eta0=1.0, gamma=0.9) for t in range(8000)]
        >>> round(sum(rates), 4), rates[-1]
        (10.0, 0.0)

        In stairs of ten steps, and without a decay:

        >>> [exponential_decay(t // 10, eta0=0.8, gamma=0.5) for t in (0, 9, 10, 25)]
        [0.8, 0.8, 0.4, 0.2]
        >>> exponential_decay(25, eta0=0.8, gamma=1.0)
        0.8
    """
    return eta0 * gamma**t


@checked
def cosine_annealing(
    t: Index[int, ""],
    *,
    total: Natural[int, ""],
    eta_max: Nonneg[float, ""],
    eta_min: Nonneg[float, ""] = 0.0,
) -> Nonneg[float, ""]:
    r"""Cosine annealing: down along half a cosine wave, flat at the top and at the bottom.

    .. math::
        \eta_t = \eta_{\min} + \frac{\eta_{\max} - \eta_{\min}}{2}
        \left(1 + \cos\left(\pi \, \frac{\min(t, T)}{T}\right)\right)

    The rate is :math:`\eta_{\max}` at :math:`t = 0`, the mean of the two at :math:`T / 2`, and
    :math:`\eta_{\min}` from :math:`T` on. A linear decay between the same ends has the same mean.
    Up to :math:`T` and with :math:`\eta_{\min} = 0` it is :math:`\eta_t = \tfrac12 \eta_{\max} (1 +
    \cos(\pi t / T))`, which is :math:`\eta_{\max} \cos^2(\pi t / (2 T))`.

    Args:
        t: :math:`t`, the step, from 0.
        total: :math:`T`, the number of steps of the decay.
        eta_max: :math:`\eta_{\max}`, the learning rate at the start.
        eta_min: :math:`\eta_{\min}`, the learning rate at the end.

    Returns:
        :math:`\eta_t`, the learning rate of step :math:`t`.

    Also called:
        cosine decay, cosine schedule, half-cosine, CosineAnnealingLR, cosine learning rate decay.

    Asked as:
        SGDR; cosine with warm restarts; cosine annealing with warm restarts;
        CosineAnnealingWarmRestarts; learning rate rises again after T_max; decay the learning rate
        to zero.

    Role in ML:
        - schedule -- Llama 3: after its warmup the 405B model decays from :math:`8 \cdot 10^{-5}` to
          :math:`8 \cdot 10^{-7}` over 1.2 million steps
          :cite:p:`grattafiori2024llama3{sec. 3.4.1}`.
        - schedule -- SAM 2: the published fine-tuning has no warmup and ends at a tenth of the
          rate that it starts from
          :cite:p:`ravi2024sam2{code:
          sam2/configs/sam2.1_training/sam2.1_hiera_b+_MOSE_finetune.yaml}`.
        - schedule -- DINOv3: the linear classifiers of the evaluation are annealed to 0
          :cite:p:`simeoni2025dinov3{code: dinov3/eval/linear.py, line 77}`.
        - schedule -- SGDR: proposed it with restarts, one after each period
          :cite:p:`loshchilov2017sgdr{eq. (5)}`.

    Numerics:
        After a warmup the argument is :math:`(t - T_w) / (T - T_w)`: with :math:`t / T` in its
        place the rate would jump at :math:`T_w`. ``torch.optim.lr_scheduler.CosineAnnealingLR``
        rises again after :math:`T`; here the end is held. Restarts take :math:`t` modulo the
        period, so that the end of one is the start of the next, and the rate
        :math:`\eta_{\min}` itself does not occur. The code takes :math:`1 + \cos x = 2 \sin^2
        \frac{\pi - x}{2}`, because :math:`1 + \cos x` loses its digits just before the end.

    Checked against:
        ``functools.reduce(lambda s, k: (s.optimizer.step(), s.step(), s)[-1], range(min(t, total)),
        torch.optim.lr_scheduler.CosineAnnealingLR(
        torch.optim.SGD([torch.zeros(1)], lr=eta_max), total, eta_min)).get_last_lr()[0]``

    Examples:
        By hand, from 8 to 2 in four steps: a quarter of the way is
        :math:`2 + 3 (1 + \cos \tfrac{\pi}{4}) = 7.1213`, half of it 5:

        >>> rates = [cosine_annealing(t, total=4, eta_max=8.0, eta_min=2.0) for t in range(6)]
        >>> [round(rate, 4) for rate in rates]
        [8.0, 7.1213, 5.0, 2.8787, 2.0, 2.0]

        A step of a run of ten, as ``torch.optim.lr_scheduler.CosineAnnealingLR`` gives it, and the
        rise after the end, which is not followed here:

        >>> import torch
        >>> optimizer, rates = torch.optim.SGD([torch.zeros(1)], lr=2.2), []
        >>> schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, 0.22)
        >>> for _ in range(14):
        ...     rates += schedule.get_last_lr()
        ...     optimizer.step()
        ...     schedule.step()
        >>> here = [cosine_annealing(t, total=10, eta_max=2.2, eta_min=0.22) for t in (7, 13)]
        >>> [round(rate, 4) for rate in here]
        [0.6281, 0.22]
        >>> [round(rates[t], 4) for t in (7, 13)]
        [0.6281, 0.6281]

        After a warmup of 4 of 12 steps, the decay starts from its own beginning; counted from the
        beginning of the run it would start a quarter down:

        >>> [round(cosine_annealing(t, total=8, eta_max=1.0), 4) for t in (4 - 4, 8 - 4, 12 - 4)]
        [1.0, 0.5, 0.0]
        >>> round(cosine_annealing(4, total=12, eta_max=1.0), 4)
        0.75

        Restarts every three steps, as ``CosineAnnealingWarmRestarts`` has them:

        >>> [round(cosine_annealing(t % 3, total=3, eta_max=1.0), 4) for t in range(7)]
        [1.0, 0.75, 0.25, 1.0, 0.75, 0.25, 1.0]

        The last step of a million but one is still accurate, about :math:`(\pi / (2 T))^2`:

        >>> import math
        >>> rate = cosine_annealing(10**6 - 1, total=10**6, eta_max=1.0)
        >>> round(rate / (math.pi / (2 * 10**6)) ** 2, 9)
        1.0
    """
    left = (total - min(t, total)) / total
    return eta_min + (eta_max - eta_min) * math.sin(math.pi / 2 * left) ** 2


@checked
def one_cycle(
    t: Index[int, ""],
    *,
    total: Natural[int, ""],
    eta_max: Nonneg[float, ""],
    pct_start: OpenUnit[float, ""] = 0.3,
    div_factor: Positive[float, ""] = 25.0,
    final_div_factor: Positive[float, ""] = 1e4,
) -> Nonneg[float, ""]:
    r"""One-cycle policy: up along half a cosine wave, and down along another, far below the start.

    .. math::
        t_p = p T - 1, \quad \eta_0 = \frac{\eta_{\max}}{a}, \quad \eta_T = \frac{\eta_0}{b}, \quad
        \eta_t = \begin{cases}
        \eta_0 + \frac{\eta_{\max} - \eta_0}{2}
        \left(1 - \cos\left(\pi \, \frac{t}{t_p}\right)\right)
        & \text{if } t < t_p \\
        \eta_T + \frac{\eta_{\max} - \eta_T}{2} \left(1 + \cos\left(\pi \,
        \frac{\min(t, T - 1) - t_p}{T - 1 - t_p}\right)\right) & \text{otherwise}
        \end{cases}

    The rate starts at :math:`\eta_0`, is :math:`\eta_{\max}` at the time :math:`t_p`, which need
    not be a whole number, and :math:`\eta_T` from the last step on, :math:`t = T - 1`. Both pieces
    are :math:`\eta_a + \tfrac12 (\eta_b - \eta_a) (1 - \cos(\pi s))`, from a rate :math:`\eta_a` to
    a rate :math:`\eta_b` as :math:`s` goes from 0 to 1.

    Args:
        t: :math:`t`, the step, from 0.
        total: :math:`T`, the number of steps of the run.
        eta_max: :math:`\eta_{\max}`, the peak learning rate.
        pct_start: :math:`p`, the share of the run that the rise takes.
        div_factor: :math:`a`, how many times smaller than the peak the first rate is.
        final_div_factor: :math:`b`, how many times smaller than the first rate the last is.

    Returns:
        :math:`\eta_t`, the learning rate of step :math:`t`.

    Also called:
        1cycle, 1cycle policy, OneCycleLR, one cycle learning rate.

    Asked as:
        super-convergence; cyclical learning rate; CLR; triangular learning rate; max_lr div_factor
        final_div_factor; train fast with a large learning rate.

    Role in ML:
        - schedule -- Point Transformer V3: training on ScanNet, with a rise over a twentieth of the
          run from a tenth of the peak
          :cite:p:`wu2024point{code: Pointcept/Pointcept,
          configs/scannet/semseg-pt-v3m1-0-base.py, lines 57-64}`.
        - contrast -- SEA-RAFT: optical flow, with straight lines in the place of the waves and a
          rise over a twentieth of the run :cite:p:`wang2024sea{code: train.py, lines 23-24}`.

    Numerics:
        The defaults are PyTorch's: the last rate is 250,000 times below the peak.
        ``torch.optim.lr_scheduler.OneCycleLR`` raises an error after the end, where here the last
        rate is held, and divides by 0 where :math:`p T = 1`. It also moves the momentum against the
        rate, between 0.85 and 0.95, unless told not to. A run so short that :math:`p T < 1` starts
        on the way down. The large rates in the middle are meant to train fast, in few epochs.

    Checked against:
        ``functools.reduce(lambda s, k: (s.optimizer.step(), s.step(), s)[-1],
        range(min(t, total - 1)), torch.optim.lr_scheduler.OneCycleLR(
        torch.optim.SGD([torch.zeros(1)], lr=1.0), eta_max, total, pct_start=pct_start,
        div_factor=div_factor, final_div_factor=final_div_factor, cycle_momentum=False)
        ).get_last_lr()[0]``

    Examples:
        By hand, 11 steps with the peak 8 at :math:`t_p = \tfrac{5}{11} \cdot 11 - 1 = 4`, from 2
        and down to 1; halfway up is 5, halfway down 4.5:

        >>> rates = [one_cycle(t, total=11, eta_max=8.0, pct_start=5 / 11, div_factor=4.0,
        ...                    final_div_factor=2.0) for t in (0, 2, 4, 7, 10, 11, 900)]
        >>> [round(rate, 4) for rate in rates]
        [2.0, 5.0, 8.0, 4.5, 1.0, 1.0, 1.0]

        With the defaults, from a 25th of the peak to its 250,000th; steps 0, 29, 64 and 99 of 100,
        and steps 1 and 4 of six:

        >>> [round(one_cycle(t, total=100, eta_max=250000.0), 4) for t in (0, 29, 64, 99)]
        [10000.0, 250000.0, 125000.5, 1.0]
        >>> [round(one_cycle(t, total=6, eta_max=2.2), 4) for t in (1, 4)]
        [2.1877, 0.2937]

        The same two, as ``torch.optim.lr_scheduler.OneCycleLR`` gives them:

        >>> import torch
        >>> optimizer, rates = torch.optim.SGD([torch.zeros(1)], lr=1.0), []
        >>> schedule = torch.optim.lr_scheduler.OneCycleLR(
        ...     optimizer, 2.2, 6, cycle_momentum=False)
        >>> for _ in range(5):
        ...     rates += schedule.get_last_lr()
        ...     optimizer.step()
        ...     schedule.step()
        >>> [round(rates[t], 4) for t in (1, 4)]
        [2.1877, 0.2937]

        A run of two steps, and of ten with :math:`p T = 1`, start on the way down, the second from
        the peak:

        >>> [round(one_cycle(t, total=2, eta_max=1.0), 6) for t in (0, 1)]
        [0.811746, 4e-06]
        >>> one_cycle(0, total=10, eta_max=1.0, pct_start=0.1)
        1.0
    """
    peak = pct_start * total - 1
    if t < peak:
        share = (1 - math.cos(math.pi * t / peak)) / 2
        return share * eta_max + (1 - share) * eta_max / div_factor
    fall = (min(t, total - 1) - peak) / (total - 1 - peak)
    share = (1 + math.cos(math.pi * fall)) / 2
    return share * eta_max + (1 - share) * eta_max / div_factor / final_div_factor
