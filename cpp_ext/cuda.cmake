# mlip_torch_cuda: kernels by nvcc, free of torch, and their registration with torch. The runtime of
# CUDA is linked statically, torch's own CUDA is found when the library runs: any torch >= 2.10 will do.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  # Machine code for data-centre GPUs; others compile the last for themselves at first use.
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 75-virtual)
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)

file(GLOB cuda_sources CONFIGURE_DEPENDS src/gpu/*.cu src/*_gpu/*.cu src/torch_cuda/*.cpp)
add_library(mlip_torch_cuda MODULE ${cuda_sources} src/torch/threads.cpp)
target_include_directories(mlip_torch_cuda PRIVATE src src/neighbours src/torch)
target_include_directories(mlip_torch_cuda SYSTEM PRIVATE "${torch_folder}/include")
target_compile_definitions(mlip_torch_cuda PRIVATE TORCH_TARGET_VERSION=0x020a000000000000)
# A function of the processor that is called on a GPU is only a warning otherwise, and does nothing.
target_compile_options(mlip_torch_cuda PRIVATE
  $<$<COMPILE_LANGUAGE:CUDA>:--Werror=cross-execution-space-call>)
# Products and sums are rounded one by one, as on the processor: at the cutoff both decide alike.
set_source_files_properties(src/neighbours_gpu/list.cu PROPERTIES COMPILE_OPTIONS --fmad=false)
target_link_libraries(mlip_torch_cuda PRIVATE mlip_core ${CMAKE_DL_LIBS})
target_link_options(mlip_torch_cuda PRIVATE
  -Wl,--no-as-needed "${torch_folder}/lib/libtorch_cpu.so" -Wl,--as-needed)
