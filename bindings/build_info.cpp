#include "build_info.h"

namespace gvc::bindings {

void add_build_info(pybind11::module_& module) {
    module.def(
        "build_info",
        [] {
            pybind11::dict info;
            info["compiler"] = __VERSION__;
#if defined(GVC_CUDA)
            info["cuda"] = true;
            info["cuda_architectures"] = GVC_CUDA;
#else
            info["cuda"] = false;
            info["cuda_architectures"] = pybind11::none();
#endif
            return info;
        },
        "What the module was built by and with.");
}

}  // namespace gvc::bindings
