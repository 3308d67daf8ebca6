"""An entry that the package does not have, with a section of phrases and a contrast."""

from mlmath_ref.catalog import Entry, entry


def specimen() -> Entry:
    return Entry(entry("kl_divergence").topic, asked)


def asked(x: float) -> float:
    """Thing: tells.

    .. math:: x

    Args:
        x: :math:`x`, a number.

    Returns:
        :math:`x`, the same.

    Also called:
        one, two.

    Asked as:
        why is it infinite, and where;
        KL(p||q).

    Role in ML:
        - objective -- A: it uses it :cite:p:`kingma2014auto{eq. (3)}`.
        - contrast -- B: it keeps another :cite:p:`kingma2014auto{eq. (4)}`.

    Numerics:
        None.

    Checked against:
        ``abs(x)``

    Examples:
        By hand:

        >>> asked(1.0)
        1.0
    """
    return x
