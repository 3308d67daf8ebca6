r"""Distillation: learn from a teacher's beliefs, not from labels alone.

A label says which class is true and nothing about the others. A trained model says more: a picture
of a van may be a truck, hardly a dog. A student that is trained on the teacher's probabilities
learns these likenesses from every sample, and often needs fewer of them.

At temperature 1 the teacher's unlikely classes have next to no share in the loss. Dividing the
scores of both models by a temperature above 1 raises it; in the limit the scores themselves are
matched. Which distribution comes first decides what a student that is too small for the task gives
up. Here it is the teacher's, so that the student covers all that the teacher allows. With the
student's first, as in on-policy distillation, it keeps to what the teacher likes best.

:map: 6.2 Losses
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.numerics.logarithms import log_sum_exp
from mlmath_ref.sets import Nonneg, Positive, Real, checked


@checked
def distillation_loss(
    student: Real[Array, "*batch n k"],
    teacher: Real[Array, "*batch n k"],
    *,
    tau: Positive[float, ""],
) -> Nonneg[Array, "*batch"]:
    r"""Knowledge-distillation loss: how far a student's softened beliefs are from a teacher's.

    .. math::
       \mathcal{L} = \frac{\tau^2}{n} \sum_{i=1}^{n} \sum_{c=1}^{k}
       p_{i c} \log \frac{p_{i c}}{q_{i c}}, \qquad
       p_{i c} = \frac{e^{v_{i c} / \tau}}{\sum_{j=1}^{k} e^{v_{i j} / \tau}}, \qquad
       q_{i c} = \frac{e^{z_{i c} / \tau}}{\sum_{j=1}^{k} e^{z_{i j} / \tau}}

    A small model, the student, is trained to imitate a large one, the teacher: the loss is
    :math:`\tau^2` times the Kullback-Leibler divergence from the student's :math:`q` to the
    teacher's :math:`p`, :math:`\tau^2 D_{\mathrm{KL}}(\operatorname{softmax}(v / \tau) \,\|\,
    \operatorname{softmax}(z / \tau))`, and zero exactly where the scores differ by a constant in
    each row. With true labels it is mixed as :math:`(1 - \alpha) \, \mathcal{L}_{\mathrm{CE}} +
    \alpha \, \mathcal{L}`; its derivative in :math:`z_{i c}` is
    :math:`\tau (q_{i c} - p_{i c}) / n`. For large :math:`\tau` it tends to half the variance of
    :math:`z - v` over the classes, so that the scores themselves are matched.

    Args:
        student: :math:`z`, the student's scores, a row for each sample and a column for each class.
        teacher: :math:`v`, the teacher's scores for the same samples.
        tau: :math:`\tau`, the temperature of both; the higher, the more the unlikely classes count.

    Returns:
        :math:`\mathcal{L}`, in nats times :math:`\tau^2`, the mean over the samples.

    Also called:
        knowledge distillation, KD loss, logit distillation, LogitsDistillationLoss.

    Asked as:
        soft targets; soft labels; dark knowledge; forward KL distillation; model distillation;
        student-teacher learning; teacher-student loss; train a small model on a large one; why
        multiply by the temperature squared.

    Role in ML:
        - objective -- Gemma 2: pre-trains the smaller models on the next-token probabilities of a
          large one instead of the tokens; its cross-entropy differs from this divergence by the
          teacher's entropy, which does not depend on the student
          :cite:p:`gemma2024two{sec. 3.2}`.
        - compression -- NVIDIA Model Optimizer: the loss between the outputs of a model and of its
          pruned or quantized copy, with the factor :math:`\tau^2`
          :cite:p:`nvidia2024modelopt{code: modelopt/torch/distill/losses.py, lines 57-69}`.
        - objective -- TRL: the trainer for generalized distillation computes it at one end of its
          family of divergences, without the factor :math:`\tau^2`
          :cite:p:`agarwal2023policy{code: trl, experimental/gkd/gkd_trainer.py, lines 273-280}`.
          Witness: ``trl.experimental.gkd.GKDTrainer.generalized_jsd_loss``, times :math:`\tau^2`
          and at the end of the family where its interpolation is 0.
        - objective -- Knowledge distillation: added to the cross-entropy with the true labels; the
          factor :math:`\tau^2` keeps the balance of the two gradients when the temperature is
          changed :cite:p:`hinton2015distilling{sec. 2}`.

    Numerics:
        Both distributions stay logarithms, so that classes which underflow in the softmax still
        have a finite share. With :math:`d = \log q - \log p` a term is computed as
        :math:`p (e^d - 1 - d)`, which has the same sum and is never negative. The gradient flows to the
        teacher too unless its scores are detached. Over large vocabularies the teacher's scores
        are often cut to the largest few, which is another loss. The relative rounding error grows
        with :math:`\tau`: it is about :math:`10^{-16} \tau` in float64 for scores that differ by
        about 1, so use the limit of the loss for :math:`\tau \to \infty` above :math:`10^6`, half
        the variance of :math:`z_{i c} - v_{i c}` over the classes, averaged over :math:`i`. A
        :math:`\tau` whose square overflows raises ValueError.

    Checked against:
        ``tau**2 * torch.nn.functional.kl_div(torch.log_softmax(student / tau, -1),
        torch.softmax(teacher / tau, -1), reduction="batchmean")``

    Examples:
        By hand, at :math:`\tau = 2`: the scores :math:`2 \log 3` and 0 become
        :math:`\tfrac34, \tfrac14`, equal scores become :math:`\tfrac12, \tfrac12`, and
        :math:`4 \left( \tfrac34 \log \tfrac32 + \tfrac14 \log \tfrac12 \right) = 0.5232`:

        >>> import numpy as np
        >>> teacher = np.asarray([[2 * np.log(3.0), 0.0]])
        >>> round(float(distillation_loss(np.zeros((1, 2)), teacher, tau=2.0)), 4)
        0.5232

        Two samples of three classes at two temperatures, as ``torch.nn.functional.kl_div`` has it:

        >>> z = np.asarray([[0.3, -1.2, 2.5], [0.8, 1.7, -0.4]])
        >>> v = np.asarray([[1.1, -0.6, 1.9], [2.3, 0.2, -1.5]])
        >>> [round(float(distillation_loss(z, v, tau=tau)), 4) for tau in (1.0, 3.0)]
        [0.4968, 0.6197]

        The derivative is the difference of the beliefs, times :math:`\tau / n`:

        >>> import torch
        >>> student, teacher = torch.tensor(z, requires_grad=True), torch.tensor(v)
        >>> distillation_loss(student, teacher, tau=3.0).backward()
        >>> student.grad.float()
        tensor([[-0.1154, -0.0496,  0.1650],
                [-0.3468,  0.2516,  0.0953]])

        At a high temperature it is half the variance of the differences over the classes:

        >>> round(float(distillation_loss(z, v, tau=1e3)), 4)
        0.5382
        >>> round(float(np.mean(np.var(z - v, axis=1)) / 2), 4)
        0.5378

        A constant added to the scores of a sample changes nothing, and large scores do no harm: the
        second loss is :math:`\log 2` short of 1000, as all of the teacher's belief is spread
        over the two classes that the student sees apart by 2000:

        >>> shifted = torch.stack([teacher + 5.0, torch.tensor([[1e3, 1e3, -1e3]] * 2)])
        >>> other = torch.stack([teacher, torch.tensor([[2e3, 0.0, -3e3]] * 2)])
        >>> loss = distillation_loss(other, shifted, tau=1.0)
        >>> [round(v, 4) for v in loss.tolist()]
        [0.0, 999.3069]
    """
    xp = array_namespace(student, teacher)
    v, z = teacher / tau, student / tau
    log_p = v - log_sum_exp(v)[..., None]
    log_q = z - log_sum_exp(z)[..., None]
    p = xp.exp(log_p)
    d = xp.where(p > 0, log_q - log_p, 1.0)
    # e^d - 1 adds up to 0 under p, and e^d - 1 - d is never negative
    near = xp.expm1(xp.where(d < 1, d, 0.0)) - d
    terms = xp.where(d < 1, p * near, xp.exp(log_q) - p * (1 + d))
    return tau**2 * total(total(terms) / z.shape[-2])
