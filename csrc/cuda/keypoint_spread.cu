#include "keypoint_spread_work.h"

#include "launch.cuh"

namespace gvc {

Status spread_keypoints_cuda(const KeypointSpread& spread, const SpreadMaps& maps,
                             const Array4<float>& far, void* stream) {
    return spread_keypoints_with(OnStream(stream), spread, maps, far);
}

}  // namespace gvc
