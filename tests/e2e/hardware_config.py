"""The motor table as a file, whole or broken (contract robot.md 1.2)."""

MOTORS = [
    ("body_rotation", 10, 0, 0, 4095, 200), ("stewart_1", 11, 1024, 1502, 2958, 300),
    ("stewart_2", 12, -1024, 1138, 2844, 300), ("stewart_3", 13, 1024, 1502, 2958, 300),
    ("stewart_4", 14, -1024, 1138, 2594, 300), ("stewart_5", 15, 1024, 1252, 2958, 300),
    ("stewart_6", 16, -1024, 1138, 2594, 300), ("right_antenna", 17, 0, 0, 4095, 200),
    ("left_antenna", 18, 0, 0, 4095, 200),
]


def text():
    """A file without fault."""
    lines = ["version: beta", "serial:", "  baudrate: 1000000", "motors:"]
    for name, number, offset, lower, upper, gain in MOTORS:
        lines += [f"  - {name}:", f"      id: {number}", f"      offset: {offset}",
                  f"      lower_limit: {lower}", f"      upper_limit: {upper}",
                  "      return_delay_time: 0", "      shutdown_error: 52",
                  "      operating_mode: 3", f"      pid: [{gain}, 0, 0]"]
    return "\n".join(lines) + "\n"


def broken(old, new):
    """The file with one line changed; returns the text and the line's number."""
    whole = text()
    assert old in whole
    return whole.replace(old, new, 1), whole[:whole.index(old)].count("\n") + 1
