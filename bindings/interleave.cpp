#include "interleave.h"

#include "arrays.h"
#include "gvc/interleave.h"

namespace gvc::bindings {
namespace {

void interleave_maps(const Described& maps, bool integers, float step, const Described& output,
                     int threads) {
    run("interleave", [&] {
        const auto to = array_of<float>(output);
        return integers ? interleave(array_of<const std::uint8_t>(maps), step, to, threads)
                        : interleave(array_of<const float>(maps), step, to, threads);
    });
}

}  // namespace

void add_interleave(pybind11::module_& module) {
    using pybind11::arg;
    module.def("interleave", &interleave_maps, arg("maps"), arg("integers"), arg("step"),
               arg("output"), arg("threads"),
               "See gvc::interleave; maps are uint8 if `integers`, else float32.");
}

}  // namespace gvc::bindings
