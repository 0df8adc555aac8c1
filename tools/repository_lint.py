"""What tools/check asks of the files themselves. Every check yields complaints `(path, line, text)`."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 500
# A suite tells one unit's whole story, a style sheet one page's.
LONGEST_SUITE = 850
LONGEST_STYLE = 1000
CODE = {".cpp", ".hpp", ".py", ".ts", ".js", ".mjs", ".css", ".html", ".cmake"}
TEXT = CODE | {".md", ".txt", ".json", ".toml", ".yaml", ".yml", ".service", ".svg", ".supp", ""}

# Written in two halves so that this file does not find itself.
FORBIDDEN = [
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"), "unfinished business: do it, or file an issue"),
    (re.compile(r"/tmp/bash" r"_jobs|\.libr" r"ary\b|(?<![\w.])/wo" r"rk/"), "a path of one machine"),
]

# Libraries that stay behind one module's interface: an #include pattern, and the folders that may.
BEHIND = [
    (re.compile(r"<gst[/.]"), ("daruma/media/",), "GStreamer belongs to media"),
    (re.compile(r"<glib"), ("daruma/media/", "daruma/services/daemon/"),
     "GLib belongs to media, and to services/daemon for one checksum"),
    (re.compile(r"<boost/beast"), ("daruma/transport/", "tests/"), "Beast belongs to transport"),
    (re.compile(r"<systemd/"), ("apps/darumad/",), "systemd belongs to darumad"),
    (re.compile(r"<curl/"), ("apps/daruma/",), "libcurl belongs to the command line"),
    (re.compile(r"<yaml-cpp/"), ("daruma/services/hardware_config/",),
     "yaml-cpp belongs to services/hardware_config"),
    (re.compile(r"<Eigen/"), ("daruma/kinematics/", "daruma/motion/", "daruma/control/", "tests/"),
     "Eigen belongs to kinematics and those above it"),
]


def files():
    """Paths, relative to the root, of everything that is or is about to be in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(p for p in listed.split("\0") if p and (ROOT / p).is_file())


def longest_of(path):
    if path.endswith("_test.cpp"):
        return LONGEST_SUITE
    return LONGEST_STYLE if path.endswith(".css") else LONGEST_FILE


def is_shell(path):
    if Path(path).suffix not in ("", ".sh"):
        return False
    with open(ROOT / path, "rb") as file:
        return re.match(rb"#!.*\b(?:ba|da)?sh\b", file.readline(200)) is not None


class Texts:
    """The text files, read once."""

    def __init__(self, paths):
        self.lines = {}
        for path in paths:
            if Path(path).suffix not in TEXT:
                continue
            try:
                self.lines[path] = (ROOT / path).read_bytes().decode("utf-8").split("\n")
            except UnicodeDecodeError:
                continue  # not text after all

    def matching(self, *suffixes):
        return ((p, lines) for p, lines in self.lines.items() if p.endswith(suffixes))


def words(texts):
    for path, lines in texts.lines.items():
        if path.endswith("package-lock.json"):
            continue
        for number, line in enumerate(lines, 1):
            for pattern, why in FORBIDDEN:
                found = pattern.search(line)
                if found:
                    yield path, number, f"'{found.group()}': {why}"


def shape(texts):
    """Length, ends of lines and of files, include guards."""
    for path, lines in texts.lines.items():
        suffix = Path(path).suffix
        longest = longest_of(path)
        if suffix in CODE and len(lines) - 1 > longest:
            yield path, longest, f"{len(lines) - 1} lines; {longest} at most: split it"
        if lines[-1] != "":
            yield path, len(lines), "no newline at the end of the file"
        if suffix == ".hpp" and "#pragma once" not in lines:
            yield path, 1, "a header without #pragma once"
        for number, line in enumerate(lines, 1):
            if line.endswith("\r"):
                yield path, number, "ends with CR LF"
                break
            if suffix in CODE and line != line.rstrip():
                yield path, number, "blanks at the end of the line"


def python(texts):
    for path, lines in texts.matching(".py"):
        try:
            compile("\n".join(lines), path, "exec")
        except SyntaxError as error:
            yield path, error.lineno or 1, error.msg


def cmake_edges():
    """The module table as cmake/architecture.cmake has it: name -> set of names."""
    text = (ROOT / "cmake/architecture.cmake").read_text(encoding="utf-8")
    return {name: set(filter(None, edges.split(";")))
            for name, edges in re.findall(r'^set\(DARUMA_EDGES_(\w+) "([^"]*)"\)', text, re.M)}


def documented_edges(texts):
    """The same table in ARCHITECTURE.md, section Modules: `module` and the modules it may use."""
    rows = {}
    section = ""
    for number, line in enumerate(texts.lines.get("ARCHITECTURE.md", []), 1):
        if line.startswith("## "):
            section = line
        row = section == "## Modules" and re.match(r"\| `([a-z_/]+)` \| ([^|]*) \|", line)
        if row:
            edges = {e.replace("/", "_") for e in re.findall(r"`([a-z_/]+)`", row.group(2))}
            rows[row.group(1).replace("/", "_")] = (edges, number)
    return rows


def module_of(path, known):
    """The module that a file under daruma/ belongs to: the deepest folder that is one."""
    parts = path.split("/")[1:-1]
    for depth in range(len(parts), 0, -1):
        name = "_".join(parts[:depth])
        if name in known:
            return name
    return "backend_port" if parts[:1] == ["backend"] else None


def is_test(path):
    name = Path(path).stem
    return name.endswith(("_test", "_fakes")) or name.startswith("test_")


def modules(texts):
    """#include lines against the module table, and the table against ARCHITECTURE.md."""
    known = cmake_edges()
    for path, lines in texts.matching(".cpp", ".hpp"):
        if path.startswith("daruma/") and not is_test(path):
            yield from module_includes(path, lines, known)
        for number, line in enumerate(lines, 1):
            for pattern, folders, why in BEHIND:
                if line.startswith("#include") and pattern.search(line):
                    if not path.startswith(folders) and not is_test(path):
                        yield path, number, why
    documented = documented_edges(texts)
    for name in sorted(known.keys() | documented.keys()):
        if name not in documented:
            yield "ARCHITECTURE.md", 1, f"module {name} of cmake/architecture.cmake has no row"
        elif name not in known:
            yield "ARCHITECTURE.md", documented[name][1], f"cmake/architecture.cmake has no {name}"
        elif known[name] != documented[name][0]:
            yield ("ARCHITECTURE.md", documented[name][1],
                   f"{name} links {sorted(known[name])} in cmake/architecture.cmake")


def module_includes(path, lines, known):
    own = module_of(path, known)
    if own is None:
        yield path, 1, "belongs to no module of cmake/architecture.cmake"
        return
    for number, line in enumerate(lines, 1):
        found = re.match(r'#include "(daruma/[^"]+)"', line)
        if found is None:
            continue
        if not (ROOT / found.group(1)).is_file():
            yield path, number, f"{found.group(1)} does not exist"
            continue
        other = module_of(found.group(1), known)
        if other != own and other not in known[own]:
            yield path, number, f"module {own} may not include {other}: no such edge in the table"


def slug(heading):
    """The anchor that a Markdown heading gets."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")


def links(texts):
    """Relative links of Markdown files: the file and the heading exist."""
    anchors = {path: {slug(line.lstrip("#")) for line in lines if line.startswith("#")}
               for path, lines in texts.matching(".md")}
    for path, lines in texts.matching(".md"):
        fenced = False
        for number, line in enumerate(lines, 1):
            fenced ^= line.startswith("```")
            for target in [] if fenced else re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                file = (ROOT / path).parent / name if name else ROOT / path
                if not file.exists():
                    yield path, number, f"{target} does not exist"
                    continue
                other = str(file.resolve().relative_to(ROOT))
                if anchor and anchor not in anchors.get(other, {anchor}):
                    yield path, number, f"{target}: no such heading"


CHECKS = {"words": words, "shape": shape, "python": python, "modules": modules, "links": links}
