// SPDX-License-Identifier: MIT
// What fills a report: its facts, warnings and pictures; charts, the decoder and walks in its latent space follow.
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
const kept = place("kept").textContent.split("\n").filter(line => /^[pwum] /.test(line)).map(line => {
  const [kind, step, epoch] = line.split(" ", 3);
  const rest = line.slice(kind.length + step.length + epoch.length + 3);
  if (kind === "w") return {kind, step: +step, epoch: +epoch, text: JSON.parse(rest)};
  const end = rest.lastIndexOf(" \"");
  if (kind === "u") {
    const [rate, norm] = rest.slice(end + 2, -1).split(" ").map(value => JSON.parse(value));
    return {kind, step: +step, epoch: +epoch, name: JSON.parse(rest.slice(0, end)), rate, norm};
  }
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
)page"
