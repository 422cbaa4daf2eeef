// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "optimizers/model.hpp"

using namespace eigenesis;

namespace {

template <class Scalar>
void check_weights(const Affine<Scalar>& model, std::initializer_list<double> expected) {
  const double margin = std::is_same_v<Scalar, float> ? 1e-6 : 1e-10;
  Index i = 0;
  for (const double target : expected) {
    INFO("number " << i);
    const Scalar found = i < 6 ? model.weight.value().data()[i] : model.bias.value().data()[i - 6];
    CHECK_THAT(static_cast<double>(found), WithinAbs(target, margin));
    ++i;
  }
  CHECK(i == 9);
}

/// Weights (then biases) after one and after five steps.
template <template <class> class OptimizerOf, class Scalar>
void check_steps(OptimizerOf<Scalar> optimizer, std::initializer_list<double> after_one,
                 std::initializer_list<double> after_five) {
  Affine<Scalar> model;
  for (int step = 1; step <= 5; ++step) {
    optimizer.minimize(model.loss(), model);
    INFO(OptimizerOf<Scalar>::name << " after step " << step);
    if (step == 1) check_weights(model, after_one);
    if (step == 5) check_weights(model, after_five);
  }
  CHECK(optimizer.steps() == 5);
}

}  // namespace

// The expected numbers are those of torch.optim (PyTorch 2.13, float64) on the same model and data.
TEMPLATE_TEST_CASE("first steps of every optimizer are PyTorch's", "[optimizers]", float, double) {
  using Scalar = TestType;
  check_steps(Sgd<Scalar>{{.learning_rate = 0.1}},
              {0.109474503355, -0.139897001137, 0.313646670914, 0.322802127126, 0.400490656151, -0.521779138835,
               0.0840979071447, -0.176003791553, 0.282586987076},
              {0.00904872560781, 0.167532776465, 0.306650202063, 0.0259509408352, 0.0872270172043, -0.334786081713,
               0.135122525292, -0.215690151057, 0.338911905835});
  check_steps(Sgd<Scalar>{{.learning_rate = 0.1, .weight_decay = 0.2}},
              {0.107474503355, -0.135897001137, 0.307646670914, 0.314802127126, 0.390490656151, -0.509779138835,
               0.0830979071447, -0.173003791553, 0.277586987076},
              {-0.000276863797682, 0.16961306458, 0.265761424609, 0.00374054569783, 0.0681707921228, -0.293163220268,
               0.127463838515, -0.200562396821, 0.305380904957});
  check_steps(Sgd<Scalar>{{.learning_rate = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.2}},
              {0.107474503355, -0.135897001137, 0.307646670914, 0.314802127126, 0.390490656151, -0.509779138835,
               0.0830979071447, -0.173003791553, 0.277586987076},
              {-0.0708757955104, 0.506609450515, 0.220041635022, -0.358668291483, -0.337319788504, 0.0199530760291,
               0.233674415913, -0.282300673783, 0.359512654321});
  check_steps(Sgd<Scalar>{{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.2}},
              {0.114201556374, -0.0782043021604, 0.314528674736, 0.238124041539, 0.291932246687, -0.428580363787,
               0.112886023575, -0.19370720395, 0.302415275444},
              {-0.172808134484, 0.623517670782, -0.0336488829321, -0.39079393477, -0.297727767341, 0.0138052626399,
               0.342536017105, -0.395392043047, 0.232826844581});
  check_steps(RmsProp<Scalar>{{}},
              {0.199999894454, -0.100000016638, 0.399999926722, 0.300000012954, 0.400000010049, -0.500000012784,
               0.149999970673, -0.249999961544, 0.349999969313},
              {-0.0646195094691, 0.14426326501, 0.295763037732, 0.0784113352334, 0.19430143319, -0.379345104337,
               0.208425234584, -0.296535892155, 0.417654325577});
  check_steps(RmsProp<Scalar>{{.learning_rate = 0.02, .alpha = 0.9, .epsilon = 1e-3, .weight_decay = 0.2}},
              {0.160678400045, -0.137064913113, 0.36073390502, 0.336988326354, 0.436936553748, -0.53697535074,
               0.112647004115, -0.212387920981, 0.312528789916},
              {-0.0138937802815, 0.0223952708742, 0.292691952599, 0.188348086094, 0.293950482863, -0.417967542243,
               0.185494356096, -0.264471390224, 0.384027968333});
  check_steps(RmsProp<Scalar>{{.learning_rate = 0.02, .momentum = 0.8}},
              {0.299999788907, -3.32762043767e-08, 0.499999853444, 0.200000025907, 0.300000020099, -0.400000025569,
               0.249999941345, -0.349999923088, 0.449999938626},
              {-0.361103645949, 1.10139362514, -0.219546772994, -0.528314758619, -0.437550442014, -0.178340609033,
               0.344311748072, -0.899017520564, 0.227251001412});
  check_steps(Adam<Scalar>{{}},
              {0.100999999894, -0.199000000017, 0.300999999927, 0.399000000013, 0.49900000001, -0.599000000013,
               0.0509999999707, -0.150999999962, 0.250999999969},
              {0.104977911597, -0.194999034796, 0.305002422171, 0.395001344561, 0.495000103296, -0.595000568337,
               0.054996906386, -0.154998325874, 0.254999654574});
  check_steps(Adam<Scalar>{{.learning_rate = 0.05, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-2}},
              {0.145226503987, -0.150818290443, 0.346586254973, 0.350639403582, 0.450497466187, -0.550631146888,
               0.0985754136338, -0.198148408163, 0.298511328215},
              {-0.016681915245, 0.0544287776269, 0.415021823881, 0.155638855879, 0.257783363395, -0.396277498405,
               0.225850835404, -0.32709347445, 0.436539567371});
  check_steps(Adam<Scalar>{{.learning_rate = 0.05, .weight_decay = 0.2}},
              {0.149999993311, -0.15000000078, 0.349999993461, 0.350000000587, 0.450000000457, -0.550000000554,
               0.0999999984893, -0.199999997826, 0.299999998188},
              {0.016458910008, 0.0510210307935, 0.390305382758, 0.151852954708, 0.251582064219, -0.364552853224,
               0.250413347642, -0.347451410165, 0.452751946982});
  check_steps(AdamW<Scalar>{{.learning_rate = 0.05}},
              {0.149949994723, -0.149900000832, 0.349849996336, 0.349800000648, 0.449750000502, -0.549700000639,
               0.0999749985336, -0.199924998077, 0.299874998466},
              {0.0355986599477, 0.0513452777044, 0.470316468501, 0.151356086632, 0.250470978989, -0.368950880904,
               0.259153062828, -0.368345397458, 0.471222489693});
  check_steps(AdamW<Scalar>{{.learning_rate = 0.05, .beta1 = 0.5, .weight_decay = 0.3}},
              {0.148499994723, -0.147000000832, 0.345499996336, 0.344000000648, 0.442500000502, -0.541000000639,
               0.0992499985336, -0.197749998077, 0.296249998466},
              {-0.0395644643972, 0.0678565492793, 0.369436999702, 0.129594482199, 0.22818234197, -0.362698829414,
               0.216096474736, -0.306386856478, 0.408075298333});
}

// Clipped by torch.nn.utils.clip_grad_value_, then clip_grad_norm_.
TEMPLATE_TEST_CASE("clipped steps are PyTorch's", "[optimizers]", float, double) {
  using Scalar = TestType;
  check_steps(Sgd<Scalar>{{.learning_rate = 0.1, .clip_norm = 0.5}},
              {0.10279294119, -0.182282539267, 0.304022833479, 0.37724322734, 0.470666141033, -0.576941665768,
               0.0600515505437, -0.15766552692, 0.259606154016},
              {0.0987577075073, -0.0977789712097, 0.318087984143, 0.284813869796, 0.353805832599, -0.490085425335,
               0.0919204854005, -0.18116600746, 0.29426709088});
  check_steps(Adam<Scalar>{{.learning_rate = 0.05, .epsilon = 1e-2, .clip_value = 0.1}},
              {0.145226503987, -0.154545454545, 0.345454545455, 0.354545454545, 0.454545454545, -0.554545454545,
               0.0954545454545, -0.195454545455, 0.295454545455},
              {0.0695024291857, 0.0272727272727, 0.470184711753, 0.172727272727, 0.272727272727, -0.374020886037,
               0.256517148782, -0.363260672545, 0.464823522587});
  check_steps(Adam<Scalar>{{.learning_rate = 0.05, .epsilon = 1e-2, .clip_norm = 0.2, .clip_value = 0.3}},
              {0.135196234205, -0.155862929957, 0.3386992294, 0.355862929957, 0.455862929957, -0.555862929957,
               0.0941370700427, -0.193355796128, 0.294137070043},
              {0.0519927263102, 0.0230993909463, 0.448190420885, 0.176900609054, 0.276900609054, -0.380060944146,
               0.243746979856, -0.345255929718, 0.45415536166});
}

TEST_CASE("only the parameters of the given model change", "[optimizers]") {
  Rng rng(1);
  Linear<float> first(3, 4, rng), second(4, 2, rng);
  const Tensor<float, 2> before = second.weight.value();
  const Tensor<float, 2> first_before = first.weight.value();
  Adam adam;
  adam.minimize(mean(square(second(first(Variable(Tensor<float, 2>(Shape{5, 3}, 1.0f)))))), first);
  CHECK(std::ranges::equal(second.weight.value().values(), before.values()));
  CHECK_FALSE(std::ranges::equal(first.weight.value().values(), first_before.values()));
}

TEST_CASE("parameters that the loss does not depend on are skipped", "[optimizers]") {
  Affine<double> model;
  const Tensor<double, 1> before = model.bias.value();
  AdamW<double> adam{{.learning_rate = 0.05, .weight_decay = 0.5}};
  for (int i = 0; i < 3; ++i) adam.minimize(sum(square(model.weight)), model);
  CHECK(std::ranges::equal(model.bias.value().values(), before.values()));
  // Its count of steps begins with its first gradient: a first step of Adam is the rate times the gradient's sign.
  adam.minimize(sum(3 * model.bias), model);
  for (Index i = 0; i < 3; ++i) CHECK_THAT(model.bias.value()(i), WithinAbs(before(i) * (1 - 0.05 * 0.5) - 0.05, 1e-9));
  CHECK(adam.steps() == 4);
}

TEST_CASE("a copy of an optimizer is independent and goes on alike", "[optimizers]") {
  Affine<float> model;
  Adam adam{{.learning_rate = 0.05}};
  for (int i = 0; i < 3; ++i) adam.minimize(model.loss(), model);
  Affine<float> other = model;
  Adam copy = adam;
  for (int i = 0; i < 3; ++i) adam.minimize(model.loss(), model);
  CHECK(copy.steps() == 3);
  for (int i = 0; i < 3; ++i) copy.minimize(other.loss(), other);
  CHECK(std::ranges::equal(other.weight.value().values(), model.weight.value().values()));
}

TEST_CASE("the state of an optimizer is listed by its fields", "[optimizers]") {
  const auto names = [](auto& optimizer) {
    std::string text;
    for_each_state(optimizer, [&](const FieldPath& path, const auto& tensor) {
      text += to_string(path) + to_string(tensor.shape()) + " ";
    });
    return text;
  };
  const Affine<float> model;
  Adam adam;
  adam.prepare(model);
  CHECK(names(adam) ==
        "steps[] state.0.step[] state.0.exp_avg[6] state.0.exp_avg_sq[6] "
        "state.1.step[] state.1.exp_avg[3] state.1.exp_avg_sq[3] ");
  Sgd plain, heavy{{.momentum = 0.9}};
  plain.prepare(model);
  heavy.prepare(model);
  CHECK(names(plain) == "steps[] state.0.step[] state.0.momentum_buffer[0] state.1.step[] state.1.momentum_buffer[0] ");
  CHECK(names(heavy) == "steps[] state.0.step[] state.0.momentum_buffer[6] state.1.step[] state.1.momentum_buffer[3] ");
  RmsProp rmsprop{{.momentum = 0.9}};
  rmsprop.prepare(model);
  CHECK(names(rmsprop) ==
        "steps[] state.0.step[] state.0.square_avg[6] state.0.momentum_buffer[6] "
        "state.1.step[] state.1.square_avg[3] state.1.momentum_buffer[3] ");
}

TEST_CASE("state that is written back continues a training", "[optimizers]") {
  Affine<double> model;
  AdamW<double> adam{{.learning_rate = 0.05}};
  for (int i = 0; i < 3; ++i) adam.minimize(model.loss(), model);
  std::vector<std::vector<double>> saved;
  for_each_state(adam, [&](const FieldPath&, const auto& tensor) {
    saved.emplace_back(tensor.values().begin(), tensor.values().end());
  });
  AdamW<double> loaded{{.learning_rate = 0.05}};
  loaded.prepare(model);
  std::size_t i = 0;
  for_each_state(loaded, [&](const FieldPath&, auto& tensor) { std::ranges::copy(saved[i++], tensor.data()); });
  Affine<double> other = model;
  adam.minimize(model.loss(), model);
  loaded.minimize(other.loss(), other);
  CHECK(loaded.steps() == 4);
  CHECK(std::ranges::equal(other.weight.value().values(), model.weight.value().values()));
}

TEST_CASE("the learning rate follows set_learning_rate and the schedule", "[optimizers]") {
  Affine<double> model;
  const auto change = [&](Sgd<double>& sgd) {  // of a weight whose gradient is 1
    const double before = model.bias.value()(0);
    sgd.minimize(sum(model.bias), model);
    return before - model.bias.value()(0);
  };
  Sgd<double> sgd{{.learning_rate = 0.5, .schedule = StepSchedule{.period = 2, .factor = 0.1}}};
  for (const double expected : {0.5, 0.5, 0.05, 0.05, 0.005}) CHECK_THAT(change(sgd), WithinAbs(expected, 1e-12));
  sgd.set_learning_rate(2);
  CHECK(sgd.options().learning_rate == 2);
  CHECK_THAT(change(sgd), WithinAbs(0.02, 1e-12));
}

TEST_CASE("a loss or gradient that is not finite stops before any weight changes", "[optimizers]") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  Pair<Affine<float>> model;
  Adam adam;
  for (int i = 0; i < 16; ++i) adam.minimize(model.first.loss() + model.second.loss(), model);
  const Pair<Affine<float>> before = model;

  CHECK_THROWS_MATCHES(adam.minimize(nan * sum(model.first.bias), model), NumericError,
                       Message("Adam::minimize: expected a finite loss but got nan in step 17 of learning rate 0.001"));
  CHECK_THROWS_MATCHES(
      adam.minimize(-infinity * sum(square(model.first.bias)), model), NumericError,
      Message("Adam::minimize: expected a finite loss but got -inf in step 17 of learning rate 0.001"));

  model.second.bias.mutable_value() = Tensor<float, 1>(Shape{3}, 0.0f);
  const Tensor<float, 2> weight = model.first.weight.value();
  CHECK_THROWS_MATCHES(adam.minimize(sum(model.first.weight) + sum(sqrt(model.second.bias)), model), NumericError,
                       Message("Adam::minimize: expected a finite gradient of second.bias but got inf in step 17"));
  CHECK_THROWS_MATCHES(adam.minimize(sum(model.first.weight) + sum(sqrt(square(model.second.bias))), model),
                       NumericError,
                       Message("Adam::minimize: expected a finite gradient of second.bias but got nan in step 17"));
  CHECK(adam.steps() == 16);
  CHECK(std::ranges::equal(model.first.weight.value().values(), weight.values()));

  Sgd{{.learning_rate = 1, .clip_norm = 1}}.minimize(sum(1e30 * model.second.bias), model);  // squares beyond floats
  CHECK_THAT(model.second.bias.value()(0), WithinRel(-1 / std::sqrt(3.0f), 1e-6f));
  Affine<double> wide;
  Sgd<double> clipped{{.clip_norm = 1}};
  CHECK_THROWS_MATCHES(clipped.minimize(sum(1e200 * wide.bias), wide), NumericError,
                       Message("Sgd::minimize: expected gradients of finite norm but got inf in step 1"));
}

TEST_CASE("a gradient that is not a number is not spread by clipping", "[optimizers]") {
  const auto loss = [](const auto& model) {  // the root of 0^2: its slope is 0 times infinity
    return sum(model.first.weight) + sum(sqrt(square(model.second.weight)));
  };
  Pair<One<float, 2>, One<float, 1>> model{{Tensor<float, 2>(Shape{2, 3}, 1.0f)}, {Tensor<float, 1>(Shape{3}, 0.0f)}};
  Sgd sgd{{.learning_rate = 1, .clip_norm = 1}};
  const std::string refused = ": expected a finite gradient of second.weight but got nan in step 1";
  CHECK_THROWS_MATCHES(sgd.minimize(loss(model), model), NumericError, Message("Sgd::minimize" + refused));
  auto gradients = parameter_gradients(loss(model), model);
  CHECK(std::isnan(gradients.clip_norm(1)));
  for (const float g : gradients[0]) CHECK(g == 1);
  CHECK_THROWS_MATCHES(sgd.step(model, std::move(gradients)), NumericError, Message("Sgd::step" + refused));
  for (const float w : model.first.weight.value().values()) CHECK(w == 1);
  for (const float w : model.second.weight.value().values()) CHECK(w == 0);
  CHECK(sgd.steps() == 0);
}

TEST_CASE("whatever changes a model's parameters, its losses from before are refused", "[optimizers]") {
  const auto refused = [](const char* what, const auto& change) {
    Affine<double> model;
    MovingAverage average{model};
    Sgd<double> sgd{{.learning_rate = 0.1}};
    Affine<double>& of_average = average.model;
    const auto before = model.loss(), of_average_before = of_average.loss();
    INFO(what);
    change(model, average, sgd);
    const bool of_model_refused = [&] {
      try {
        parameter_gradients(before, model);
        return false;
      } catch (const Error&) {
        return true;
      }
    }();
    const bool of_average_refused = [&] {
      try {
        parameter_gradients(of_average_before, of_average);
        return false;
      } catch (const Error&) {
        return true;
      }
    }();
    CHECK(of_model_refused != of_average_refused);  // one of the two was changed
    CHECK_NOTHROW(parameter_gradients(model.loss(), model));
    CHECK_NOTHROW(parameter_gradients(of_average.loss(), of_average));
    return of_average_refused;
  };
  CHECK_FALSE(refused("mutable_value", [](auto& model, auto&, auto&) { model.weight.mutable_value()(1, 2) = 1; }));
  CHECK_FALSE(refused("an assigned parameter",
                      [](auto& model, auto&, auto&) { model.bias = Tensor<double, 1>(Shape{3}, 1.0); }));
  CHECK_FALSE(refused("an assigned model", [](auto& model, auto&, auto&) { model = Affine<double>(); }));
  CHECK_FALSE(refused("an optimizer", [](auto& model, auto&, auto& sgd) { sgd.minimize(model.loss(), model); }));
  CHECK_FALSE(refused("an optimizer's step", [](auto& model, auto&, auto& sgd) {
    sgd.step(model, parameter_gradients(model.loss(), model));
  }));
  CHECK_FALSE(refused("for_each_state", [](auto& model, auto&, auto&) {
    for_each_state(model, [](const FieldPath&, auto& tensor) { tensor.array() = 1; });
  }));
  CHECK_FALSE(refused("an initialiser", [](auto& model, auto&, auto&) {
    Rng rng(1);
    initialize_normal(model.weight, 0, 1, rng);
  }));
  CHECK_FALSE(refused("hold_fixed", [](auto& model, auto&, auto&) { model.weight.hold_fixed(); }));
  CHECK(refused("a moving average", [](auto& model, auto& average, auto&) { average.update(model); }));
}

TEST_CASE("a model of other parameters than in earlier steps is refused", "[optimizers]") {
  Affine<float> model;
  Adam adam;
  adam.minimize(model.loss(), model);
  Rng rng(1);
  Linear<float> other(3, 2, rng);
  const Tensor<float, 2> before = other.weight.value();
  CHECK_THROWS_MATCHES(adam.minimize(sum(other.weight), other), ShapeError,
                       Message("Adam: expected parameter weight of shape [2, 3] as in earlier steps but got [3, 2]"));
  One<float, 2> half{Tensor<float, 2>(Shape{2, 3}, 1.0f)};
  CHECK_THROWS_MATCHES(adam.minimize(sum(half.weight), half), ShapeError,
                       Message("Adam: expected a model of 2 parameters as in earlier steps but got 1"));
  Adam of_half;
  of_half.minimize(sum(half.weight), half);
  CHECK_THROWS_MATCHES(of_half.minimize(model.loss(), model), ShapeError,
                       Message("Adam: expected a model of 1 parameters as in earlier steps but got 2"));
  CHECK(std::ranges::equal(other.weight.value().values(), before.values()));
}

TEST_CASE("an optimizer serves one model, wherever it is moved, and a copy of it another one", "[optimizers]") {
  Affine<double> model;
  Affine<double> other = model;
  Adam<double> adam;
  adam.minimize(model.loss(), model);
  CHECK_THROWS_MATCHES(adam.minimize(other.loss(), other), ArgumentError,
                       Message("Adam: expected the Affine of earlier steps but got another Affine; an optimizer keeps "
                               "averages for one model: give each model its own, or a copy"));
  Pair<Parameter<double, 2>, Parameter<double, 1>> pair{model.weight, model.bias};
  CHECK_THROWS_WITH(adam.minimize(sum(pair.first), pair),
                    Catch::StartsWith("Adam: expected the Affine of earlier steps but got another Pair; "));
  CHECK(adam.steps() == 1);
  Adam<double> copy = adam;
  CHECK_NOTHROW(copy.minimize(other.loss(), other));
  model = other;  // assigns the values
  CHECK_NOTHROW(adam.minimize(model.loss(), model));
  Affine<double> moved = std::move(model);
  CHECK_NOTHROW(adam.minimize(moved.loss(), moved));
  CHECK(adam.steps() == 3);
}

TEMPLATE_TEST_CASE("an update that would write a number that is not finite changes nothing", "[optimizers]", float,
                   double) {
  using T = TestType;
  const T huge = std::numeric_limits<T>::max() / 1000, root = std::sqrt(huge);
  const auto refused = [&](auto optimizer, T slope, const std::string& function) {
    Pair<One<T, 1>> model{{Tensor<T, 1>(Shape{2}, T(0.5))}, {Tensor<T, 1>(Shape{3}, T(-0.5))}};
    const T small = T(1e-6);
    const auto loss = [&](T of_second) {
      return small * sum(model.first.weight) + of_second * sum(model.second.weight);
    };
    for (int i = 0; i < 3; ++i) optimizer.minimize(loss(small), model);
    std::vector<T> before;
    const auto numbers = [&] {
      std::vector<T> all;
      const auto add = [&](const FieldPath&, const auto& tensor) {
        for (const auto x : tensor.values()) all.push_back(static_cast<T>(x));
      };
      for_each_state(std::as_const(model), add);
      for_each_state(std::as_const(optimizer), add);
      return all;
    };
    before = numbers();
    CHECK_THROWS_MATCHES(
        optimizer.minimize(loss(slope), model), NumericError,
        Message(function + "::minimize: expected finite weights and averages of gradients after step 4 but they would "
                           "not be for second.weight; is a gradient or the learning rate too large?"));
    CHECK(numbers() == before);
    CHECK_NOTHROW(optimizer.minimize(loss(small), model));  // training goes on
    for (const T x : numbers()) CHECK(std::isfinite(x));
  };
  refused(Adam<T>(), 100 * root, "Adam");  // its square is no number
  refused(Adam<T>{{.weight_decay = 0.1}}, 100 * root, "Adam");
  refused(AdamW<T>(), 100 * root, "AdamW");
  refused(RmsProp<T>(), 100 * root, "RmsProp");
  refused(Sgd<T>{{.learning_rate = 2000}}, huge, "Sgd");
}

TEST_CASE("a momentum that would grow beyond all numbers is refused though gradients and weights are small enough",
          "[optimizers]") {
  One<float, 1> model{Tensor<float, 1>(Shape{3}, 0.5f)};
  Sgd sgd{{.learning_rate = 1e-37, .momentum = 100}};
  const auto loss = [&] { return 1e37f * sum(model.weight); };
  sgd.minimize(loss(), model);  // the momentum is 1e37 now, and would be 100 * 1e37 + 1e37
  for (Index i = 0; i < 3; ++i) CHECK_THAT(model.weight.value()(i), WithinRel(0.5f - 1.0f, 1e-6f));
  CHECK_THROWS_AS(sgd.minimize(loss(), model), NumericError);
  for (Index i = 0; i < 3; ++i) CHECK_THAT(model.weight.value()(i), WithinRel(0.5f - 1.0f, 1e-6f));
  CHECK(sgd.steps() == 1);
}

TEST_CASE("large numbers that stay finite are learned from", "[optimizers]") {
  One<float, 1> model{Tensor<float, 1>(Shape{2}, 0.5f)};
  Adam adam{{.learning_rate = 0.25}};
  adam.minimize(1e18f * sum(model.weight), model);  // a first step of Adam is the rate times the gradient's sign
  CHECK_THAT(model.weight.value()(0), WithinAbs(0.25, 1e-6));
  Adam exact{{.learning_rate = 0.25, .epsilon = 0}};
  One<float, 1> other{Tensor<float, 1>(Shape{2}, 0.5f)};
  exact.minimize(sum(other.weight), other);
  CHECK_THAT(other.weight.value()(0), WithinAbs(0.25, 1e-6));
  exact.minimize(2 * sum(other.weight), other);
  CHECK_THROWS_AS(Adam<float>({.epsilon = 0}).minimize(0 * sum(other.weight), other), NumericError);  // 0 / 0
}

TEMPLATE_TEST_CASE("an epsilon below the normal numbers keeps weights without gradients", "[optimizers]", float,
                   double) {
  using T = TestType;
  for (const double epsilon : {1e-50, 1e-310, 4e-45}) {
    One<T, 1> model{Tensor<T, 1>(Shape{2}, T(0.5))};
    Adam<T>{{.epsilon = epsilon}}.minimize(0 * sum(model.weight), model);
    RmsProp<T>{{.epsilon = epsilon}}.minimize(0 * sum(model.weight), model);
    CHECK(model.weight.value()(1) == T(0.5));
  }
}

TEST_CASE("parameters that are held fixed are constants", "[optimizers]") {
  Pair<Affine<double>> model;
  hold_fixed(model.first);
  const Tensor<double, 2> before = model.first.weight.value();
  const auto loss = [&] { return sum(square(matmul(model.first.weight, transpose(model.second.weight)))); };
  Adam<double> adam;
  for (int i = 0; i < 2; ++i) adam.minimize(loss(), model);
  CHECK(std::ranges::equal(model.first.weight.value().values(), before.values()));
  CHECK_FALSE(std::ranges::equal(model.second.weight.value().values(), before.values()));
  CHECK(model.first.weight.is_fixed());
  const Pair<Affine<double>> copy = model;
  CHECK(copy.first.weight.is_fixed());
  CHECK_FALSE(copy.second.weight.is_fixed());
  CHECK_THROWS_AS(gradient(loss(), model.first.weight), ArgumentError);
  hold_fixed(model.first, false);
  adam.minimize(loss(), model);
  CHECK_FALSE(std::ranges::equal(model.first.weight.value().values(), before.values()));
}

TEST_CASE("a loss that does not depend on the model is refused", "[optimizers]") {
  Affine<float> used;
  One<float, 1> other{Tensor<float, 1>(Shape{5}, 1.0f)};
  RmsProp optimizer;
  CHECK_THROWS_MATCHES(
      optimizer.minimize(used.loss(), other), ArgumentError,
      Message("RmsProp::minimize: expected a loss that depends on the model but got one that depends on "
              "none of its parameters"));
  CHECK_NOTHROW(optimizer.minimize(used.loss(), used));  // nothing was kept of the model that it refused
}

TEST_CASE("gradients that do not belong to the model are refused", "[optimizers]") {
  Affine<float> model;
  Rng rng(1);
  Linear<float> linear(2, 2, rng);
  One<float, 2> half{Tensor<float, 2>(Shape{2, 3}, 1.0f)};
  AdamW optimizer;
  CHECK_THROWS_MATCHES(optimizer.step(model, parameter_gradients(sum(half.weight), half)), ShapeError,
                       Message("AdamW::step: expected gradients of 2 parameters but got 1"));
  CHECK_THROWS_MATCHES(optimizer.step(model, parameter_gradients(sum(linear.weight), linear)), ShapeError,
                       Message("AdamW::step: expected a gradient of 6 numbers for weight but got 4"));
}

TEST_CASE("options out of range are refused", "[optimizers]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refused = [](auto make, const std::string& message) {
    CHECK_THROWS_MATCHES(make(), ArgumentError, Message(message));
  };
  refused([] { return Adam{{.learning_rate = -1}}; }, "Adam: expected a finite learning_rate >= 0 but got -1");
  refused([=] { return Adam{{.learning_rate = nan}}; }, "Adam: expected a finite learning_rate >= 0 but got nan");
  refused([] { return Adam{{.beta1 = 1}}; }, "Adam: expected beta1 in [0, 1) but got 1");
  refused([] { return Adam{{.beta2 = 1 - 1e-9}}; },
          "Adam: expected beta2 in [0, 1) but got 0.999999999, which rounds to 1");
  refused([] { return AdamW{{.beta2 = -0.1}}; }, "AdamW: expected beta2 in [0, 1) but got -0.1");
  refused([] { return AdamW{{.epsilon = -1}}; }, "AdamW: expected epsilon >= 0 but got -1");
  refused([] { return Adam{{.weight_decay = -1}}; }, "Adam: expected weight_decay >= 0 but got -1");
  refused([] { return Adam{{.clip_norm = -1}}; }, "Adam: expected clip_norm >= 0 but got -1");
  refused([] { return Adam{{.clip_value = -1}}; }, "Adam: expected clip_value >= 0 but got -1");
  refused([] { return RmsProp{{.alpha = 1.5}}; }, "RmsProp: expected alpha in [0, 1) but got 1.5");
  refused([] { return RmsProp{{.epsilon = -1}}; }, "RmsProp: expected epsilon >= 0 but got -1");
  refused([] { return RmsProp{{.momentum = -1}}; }, "RmsProp: expected momentum >= 0 but got -1");
  refused([] { return Sgd{{.momentum = -1}}; }, "Sgd: expected momentum >= 0 but got -1");
  refused([] { return Sgd{{.nesterov = true}}; },
          "Sgd: expected momentum > 0 and dampening 0 for nesterov but got 0 and 0");
  refused([] { return Sgd{{.momentum = 0.9, .dampening = 0.5, .nesterov = true}}; },
          "Sgd: expected momentum > 0 and dampening 0 for nesterov but got 0.9 and 0.5");

  Affine<float> model;
  Adam adam{{.schedule = [](Index step) { return step == 0 ? 1.0 : -1.0; }}};
  adam.minimize(model.loss(), model);
  CHECK_THROWS_MATCHES(adam.minimize(model.loss(), model), ArgumentError,
                       Message("Adam::minimize: expected a finite factor >= 0 of the schedule but got -1 in step 2"));
}

TEST_CASE("steps take no memory from the system and do not depend on the number of threads", "[optimizers]") {
  Rng rng(3);
  const Linear<float> start(300, 200, rng);  // larger than one piece of work
  const Variable x(StandardNormal(300).sample(8, rng));
  const int threads_before = num_threads();
  const auto train = [&](auto optimizer, int threads) {
    set_num_threads(threads);
    Linear<float> model = start;
    const auto step = [&] { optimizer.minimize(mean(square(model(x) - 1)), model); };
    for (int i = 0; i < 3; ++i) step();
    const auto allocations = detail::block_cache().system_allocations();
    for (int i = 0; i < 5; ++i) step();
    if (detail::recycle_blocks && threads == 1) CHECK(detail::block_cache().system_allocations() == allocations);
    set_num_threads(threads_before);
    return std::vector<float>(model.weight.value().values().begin(), model.weight.value().values().end());
  };
  const auto check = [&](const auto& optimizer) { CHECK(train(optimizer, 1) == train(optimizer, 3)); };
  check(Adam{{.weight_decay = 0.1, .clip_norm = 0.1, .clip_value = 0.01}});
  check(RmsProp{{.momentum = 0.9}});
  check(Sgd{{.momentum = 0.9, .nesterov = true}});
}

namespace {

struct Twice {
  Parameter<double, 1> weight = Parameter<double, 1>(Tensor<double, 1>(Shape{2}, 1.0));
  static void fields(auto& self, auto&& field) { field("a", self.weight), field("b", self.weight); }
};

}  // namespace

TEST_CASE("A parameter that fields name twice is refused, as each step would be made twice", "[optimizers]") {
  Twice model;
  CHECK_THROWS_MATCHES(Sgd<double>{}.minimize(sum(model.weight), model), ArgumentError,
                       Message("Sgd: expected each parameter once in the fields of a model but a and b are the same"));
  CHECK(model.weight.value()(0) == 1);
}
