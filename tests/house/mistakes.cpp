// SPDX-License-Identifier: MIT
// One mistake at a time, which must not compile.
#include <eigenesis/eigenesis.hpp>
#if defined(MISTAKE_WHOLE_VAE) || defined(MISTAKE_NO_OUTPUT)
#include <eigenesis/onnx/export.hpp>
#endif
using namespace eigenesis;

struct Block {
  BatchNorm<> norm{4};
#if defined(MISTAKE_NO_PASS)
  auto operator()(const auto& x) const { return norm(x); }
#else
  auto operator()(const auto& x, Pass pass = {}) const { return norm(x, pass); }
#endif
  static void fields(auto& self, auto&& field) { field("norm", self.norm); }
};
struct NotConst {
  auto operator()(const auto& x) { return x; }
};
struct PassNotConst {
  auto operator()(const auto& x) const { return x; }
  auto operator()(const auto& x, Pass) { return x; }
};
struct Changing {
  double scale = 1;
  auto discriminator_loss(const auto& real, const auto& fake) { return (scale *= 0.9) * mean(fake - real); }
  auto generator_loss(const auto& fake) { return -scale * mean(fake); }
};
struct Crop {
  Rng own{9};
  auto operator()(Tensor<float, 2> x, Rng&) {
    x.array() *= static_cast<float>(own.uniform());
    return x;
  }
};
struct Counts {
  int count = 0;
  static void fields(auto& self, auto&& field) { field("count", self.count); }
};
struct Pair {
  std::pair<double, double> range;
  static void fields(auto& self, auto&& field) { field("range", self.range); }
};
#if defined(MISTAKE_COPIED_VIEW)
struct Copies : Watcher {
  void epoch(TrainingView) {}
};
#endif
#if defined(MISTAKE_POINTED_VIEW)
struct Pointed : Watcher {
  void epoch(const TrainingView&) {}
};
#endif
#if defined(MISTAKE_GENERIC_VIEW)
struct Generic : Watcher {
  void step(auto& now) { now.stop = true; }
};
#endif
#if defined(MISTAKE_CHANGING_PATH)
struct ChangingPath : Watcher {
  std::string path() { return "run.txt"; }
};
#endif
struct CopiedFields {
  Linear<> layer;
  auto operator()(const auto& x) const { return layer(x); }
  static void fields(auto self, auto&& field) { field("layer", self.layer); }
};
struct OwnBatch {
  Tensor<float, 2> images, classes;
  static void fields(auto& self, auto&& field) { field("images", self.images), field("classes", self.classes); }
};

int main() {
  Rng rng(1);
  const Variable<float, 2> x(Tensor<float, 2>(Shape{2, 4}, 1.0f));
  Generator generator{Linear(4, 4, rng), StandardNormal(4)};
  Discriminator discriminator{Sequential{Block{}, Linear(4, 1, rng)}};
#if defined(MISTAKE_NO_PASS)
  discriminator(x);
#elif defined(MISTAKE_NOT_CONST)
  call(NotConst{}, x);
#elif defined(MISTAKE_PASS_NOT_CONST)
  call(PassNotConst{}, x);
#elif defined(MISTAKE_NO_CONDITION)
  generator(x, x);
#elif defined(MISTAKE_NO_REAL_SAMPLES)
  GanTrainer{generator, discriminator, Relativistic{}}.train_generator(4, rng);
#elif defined(MISTAKE_FORGOTTEN_CONDITION)
  Generator{Sequential{AppendCondition{}, Linear(4, 4, rng)}, StandardNormal(2)}.sample(8, rng);
#elif defined(MISTAKE_DOUBLES)
  Linear<double> linear(4, 4, rng);
  Adam{}.minimize(mean(linear(Variable(Tensor<double, 2>(Shape{2, 4})))), linear);
#elif defined(MISTAKE_NO_PENALTY)
  GanTrainer{generator, discriminator, NonSaturating{}, LinearWarmUp{100}}.train_discriminator(x.value(), rng);
#elif defined(MISTAKE_OWN_BATCH)
  GanTrainer{generator, discriminator, NonSaturating{}}.train_discriminator(OwnBatch{}, rng);
#elif defined(MISTAKE_UNKNOWN_PART)
  GanTrainer trainer{generator, discriminator, NonSaturating{}, R1{}, 5};
#elif defined(MISTAKE_MIXED_SAMPLES)
  GanTrainer trainer{generator, discriminator, NonSaturating{}, R1{}};
#elif defined(MISTAKE_WHOLE_NUMBER)
  save_safetensors("counts.safetensors", Counts{});
#elif defined(MISTAKE_FOREIGN_FIELD)
  save_safetensors("range.safetensors", Pair{});
#elif defined(MISTAKE_NO_OBJECTIVE)
  GanTrainer{generator, discriminator, InstanceNoise{}}.train_discriminator(x.value(), rng);
#elif defined(MISTAKE_COPIED_VIEW)
  WatcherRef{Copies{}};
#elif defined(MISTAKE_POINTED_VIEW)
  Pointed watcher;
  WatcherRef{&watcher};
#elif defined(MISTAKE_GENERIC_VIEW)
  WatcherRef{Generic{}};
#elif defined(MISTAKE_CHANGING_PATH)
  WatcherRef{ChangingPath{}};
#elif defined(MISTAKE_COPIED_FIELDS)
  CopiedFields layer{Linear(4, 1, rng)};
  parameter_count(layer);
#elif defined(MISTAKE_BARE_NETWORKS)
  Autoencoder{Sequential{Linear(4, 2, rng)}, Sequential{Linear(2, 4, rng)}};
#elif defined(MISTAKE_NAMED_WATCHER)
  Watcher counter;
  GanTrainer{generator, discriminator, NonSaturating{}}.fit(x.value(), {.steps = 1, .watch = {counter}}, rng);
#elif defined(MISTAKE_NO_VAE)
  VaeTrainer{generator}.step(x.value(), rng);
#elif defined(MISTAKE_VAE_WITHOUT_DIVERGENCE)
  Vae vae{Encoder{Tanh{}, Linear(4, 2, rng), Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}},
          StandardNormal(2)};
  AutoencoderTrainer{vae}.step(x.value(), rng);
#elif defined(MISTAKE_SIGMOID_DISCRIMINATOR)
  Discriminator{Sequential{Linear(4, 1, rng), Sigmoid{}}};
#elif defined(MISTAKE_SIGMOID_DECODER)
  Decoder{Sequential{Linear(4, 4, rng), Sequential{Sigmoid{}}}, BernoulliLikelihood{}};
#elif defined(MISTAKE_COPIED_STATE)
  GanTrainer{generator, discriminator, NonSaturating{}}.fit(
      x.value(), {.steps = 1, .on_step = [](auto now) { now.stop = true; }}, rng);
#elif defined(MISTAKE_CHANGING_OBJECTIVE)
  GanTrainer{generator, discriminator, Changing{}}.fit(x.value(), {.steps = 1}, rng);
#elif defined(MISTAKE_CHANGING_SCHEDULE)
  Adam{{.schedule = [factor = 1.0](Index) mutable { return factor *= 0.9; }}};
#elif defined(MISTAKE_CHANGING_TRANSFORM)
  GanTrainer{generator, discriminator, NonSaturating{}}.fit(Transformed{x.value(), Crop{}}, {.steps = 1}, rng);
#elif defined(MISTAKE_NO_DATA)
  GanTrainer{generator, discriminator, NonSaturating{}}.fit(Eigen::MatrixXf(2, 4), {.steps = 1}, rng);
#elif defined(MISTAKE_WHOLE_VAE)
  export_onnx("vae.onnx", Autoencoder{Encoder{Relu{}, Relu{}}, Decoder{Relu{}, SquaredError{}}}, x.value());
#elif defined(MISTAKE_NO_OUTPUT)
  export_onnx(
      "number.onnx", [](const auto&) { return 1.0; }, x.value());
#elif defined(MISTAKE_WRONG_RANK)
  Linear(4, 4, rng)(Variable<float, 4>(Tensor<float, 4>(Shape{1, 2, 2, 1})));
#endif
}
