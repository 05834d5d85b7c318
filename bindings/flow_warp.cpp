#include "flow_warp.h"

#include "arrays.h"
#include "gvc/flow_warp.h"

namespace gvc::bindings {
namespace {

void one_flow(const Described& features, const Described& displacement, const Described& gate,
              const Described& inner, const Described& output, int threads, bool cuda,
              std::uintptr_t stream) {
    const FlowWarp warp{array_of<const float>(features), array_of<const float>(displacement),
                        array_of<const float>(gate), array_of<const float>(inner),
                        array_of<float>(output)};
    run("warp_by_flow", [&] {
        return cuda ? warp_by_flow_cuda(warp, stream_at(stream)) : warp_by_flow(warp, threads);
    });
}

void many_flows(const Described& picture, const Described& flows, const Described& carried,
                std::int64_t guided, const Described& output, int threads, bool cuda,
                std::uintptr_t stream) {
    const FlowWarps warps{array_of<const float>(picture), array_of<const float>(flows),
                          array_of<const float>(carried), guided, array_of<float>(output)};
    run("warp_by_flows", [&] {
        return cuda ? warp_by_flows_cuda(warps, stream_at(stream))
                    : warp_by_flows(warps, threads);
    });
}

}  // namespace

void add_flow_warp(pybind11::module_& module) {
    using pybind11::arg;
    module.def("warp_by_flow", &one_flow, arg("features"), arg("displacement"), arg("gate"),
               arg("inner"), arg("output"), arg("threads"), arg("cuda") = false, arg("stream") = 0,
               "See gvc::warp_by_flow; a gate that is not wanted has address 0.");
    module.def("warp_by_flows", &many_flows, arg("picture"), arg("flows"), arg("carried"),
               arg("guided"), arg("output"), arg("threads"), arg("cuda") = false, arg("stream") = 0,
               "See gvc::warp_by_flows.");
}

}  // namespace gvc::bindings
