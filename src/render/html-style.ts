/** The report's style sheet: light and dark by the reader's own setting, nothing loaded from anywhere, fit to print. */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#ffffff, #14171a); --card: light-dark(#f6f7f9, #1d2126); --line: light-dark(#dfe3e8, #343a41);
  --ink: light-dark(#1c2126, #e4e7ea); --soft: light-dark(#5b6570, #98a2ad);
  --good: light-dark(#1a7f43, #4cc27f); --bad: light-dark(#c0322b, #ff7b72); --warn: light-dark(#9a6400, #e3b341);
  --connect: light-dark(#c5ccd3, #4a525b); --pull: light-dark(#a9b4c0, #5d6873); --node: light-dark(#e3e7ec, #2c3239);
  --drain: light-dark(#e0a526, #c99a2e); --replace: light-dark(#3b82d6, #5a9de6); --verify: light-dark(#8a63d2, #a58be8);
  --admit: light-dark(#2e9e5b, #45b878); --restore: light-dark(#d2463f, #e5645c); --bake: light-dark(#0f9b9b, #3fbcbc);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; display: flex; gap: .75rem; align-items: center; flex-wrap: wrap; }
h2 { font-size: 1.05rem; margin: 2.25rem 0 .75rem; }
code, pre, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .87em; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto;
  margin: .5rem 0; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.badge { font-size: .85rem; font-weight: 600; padding: .1rem .6rem; border-radius: 99px; border: 1.5px solid currentColor; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .75rem; margin-top: 1.25rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .9rem; min-width: 0; }
.card b { display: block; font-size: 1.05rem; overflow-wrap: anywhere; }
.card span { color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: .85rem; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td code { overflow-wrap: anywhere; }
.failure { border: 1px solid var(--bad); border-radius: 8px; padding: .75rem 1rem; margin: .75rem 0; }
.failure h3 { margin: 0 0 .25rem; font-size: 1rem; }
.failure dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0 0; }
.failure dt { color: var(--soft); } .failure dd { margin: 0; overflow-wrap: anywhere; }
.chart { border: 1px solid var(--line); border-radius: 8px; padding: .5rem .75rem; max-height: 80vh; overflow-y: auto; }
.lane { display: grid; grid-template-columns: 9rem 1fr 6rem; gap: .75rem; align-items: center; height: 22px; }
.lane > :first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.lane > :last-child { text-align: right; font-size: .85rem; }
.lane svg { width: 100%; height: 14px; display: block; overflow: visible; }
.lane text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); stroke-width: 1; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; color: var(--soft); font-size: .85rem; margin: .5rem 0; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em; }
${['connect', 'pull', 'node', 'drain', 'replace', 'verify', 'admit', 'restore', 'bake']
  .map((phase) => `rect.${phase} { fill: var(--${phase}); } i.${phase} { background: var(--${phase}); }`)
  .join('\n')}
details { margin: .25rem 0; } summary { cursor: pointer; }
td:last-child, th:last-child { padding-right: 0; }
.host { display: grid; grid-template-columns: 1.2rem minmax(7rem, 14rem) 6rem 5rem 1fr; gap: 0 .75rem;
  padding: .3rem 0; border-bottom: 1px solid var(--line); }
.host > .number { text-align: right; font-variant-numeric: tabular-nums; } .host > * { overflow-wrap: anywhere; }
.host::before { content: ""; } summary.host { list-style: none; } summary.host::before { content: "▸"; color: var(--soft); }
details[open] > summary.host::before { content: "▾"; } .hosts details { margin: 0; }
.steps { margin: .25rem 0 1rem 1.95rem; width: calc(100% - 1.95rem); }
@media (max-width: 40rem) { .host { grid-template-columns: 1.2rem 1fr 5rem 4rem; } .host > :nth-child(4) { grid-column: 2 / -1; } .lane { grid-template-columns: 5rem 1fr 4rem; } }
@media print { .chart { max-height: none; } body { max-width: none; } }
`;
