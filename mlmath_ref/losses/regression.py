r"""Regression losses: what a wrong number costs.

A regression model says a number :math:`\hat{y}`, the truth is :math:`y`, and the loss decides which
number is best to say when the truth varies. The squared error asks for the mean, the absolute error
for the median. The Huber loss lies between: it is squared for small errors, so that it has a slope
everywhere, and absolute for large ones, so that one outlier cannot pull more than :math:`\delta`.

Each is the negative log-likelihood of a noise, up to constants: Gaussian noise for the squared
error, Laplace noise for the absolute one, a Gaussian with exponential tails for Huber's. All are
means over the elements here. A sum is :math:`n` times as large, and the mean of two means is the
mean of all only where both were taken over equally many elements.

:map: 6.2 Losses
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import Nonneg, Positive, Real, checked


@checked
def mean_squared_error(
    y: Real[Array, "*batch n"], y_hat: Real[Array, "*batch n"]
) -> Nonneg[Array, "*batch"]:
    r"""Mean squared error: the average square of what a prediction is off by.

    .. math:: \mathcal{L} = \frac{1}{n} \sum_{i=1}^{n} (y_i - \hat{y}_i)^2

    As a norm it is :math:`\frac1n \lVert y - \hat{y} \rVert_2^2`, as an expectation
    :math:`\mathbb{E}[(y - \hat{y})^2]`; times :math:`n` it is the sum of squared errors (SSE), and
    its root is the root mean squared error (RMSE). Zero exactly when every prediction is right, and
    symmetric in truth and prediction; of all constants the mean of :math:`y` makes it smallest, and
    the smallest value is the variance. The derivative in :math:`\hat{y}_i` is
    :math:`2 (\hat{y}_i - y_i) / n`: twice the error, twice the pull.

    Args:
        y: :math:`y`, the true values.
        y_hat: :math:`\hat{y}`, the predictions.

    Returns:
        :math:`\mathcal{L}`, in the square of the unit of :math:`y`, the mean over :math:`n`.

    Also called:
        MSE, MSELoss, mse_loss, L2 loss, squared loss, quadratic loss, squared error.

    Asked as:
        least squares; Brier score; L2 error; root mean squared error; RMSE; regression loss; sum of
        squared errors; mean or sum reduction.

    Role in ML:
        - objective -- TD-MPC2: the latent state that the world model predicts is drawn to the one
          that its encoder gives for the next observation
          :cite:p:`hansen2024tdmpc2{code: tdmpc2/tdmpc2.py, line 275}`.
        - objective -- SCimilarity: reconstruction of a cell's gene expression, which makes up
          nearly all of the loss beside a triplet loss, by default 0.999 of it
          :cite:p:`heimberg2025cell{code: src/scimilarity/training_models.py, lines 80, 162 and
          313}`.

    Numerics:
        For Gaussian noise of fixed variance the largest likelihood is the smallest sum of squares
        :cite:p:`bishop2006pattern{sec. 1.2.5}`. The difference is taken before the square, so that a large common offset costs no more
        digits than the difference itself. In float32 the result is infinite
        if it exceeds :math:`3.4 \cdot 10^{38}`, and one outlier dominates the mean. With a factor
        :math:`\tfrac12` in front, :math:`\frac{1}{2n} \sum_i (\hat{y}_i - y_i)^2`, as many books
        have it, the 2 of the derivative goes. Averaging the losses of unequal batches is not the
        loss of all their elements: weigh each by its size.

    Checked against:
        ``torch.nn.functional.mse_loss(y_hat, y)``, ``sklearn.metrics.mean_squared_error(y, y_hat)``

    Examples:
        By hand: the errors are 1, -2 and 3, so the mean is :math:`(1 + 4 + 9) / 3 = 4.6667`:

        >>> import numpy as np
        >>> y, y_hat = np.asarray([2.0, 1.0, 5.0]), np.asarray([1.0, 3.0, 2.0])
        >>> round(float(mean_squared_error(y, y_hat)), 4)
        4.6667

        Two batches of four, as ``torch.nn.functional.mse_loss`` has them:

        >>> y = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> y_hat = np.asarray([[0.9, -0.7, 1.1, 0.2], [2.4, -0.3, 0.5, 3.1]])
        >>> mean_squared_error(y, y_hat).round(4).tolist()
        [0.7325, 1.65]

        The derivative grows with the error:

        >>> import torch
        >>> y_hat = torch.tensor([1.0, 3.0, 2.0], requires_grad=True)
        >>> mean_squared_error(torch.tensor([2.0, 1.0, 5.0]), y_hat).backward()
        >>> y_hat.grad
        tensor([-0.6667,  1.3333, -2.0000])

        The mean of :math:`y` is the best constant; it leaves the variance:

        >>> y = np.asarray([2.0, 1.0, 6.0])
        >>> round(float(mean_squared_error(y, np.full(3, 3.0))), 4), round(float(np.var(y)), 4)
        (4.6667, 4.6667)

        A sum is not a mean: it is :math:`n` times as large. The mean over a batch of one and a
        batch of three is the mean of their means only if each is weighted by its size:

        >>> error = torch.tensor([4.0, 1.0, 1.0, 2.0])
        >>> zero = torch.zeros(4)
        >>> torch.nn.functional.mse_loss(error, zero, reduction="sum").item()
        22.0
        >>> mean_squared_error(error, zero).item()
        5.5
        >>> one = mean_squared_error(error[:1], zero[:1]).item()
        >>> three = mean_squared_error(error[1:], zero[1:]).item()
        >>> one, three, (one + three) / 2, (1 * one + 3 * three) / 4
        (16.0, 2.0, 9.0, 5.5)

        An offset of a hundred million does no harm; an error of :math:`10^{20}` in float32 does:

        >>> float(mean_squared_error(np.asarray([1e8 + 1.5]), np.asarray([1e8])))
        2.25
        >>> mean_squared_error(torch.tensor([1e20]), torch.tensor([0.0]))
        tensor(inf)
    """
    n = y.shape[-1]
    r = 2.0 ** math.ceil(math.log2(n) / 2)  # at least the root of n: only the mean can overflow
    return total(((y - y_hat) / r) ** 2) / (n / r**2)


@checked
def mean_absolute_error(
    y: Real[Array, "*batch n"], y_hat: Real[Array, "*batch n"]
) -> Nonneg[Array, "*batch"]:
    r"""Mean absolute error: the average distance between prediction and truth.

    .. math:: \mathcal{L} = \frac{1}{n} \sum_{i=1}^{n} |y_i - \hat{y}_i|

    As a norm it is :math:`\frac1n \lVert y - \hat{y} \rVert_1`, zero exactly when every prediction
    is right, and at most the root of the mean squared error. Of all constants the median of
    :math:`y` makes it smallest. Every error pulls with the same strength :math:`1/n`, however large
    it is, so that outliers do less harm than under squares; the derivative is
    :math:`\operatorname{sign}(\hat{y}_i - y_i) / n`.

    Args:
        y: :math:`y`, the true values.
        y_hat: :math:`\hat{y}`, the predictions.

    Returns:
        :math:`\mathcal{L}`, in the unit of :math:`y`, the mean over :math:`n`.

    Also called:
        MAE, L1 loss, L1Loss, l1_loss, absolute loss, absolute error.

    Asked as:
        least absolute deviations; LAD; mean absolute deviation; median regression; regression loss
        robust to outliers; |y - y_hat|.

    Role in ML:
        - objective -- gsplat: in the example trainer, 0.8 of the loss between rendered and
          photographed pixels; the rest is structural dissimilarity
          :cite:p:`ye2025gsplat{code: examples/simple_trainer.py, lines 955-961}`.
        - objective -- OpenVLA-OFT: the head that gives a chunk of continuous robot actions is
          regressed on the demonstrated ones by default, in the place of a diffusion head
          :cite:p:`kim2025fine{code: vla-scripts/finetune.py, lines 80 and 390}`.
        - objective -- V-JEPA 2: the predicted features of the masked parts of a video are drawn to
          the ones of a slowly moving encoder; the exponent of the loss is an option, set to 1
          :cite:p:`assran2025vjepa2{code: app/vjepa/train.py, line 447, and
          configs/train/vitg16/pretrain-256px-16f.yaml, line 40}`.

    Numerics:
        The slope jumps from :math:`-1/n` to :math:`1/n` where prediction and truth agree; there the
        derivative is 0. Because it does not fade near the truth, a fixed learning rate leaves the
        prediction jumping around it. With an even number of values any number between the two in
        the middle is a best constant. Nothing overflows before the sum does.

    Checked against:
        ``torch.nn.functional.l1_loss(y_hat, y)``, ``sklearn.metrics.mean_absolute_error(y, y_hat)``

    Examples:
        By hand: the errors are 1, -2 and 3, so the mean is 2:

        >>> import numpy as np
        >>> float(mean_absolute_error(np.asarray([2.0, 1.0, 5.0]), np.asarray([1.0, 3.0, 2.0])))
        2.0

        Two batches of four, as ``torch.nn.functional.l1_loss`` has them:

        >>> y = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> y_hat = np.asarray([[0.9, -0.7, 1.1, 0.2], [2.4, -0.3, 0.5, 3.1]])
        >>> mean_absolute_error(y, y_hat).round(4).tolist()
        [0.775, 1.15]

        The derivative is a sign over :math:`n`, and 0 where the prediction is right:

        >>> import torch
        >>> y_hat = torch.tensor([1.0, 3.0, 2.0, 4.0], requires_grad=True)
        >>> mean_absolute_error(torch.tensor([2.0, 1.0, 5.0, 4.0]), y_hat).backward()
        >>> y_hat.grad[:3], y_hat.grad[3].item() == 0
        (tensor([-0.2500,  0.2500, -0.2500]), True)

        The median is the best constant, and an outlier does not move it; the mean, 21.4, is worse:

        >>> y = np.asarray([1.0, 2.0, 1.0, 3.0, 100.0])
        >>> best = [np.full(5, c) for c in (1.0, 2.0, 3.0, 21.4)]
        >>> [round(float(mean_absolute_error(y, c)), 4) for c in best]
        [20.4, 20.2, 20.4, 31.44]

        An error of :math:`10^{20}` is an ordinary number in float32:

        >>> mean_absolute_error(torch.tensor([1e20]), torch.tensor([0.0]))
        tensor(1.0000e+20)
    """
    xp = array_namespace(y, y_hat)
    return total(xp.abs(y - y_hat) / y.shape[-1])


@checked
def huber_loss(
    y: Real[Array, "*batch n"],
    y_hat: Real[Array, "*batch n"],
    *,
    delta: Positive[float, ""] = 1.0,
) -> Nonneg[Array, "*batch"]:
    r"""Huber loss: squared for small errors, absolute for large ones.

    .. math:: \mathcal{L} = \frac{1}{n} \sum_{i=1}^{n} \begin{cases}
       \frac12 (y_i - \hat{y}_i)^2 & |y_i - \hat{y}_i| \leq \delta \\
       \delta \left( |y_i - \hat{y}_i| - \frac12 \delta \right) & \text{otherwise}
       \end{cases}

    Value and slope have no jump at an error of :math:`\delta`, the curvature has; divided by
    :math:`\delta` it is the smooth L1 loss, :math:`r^2 / (2 \delta)` for an error of
    :math:`r \le \delta` and :math:`r - \delta / 2` beyond. An error beyond it pulls with
    :math:`\delta / n`, however large, so that outliers do not dominate. With a large :math:`\delta`
    it is half the mean squared error; over a small :math:`\delta` it tends to the mean absolute
    error.

    Args:
        y: :math:`y`, the true values.
        y_hat: :math:`\hat{y}`, the predictions.
        delta: :math:`\delta`, the error from which the loss is linear, in the unit of :math:`y`.

    Returns:
        :math:`\mathcal{L}`, in the square of the unit of :math:`y`, the mean over :math:`n`.

    Also called:
        HuberLoss.

    Asked as:
        smooth L1 loss; SmoothL1Loss; robust loss; Huber's M-estimator; clipped gradient loss;
        robust regression; outliers dominate the loss; difference of Huber and smooth L1.

    Role in ML:
        - estimator -- Chinchilla replication: the constants of the scaling law are fitted to the
          logarithms of the losses with :math:`\delta = 10^{-3}`, so that nearly all points count
          by their distance only
          :cite:p:`besiroglu2024chinchilla{code: data_analysis.ipynb, custom_huber_loss and
          huber_loss_objective}`.
        - estimator -- Robust statistics: the location that minimizes it is a compromise
          between mean and median, the best one for the worst contamination of a normal law
          :cite:p:`huber1964robust{abstract}`.

    Numerics:
        Computed as :math:`q (r - q/2)` with the error :math:`r = y - \hat{y}` and :math:`q` its
        nearest number from :math:`-\delta` to :math:`\delta`, which is both cases at once, squares
        nothing larger than :math:`\delta` and has the right second derivative :math:`1/n` at 0. ``torch.nn.functional.smooth_l1_loss`` with ``beta`` is this over
        :math:`\delta`; the two are equal at :math:`\delta = 1` only.

    Checked against:
        ``torch.nn.functional.huber_loss(y_hat, y, delta=delta)``,
        ``np.mean(scipy.special.huber(delta, y - y_hat))``

    Examples:
        By hand, with the default :math:`\delta = 1`: an error of 0.5 costs 0.125, one of -3 costs
        2.5, and the mean is 1.3125:

        >>> import numpy as np
        >>> float(huber_loss(np.asarray([1.0, 2.0]), np.asarray([0.5, 5.0])))
        1.3125

        Two batches of four, as ``scipy.special.huber`` has them:

        >>> y = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> y_hat = np.asarray([[0.9, -0.7, 1.1, 0.2], [2.4, -0.3, 0.5, 3.1]])
        >>> huber_loss(y, y_hat, delta=0.65).round(4).tolist()
        [0.2959, 0.5362]

        The derivative grows with the error until :math:`\delta`, also at :math:`\delta` itself:

        >>> import torch
        >>> y_hat = torch.tensor([0.5, 1.0, 5.0, -7.0], requires_grad=True)
        >>> huber_loss(torch.zeros(4), y_hat).backward()
        >>> y_hat.grad
        tensor([ 0.1250,  0.2500,  0.2500, -0.2500])

        The second derivative is :math:`1/n` inside of :math:`\delta`, at an error of 0 too, and 0
        beyond:

        >>> torch.func.hessian(lambda y: huber_loss(torch.zeros(2), y))(torch.tensor([0.0, 5.0])).abs()
        tensor([[0.5000, 0.0000],
                [0.0000, 0.0000]])

        Half the mean squared error with a large :math:`\delta`, and :math:`\delta` times the mean
        absolute error with a small one:

        >>> y, y_hat = np.asarray([2.0, 1.0, 5.0]), np.asarray([1.0, 3.0, 2.0])
        >>> round(float(huber_loss(y, y_hat, delta=10.0)), 4)
        2.3333
        >>> round(float(huber_loss(y, y_hat, delta=1e-6) / 1e-6), 4)
        2.0

        Smooth L1 is this loss over :math:`\delta`:

        >>> a, b = torch.tensor(y), torch.tensor(y_hat)
        >>> round(float(huber_loss(y, y_hat, delta=1.5) / 1.5), 4)
        1.2778
        >>> round(torch.nn.functional.smooth_l1_loss(a, b, beta=1.5).item(), 4)
        1.2778

        Errors whose squares leave the range of float32 do no harm:

        >>> huber_loss(torch.tensor([1e20]), torch.tensor([0.0]))
        tensor(1.0000e+20)
    """
    xp = array_namespace(y, y_hat)
    r = y - y_hat
    q = xp.clip(r, -delta, delta)
    return total(q * ((r - q / 2) / y.shape[-1]))
