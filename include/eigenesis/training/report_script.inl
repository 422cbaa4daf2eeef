// SPDX-License-Identifier: MIT
// What fills a report: charts, pictures over time, and a decoder.
R"page(<script>
"use strict";
const place = id => document.getElementById(id);
const data = JSON.parse(place("data").textContent);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
function drawing(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
const number = (value, digits = 4) =>
  value === null || value === undefined ? "none" : String(+value.toPrecision(digits));
/// How many digits tell values of a range apart.
const digitsOf = (low, high) =>
  high > low ? clamp(4 + Math.ceil(Math.log10(Math.max(-low, high) / (high - low))), 4, 17) : 7;
const whole = value => Math.round(value).toLocaleString("en");
function duration(seconds) {
  if (seconds < 10) return +seconds.toFixed(1) + " s";
  const s = Math.round(seconds);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + s % 60 + " s";
  return Math.floor(s / 3600) + " h " + Math.floor(s / 60) % 60 + " min";
}
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Lines of the form: kind step epoch rest.
const kept = place("kept").textContent.split("\n").filter(line => line !== "").map(line => {
  const [kind, step, epoch] = line.split(" ", 3);
  const rest = line.slice(kind.length + step.length + epoch.length + 3);
  if (kind === "w") return {kind, step: +step, epoch: +epoch, text: JSON.parse(rest)};
  const end = rest.lastIndexOf(" \"");
  return {kind, step: +step, epoch: +epoch, name: JSON.parse(rest.slice(0, end)), png: rest.slice(end + 2, -1)};
});

// ---- Title, facts, warnings ----

function fillFacts() {
  place("title").textContent = document.title = data.title;
  const left = data.steps_per_second > 0 ? (data.steps - data.step) / data.steps_per_second : 0;
  const states = {
    running: "Running",
    over: data.step < data.steps ? "Ended before its last step" : "Complete",
    failed: "Ended by an error"
  };
  let text = `${states[data.status]}: step ${whole(data.step)} of ${whole(data.steps)}`;
  if (data.epochs > 1) text += `, epoch ${data.epoch} of ${data.epochs}`;
  text += `, ${duration(data.seconds)}, ${number(data.steps_per_second)} steps/s`;
  if (data.status === "running" && left > 0) text += `, about ${duration(left)} left`;
  place("status").append(text + ". ", element("span", {class: "faint"}, "Written " + data.written + "."));
  const bar = place("progress");
  bar.max = Math.max(data.steps, 1);
  bar.value = data.step;
  bar.setAttribute("aria-label", "Part of the training that is done");
  for (const [name, value] of data.facts)
    place("facts").append(element("dt", {}, name), element("dd", {}, value));
  if (data.model !== "") {
    place("model").hidden = false;
    place("model").querySelector("pre").textContent = data.model;
  }
  for (const warning of kept.filter(line => line.kind === "w")) {
    place("warnings").hidden = false;
    place("warnings").querySelector("ul").append(
      element("li", {}, `Step ${whole(warning.step)}: ${warning.text}`));
  }
  if (data.status !== "running") return;
  place("live-label").hidden = false;
  const live = place("live");
  live.checked = location.hash === "#live";
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    if (live.checked) timer = setTimeout(() => location.reload(), 1000 * Math.max(data.every_seconds, 1));
  };
  live.onchange = () => {
    location.hash = live.checked ? "live" : "";
    wait();
  };
  wait();
}

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

function makeChart(loss) {
  const curves = [
    {title: "each step", colour: "var(--first)", of: loss.steps},
    {title: "mean of an epoch", colour: "var(--second)", of: loss.epochs, dots: true},
    {title: "held-out data", colour: "var(--third)", of: loss.held_out, dots: true}
  ].filter(curve => curve.of.at.length > 0);
  const svg = drawing("svg", {class: "chart", tabindex: 0, role: "img",
                              "aria-label": `Chart of ${loss.name}; the last values are in the table below`});
  const keys = element("div", {class: "row faint"});
  for (const curve of curves)
    keys.append(element("span", {}, element("span", {class: "key", style: `background: ${curve.colour}`}),
                        curve.title));
  const readout = element("div", {class: "faint readout"});
  place("charts").append(element("div", {}, element("h3", {}, loss.name), keys, svg, readout));
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
  const losses = data.losses.filter(loss => loss.steps.at.length > 0);
  if (losses.length === 0) return;
  place("losses").hidden = false;
  losses.forEach(makeChart);
  place("log-x").onchange = place("log-y").onchange = () => show(view);
  place("whole").onclick = () => show(null);
  const width = losses[0].steps.width;
  if (width > 1)
    place("joined").textContent =
      `Each point stands for ${width} steps: the line is their mean, the band reaches from the least to the greatest.`;
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

// ---- Pictures over time ----

function fillPictures() {
  const frames = new Map();
  for (const line of kept.filter(each => each.kind === "p"))
    frames.set(line.name, [...(frames.get(line.name) || []), line]);
  for (const [name, list] of frames) {
    place("pictures").hidden = false;
    const image = element("img", {class: "frame", alt: name});
    const slider = element("input", {type: "range", min: 0, max: list.length - 1, step: 1, value: list.length - 1,
                                     "aria-label": `Time of ${name}`});
    const text = element("span", {class: "faint"});
    const play = element("button", {}, "Play");
    const showFrame = () => {
      const {step, epoch, png} = list[slider.value];
      image.src = "data:image/png;base64," + png;
      text.textContent = `step ${whole(step)}` + (epoch > 0 ? `, epoch ${epoch}` : "");
    };
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
    };
    slider.oninput = () => {
      stop();
      showFrame();
    };
    play.onclick = () => {
      if (timer) return stop();
      if (+slider.value === list.length - 1) slider.value = 0;
      showFrame();
      play.textContent = "Stop";
      timer = setInterval(() => {
        slider.value = +slider.value + 1;
        showFrame();
        if (+slider.value === list.length - 1) stop();
      }, 200);
    };
    const controls = list.length > 1 ? [slider, element("div", {class: "row"}, play, text)] : [text];
    place("pictures").querySelector(".columns").append(
      element("div", {class: "pictured"}, element("h3", {}, name), image, ...controls));
    showFrame();
  }
}

// ---- The decoder ----

function bytesOf(text) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}
const floats = text => new Float32Array(bytesOf(text));
function halves(text) {
  return Float32Array.from(new Uint16Array(bytesOf(text)), bits => {
    const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

const model = data.explorer;
const matrices = model && (model.half ? halves(model.matrices) : floats(model.matrices));
const vectors = model && floats(model.vectors);

/// Fills an array with the bias at each pixel.
function biased(size, layer) {
  const y = new Float32Array(size * layer.out);
  if (layer.bias >= 0)
    for (let i = 0; i < size; ++i) y.set(vectors.subarray(layer.bias, layer.bias + layer.out), i * layer.out);
  return y;
}
const pointwise = f => ({values, ...shape}) => ({...shape, values: values.map(f)});
/// [height * width, channels] -> [channels, height * width], or back.
function turned(values, rows, columns) {
  const y = new Float32Array(values.length);
  for (let r = 0; r < rows; ++r)
    for (let c = 0; c < columns; ++c) y[c * rows + r] = values[r * columns + c];
  return y;
}

// Each layer takes and gives {height, width, channels, values}, values [height, width, channels]; a row is one pixel.
const layers = {
  Linear: layer => ({values}) => {
    const y = biased(1, layer);
    for (let i = 0; i < layer.in; ++i) {
      const v = values[i], row = layer.weight + i * layer.out;
      if (v !== 0)
        for (let o = 0; o < layer.out; ++o) y[o] += v * matrices[row + o];
    }
    return {height: 1, width: 1, channels: layer.out, values: y};
  },
  Conv2d: layer => ({height, width, values}) => {
    const reach = layer.dilation * (layer.kernel - 1) + 1;
    const high = Math.floor((height + 2 * layer.padding - reach) / layer.stride) + 1;
    const wide = Math.floor((width + 2 * layer.padding - reach) / layer.stride) + 1;
    const y = biased(high * wide, layer);
    for (let row = 0; row < high; ++row)
      for (let column = 0; column < wide; ++column)
        for (let ky = 0; ky < layer.kernel; ++ky) {
          const from_row = row * layer.stride - layer.padding + ky * layer.dilation;
          if (from_row < 0 || from_row >= height) continue;
          for (let kx = 0; kx < layer.kernel; ++kx) {
            const from_column = column * layer.stride - layer.padding + kx * layer.dilation;
            if (from_column < 0 || from_column >= width) continue;
            const to = (row * wide + column) * layer.out, from = (from_row * width + from_column) * layer.in;
            let w = layer.weight + (ky * layer.kernel + kx) * layer.in * layer.out;
            for (let i = 0; i < layer.in; ++i, w += layer.out) {
              const v = values[from + i];
              if (v !== 0)
                for (let o = 0; o < layer.out; ++o) y[to + o] += v * matrices[w + o];
            }
          }
        }
    return {height: high, width: wide, channels: layer.out, values: y};
  },
  ConvTranspose2d: layer => ({height, width, values}) => {
    const size = n => (n - 1) * layer.stride - 2 * layer.padding + layer.dilation * (layer.kernel - 1) +
                      layer.output_padding + 1;
    const high = size(height), wide = size(width), y = biased(high * wide, layer);
    for (let row = 0; row < height; ++row)
      for (let column = 0; column < width; ++column)
        for (let ky = 0; ky < layer.kernel; ++ky) {
          const to_row = row * layer.stride - layer.padding + ky * layer.dilation;
          if (to_row < 0 || to_row >= high) continue;
          for (let kx = 0; kx < layer.kernel; ++kx) {
            const to_column = column * layer.stride - layer.padding + kx * layer.dilation;
            if (to_column < 0 || to_column >= wide) continue;
            const to = (to_row * wide + to_column) * layer.out, from = (row * width + column) * layer.in;
            let w = layer.weight + (ky * layer.kernel + kx) * layer.in * layer.out;
            for (let o = 0; o < layer.out; ++o, w += layer.in) {
              let sum = 0;
              for (let i = 0; i < layer.in; ++i) sum += values[from + i] * matrices[w + i];
              y[to + o] += sum;
            }
          }
        }
    return {height: high, width: wide, channels: layer.out, values: y};
  },
  Affine: layer => ({values, ...shape}) => ({
    ...shape,
    values: values.map((v, i) => {
      const feature = i % layer.features;
      return v * vectors[layer.scale + feature] + vectors[layer.shift + feature];
    })
  }),
  LayerNorm: layer => ({values, ...shape}) => {
    const y = new Float32Array(values.length), n = layer.features;
    for (let begin = 0; begin < values.length; begin += n) {
      let mean = 0, variance = 0;
      for (let i = 0; i < n; ++i) mean += values[begin + i] / n;
      for (let i = 0; i < n; ++i) variance += (values[begin + i] - mean) ** 2 / n;
      for (let i = 0; i < n; ++i)
        y[begin + i] = (values[begin + i] - mean) / Math.sqrt(variance + layer.epsilon) * vectors[layer.scale + i] +
                       vectors[layer.shift + i];
    }
    return {...shape, values: y};
  },
  Relu: () => pointwise(v => v < 0 ? 0 : v),
  LeakyRelu: layer => pointwise(v => v < 0 ? layer.slope * v : v),
  Elu: layer => pointwise(v => v < 0 ? layer.scale * Math.expm1(v) : v),
  Tanh: () => pointwise(Math.tanh),
  Sigmoid: () => pointwise(v => 1 / (1 + Math.exp(-v))),
  Softplus: () => pointwise(v => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)))),
  Flatten: layer => ({height, width, channels, values}) => ({
    height: 1, width: 1, channels: values.length,
    values: layer.channels_first ? turned(values, height * width, channels) : values
  }),
  Unflatten: ({height, width, channels, channels_first}) => ({values}) => ({
    height, width, channels, values: channels_first ? turned(values, channels, height * width) : values
  }),
  Upsample2d: ({factor, bilinear}) => ({height, width, channels, values}) => {
    // Which two inputs an output lies between, and how far it is on the way to the second.
    const taps = size => Array.from({length: size * factor}, (_, i) => {
      if (!bilinear) return [Math.floor(i / factor), Math.floor(i / factor), 0];
      const behind = Math.max(2 * i + 1 - factor, 0), near = Math.floor(behind / (2 * factor));
      return [near, Math.min(near + 1, size - 1), behind % (2 * factor) / (2 * factor)];
    });
    const rows = taps(height), columns = taps(width), y = new Float32Array(values.length * factor * factor);
    let to = 0;
    for (const [row, next_row, down] of rows)
      for (const [column, next_column, right] of columns)
        for (let c = 0; c < channels; ++c) {
          const at = (r, k) => values[(r * width + k) * channels + c];
          const upper = at(row, column) * (1 - right) + at(row, next_column) * right;
          const lower = at(next_row, column) * (1 - right) + at(next_row, next_column) * right;
          y[to++] = upper * (1 - down) + lower * down;
        }
    return {height: height * factor, width: width * factor, channels, values: y};
  }
};
const network = model && model.layers.map(layer => layers[layer.kind](layer));

/// The image of a latent, numbers [height, width, channels] as the library gives them.
function decode(latent) {
  let x = {height: 1, width: 1, channels: model.latents, values: Float32Array.from(latent)};
  for (const layer of network) x = layer(x);
  return x.values;
}

/// Paints an image into a canvas, at a place counted in images.
function paint(canvas, pixels, column = 0, row = 0) {
  const {height, width, channels, low, high} = model, context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < height * width; ++i) {
    for (let c = 0; c < 3; ++c)
      image.data[4 * i + c] = Math.round(255 * (pixels[i * channels + (channels === 3 ? c : 0)] - low) / (high - low));
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, column * width, row * height);
}
function resize(canvas, columns, rows) {
  canvas.width = columns * model.width;
  canvas.height = rows * model.height;
}

// Long work is done in parts of 12 ms; new work of a name takes the place of the old.
const work = new Map();
function later(name, parts) {
  const idle = work.size === 0;
  work.set(name, parts);
  if (idle) setTimeout(goOn);
}
function goOn() {
  const end = performance.now() + 12;
  for (const [name, parts] of work)
    while (!parts.next().done || !work.delete(name))
      if (performance.now() > end) return void setTimeout(goOn);
}

// ---- Walking in the latent space ----

const span = 3;  // latents from -3 to 3

function fillExplorer() {
  place("explorer").hidden = false;
  const {latents} = model;
  const z = new Float64Array(latents);
  const codes = floats(model.codes);
  const code = i => Array.from(codes.subarray(i * latents, (i + 1) * latents));
  let first = 0;  // of the traversals that are shown
  const rows = 10, steps = 9, cells = clamp(2 * Math.floor(150 / Math.max(model.width, model.height)) + 1, 3, 11);

  // The page's own decoder against the library's pixels.
  const examples = floats(model.examples), example_latents = floats(model.example_latents);
  let error = 0;
  const began = performance.now();
  for (let i = 0; i < example_latents.length / latents; ++i) {
    const size = model.height * model.width * model.channels;
    decode(example_latents.subarray(i * latents, (i + 1) * latents)).forEach((v, k) => {
      error = Math.max(error, Math.abs(v - examples[i * size + k]) / (model.high - model.low));
    });
  }
  place("explorer").dataset.error = error;
  const precision = model.half ? "float16" : "float32, as float16 would change pixels by " + number(model.half_error);
  place("check").textContent = (error <= 1e-3 ? "" : "Warning: expected at most 0.001. ") +
    `This page decodes by itself; its pixels differ from the library's by at most ${number(error)} of the range. ` +
    `Its weights are in ${precision}.`;

  // Latents that change the image most stand first, if that is found soon.
  const order = Array.from({length: latents}, (_, i) => i);
  const milliseconds = (performance.now() - began) / (example_latents.length / latents);
  if (2 * latents * milliseconds < 500) {
    const images = i => [-2, 2].map(v => decode(z.map((_, k) => k === i ? v : 0)));
    const changes = order.map(images).map(([a, b]) => a.reduce((sum, v, k) => sum + Math.abs(v - b[k]), 0));
    order.sort((i, k) => changes[k] - changes[i]);
    place("sorted").textContent = "; those that change most come first";
  }

  const across = place("across"), up = place("up");
  for (let i = 0; i < latents; ++i)
    for (const list of [across, up]) list.append(element("option", {value: i}, `latent ${i + 1}`));
  across.value = order[0];
  up.value = order[Math.min(1, latents - 1)];

  const sliders = new Map();  // of an element, those in it
  function addSlider(to, i) {
    const slider = element("input", {type: "range", min: -span, max: span, step: 0.05,
                                     "aria-label": `latent ${i + 1}`});
    const text = element("output");
    to.append(element("div", {class: "slider"}, element("span", {class: "faint"}, `latent ${i + 1}`), slider, text));
    sliders.get(to).push({i, slider, text});
    slider.oninput = () => {
      z[i] = +slider.value;
      changed(i);
    };
  }
  function addTwo() {
    const to = place("two-sliders");
    to.replaceChildren();
    sliders.set(to, []);
    for (const i of new Set([+across.value, +up.value])) addSlider(to, i);
  }
  const value = (k, count) => span * (2 * k / (count - 1) - 1);

  function* drawPlane() {
    const canvas = place("plane").querySelector("canvas"), a = +across.value, b = +up.value, latent = z.slice();
    if (canvas.width !== cells * model.width || canvas.height !== cells * model.height) resize(canvas, cells, cells);
    for (let row = 0; row < cells; ++row)
      for (let column = 0; column < cells; ++column) {
        latent[b] = -value(row, cells);
        latent[a] = value(column, cells);
        paint(canvas, decode(latent), column, row);
        yield;
      }
  }
  function* drawTraversals() {
    for (const {canvas, i} of traversals) {
      const latent = z.slice();
      for (let k = 0; k < steps; ++k) {
        latent[i] = value(k, steps);
        paint(canvas, decode(latent), k, 0);
        yield;
      }
    }
  }
  let traversals = [];
  function listTraversals() {
    place("traversals").replaceChildren();
    traversals = [];
    for (const i of order.slice(first, first + rows)) {
      const canvas = element("canvas", {class: "strip", role: "img", "aria-label": `latent ${i + 1} from -3 to 3`});
      resize(canvas, steps, 1);
      canvas.onclick = event => {
        z[i] = value(clamp(Math.floor(event.offsetX / canvas.clientWidth * steps), 0, steps - 1), steps);
        changed(i);
      };
      place("traversals").append(element("div", {class: "traversal"},
                                         element("span", {class: "faint"}, `latent ${i + 1}`), canvas));
      traversals.push({canvas, i});
    }
    place("shown").textContent = `${first + 1} to ${Math.min(first + rows, latents)} of ${latents}`;
    place("earlier").disabled = first === 0;
    place("later").disabled = first + rows >= latents;
    later("traversals", drawTraversals());
  }

  /// After latents have changed: one of them, or all.
  function changed(only = -1) {
    paint(place("image"), decode(z));
    for (const list of sliders.values())
      for (const {i, slider, text} of list) {
        slider.value = z[i];
        text.textContent = z[i].toFixed(2);
      }
    const mark = place("plane").querySelector("i");
    const part = v => 100 * ((clamp(v, -span, span) / span + 1) / 2 * (cells - 1) + 0.5) / cells;
    mark.style.left = part(z[+across.value]) + "%";
    mark.style.top = part(-z[+up.value]) + "%";
    if (only !== +across.value && only !== +up.value) later("plane", drawPlane());
    later("traversals", drawTraversals());
  }

  resize(place("image"), 1, 1);
  place("zero").onclick = () => {
    z.fill(0);
    changed();
  };
  place("draw").onclick = () => {
    for (let i = 0; i < latents; ++i)
      z[i] = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    changed();
  };
  across.onchange = up.onchange = () => {
    addTwo();
    changed();
  };
  const turnTo = begin => {
    first = begin;
    listTraversals();
  };
  place("earlier").onclick = () => turnTo(first - rows);
  place("later").onclick = () => turnTo(first + rows);
  place("all").ontoggle = () => {
    const to = place("all").querySelector("div");
    if (sliders.has(to)) return;
    sliders.set(to, []);
    for (let i = 0; i < latents; ++i) addSlider(to, i);
    changed();
  };

  const plane = place("plane");
  const goTo = (a, b) => {
    z[+up.value] = clamp(b, -span, span);
    z[+across.value] = clamp(a, -span, span);
    changed(+across.value);
  };
  const goToPointer = event => {
    const box = plane.querySelector("canvas").getBoundingClientRect();
    const from = (pixel, size) => ((pixel / size * cells - 0.5) / (cells - 1) * 2 - 1) * span;
    goTo(from(event.clientX - box.left, box.width), -from(event.clientY - box.top, box.height));
  };
  plane.onpointerdown = event => {
    plane.setPointerCapture(event.pointerId);
    goToPointer(event);
  };
  plane.onpointermove = event => { if (plane.hasPointerCapture(event.pointerId)) goToPointer(event); };
  plane.onkeydown = event => {
    const step = event.shiftKey ? 0.5 : 0.1;
    const by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step]}[event.key];
    if (!by && event.key !== "0") return;
    event.preventDefault();
    if (by) goTo(z[+across.value] + by[0], z[+up.value] + by[1]);
    else goTo(0, 0);
  };

  // Between two codes, on the straight line or, of latents near a sphere, along it.
  function between(a, b, t) {
    const norm = v => Math.hypot(...v), product = a.reduce((sum, v, i) => sum + v * b[i], 0);
    const angle = norm(a) * norm(b) > 0 ? Math.acos(clamp(product / (norm(a) * norm(b)), -1, 1)) : 0;
    const straight = !model.circle || Math.sin(angle) < 1e-6;
    const f = straight ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
    const g = straight ? t : Math.sin(t * angle) / Math.sin(angle);
    return a.map((v, i) => f * v + g * b[i]);
  }
  if (model.names.length > 1) {
    place("between").hidden = false;
    const from = place("from"), to = place("to"), way = place("way"), part = place("part");
    model.names.forEach((name, i) => [from, to].forEach(list => list.append(element("option", {value: i}, name))));
    to.value = 1;
    resize(way, steps, 1);
    const drawWay = function* () {
      for (let k = 0; k < steps; ++k) {
        paint(way, decode(between(code(+from.value), code(+to.value), k / (steps - 1))), k, 0);
        yield;
      }
    };
    const goBetween = () => {
      z.set(between(code(+from.value), code(+to.value), +part.value));
      changed();
    };
    from.onchange = to.onchange = () => later("way", drawWay());
    part.oninput = goBetween;
    way.onclick = event => {
      part.value = clamp((event.offsetX / way.clientWidth * steps - 0.5) / (steps - 1), 0, 1);
      goBetween();
    };
    later("way", drawWay());
  }
  addTwo();
  listTraversals();
  changed();
}

fillFacts();
fillLosses();
fillPictures();
if (model) fillExplorer();
</script>
</body>
</html>
)page"
