"""One self-contained page to look changed golden screens over, with the keyboard.

It keeps nothing: "save" hands out a list of approved names, which `firmware-sim screen
goldens record --approved FILE` then records.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

from firmware_sim.screen.goldens import Finding, difference

_STYLE = """
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--text:#15181c;--muted:#545b64;
--line:#d5dae0;--accent:#0b57d0;--good:#146c2e}
@media(prefers-color-scheme:dark){:root{--ground:#101317;--card:#1b2026;--text:#eceef1;
--muted:#a9b1bb;--line:#2c333b;--accent:#a8c7fa;--good:#7fda94}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;background:var(--ground);color:var(--text)}
header{position:sticky;top:0;z-index:1;background:var(--card);border-bottom:1px solid var(--line);
padding:12px 24px;display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center}
h1{font-size:18px;margin:0 16px 0 0}
select,button,input{font:inherit;color:inherit;background:var(--ground);
border:1px solid var(--muted);border-radius:8px;padding:6px 12px;min-height:40px}
button{cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
kbd{border:1px solid var(--line);border-radius:4px;padding:0 6px;background:var(--ground)}
p.keys{margin:0;color:var(--muted);flex-basis:100%}
main{padding:24px;display:grid;gap:24px}
article{background:var(--card);border:1px solid var(--line);border-radius:16px;padding:16px}
article[aria-current=true]{border-color:var(--accent);box-shadow:0 0 0 2px var(--accent)}
article.approved h2::after{content:"  ✓ approved";color:var(--good)}
h2{font-size:16px;margin:0 0 4px}
article p{margin:0 0 12px;color:var(--muted)}
.row{display:flex;gap:16px;flex-wrap:wrap;align-items:flex-start}
figure{margin:0}figcaption{color:var(--muted);margin-bottom:4px}
img{max-width:100%;border:1px solid var(--line);border-radius:8px;display:block}
"""
_SCRIPT = """
const cards=[...document.querySelectorAll('article')];
const picks=[...document.querySelectorAll('select')];
const count=document.querySelector('#count');let at=0;
const shown=()=>cards.filter(c=>!c.hidden);
const approved=()=>cards.filter(c=>c.classList.contains('approved')).map(c=>c.dataset.name);
function mark(step){const list=shown();cards.forEach(c=>c.removeAttribute('aria-current'));
 if(!list.length)return tell();at=Math.max(0,Math.min(list.length-1,at+step));
 list[at].setAttribute('aria-current','true');list[at].scrollIntoView({block:'center'});
 list[at].focus({preventScroll:true});tell()}
function tell(){count.textContent=`${shown().length} shown, ${approved().length} approved`}
function filter(){for(const c of cards)c.hidden=picks.some(p=>p.value&&c.dataset[p.name]!==p.value);
 at=0;mark(0)}
function approve(card,on){if(card)card.classList.toggle('approved',on);tell()}
function save(){const file=new Blob([approved().join('\\n')+'\\n'],{type:'text/plain'});
 const link=document.createElement('a');link.href=URL.createObjectURL(file);
 link.download='approved.txt';link.click();URL.revokeObjectURL(link.href)}
picks.forEach(p=>p.addEventListener('change',filter));
document.querySelector('#save').addEventListener('click',save);
document.querySelector('#all').addEventListener('click',()=>{shown().forEach(c=>approve(c,true))});
document.addEventListener('keydown',e=>{
 if(e.ctrlKey||e.metaKey||e.altKey||e.target.matches('select'))return;
 const card=shown()[at];
 if(e.key==='j')mark(1);else if(e.key==='k')mark(-1);
 else if(e.key==='a'){approve(card,true);mark(1)}else if(e.key==='u')approve(card,false);
 else if(e.key==='s')save();else return;e.preventDefault()});
mark(0);
"""


def page(findings: Sequence[Finding]) -> str:
    """An HTML document with all pictures inside it."""
    choices = {"kind": set[str](), "device": set[str](), "page": set[str](), "locale": set[str]()}
    cards = []
    for finding in findings:
        facts = _facts(finding)
        for name, value in facts.items():
            choices[name].add(value)
        cards.append(_card(finding, facts))
    picks = "".join(
        f'<label>{name} <select name="{name}"><option value="">all</option>'
        + "".join(f"<option>{html.escape(value)}</option>" for value in sorted(values))
        + "</select></label>"
        for name, values in choices.items()
    )
    body = "".join(cards) or "<p>Every screen is as approved.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Golden screens: {len(findings)} to look at</title><style>{_STYLE}</style></head>"
        f"<body><header><h1>Golden screens</h1>{picks}"
        '<button id="all">Approve all shown</button><button id="save">Save list</button>'
        '<span id="count" role="status"></span>'
        '<p class="keys"><kbd>j</kbd> next <kbd>k</kbd> previous <kbd>a</kbd> approve '
        "<kbd>u</kbd> take back <kbd>s</kbd> save the list, then "
        "<code>firmware-sim screen goldens record --approved approved.txt</code></p></header>"
        f"<main>{body}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def _facts(finding: Finding) -> dict[str, str]:
    folder, _, file = finding.name.partition("/")
    parts = file.split(".")
    return {
        "kind": finding.kind.value,
        "device": folder if file else "",
        "page": parts[0],
        "locale": parts[1] if len(parts) > 2 else "",
    }


def _card(finding: Finding, facts: dict[str, str]) -> str:
    difference_png = b""
    if finding.before and finding.after:
        difference_png = difference(finding.before, finding.after)
    pictures = "".join(
        f"<figure><figcaption>{caption}</figcaption>{_image(data, caption, finding.name)}</figure>"
        for caption, data in (
            ("before", finding.before),
            ("after", finding.after),
            ("difference", difference_png),
        )
        if data
    )
    data = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in facts.items())
    return (
        f'<article tabindex="-1" data-name="{html.escape(finding.name)}" {data}>'
        f"<h2>{html.escape(finding.name)}</h2>"
        f"<p>{html.escape(finding.kind.value)} {html.escape(finding.detail)}</p>"
        f'<div class="row">{pictures}</div></article>'
    )


def _image(data: bytes, caption: str, name: str) -> str:
    address = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return f'<img alt="{html.escape(f"{name}, {caption}")}" src="{address}">'


def listed(text: str) -> set[str]:
    """The names in a saved list of approvals, one a line."""
    return {line.strip() for line in text.splitlines() if line.strip()}
