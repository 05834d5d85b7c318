#include "flow_warp_work.h"

#include "launch.cuh"

namespace gvc {

Status warp_by_flow_cuda(const FlowWarp& warp, void* stream) {
    return warp_by_flow_with(OnStream(stream), warp);
}

Status warp_by_flows_cuda(const FlowWarps& warps, void* stream) {
    return warp_by_flows_with(OnStream(stream), warps);
}

}  // namespace gvc
