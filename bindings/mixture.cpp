#include "mixture.h"

#include "arrays.h"
#include "gvc/mixture.h"

namespace gvc::bindings {
namespace {

void mix(const Described& logits, const Described& flows, const Described& carried,
         std::int64_t foreground, std::int64_t guided, const Described& foreground_motion,
         const Described& background_motion, int threads, bool cuda, std::uintptr_t stream,
         const Described& scratch) {
    const Mixture mixture{array_of<const float>(logits), array_of<const float>(flows),
                          array_of<const float>(carried), foreground, guided};
    const MixedMotion motion{array_of<float>(foreground_motion),
                             array_of<float>(background_motion)};
    run("mix_flows", [&] {
        return cuda ? mix_flows_cuda(mixture, motion, array_of<float>(scratch), stream_at(stream))
                    : mix_flows(mixture, motion, threads);
    });
}

}  // namespace

void add_mixture(pybind11::module_& module) {
    using pybind11::arg;
    module.def("mix_flows", &mix, arg("logits"), arg("flows"), arg("carried"), arg("foreground"),
               arg("guided"), arg("foreground_motion"), arg("background_motion"), arg("threads"),
               arg("cuda") = false, arg("stream") = 0, arg("scratch") = Described{},
               "See gvc::mix_flows; scratch is the `own` of mix_flows_cuda.");
}

}  // namespace gvc::bindings
