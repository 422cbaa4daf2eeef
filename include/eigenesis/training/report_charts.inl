// SPDX-License-Identifier: MIT
// The charts of a report.
R"page(
// ---- Charts ----

let view = null;  // the steps that are shown; null: all
const charts = [];

function ticks(low, high, log) {
  const result = [];
  if (log && high / low > 5) {
    const decades = Math.log10(high) - Math.log10(low), stride = Math.ceil(decades / 8);
    for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); ++k)
      for (const part of decades > 2.5 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 5]) {
        const value = part * 10 ** k;
        if (value >= low && value <= high && k % stride === 0) result.push(value);
      }
    return result;
  }
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const gap = power * [1, 2, 5, 10].find(part => part * power >= rough * 0.999);
  const first = Math.ceil(low / gap - 1e-9);
  for (let i = 0; i <= 6 && (first + i) * gap <= high + 1e-9 * gap; ++i)  // counted, as k + 1 may be k
    result.push((first + i) * gap);
  return result;
}
function tickText(value, digits) {
  const rounded = +value.toPrecision(digits), size = Math.abs(rounded);
  return (size >= 1e6 && digits <= 6) || (size > 0 && size < 1e-4) ? rounded.toExponential() : String(rounded);
}

const colours = ["var(--first)", "var(--second)", "var(--third)"];
function makeLossChart(loss) {
  makeChart(loss.name, [
    {title: "each step", of: loss.steps},
    {title: loss.steps.at.length > 0 ? "mean of an epoch" : "after each epoch", of: loss.epochs, dots: true},
    {title: "held-out data", of: loss.held_out, dots: true}
  ], "; the last values are in the table below");
}
/// What optimizers did: a chart of the learning rates of all models, and one of the norms of their gradients.
function makeUpdateCharts() {
  const models = new Map();
  for (const line of kept.filter(each => each.kind === "u")) {
    if (!models.has(line.name)) models.set(line.name, {at: [], rate: [], norm: []});
    const {at, rate, norm} = models.get(line.name);
    at.push(line.step), rate.push(line.rate), norm.push(line.norm);
  }
  if (models.size === 0) return;
  const curves = which => [...models].map(([title, {at, ...values}]) => ({title, of: {at, mean: values[which]}}));
  makeChart("learning rate", curves("rate"));
  makeChart("gradient norm", curves("norm"));
}
function makeChart(name, all, more = "") {
  const curves = all.map((curve, i) => ({colour: colours[i] || `hsl(${70 * i}, 60%, 50%)`, ...curve}))
    .filter(curve => curve.of.at.length > 0);
  const svg = drawing("svg", {class: "chart", tabindex: 0, role: "img", "aria-label": `Chart of ${name}${more}`});
  const keys = element("div", {class: "row faint"});
  for (const curve of curves)
    keys.append(element("span", {}, element("span", {class: "key", style: `background: ${curve.colour}`}),
                        curve.title));
  const readout = element("div", {class: "faint readout"});
  place("charts").append(element("div", {}, element("h3", {}, name), keys, svg, readout));
  const chart = {svg, curves, readout, left: 56, right: 12, top: 8, bottom: 22, x: null, back: null};
  charts.push(chart);

  let from = null, mark = null;
  const inside = event =>
    clamp(event.clientX - svg.getBoundingClientRect().left, chart.left, chart.width - chart.right);
  svg.onpointerdown = event => {
    if (event.button !== 0) return;
    from = inside(event);
    svg.setPointerCapture(event.pointerId);
    mark = drawing("rect", {y: chart.top, height: chart.height - chart.top - chart.bottom, fill: "var(--first)",
                            opacity: 0.2, x: from, width: 0});
    svg.append(mark);
  };
  svg.onpointermove = event => {
    const now = inside(event);
    if (mark) {
      mark.setAttribute("x", Math.min(from, now));
      mark.setAttribute("width", Math.abs(now - from));
    }
    read(chart, now);
  };
  svg.onpointerup = event => {
    if (mark) mark.remove();
    const to = inside(event), begin = from;
    from = mark = null;
    if (begin !== null && Math.abs(to - begin) > 5)
      show([chart.back(Math.min(begin, to)), chart.back(Math.max(begin, to))]);
  };
  svg.onpointercancel = () => {
    if (mark) mark.remove();
    from = mark = null;
  };
  svg.onpointerleave = () => { if (!mark) read(chart, null); };
  svg.ondblclick = () => show(null);
  svg.onkeydown = event => {
    const [low, high] = view || allSteps(), middle = (low + high) / 2, half = (high - low) / 2;
    const next = {
      ArrowLeft: [low - half / 4, high - half / 4],
      ArrowRight: [low + half / 4, high + half / 4],
      "+": [middle - half / 2, middle + half / 2],
      "-": [middle - half * 2, middle + half * 2],
      0: null
    };
    if (!(event.key in next) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(next[event.key]);
  };
}

function allSteps() {
  let low = Infinity, high = -Infinity;
  for (const {curves} of charts)
    for (const {of} of curves) {
      low = Math.min(low, of.at[0]);
      high = Math.max(high, of.at[of.at.length - 1]);
    }
  return low < high ? [low, high] : [low - 1, low + 1];
}
function show(steps) {
  const [low, high] = allSteps();
  if (steps !== null) {
    const width = clamp(steps[1] - steps[0], Math.min(2, high - low), high - low);  // no less than two steps
    const begin = clamp((steps[0] + steps[1] - width) / 2, low, high - width);
    steps = width >= high - low ? null : [begin, begin + width];
  }
  view = steps;
  charts.forEach(draw);
}

/// The points of a curve that are shown, with one beyond each end.
function shownPoints({at}, [low, high]) {
  let first = at.findIndex(x => x >= low), last = at.length - 1;
  if (first < 0) first = at.length - 1;
  while (last > 0 && at[last] > high) --last;
  return [Math.max(first - 1, 0), Math.min(last + 1, at.length - 1)];
}

function draw(chart) {
  const {svg, curves, right, top, bottom} = chart;
  const logX = place("log-x").checked, logY = place("log-y").checked;
  chart.width = Math.max(svg.clientWidth, 200);
  chart.height = Math.max(svg.clientHeight, 120);
  svg.setAttribute("viewBox", `0 0 ${chart.width} ${chart.height}`);
  svg.replaceChildren();
  const steps = view || allSteps();
  let low = Infinity, high = -Infinity;
  for (const {of} of curves) {
    const [first, last] = shownPoints(of, steps);
    for (let i = first; i <= last; ++i)
      for (const value of of.low ? [of.low[i], of.high[i]] : [of.mean[i]])
        if (value !== null && !(logY && value <= 0)) {
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
  }
  if (!(low <= high)) return;
  if (logY) {
    const room = Math.max(high / low, 1.01) ** 0.05;
    low = Math.max(low / room, Number.MIN_VALUE);
    high = Math.min(high * room, Number.MAX_VALUE);
  } else {
    const room = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
    low -= room;
    high += room;
  }
  const x0 = logX ? Math.log(Math.max(steps[0], 1)) : steps[0], x1 = logX ? Math.log(Math.max(steps[1], 2)) : steps[1];
  const y0 = logY ? Math.log(low) : low, y1 = logY ? Math.log(high) : high;
  chart.digits = digitsOf(low, high);
  const heights = ticks(low, high, logY).map(value => [value, tickText(value, chart.digits)]);
  const left = chart.left = Math.max(56, 12 + 6.5 * Math.max(...heights.map(([, text]) => text.length)));
  const right_end = chart.width - right, lower_end = chart.height - bottom;
  const x = step => left + ((logX ? Math.log(Math.max(step, 1)) : step) - x0) / (x1 - x0) * (right_end - left);
  const y = value => lower_end - ((logY ? Math.log(value) : value) - y0) / (y1 - y0) * (lower_end - top);
  chart.x = x;
  chart.y = y;
  chart.back = pixel => {
    const step = x0 + (pixel - left) / (right_end - left) * (x1 - x0);
    return logX ? Math.exp(step) : step;
  };

  for (const [value, text] of heights) {
    svg.append(drawing("line", {x1: left, x2: right_end, y1: y(value), y2: y(value), stroke: "var(--grid)"}));
    svg.append(drawing("text", {x: left - 6, y: y(value) + 4, "text-anchor": "end"}, text));
  }
  let free = -Infinity;
  for (const step of ticks(logX ? Math.max(steps[0], 1) : steps[0], steps[1], logX).filter(Number.isInteger)) {
    svg.append(drawing("line", {x1: x(step), x2: x(step), y1: top, y2: lower_end, stroke: "var(--grid)"}));
    const [unit, letter] = step >= 1e6 ? [1e6, "M"] : step >= 1e4 ? [1e3, "k"] : [1, ""];
    const text = tickText(step / unit, digitsOf(...steps)) + letter;
    if (x(step) - 4 * text.length < free) continue;
    svg.append(drawing("text", {x: x(step), y: chart.height - 6,
                                "text-anchor": x(step) > right_end - 14 ? "end" : "middle"}, text));
    free = x(step) + 4 * text.length;
  }
  const clip = "clip-" + charts.indexOf(chart);
  const box = drawing("clipPath", {id: clip});
  box.append(drawing("rect", {x: left, y: top - 4, width: right_end - left + 4, height: lower_end - top + 8}));
  const group = drawing("g", {"clip-path": `url(#${clip})`});
  svg.append(box, group);
  for (const {of, colour, dots} of curves) {
    const [first, last] = shownPoints(of, steps);
    const good = value => value !== null && !(logY && value <= 0);
    if (of.low) {
      let upper = "", lower = "";
      for (let i = first; i <= last; ++i) {
        if (!good(of.high[i])) continue;
        const bottom_value = good(of.low[i]) ? of.low[i] : low;
        upper += `${upper === "" ? "M" : "L"}${x(of.at[i]).toFixed(1)} ${y(of.high[i]).toFixed(1)}`;
        lower = `L${x(of.at[i]).toFixed(1)} ${y(bottom_value).toFixed(1)}` + lower;
      }
      if (upper !== "") group.append(drawing("path", {d: upper + lower + "Z", fill: colour, opacity: 0.22}));
    }
    let path = "", pen = "M";
    for (let i = first; i <= last; ++i) {
      if (!good(of.mean[i])) {
        pen = "M";
        continue;
      }
      path += `${pen}${x(of.at[i]).toFixed(1)} ${y(of.mean[i]).toFixed(1)}`;
      pen = "L";
      if (dots && last - first < 60)
        group.append(drawing("circle", {cx: x(of.at[i]), cy: y(of.mean[i]), r: 3, fill: colour}));
    }
    group.append(drawing("path", {d: path, fill: "none", stroke: colour, "stroke-width": dots ? 2 : 1.3,
                                  "stroke-linejoin": "round"}));
  }
  chart.cursor = drawing("line", {y1: top, y2: lower_end, stroke: "var(--faint)", visibility: "hidden"});
  svg.append(chart.cursor);
}

/// Shows the numbers at a place of a chart.
function read(chart, pixel) {
  if (!chart.back || !chart.cursor) return;
  chart.cursor.setAttribute("visibility", pixel === null ? "hidden" : "visible");
  if (pixel === null) {
    chart.readout.textContent = "";
    return;
  }
  const step = chart.back(pixel);
  const texts = chart.curves.map(({of, title}) => {
    let i = of.at.findIndex(at => at >= step);
    if (i < 0) i = of.at.length - 1;
    if (i > 0 && step - of.at[i - 1] < of.at[i] - step) --i;
    const value = v => number(v, chart.digits);
    const range = of.low ? ` (${value(of.low[i])} to ${value(of.high[i])})` : "";
    return `${title} ${whole(of.at[i])}: ${value(of.mean[i])}${range}`;
  });
  chart.cursor.setAttribute("x1", pixel);
  chart.cursor.setAttribute("x2", pixel);
  chart.readout.textContent = texts.join("; ");
}

function fillLosses() {
  const losses = data.losses.filter(loss => loss.steps.at.length > 0 || loss.epochs.at.length > 0);
  if (losses.length === 0) return;
  place("losses").hidden = false;
  losses.forEach(makeLossChart);
  makeUpdateCharts();
  place("log-x").onchange = place("log-y").onchange = () => show(view);
  place("whole").onclick = () => show(null);
  const width = losses[0].steps.width;
  if (width > 1)
    place("joined").textContent =
      `Each point of a loss stands for ${width} steps: the line is their mean, the band reaches from the least to the greatest.`;
  const last = ({mean}) => {
    const given = mean.filter(value => value !== null), least = given.reduce((a, b) => Math.min(a, b), Infinity);
    return number(mean[mean.length - 1], digitsOf(least, given.reduce((a, b) => Math.max(a, b), -Infinity)));
  };
  const tested = losses.some(loss => loss.held_out.at.length > 0);
  const row = (kind, ...cells) => element("tr", {}, ...cells.map(cell => element(kind, {}, cell)));
  place("last").append(row("th", "last values", "step", "epoch", ...(tested ? ["held-out"] : [])));
  for (const loss of losses) {
    const line = row("td", last(loss.steps), last(loss.epochs), ...(tested ? [last(loss.held_out)] : []));
    line.prepend(element("th", {scope: "row"}, loss.name));
    place("last").append(line);
  }
  show(null);
  new ResizeObserver(() => charts.forEach(draw)).observe(place("charts"));
}
)page"
