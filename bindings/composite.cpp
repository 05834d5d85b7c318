#include "composite.h"

#include <algorithm>
#include <array>

#include "arrays.h"
#include "gvc/composite.h"

namespace gvc::bindings {
namespace {

using Matrix = std::array<std::array<float, 4>, 3>;

void compose(const Described& foreground, const Described& background, const Described& person,
             const Described& key, const Described& foreground_motion,
             const Described& background_motion, const Matrix& matrix, const Described& planes,
             int threads, bool cuda, std::uintptr_t stream) {
    Composite frames{array_of<const float>(foreground),
                     array_of<const float>(background),
                     array_of<const float>(person),
                     array_of<const float>(key),
                     array_of<const float>(foreground_motion),
                     array_of<const float>(background_motion),
                     {},
                     array_of<std::uint8_t>(planes)};
    for (std::size_t row = 0; row < matrix.size(); ++row) {
        std::copy(matrix[row].begin(), matrix[row].end(), frames.matrix[row]);
    }
    run("compose_planes", [&] {
        return cuda ? compose_planes_cuda(frames, stream_at(stream))
                    : compose_planes(frames, threads);
    });
}

}  // namespace

void add_composite(pybind11::module_& module) {
    using pybind11::arg;
    module.def("compose_planes", &compose, arg("foreground"), arg("background"), arg("person"),
               arg("key"), arg("foreground_motion"), arg("background_motion"), arg("matrix"),
               arg("planes"), arg("threads"), arg("cuda") = false, arg("stream") = 0,
               "See gvc::compose_planes; planes are uint8.");
}

}  // namespace gvc::bindings
