#include "quantise.h"

#include "arrays.h"
#include "gvc/quantise.h"

namespace gvc::bindings {
namespace {

void quantise_features(const Described& features, float inverse, float zero,
                       const Described& output, int threads) {
    run("quantise", [&] {
        return quantise(array_of<const float>(features), {inverse, zero},
                        array_of<std::uint8_t>(output), threads);
    });
}

}  // namespace

void add_quantise(pybind11::module_& module) {
    using pybind11::arg;
    module.def("quantise", &quantise_features, arg("features"), arg("inverse"), arg("zero"),
               arg("output"), arg("threads"), "See gvc::quantise; the output is uint8.");
}

}  // namespace gvc::bindings
