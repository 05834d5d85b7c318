#include "keypoint_spread.h"

#include "arrays.h"
#include "gvc/keypoint_spread.h"

namespace gvc::bindings {
namespace {

void spread(const Described& centres, const Described& displacements, const Described& labels,
            const Described& narrow, const Described& frame, const Described& constants,
            const Described& displacement_map, const Described& share_map,
            const Described& label_maps, int threads, bool cuda, std::uintptr_t stream,
            const Described& scratch) {
    const KeypointSpread keypoints{array_of<const float>(centres),
                                   array_of<const float>(displacements),
                                   array_of<const float>(labels),
                                   array_of<const float>(narrow),
                                   array_of<const float>(frame),
                                   array_of<const float>(constants)};
    const SpreadMaps maps{array_of<float>(displacement_map), array_of<float>(share_map),
                          array_of<float>(label_maps)};
    run("spread_keypoints", [&] {
        return cuda ? spread_keypoints_cuda(keypoints, maps, array_of<float>(scratch),
                                           stream_at(stream))
                    : spread_keypoints(keypoints, maps, threads);
    });
}

}  // namespace

void add_keypoint_spread(pybind11::module_& module) {
    using pybind11::arg;
    module.def("spread_keypoints", &spread, arg("centres"), arg("displacements"), arg("labels"),
               arg("narrow"), arg("frame"), arg("constants"), arg("displacement_map"),
               arg("share_map"), arg("label_maps"), arg("threads"), arg("cuda") = false,
               arg("stream") = 0, arg("scratch") = Described{},
               "See gvc::spread_keypoints; scratch is the `far` of spread_keypoints_cuda.");
}

}  // namespace gvc::bindings
