// SPDX-License-Identifier: MIT
// The decoder of a report, which computes what the library computes.
R"page(
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
)page"
