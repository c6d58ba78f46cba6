"""LZF (Marc Lehmann), as the Point Cloud Library compresses points with it."""


def decompress(data: bytes, size: int) -> bytes:
    """What was compressed, of which `size` bytes are expected.

    A first byte below 32 stands before that many bytes and one, as they are. Else its upper three
    bits are a length, 7 for one that the next byte adds to, and its lower five with the byte
    behind are how far back the bytes lie that stand here again, two more than that length.

    Raises:
        ValueError: it is damaged, or is not of that size.
    """
    made = bytearray()
    at = 0
    try:
        while at < len(data):
            first, at = data[at], at + 1
            if first < 32:
                made += data[at : at + first + 1]
                at += first + 1
            else:
                length = first >> 5
                if length == 7:
                    length, at = length + data[at], at + 1
                back, at = ((first & 31) << 8) + data[at] + 1, at + 1
                _repeat(made, back, length + 2)
            if len(made) > size:
                break
    except IndexError:
        raise ValueError("ends within") from None
    if at > len(data) or len(made) != size:
        raise ValueError("is not of the size that it says")
    return bytes(made)


def _repeat(made: bytearray, back: int, length: int) -> None:
    """Append `length` bytes from `back` bytes ago, those appended here among them."""
    if back > len(made):
        raise ValueError("points to before its start")
    start = len(made) - back
    run = made[start : start + length]
    made += (run * (length // len(run) + 1))[:length]
