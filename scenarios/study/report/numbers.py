"""How numbers are written."""


def signed(number: float, digits: int = 1) -> str:
    """With its sign, a real minus among them; what rounds to nothing has none."""
    text = f"{number:+,.{digits}f}"
    return text.lstrip("+-") if not text.strip("+-0.,") else text.replace("-", "\N{MINUS SIGN}")
