"""Type what README and tutorials say, in an empty account: `python3 go.py`, standard library only.

Stands in a folder that `python -m tools.walk` packed. Makes a virtual environment beside it, runs
each block of each page in order, goes on after one that stops, and writes walk.json.
"""

import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = {
    "README.md": "readme",
    "tutorials/first-depth-map.md": "tutorials",
    "tutorials/distil-your-photos.md": "tutorials",
    "tutorials/complete-a-lidar-frame.md": "tutorials",
    "tutorials/evaluate-on-nyuv2.md": "tutorials",
    "tutorials/export-to-a-device.md": "tutorials",
    "how-to/browser.md": "tutorials",
}
"""Pages, and the folder of material that each is followed in."""
FILLED_IN = {"--teacher T -o run": '--teacher small -o run --set steps=20 --set "size=[128,128]"'}
"""What a reader has to put in: the teacher; a short run where the page does not name one."""
LEFT_OUT = {"recipes/requirements.txt": "needs labelled data and a clone"}
LAST = 3


def main() -> int:
    """Walk; the number of blocks that stopped is the exit code."""
    venv = HERE / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    links = f"{HERE / 'wheel'} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PIP_FIND_LINKS": links}
    steps = [step for page, folder in PAGES.items() for step in walked(page, HERE / folder, env)]
    stopped = [step for step in steps if step.get("code", 0) != 0]
    document = {
        "python": platform.python_version(),
        "account": {"home": sorted(p.name for p in Path.home().iterdir() if p.name[0] != ".")},
        "seconds": round(sum(float(str(step.get("seconds", 0))) for step in steps), 1),
        "steps": steps,
        "ran": sum("code" in step for step in steps),
        "stopped": len(stopped),
    }
    (HERE / "walk.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    return len(stopped)


def walked(page: str, folder: Path, env: dict[str, str]) -> list[dict[str, object]]:
    """Every block of a page."""
    steps = []
    for language, code in BLOCK.findall((HERE / "pages" / page).read_text(encoding="utf-8")):
        step: dict[str, object] = {"page": page, "block": code.strip()}
        reason = next((why for words, why in LEFT_OUT.items() if words in code), None)
        if reason is not None:
            steps.append({**step, "left_out": reason})
            continue
        for words, filled in FILLED_IN.items():
            code = code.replace(words, filled)  # noqa: PLW2901
        with_shell = ["bash", "-euo", "pipefail", "-c", code]
        start = time.perf_counter()
        done = subprocess.run(
            with_shell if language == "bash" else ["python", "-c", code],
            cwd=folder,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        step |= {"seconds": round(time.perf_counter() - start, 1), "code": done.returncode}
        said = done.stdout.replace(str(HERE), ".").splitlines()
        print(f"--- {page}: {done.returncode} after {step['seconds']} s\n{code}{done.stdout}")
        steps.append(step | ({"said": said[-LAST:]} if done.returncode else {}))
    return steps


if __name__ == "__main__":
    sys.exit(main())
