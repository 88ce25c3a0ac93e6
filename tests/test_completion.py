"""What bash and zsh offer for the last word of a command line. Each shell is asked itself."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.profiles import do_without

COMPLETION = Path(__file__).parent.parent / "docs" / "completion"
ZSH = r"""
PROMPT= RPROMPT=
fpath=(%s $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] && { builtin compadd "$@"; return }
    local -a offered
    builtin compadd -A offered "$@"
    print -rl -- "offered:"${^offered}
    builtin compadd "$@"
}
finish() { print end:of:offers; exit }
zle -N finish && bindkey "^I" complete-word && bindkey "^X" finish
print rea""dy
"""
"""Completion in an interactive zsh: each match that a completion offers is printed as well."""


def offered_by_bash(words: str, folder: Path) -> set[str]:
    *_, last = words.split(" ")
    script = f"""
        source {COMPLETION}/daganalysis.bash
        COMP_WORDS=({words.removesuffix(last)} "{last}"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=()
        _shtab_daganalysis
        printf "%s\\n" "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, cwd=folder)
    return {line.strip() for line in done.stdout.splitlines()}


def offered_by_zsh(words: str, folder: Path) -> set[str]:
    if shutil.which("zsh") is None:
        do_without("zsh is not installed")
    own, its = pty.openpty()
    with subprocess.Popen(["zsh", "-f", "-i"], stdin=its, stdout=its, stderr=its, cwd=folder, env={**os.environ, "TERM": "dumb"}) as shell:
        os.close(its)
        os.write(own, (ZSH % COMPLETION).encode())
        read_until(own, b"ready\r\n")
        os.write(own, f"{words}\t\x18".encode())
        text = read_until(own, b"end:of:offers").decode()
        shell.kill()
    os.close(own)
    return set(re.findall(r"offered:(\S+)", text))


def read_until(terminal: int, mark: bytes) -> bytes:
    """Return what a terminal shows up to a mark; fail if it says nothing for a minute."""
    text = b""
    while mark not in text:
        assert select.select([terminal], [], [], 60)[0], text.decode(errors="replace")
        text += os.read(terminal, 1 << 16)
    return text


@pytest.mark.parametrize("offered", [offered_by_bash, offered_by_zsh])
@pytest.mark.parametrize(
    ("words", "offers"),
    [
        ("daganalysis s", {"show", "summary", "stage-latency"}),
        ("daganalysis load --clu", {"--cluster", "--cluster-by"}),
        ("daganalysis summary store --format ", {"table", "json", "csv", "markdown"}),
        ("daganalysis load ", {"responses", "saved.json"}),
        ("daganalysis report saved", {"saved.json"}),
    ],
)
def test_a_shell_completes_commands_options_values_and_files(offered, words: str, offers: set[str], tmp_path: Path) -> None:
    (tmp_path / "responses").mkdir()
    (tmp_path / "saved.json").touch()
    assert offers <= {word.rstrip("/") for word in offered(words, tmp_path)}
