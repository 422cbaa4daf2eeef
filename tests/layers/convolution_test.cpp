// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"
#include "layers/numbers.hpp"

using namespace eigenesis;

namespace {

using Sums = std::vector<double>;

/// The sum over products with numbers(shape, phase).
template <int Rank>
double checksum(const Variable<double, Rank>& x, double phase) {
  return (x.value().array() * numbers<double>(x.shape(), phase).array()).sum();
}

/// Sums over y of call(x), the first, and over the gradients of it with respect to x and all parameters of the layer,
/// against those that tests/goldens/convolution.py prints.
template <class Layer, class Call>
void check_sums(const std::string& name, const Layer& layer, const Shape<4>& shape, const Sums& expected,
                const Call& call) {
  const Variable x = watch(numbers<double>(shape, 2));
  const Variable y = call(x);
  const Variable loss = sum(y * Variable(numbers<double>(y.shape(), 3)));
  Sums found{loss.item(), checksum(gradient(loss, x), 4)};
  for_each_parameter(layer, [&](const FieldPath&, const auto& parameter) {
    found.push_back(checksum(gradient(loss, parameter), 3 + static_cast<double>(found.size())));
  });
  INFO(name << " of x " << to_string(shape) << ", sums of y, dx, dweight, dbias");
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK_THAT(found[i], WithinAbs(expected[i], 1e-8 * std::max(1.0, std::abs(expected[i]))));
}
template <class Layer>
void check_sums(const std::string& name, const Layer& layer, const Shape<4>& shape, const Sums& expected) {
  check_sums(name, layer, shape, expected, layer);
}

struct ConvolutionCase {
  Shape<4> x;
  Index out, kernel;
  Conv2dOptions options;
  Sums sums;
};
struct TransposedCase {
  Shape<4> x;
  Index out, kernel;
  ConvTranspose2dOptions options;
  Sums sums;
};
template <class Layer>
struct LayerCase {
  Shape<4> x;
  Layer layer;
  Sums sums;
};

}  // namespace

TEST_CASE("Conv2d gives PyTorch's numbers") {
  const ConvolutionCase cases[] = {
      {{2, 28, 28, 1}, 8, 4, {2, 1, 1, false}, {-40.9200851389, 21.1482627511, 48.1792936305}},
      {{2, 7, 7, 8}, 4, 4, {2, 1, 1, false}, {46.3387275855, -5.77650210372, -75.3795627139}},
      {{3, 3, 3, 16}, 1, 3, {1, 0, 1, false}, {-896.490940456, 484.894897669, 675.836574213}},
      {{1, 1, 1, 1}, 1, 1, {1, 0, 1, true}, {0.2993463554, -0.718952635993, -0.984393765235, -0.157724469432}},
      {{2, 5, 5, 17}, 33, 3, {1, 1, 1, true}, {31.825908677, 11.4624371757, 20.7364683601, -26.5170829934}},
      {{2, 6, 5, 65}, 2, 2, {2, 0, 1, true}, {-48.1226416456, 25.1076209509, 39.5088348433, -0.383716998706}},
      {{1, 8, 8, 3}, 2, 2, {3, 3, 1, true}, {2.79928481771, 5.94368101027, -5.0950315307, 0.0561478818479}},
      {{2, 8, 9, 1}, 2, 1, {3, 0, 2, true}, {-4.17372948057, 8.71880972174, 7.47233421225, -1.05161649199}},
      {{1, 5, 5, 3}, 4, 5, {2, 0, 1, true}, {-2.70179800683, 5.23319768461, -8.53120866177, -6.40204858219}},
      {{2, 9, 6, 4}, 4, 1, {1, 2, 1, true}, {-5.85130279439, -0.383689469477, 10.1240471642, -7.38337022925}},
      {{3, 5, 6, 4}, 5, 3, {1, 2, 1, true}, {12.6130162936, 48.9133753387, -58.8297660342, -10.433711821}},
      {{2, 9, 8, 3}, 4, 4, {3, 3, 1, false}, {-18.772780904, 8.95201345176, 17.0569849886}},
      {{3, 6, 7, 4}, 5, 2, {1, 2, 2, true}, {-11.7696455528, 35.5448078213, -18.3055084222, -4.27468996866}},
      {{2, 7, 8, 5}, 5, 1, {2, 0, 1, true}, {-14.4577422758, -32.0843132472, 61.1644397667, -7.23559507307}},
      {{3, 7, 9, 4}, 5, 2, {2, 2, 1, false}, {98.3548375199, -222.974567876, 187.396659577}},
      {{3, 9, 6, 4}, 4, 5, {2, 1, 1, false}, {98.3069152418, 41.8521363721, 5.17212923717}},
      {{2, 8, 7, 5}, 5, 3, {2, 3, 1, true}, {-291.10180849, 213.626404318, 96.4436093654, -0.607337369764}},
      {{3, 7, 5, 1}, 4, 5, {1, 0, 1, false}, {2.13464719643, -2.33171248777, -1.03891560988}},
      {{2, 5, 9, 2}, 2, 1, {2, 1, 2, true}, {-47.607871572, 6.38260453136, 15.8232020981, -1.87580453678}},
      {{1, 7, 7, 5}, 4, 2, {3, 3, 2, true}, {-3.75549853716, 13.1770336158, 7.16346427857, -1.85361172887}},
      {{2, 7, 8, 3}, 5, 1, {2, 1, 1, true}, {-6.44465238765, 4.37002508409, 2.61287999227, -8.06996144956}},
      {{1, 5, 8, 1}, 2, 2, {1, 1, 2, true}, {7.85115635515, -4.80918563567, 0.51499089958, -1.02849362966}},
      {{1, 9, 8, 5}, 4, 4, {3, 1, 2, true}, {-11.9824658154, 4.45520360898, 5.52112516256, -7.32493648837}},
      {{1, 7, 7, 1}, 2, 1, {2, 1, 2, true}, {-3.0567553409, -3.22456246911, 4.00874091558, 0.0561478818479}},
      {{1, 9, 8, 5}, 1, 1, {3, 1, 1, true}, {-6.94502937769, 8.52912918127, 11.5915480546, 2.02896892035}},
      {{1, 6, 9, 3}, 1, 4, {3, 3, 1, true}, {-17.0861569938, -5.84813927214, -0.943082456058, 0.520124989596}},
      {{2, 5, 7, 5}, 2, 4, {2, 3, 2, true}, {1.93638478483, -24.9473576698, -20.1576484457, -1.78756686544}},
      {{2, 6, 7, 3}, 3, 3, {2, 0, 1, false}, {20.8310801078, -24.7386850996, -23.7077403792}},
      {{3, 6, 7, 2}, 3, 2, {3, 2, 1, true}, {-5.74088189195, 3.07485461284, 4.13961764681, -2.27606130179}},
      {{1, 7, 6, 3}, 1, 3, {1, 3, 2, true}, {-5.44755450964, 35.5794763329, 31.8912776981, 1.66001968406}},
  };
  Rng rng(1);
  for (const auto& [x, out, kernel, options, sums] : cases) {
    const auto& [stride, padding, dilation, bias] = options;
    check_sums("Conv2d to " + to_string(Shape{out, kernel, stride, padding, dilation}),
               with_numbers(Conv2d<double>(x[3], out, kernel, options, rng), 1), x, sums);
  }
}

TEST_CASE("ConvTranspose2d gives PyTorch's numbers") {
  const TransposedCase cases[] = {
      {{2, 1, 1, 12}, 16, 4, {1, 0, 0, 1, false}, {-56.560978423, 175.444496914, 157.439785913}},
      {{2, 4, 4, 16}, 8, 3, {2, 1, 0, 1, false}, {-74.8725332086, -590.565518222, -440.354776002}},
      {{2, 7, 7, 8}, 4, 4, {2, 1, 0, 1, false}, {-3.65518613034, 252.013512518, 222.419921174}},
      {{2, 14, 14, 6}, 1, 4, {2, 1, 0, 1, false}, {-29.0677659036, 47.5635212974, 47.9926927028}},
      {{2, 5, 4, 33}, 17, 3, {2, 1, 1, 1, true}, {1.60902534614, -8.46840545111, 5.95915009187, -8.66064333091}},
      {{1, 7, 5, 2}, 5, 3, {1, 0, 1, 2, true}, {-35.4914171361, 25.4571300396, 32.2341230655, -8.21317681116}},
      {{2, 7, 9, 3}, 5, 4, {1, 2, 0, 1, false}, {97.5819162316, 190.703878359, 125.857595751}},
      {{3, 5, 5, 1}, 4, 4, {2, 0, 1, 1, true}, {-4.47483474981, -7.67988972788, 16.5848393176, -3.72144082582}},
      {{1, 8, 6, 2}, 2, 1, {1, 2, 0, 1, true}, {1.01738779802, -2.122481351, 2.73237919049, -2.3748813868}},
      {{2, 8, 7, 5}, 1, 1, {2, 2, 1, 2, true}, {-20.3405056354, 47.3621075808, 35.1624737125, -0.0299293033683}},
      {{2, 8, 8, 5}, 3, 3, {1, 0, 0, 1, true}, {-257.760518358, 41.209873944, 84.2805078198, -5.92289994332}},
      {{3, 9, 8, 2}, 3, 1, {2, 0, 1, 2, true}, {10.2149072509, -2.14628842084, -2.4936499879, -5.76795510965}},
      {{1, 7, 5, 3}, 4, 5, {1, 0, 0, 2, true}, {5.04136837785, 18.8470638709, 12.3670448171, -1.02620553401}},
      {{1, 7, 6, 3}, 3, 5, {3, 0, 1, 2, true}, {-9.14890610616, 55.7088127684, 45.0600289129, -2.95843164081}},
      {{3, 9, 9, 5}, 1, 5, {2, 1, 0, 1, true}, {-16.2565113566, -46.2145136472, -38.4610764624, 1.02668049422}},
      {{1, 5, 5, 5}, 1, 1, {1, 0, 1, 2, true}, {136.092966082, -198.839902685, -169.979529551, 1.74519069919}},
      {{2, 5, 9, 5}, 2, 3, {2, 0, 0, 2, true}, {12.4528292689, 43.3804719452, 23.3508796044, -0.531764010259}},
      {{3, 7, 6, 5}, 2, 2, {1, 1, 0, 2, true}, {-107.783548105, 21.8823758944, 31.3699201511, -0.515420755513}},
      {{3, 6, 5, 4}, 2, 1, {2, 0, 1, 1, true}, {99.7762961141, -27.6343823083, -51.7477399181, -2.12604537026}},
      {{3, 8, 9, 3}, 4, 1, {3, 1, 2, 2, true}, {-7.46835025249, -10.2280071396, -7.67332595591, -6.73875463449}},
      {{3, 5, 5, 4}, 3, 3, {1, 1, 0, 2, true}, {-6.23101796294, -36.2646095108, -39.1915926837, -2.25040370522}},
      {{3, 8, 6, 4}, 5, 5, {1, 1, 0, 1, true}, {2.41835583994, -3.62839812694, -5.64808580594, -0.459205147145}},
      {{3, 8, 6, 5}, 2, 4, {1, 2, 0, 1, true}, {-123.591754001, -73.0009923013, -20.8083269876, -2.57100468745}},
      {{1, 5, 9, 2}, 3, 4, {1, 1, 1, 2, true}, {-40.838707994, 10.1641205029, 3.59765565463, -0.906259062356}},
      {{2, 6, 8, 5}, 5, 2, {2, 2, 1, 2, true}, {-249.614518429, -480.113462368, -332.611809709, -7.07542110568}},
      {{2, 6, 9, 3}, 1, 1, {3, 0, 0, 2, true}, {27.8199612291, 21.9503872679, 10.031606953, 0.728682139313}},
      {{3, 5, 9, 2}, 1, 4, {3, 1, 2, 2, false}, {4.62467166885, 21.373281483, 86.2146282541}},
      {{1, 8, 8, 4}, 4, 1, {2, 0, 0, 1, true}, {-15.4179533619, 6.83788727662, -1.86256511697, -3.0194264587}},
      {{1, 8, 9, 2}, 5, 3, {2, 2, 1, 1, true}, {-0.0267436066185, -5.04416390215, -13.523519249, 0.700742580406}},
      {{3, 9, 5, 4}, 2, 1, {3, 1, 0, 2, true}, {12.3655419056, -2.18075862664, -6.58567070297, -2.08960513295}},
  };
  Rng rng(1);
  for (const auto& [x, out, kernel, options, sums] : cases) {
    const auto& [stride, padding, output_padding, dilation, bias] = options;
    check_sums("ConvTranspose2d to " + to_string(Shape{out, kernel, stride, padding, output_padding, dilation}),
               with_numbers(ConvTranspose2d<double>(x[3], out, kernel, options, rng), 1), x, sums);
  }
}

TEST_CASE("Pooling and upsampling give PyTorch's numbers") {
  const LayerCase<AvgPool2d> means[] = {
      {{2, 6, 6, 3}, {2, {0, 0}}, {0.0350973770622, -0.285036523268}},
      {{1, 7, 5, 1}, {2, {0, 0}}, {0.360632131355, -1.77906308031}},
      {{2, 7, 8, 17}, {3, {2, 1}}, {-6.70707178134, 2.80612205052}},
      {{2, 5, 6, 4}, {3, {1, 0}}, {-0.0994023580625, -0.262890936393}},
      {{3, 8, 8, 2}, {2, {3, 1}}, {1.53142293525, 0.575618034731}},
      {{1, 9, 9, 33}, {5, {2, 2}}, {2.13639187523, 0.722397735942}},
      {{2, 5, 5, 3}, {1, {2, 0}}, {-0.0416313498525, 0.378832686415}},
      {{1, 4, 4, 2}, {4, {0, 2}}, {0.265696147284, -0.254872128939}},
  };
  for (const auto& [x, layer, sums] : means) check_sums("AvgPool2d of " + std::to_string(layer.kernel), layer, x, sums);
  const LayerCase<MaxPool2d> maxima[] = {
      {{2, 6, 6, 3}, {2, {0, 0}}, {-3.36659966588, 10.8325923866}},
      {{1, 7, 5, 1}, {2, {0, 0}}, {-1.41836240083, 2.58836206607}},
      {{2, 7, 8, 17}, {3, {2, 1}}, {-10.7453816718, 11.8431292607}},
      {{2, 5, 6, 4}, {3, {1, 0}}, {-1.45928454273, 2.28908834014}},
      {{3, 8, 8, 2}, {2, {3, 1}}, {-16.7036549712, -7.55836359052}},
      {{1, 9, 9, 33}, {5, {2, 2}}, {-2.17042433798, 6.75204828431}},
      {{2, 5, 5, 3}, {1, {2, 0}}, {-0.0416313498525, 0.378832686415}},
      {{1, 4, 4, 2}, {4, {0, 2}}, {-0.375527620566, -2.59766371231}},
  };
  for (const auto& [x, layer, sums] : maxima)
    check_sums("MaxPool2d of " + std::to_string(layer.kernel), layer, x, sums);
  const LayerCase<Upsample2d> enlarged[] = {
      {{2, 3, 4, 3}, {2, Interpolation::nearest}, {-0.275030076404, 0.526560842084}},
      {{2, 3, 4, 3}, {2, Interpolation::bilinear}, {5.6139420368, -9.92981214427}},
      {{1, 5, 2, 17}, {3, Interpolation::nearest}, {-14.6352317323, 11.0772293064}},
      {{1, 5, 2, 17}, {3, Interpolation::bilinear}, {-27.1548455739, 33.420607597}},
      {{2, 1, 3, 1}, {4, Interpolation::nearest}, {-9.89011503012, -11.3261567346}},
      {{2, 1, 3, 1}, {4, Interpolation::bilinear}, {-10.0438235615, -0.204945421273}},
  };
  for (const auto& [x, layer, sums] : enlarged)
    check_sums("Upsample2d by " + std::to_string(layer.factor), layer, x, sums);
}

TEST_CASE("Normalisation of images gives PyTorch's numbers") {
  const LayerCase<double> instances[] = {
      // with their epsilon
      {{2, 3, 4, 3}, 1e-5, {63.0996645604, 82.9508852947, -11.687917787, -5.92684810368}},
      {{3, 1, 2, 1}, 1e-5, {2.68482905443, 0.0025983441475, -2.11292834782, 0.232113153248}},
      {{2, 5, 5, 17}, 1e-5, {18.1382764257, 75.9561360871, 54.7567491515, -12.0056116985}},
      {{2, 2, 3, 4}, 0.5, {15.5258366885, 26.8724936003, 8.98224892047, -6.35715421975}},
  };
  for (const auto& [x, epsilon, sums] : instances) {
    InstanceNorm norm = with_numbers(InstanceNorm<double>(x[3], {.affine = true}), 1);
    norm.epsilon = epsilon;
    check_sums("InstanceNorm", norm, x, sums);
  }
  const LayerCase<bool> batches[] = {
      // in evaluation after one batch in training
      {{2, 3, 4, 3}, true, {64.8676503908, 99.5286265962, -15.9986486749, -5.92684810368}},
      {{2, 3, 4, 3}, false, {87.0917770494, 94.0423764293, -21.9555667387, -5.92684810368}},
      {{3, 1, 2, 1}, true, {8.03685683368, 11.7976838639, -8.21199706066, 0.232113153248}},
      {{3, 1, 2, 1}, false, {10.2202154587, 11.167778571, -10.70011088, 0.232113153248}},
      {{2, 5, 5, 17}, true, {18.2535687852, 76.1846332011, 54.9021828502, -12.0056116985}},
      {{2, 5, 5, 17}, false, {36.1241531804, 73.1434924305, 74.4129732068, -12.0056116985}},
  };
  Rng rng(1);
  for (const auto& [x, training, sums] : batches) {
    const BatchNorm norm = with_numbers(BatchNorm<double>(x[3]), 1);
    if (!training) norm(Variable(numbers<double>(x, 2)), Pass::training(rng));
    check_sums("BatchNorm", norm, x, sums,
               [&, pass = training ? Pass::training(rng) : Pass()](const auto& t) { return norm(t, pass); });
  }
}

TEST_CASE("Convolutions have the gradients that differences give") {
  Rng rng(1);
  const Conv2d<double> conv(3, 2, 3, {.stride = 2, .padding = 1}, rng);
  check_gradients(
      "Conv2d", [&](const auto& x) { return square(conv(x)); }, gradient_check::numbers(Shape{2, 5, 4, 3}));
  const ConvTranspose2d<double> transposed(3, 2, 3, {.stride = 2, .padding = 1, .output_padding = 1}, rng);
  check_gradients(
      "ConvTranspose2d", [&](const auto& x) { return square(transposed(x)); },
      gradient_check::numbers(Shape{2, 2, 3, 3}));
}

TEST_CASE("The norm of a convolution's gradient has a gradient with respect to the weight, as penalties need it") {
  Rng rng(1);
  const Tensor<double, 4> images = gradient_check::numbers(Shape{2, 5, 5, 1});
  Conv2d<double> conv(1, 2, 3, {.stride = 2, .bias = false}, rng);
  check_gradients(
      "penalty",
      [&](const auto& weight) {
        const auto x = watch(images);
        return square(gradient(sum(tanh(conv2d(x, weight, conv.geometry))), x));
      },
      conv.weight.value());
}

TEST_CASE("Convolutions move by one pixel without padding unless asked otherwise", "[layers]") {
  Rng rng(1);
  const Variable x(Tensor<float, 4>(Shape{2, 5, 4, 3}, 1.0f));
  CHECK(Conv2d(3, 2, 3, rng)(x).shape() == Shape{2, 3, 2, 2});
  CHECK(ConvTranspose2d(3, 2, 3, rng)(x).shape() == Shape{2, 7, 6, 2});
}

TEST_CASE("Convolutions start as PyTorch's do") {
  const auto check_bound = [](const auto& parameter, double bound) {
    const auto size = parameter.value().array().template cast<double>().abs().eval();
    CHECK(size.maxCoeff() <= bound * (1 + 1e-6));
    CHECK(size.maxCoeff() > 0.98 * bound);
    CHECK_THAT(size.mean(), WithinRel(bound / 2, 0.1));
  };
  Rng rng(1);
  const Conv2d conv(8, 300, 5, rng);
  CHECK(conv.weight.shape() == Shape{5, 5, 8, 300});
  check_bound(conv.weight, 1 / std::sqrt(5.0 * 5 * 8));
  check_bound(conv.bias, 1 / std::sqrt(5.0 * 5 * 8));
  const ConvTranspose2d transposed(20, 300, 4, rng);
  CHECK(transposed.weight.shape() == Shape{4, 4, 300, 20});
  check_bound(transposed.weight, 1 / std::sqrt(4.0 * 4 * 300));
  check_bound(transposed.bias, 1 / std::sqrt(4.0 * 4 * 300));
}

TEST_CASE("Initialisers know the fans of kernels") {
  Rng rng(2);
  Parameter<float, 4> weight{Tensor<float, 4>(Shape{3, 5, 40, 60})};  // fan_in 600, fan_out 900
  const auto deviation = [&] { return std::sqrt(weight.value().array().cast<double>().square().mean()); };
  initialize_he(weight, rng);
  CHECK_THAT(deviation(), WithinRel(std::sqrt(2.0 / 600), 0.02));
  initialize_xavier(weight, rng);
  CHECK_THAT(deviation(), WithinRel(std::sqrt(2.0 / 1500), 0.02));
  initialize_normal(weight, 1, 0.02, rng);
  CHECK_THAT(weight.value().array().cast<double>().mean(), WithinAbs(1, 5 * 0.02 / std::sqrt(36'000.0)));
}

TEST_CASE("Convolutions list a bias only where there is one") {
  Rng rng(1);
  const Sequential network{Unflatten{1, 1, 4},
                           ConvTranspose2d(4, 3, 4, {.bias = false}, rng),
                           BatchNorm(3),
                           Relu{},
                           Conv2d(3, 2, 3, {.padding = 1}, rng),
                           ConvTranspose2d(2, 1, 2, {.stride = 2}, rng),
                           Conv2d(1, 1, 8, {.bias = false}, rng),
                           Flatten{}};
  std::string names;
  for_each_parameter(network, [&](const FieldPath& path, const auto&) { names += to_string(path) + " "; });
  CHECK(names == "1.weight 2.weight 2.bias 4.weight 4.bias 5.weight 5.bias 6.weight ");
  CHECK(parameter_count(network) == 4 * 4 * 3 * 4 + 6 + 3 * 3 * 3 * 2 + 2 + 2 * 2 * 2 + 1 + 64);
  const Variable<float, 2> x(numbers<float>(Shape{5, 4}, 1));
  CHECK(network(x).shape() == Shape{5, 1});
  CHECK(network(x, Pass::training(rng)).shape() == Shape{5, 1});
}

TEST_CASE("Convolutions refuse wrong sizes") {
  Rng rng(1);
  const Variable<float, 4> x(Tensor<float, 4>(Shape{2, 5, 5, 4}, 0.0f));
  CHECK_THROWS_MATCHES(Conv2d(3, 2, 3, rng)(x), ShapeError,
                       Message("Conv2d: expected x of shape [N, H, W, 3] but got [2, 5, 5, 4]"));
  CHECK_THROWS_MATCHES(ConvTranspose2d(3, 2, 3, rng)(x), ShapeError,
                       Message("ConvTranspose2d: expected x of shape [N, H, W, 3] but got [2, 5, 5, 4]"));
  CHECK_THROWS_MATCHES(Conv2d(0, 2, 3, rng), ArgumentError,
                       Message("Conv2d: expected in, out and kernel > 0 but got 0, 2 and 3"));
  CHECK_THROWS_MATCHES(Conv2d(3, -2, 3, rng), ArgumentError,
                       Message("Conv2d: expected in, out and kernel > 0 but got 3, -2 and 3"));
  CHECK_THROWS_MATCHES(ConvTranspose2d(3, 2, 0, rng), ArgumentError,
                       Message("ConvTranspose2d: expected in, out and kernel > 0 but got 3, 2 and 0"));
  CHECK_THROWS_MATCHES(Conv2d(1, 2, 3, {.stride = 0}, rng), ArgumentError,
                       Message("Conv2d: expected stride >= 1, padding >= 0 and dilation >= 1 but got 0, 0 and 1"));
  CHECK_THROWS_MATCHES(
      ConvTranspose2d(1, 2, 3, {.stride = 2, .output_padding = 2}, rng), ArgumentError,
      Message("ConvTranspose2d: expected output_padding >= 0 and less than stride 2 or dilation 1 but got 2"));
}
