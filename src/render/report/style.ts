const phases = ['connect', 'pull', 'node', 'drain', 'replace', 'verify', 'admit', 'restore', 'bake'];
const results = ['updated', 'unchanged', 'restored', 'failed', 'unreachable', 'untouched'];

/** The report's style sheet: light and dark by the reader's own setting, nothing loaded from anywhere, fit to print. */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#ffffff, #14171a); --card: light-dark(#f6f7f9, #1d2126); --line: light-dark(#dfe3e8, #343a41);
  --ink: light-dark(#1c2126, #e4e7ea); --soft: light-dark(#57606a, #9aa4af);
  --good: light-dark(#1a7f43, #4cc27f); --bad: light-dark(#b92a24, #ff7b72); --warn: light-dark(#8a5a00, #e3b341);
  --connect: light-dark(#c5ccd3, #4a525b); --pull: light-dark(#a9b4c0, #5d6873); --node: light-dark(#e3e7ec, #2c3239);
  --drain: light-dark(#e0a526, #c99a2e); --replace: light-dark(#3b82d6, #5a9de6); --verify: light-dark(#8a63d2, #a58be8);
  --admit: light-dark(#2e9e5b, #45b878); --restore: light-dark(#d2463f, #e5645c); --bake: light-dark(#0f9b9b, #3fbcbc);
  --updated: light-dark(#2e9e5b, #45b878); --unchanged: light-dark(#b9c1ca, #59626c); --untouched: light-dark(#dfe3e8, #3a4149);
  --restored: light-dark(#e0a526, #c99a2e); --failed: light-dark(#d2463f, #e5645c); --unreachable: light-dark(#8f2f6b, #c065a0);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem 4rem; background: var(--ground); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.55rem; line-height: 1.3; margin: .5rem 0 1rem; font-weight: 650; text-wrap: balance; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; break-after: avoid; }
h3 { margin: 0 0 .35rem; font-size: 1rem; }
p { margin: .35rem 0; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .87em; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .9rem; margin: .25rem 0 .75rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.label { font-size: .8rem; margin: .5rem 0 0; }
.kicker { margin: 0; color: var(--soft); } .kicker b { color: var(--ink); }
.badge { display: inline-block; font-size: .8rem; font-weight: 650; padding: .05rem .6rem; border-radius: 99px;
  border: 1.5px solid currentColor; margin-right: .4rem; }
header { border-top: 5px solid var(--soft); padding-top: 1.1rem; }
header.good { border-color: var(--good); } header.bad { border-color: var(--bad); } header.warn { border-color: var(--warn); }
header.good, header.bad, header.warn { color: var(--ink); }
.share { display: flex; height: .7rem; border-radius: 99px; overflow: hidden; gap: 2px; background: var(--line); }
.share i { min-width: 3px; }
.counts { display: flex; flex-wrap: wrap; gap: 0 1.1rem; margin: .5rem 0 0; }
.counts i, .legend i { display: inline-block; width: .75em; height: .75em; border-radius: 3px; margin-right: .4em; }
.todo { border-left: 3px solid var(--warn); padding: .3rem 0 .3rem .8rem; margin: .75rem 0 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .6rem 1.25rem;
  margin: 1.25rem 0 0; padding: .9rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.facts div { min-width: 0; } .facts dt { color: var(--soft); font-size: .8rem; } .facts dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: .8rem; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr { break-inside: avoid; }
.failure, .verdict { border: 1px solid var(--line); border-left: 4px solid var(--bad); border-radius: 8px; padding: .75rem 1rem;
  margin: .75rem 0; break-inside: avoid; }
.verdict.good { border-left-color: var(--good); } .verdict.warn { border-left-color: var(--warn); }
.verdict.good, .verdict.bad, .verdict.warn { color: var(--ink); }
.failure h3 { color: var(--bad); }
.failure dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; margin: .5rem 0 0; }
.failure dt { color: var(--soft); } .failure dd { margin: 0; }
.numbers { width: auto; } .numbers td { overflow-wrap: normal; } .scale { width: 12rem; } .scale svg { width: 100%; height: 10px; display: block; margin-top: .4rem; }
.scale rect { fill: var(--failed); } tr.soft .scale rect { fill: var(--unchanged); }
.chart { border: 1px solid var(--line); border-radius: 8px; padding: .5rem .9rem; }
.many .lanes { max-height: 32rem; overflow-y: auto; scrollbar-gutter: stable; }
.many .fixed { overflow: hidden; scrollbar-gutter: stable; }
.lane { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr) 8rem; gap: .9rem; align-items: center; min-height: 22px;
  break-inside: avoid; }
.lane > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: .9rem; }
.lane > :last-child { text-align: right; font-size: .8rem; font-variant-numeric: tabular-nums; }
.lane svg { width: 100%; height: 14px; display: block; overflow: hidden; }
.lane text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--soft); }
.lane.capacity svg, .lane.requests svg, .lane.errors svg { height: 34px; margin: 3px 0; background: var(--card); border-radius: 3px; }
.lane.errors svg { height: 18px; }
.capacity path { fill: var(--updated); } .requests path { fill: var(--replace); } .errors path { fill: var(--failed); }
.errors.some > span:last-child { color: var(--bad); font-weight: 600; }
.grid { stroke: var(--line); stroke-width: 1; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; color: var(--soft); font-size: .85rem; margin: .5rem 0; }
${phases.map((phase) => `rect.${phase} { fill: var(--${phase}); } i.${phase} { background: var(--${phase}); }`).join('\n')}
${results.map((result) => `i.${result} { background: var(--${result}); }`).join('\n')}
details { margin: .35rem 0; } summary { cursor: pointer; border-radius: 4px; }
summary:focus-visible, .lanes:focus-visible { outline: 2px solid var(--replace); outline-offset: 2px; }
.result { margin: .25rem 0 .5rem 1.1rem; }
.host { display: grid; grid-template-columns: 1rem minmax(7rem, 14rem) 6.5rem 5rem minmax(0, 1fr); gap: 0 .75rem;
  padding: .3rem 0; border-bottom: 1px solid var(--line); }
.host > .number { text-align: right; font-variant-numeric: tabular-nums; } .host > * { min-width: 0; }
.host::before { content: ""; } summary.host { list-style: none; } summary.host::-webkit-details-marker { display: none; }
summary.host::before { content: "▸"; color: var(--soft); }
details[open] > summary.host::before { content: "▾"; } .hosts details { margin: 0; }
.steps { margin: .25rem 0 1rem 1.75rem; width: calc(100% - 1.75rem); font-size: .93em; }
@media (max-width: 44rem) {
  body { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.3rem; }
  .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem .9rem; }
  .stack, .stack tbody, .stack tr, .stack td { display: block; }
  .stack th { display: none; }
  .stack tr { border-bottom: 1px solid var(--line); padding: .35rem 0; }
  .stack td { border: 0; padding: 0; text-align: left; white-space: normal; }
  .stack td:empty { display: none; }
  .stack td[data-label]::before { content: attr(data-label) " "; color: var(--soft); font-size: .8rem; }
  .steps { margin-left: 1rem; width: calc(100% - 1rem); }
  .steps tr { display: flex; flex-wrap: wrap; gap: 0 .6rem; } .steps td:nth-child(2) { flex: 1 1 60%; }
  .steps td:nth-child(3) { flex-basis: 100%; } .steps td:first-child::before { content: ""; }
  .host { grid-template-columns: .8rem minmax(0, 1fr) auto auto; }
  .host > :nth-child(4) { grid-column: 2 / -1; color: var(--soft); }
  .lane { grid-template-columns: 4.5rem minmax(0, 1fr) 4.8rem; gap: .5rem; }
  .lane > span { font-size: .75rem; line-height: 1.2; white-space: normal; } .lane > :last-child { font-size: .7rem; }
  .scale { display: none; } .numbers { width: 100%; } .numbers th, .numbers td { padding-right: .6rem; }
  .failure dl { grid-template-columns: minmax(0, 1fr); gap: 0; } .failure dd { margin-bottom: .35rem; }
}
@media (min-width: 44.01rem) { .notes td:not(:last-child) { width: 1%; white-space: nowrap; } }
@media print {
  :root { color-scheme: light; }
  * { print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 12px; }
  .many .lanes { max-height: none; overflow: visible; scrollbar-gutter: auto; } .many .fixed { scrollbar-gutter: auto; }
  summary.host::before { content: ""; }
}
`;
