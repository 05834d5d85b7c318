// Stands in for the CUDA kernels where they were not built: refuses.
#if !defined(GVC_CUDA)

#include "gvc/composite.h"
#include "gvc/flow_warp.h"
#include "gvc/keypoint_spread.h"
#include "gvc/mixture.h"
#include "gvc/warp.h"

namespace gvc {

Status warp_forward_cuda(const Array4<const float>&, const Array4<const float>&,
                         const Array4<float>&, const WarpOptions&, void*) {
    return Status::device_error;
}

Status warp_backward_cuda(const Array4<const float>&, const Array4<const float>&,
                          const Array4<const float>&, const Array4<float>&, const Array4<float>&,
                          const WarpOptions&, void*) {
    return Status::device_error;
}

Status warp_by_flow_cuda(const FlowWarp&, void*) { return Status::device_error; }

Status warp_by_flows_cuda(const FlowWarps&, void*) { return Status::device_error; }

Status compose_planes_cuda(const Composite&, void*) { return Status::device_error; }

Status mix_flows_cuda(const Mixture&, const MixedMotion&, const Array4<float>&, void*) {
    return Status::device_error;
}

Status spread_keypoints_cuda(const KeypointSpread&, const SpreadMaps&, const Array4<float>&,
                             void*) {
    return Status::device_error;
}

}  // namespace gvc

#endif
