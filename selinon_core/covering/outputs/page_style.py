"""The style sheet of the page: light and dark, from 320 pixels on."""

from __future__ import annotations

CSS = """\
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1f2328; --muted: #59636e; --edge: #d0d7de; --panel: #f6f8fa; --focus: #0969da;
  --good: #1a7f37; --good-panel: #dafbe1; --part: #9a6700; --part-panel: #fff4cc;
  --bad: #c11c28; --bad-panel: #ffebe9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --text: #e6edf3; --muted: #9aa4af; --edge: #3d444d; --panel: #161b22; --focus: #58a6ff;
    --good: #56d364; --good-panel: #12391f; --part: #e3b341; --part-panel: #362b10;
    --bad: #ff7b72; --bad-panel: #3c1519;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1em; }
body {
  margin: 0; padding: 0 1em 4em; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
}
main, header { max-width: 72em; margin: 0 auto; }
header { padding: 1.2em 0 .4em; }
h1 { font-size: 1.5em; margin: 0; }
h2 {
  font-size: 1.25em; margin: 2em 0 .5em; padding-top: .6em; border-top: 1px solid var(--edge);
  overflow-wrap: anywhere;
}
h3 { font-size: 1em; margin: 1.2em 0 .4em; }
a { color: var(--focus); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
p { margin: .3em 0; }
.muted { color: var(--muted); }
.percent { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); } .part { color: var(--part); } .bad { color: var(--bad); }
.bar {
  display: block; width: 100%; min-width: 4em; height: .55em; border-radius: .3em; background: var(--bad-panel);
  overflow: hidden; border: 1px solid var(--edge);
}
.bar > i { display: block; height: 100%; background: var(--good); }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: .9em; }
th, td { padding: .3em .6em; border-bottom: 1px solid var(--edge); vertical-align: top; overflow-wrap: anywhere; }
th.number, td.number { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.flows td:first-child { min-width: 7em; }
.flows td:nth-child(2) { width: 45%; vertical-align: middle; }
figure { margin: .6em 0; overflow-x: auto; border: 1px solid var(--edge); border-radius: 8px; padding: .6em; }
figure svg { display: block; margin: 0 auto; height: auto; }
.goals td:first-child { width: 1.6em; font-weight: 700; }
.goals .kind { color: var(--muted); font-size: .85em; }
.goals td.place { white-space: nowrap; width: 1%; }
tr.missing { background: var(--bad-panel); }
tr.missing td:first-child { color: var(--bad); } tr.covered td:first-child { color: var(--good); }
tr.apart { color: var(--muted); }
details { margin: .3em 0; }
summary { cursor: pointer; color: var(--muted); }
.cases { margin: .2em 0 .2em 1.2em; padding: 0; }
.file { border: 1px solid var(--edge); border-radius: 8px; overflow-x: auto; }
.file table {
  width: max-content; min-width: 100%;
  font: 12.5px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
.file td { border: 0; padding: 0 .7em; white-space: pre; overflow-wrap: normal; }
.file td.number { color: var(--muted); user-select: none; }
.file td.hits { text-align: right; color: var(--muted); border-right: 1px solid var(--edge); user-select: none; }
.file tr.covered td { background: var(--good-panel); } .file tr.partly td { background: var(--part-panel); }
.file tr.never td { background: var(--bad-panel); }
.file tr:target td { outline: 2px solid var(--focus); outline-offset: -2px; }
@media (max-width: 40em) {
  body { padding: 0 .7em 3em; font-size: 14px; }
  th, td { padding: .3em .35em; }
  .goals td.place { white-space: normal; width: auto; }
  .goals tr { display: grid; grid-template-columns: 1.4em 1fr auto; border-bottom: 1px solid var(--edge); }
  .goals tr td { border: 0; } .goals tr td.place { grid-column: 2 / 4; padding-top: 0; }
}
"""
