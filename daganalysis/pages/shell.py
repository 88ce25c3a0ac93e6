"""The shell of every page: one self-contained file that can neither run nor load anything else.

Names and log lines of an archive are untrusted. A page therefore carries a Content-Security-Policy that allows its own style and script
blocks by their hashes and nothing else; text is autoescaped, and data for scripts is JSON in which no character can end its block.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import tone, words
from daganalysis.pages.shown_tables import cell_text, is_numeric
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, human_share, plural
from daganalysis.text.widths import shorten_middle, unbroken
from daganalysis.text.zones import UTC, Zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2
    import markupsafe

_MARKS = {"bad": "\u2717 ", "warn": "\u25b2 ", "good": "\u2713 ", "calm": ""}
"""An outcome has a mark as well as a colour."""
_LONGEST_ID = 21
"""Number of letters of an id beside the name of its run. The section of the run and the list of all runs have the whole id."""
_LINE_ENDS = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_WITHIN_CODE = re.compile(r"(?<=[A-Za-z])\.(?=[A-Za-z])")
_DATE = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])")
_JSON_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def render_page(
    template: str, *, styles: Sequence[str], scripts: Sequence[str], data: object = None, zone: Zone = UTC, **context: Any
) -> str:
    """Render a template of this package as a self-contained page.

    ``styles`` and ``scripts`` are files of this folder, inlined in this order; ``data`` is the JSON for the scripts, in the element
    ``#data``. Instants are shown in ``zone``. Strings of the context are escaped, and their invisible characters shown as escapes.
    """
    environment = _environment(zone)
    style = "\n".join(_source(name) for name in styles)
    script = "\n".join(_source(name) for name in scripts)
    return environment.get_template(template).render(
        policy=content_policy(style, script),
        style=trusted(style),
        script=trusted(script),
        data=None if data is None else trusted(json_block(data)),
        **context,
    )


def content_policy(style: str, script: str) -> str:
    """Write the Content-Security-Policy of a page with one style and one script block.

    >>> content_policy("", "").split("; ")[0]
    "default-src 'none'"
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{_digest(script)}'",
            f"style-src 'sha256-{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def breakable(text: str) -> markupsafe.Markup:
    """Allow line breaks after the dots of a code such as ``OB.Server.Process.NotExist``. An address stays whole.

    >>> str(breakable("OB.Server<b>")), str(breakable("192.0.2.1:2886"))
    ('OB.<wbr>Server&lt;b&gt;', '192.0.2.1:2886')
    """
    import markupsafe

    return trusted(_WITHIN_CODE.sub(".<wbr>", str(markupsafe.escape(for_terminal(text)))))


def unbreakable(text: str) -> markupsafe.Markup:
    """Allow no line break within a date, a duration, or a number with its unit or noun. Copied and searched, the text is the same.

    >>> str(unbreakable("2 h 10 min <b>")).replace("\u00a0", "_")
    '2_h_10_min &lt;b&gt;'
    >>> str(unbreakable("since 2024-01-09"))
    'since <span class="whole">2024-01-09</span>'
    """
    import markupsafe

    escaped = unbroken(str(markupsafe.escape(for_terminal(_LINE_ENDS.sub(" ", text)))))
    return trusted(_DATE.sub(r'<span class="whole">\g<0></span>', escaped))


def json_block(data: object) -> str:
    r"""Write data as JSON that is harmless inside a script element.

    >>> json_block({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    import msgspec

    return msgspec.json.encode(data).decode().translate(_JSON_ESCAPES)


@functools.cache
def _environment(zone: Zone) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "duration": lambda seconds: unbreakable(human_duration(seconds)),
        "unbreakable": unbreakable,
        "share": human_share,
        "plural": plural,
        "cell": functools.partial(cell_text, zone=zone),
        "numeric": is_numeric,
        "words": words,
        "short_id": lambda run_id: shorten_middle(for_terminal(run_id), _LONGEST_ID),
        "breakable": breakable,
        "tone": lambda outcome: tone(outcome).value,
        "mark": lambda outcome: _MARKS[tone(outcome).value],
        "budget_parts": _budget_parts,
    }
    return environment


def _budget_parts(budget: Mapping[str, Any], categories: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Lay the parts of a time budget side by side on a bar of 1,000 units; parts of no length are left out."""
    seconds = {category["name"]: budget.get(f"{category['name']}_s") or 0.0 for category in categories}
    total = sum(seconds.values())
    parts, x = [], 0.0
    for category in categories:
        spent = seconds[category["name"]]
        if spent > 0:
            width = 1000 * spent / total
            parts.append(
                {
                    "category": category["name"],
                    "label": category["label"],
                    "seconds": spent,
                    "share": spent / total,
                    "x": round(x, 2),
                    "width": round(width, 2),
                }
            )
            x += width
    return parts


def _shown(value: object) -> object:
    """Make invisible characters visible: a direction mark or a control character in a name must not act on the page."""
    return for_terminal(_LINE_ENDS.sub(" ", value)) if type(value) is str else value


def trusted(text: str) -> markupsafe.Markup:
    """Mark the package's own text, or text that was escaped, as not to be escaped."""
    import markupsafe

    return markupsafe.Markup(text)  # noqa: S704 - only files of this package and escaped JSON come here


@functools.cache
def _source(name: str) -> str:
    return _file(name).strip()


def _file(name: str) -> str:
    from importlib.resources import files

    return files("daganalysis.pages").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
