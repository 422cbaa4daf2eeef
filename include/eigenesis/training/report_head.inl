// SPDX-License-Identifier: MIT
// The look of a report, and its empty places, which the script fills.
R"page(<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<style>
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --ink: #1b1f24; --faint: #5b6470; --line: #d9dde3; --grid: #e8ebef;
  --first: #1f6feb; --second: #c2570c; --third: #1a7f4b; --warn: #fff4d6; --warn-line: #d9a400;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111418; --card: #1a1e24; --ink: #e7eaee; --faint: #9aa4b1; --line: #333a44; --grid: #272d35;
    --first: #6aa8ff; --second: #f2a35e; --third: #5fcf96; --warn: #3a3013; --warn-line: #b48a10;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
header, main { max-width: 1120px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 20px; }
h1 { font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 10px; }
h3 { font-size: 14px; margin: 14px 0 6px; color: var(--faint); font-weight: 600; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; margin: 16px 0; }
[hidden] { display: none !important; }
p { margin: 4px 0; }
.faint { color: var(--faint); font-size: 13px; }
.row { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 18px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 18px; }
.columns > *, .charts > * { min-width: 0; }
progress { width: 100%; height: 8px; accent-color: var(--first); }
button, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line);
  border-radius: 6px; padding: 4px 10px; cursor: pointer; }
button:disabled { opacity: 0.45; cursor: default; }
input[type=range] { width: 100%; accent-color: var(--first); }
label { display: inline-flex; align-items: center; gap: 6px; }
:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; }
svg.chart { display: block; width: 100%; height: 240px; touch-action: pan-y; cursor: crosshair; user-select: none; }
svg.chart text { font-size: 11px; fill: var(--faint); }
.key { display: inline-block; width: 14px; height: 3px; vertical-align: middle; margin-right: 5px; }
.readout { min-height: 2.9em; font-variant-numeric: tabular-nums; }
canvas, img.frame { image-rendering: pixelated; max-width: 100%; display: block; background: #000; border-radius: 4px; }
img.frame { width: 100%; }
.plane { position: relative; width: 100%; max-width: 360px; touch-action: none; cursor: crosshair; }
.plane canvas { width: 100%; }
.plane i { position: absolute; width: 14px; height: 14px; margin: -7px 0 0 -7px; border: 2px solid #fff;
  border-radius: 50%; background: #e5484d; box-shadow: 0 0 3px #000; pointer-events: none; }
.pictured { max-width: 480px; }
.strip, #part { width: 100%; max-width: 620px; }
.strip { cursor: pointer; }
.traversal { display: grid; grid-template-columns: 72px minmax(0, 1fr); gap: 6px; align-items: center; margin: 4px 0; }
.slider { display: grid; grid-template-columns: 72px minmax(0, 1fr) 48px; gap: 8px; align-items: center; }
.slider output, .traversal span { font-size: 13px; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: minmax(90px, max-content) minmax(0, 1fr); gap: 4px 16px; margin: 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
pre, .scroll { overflow-x: auto; }
pre { font-size: 12.5px; line-height: 1.4; margin: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: right; padding: 2px 14px 2px 0; font-weight: normal; }
th { color: var(--faint); }
th:first-child { text-align: left; }
#warnings { background: var(--warn); border-color: var(--warn-line); }
#warnings li { overflow-wrap: anywhere; }
</style>
</head>
<body>
<header>
<h1 id="title"></h1>
<p id="status"></p>
<progress id="progress"></progress>
<label id="live-label" class="faint" hidden><input type="checkbox" id="live">Reload while it runs</label>
</header>
<main>
<noscript><section>This page draws its curves and pictures with JavaScript, which is switched off.</section></noscript>
<section id="warnings" hidden><h2>Warnings</h2><ul></ul></section>
<section id="losses" hidden>
<h2>Losses</h2>
<div class="row">
<label><input type="checkbox" id="log-y">Logarithmic values</label>
<label><input type="checkbox" id="log-x">Logarithmic steps</label>
<button id="whole">Whole training</button>
</div>
<div class="charts" id="charts"></div>
<p class="faint">Drag over a chart to zoom. With a chart in focus: arrows move, + and - zoom, 0 shows all.
<span id="joined"></span></p>
<div class="scroll"><table id="last"></table></div>
</section>
<section id="pictures" hidden><h2>Pictures</h2><div class="columns"></div></section>
<section id="explorer" hidden>
<h2>Latent space</h2>
<div class="columns">
<div>
<canvas id="image" style="width: 224px" role="img" aria-label="The decoded image"></canvas>
<p class="row"><button id="zero">All latents 0</button><button id="draw">Random latents</button></p>
<div id="two-sliders"></div>
<p class="faint" id="check"></p>
</div>
<div>
<p class="row"><label>Across <select id="across"></select></label><label>Up <select id="up"></select></label></p>
<div class="plane" id="plane" tabindex="0" role="application"
 aria-label="A plane of two latents; arrows move the point"><canvas></canvas><i></i></div>
<p class="faint">Two latents from -3 to 3, the others as they are. Click, drag, or move with arrows; 0 goes to the
middle.</p>
</div>
</div>
<details id="all"><summary>All latents</summary><div class="columns"></div></details>
<div id="between" hidden>
<h3>From one code to another</h3>
<p class="row"><label>From <select id="from"></select></label><label>to <select id="to"></select></label></p>
<canvas class="strip" id="way"></canvas>
<input type="range" id="part" min="0" max="1" step="0.01" value="0" aria-label="How far from one code to the other">
</div>
<h3>Each latent from -3 to 3, the others as they are<span id="sorted"></span></h3>
<p class="row"><button id="earlier">Before</button><span id="shown" class="faint"></span>
<button id="later">Next</button></p>
<div id="traversals"></div>
</section>
<section><h2>This run</h2><dl id="facts"></dl></section>
<section id="model" hidden><h2>Model</h2><pre tabindex="0" aria-label="The layers of the model"></pre></section>
</main>
)page"
