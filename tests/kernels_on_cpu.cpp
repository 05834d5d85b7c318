// The CUDA kernels' own code (csrc/cuda/*_work.h), run by loops on the CPU, for tests.
#include <algorithm>

#include "composite_work.h"
#include "flow_warp_work.h"
#include "keypoint_spread_work.h"
#include "mixture_work.h"
#include "warp_work.h"

namespace gvc {

namespace {

// Deals work out as a GPU does, but one thread after the other and the last one first: no result
// may depend on the order.
struct Loops {
    template <typename Work>
    Status operator()(const Work& work, std::int64_t count) const {
        const std::int64_t threads = std::int64_t{blocks_for(count)} * kThreadsOfBlock;
        for (std::int64_t thread = threads; thread-- > 0;) {
            do_share(work, thread, threads, count);
        }
        return Status::ok;
    }
};

using Input = Array4<const float>;
using Output = Array4<float>;

}  // namespace
}  // namespace gvc

extern "C" {

int warp_forward(const gvc::Input* input, const gvc::Input* grid, const gvc::Output* output) {
    return static_cast<int>(gvc::warp_forward_with(gvc::Loops{}, *input, *grid, *output, false));
}

int warp_backward(const gvc::Input* grad, const gvc::Input* input, const gvc::Input* grid,
                  const gvc::Output* grad_input, const gvc::Output* grad_grid) {
    return static_cast<int>(gvc::warp_backward_with(gvc::Loops{}, *grad, *input, *grid,
                                                    *grad_input, *grad_grid, false));
}

int warp_by_flow(const gvc::Input* features, const gvc::Input* displacement,
                 const gvc::Input* gate, const gvc::Input* inner, const gvc::Output* output) {
    return static_cast<int>(gvc::warp_by_flow_with(
        gvc::Loops{}, {*features, *displacement, *gate, *inner, *output}));
}

int warp_by_flows(const gvc::Input* picture, const gvc::Input* flows, const gvc::Input* carried,
                  std::int64_t guided, const gvc::Output* output) {
    return static_cast<int>(
        gvc::warp_by_flows_with(gvc::Loops{}, {*picture, *flows, *carried, guided, *output}));
}

int mix_flows(const gvc::Input* logits, const gvc::Input* flows, const gvc::Input* carried,
              std::int64_t foreground, std::int64_t guided, const gvc::Output* front,
              const gvc::Output* back, const gvc::Output* own) {
    return static_cast<int>(gvc::mix_flows_with(
        gvc::Loops{}, {*logits, *flows, *carried, foreground, guided}, {*front, *back}, *own));
}

int spread_keypoints(const gvc::Input* centres, const gvc::Input* displacements,
                     const gvc::Input* labels, const gvc::Input* narrow, const gvc::Input* frame,
                     const gvc::Input* constants, const gvc::Output* displacement_map,
                     const gvc::Output* share_map, const gvc::Output* label_maps,
                     const gvc::Output* far) {
    return static_cast<int>(gvc::spread_keypoints_with(
        gvc::Loops{}, {*centres, *displacements, *labels, *narrow, *frame, *constants},
        {*displacement_map, *share_map, *label_maps}, *far));
}

int compose_planes(const gvc::Input* foreground, const gvc::Input* background,
                   const gvc::Input* person, const gvc::Input* key,
                   const gvc::Input* foreground_motion, const gvc::Input* background_motion,
                   const gvc::Input* matrix, const gvc::Array4<std::uint8_t>* planes) {
    gvc::Composite frames{*foreground,        *background,        *person, *key,
                          *foreground_motion, *background_motion, {},      *planes};
    std::copy_n(matrix->data, 12, &frames.matrix[0][0]);
    return static_cast<int>(gvc::compose_planes_with(gvc::Loops{}, frames));
}
}
