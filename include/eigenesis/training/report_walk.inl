// SPDX-License-Identifier: MIT
// Walks in the latent space of a report's decoder, and the end of the page.
R"page(
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
