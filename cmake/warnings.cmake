# Compiler settings shared by every target of this project.
add_library(daruma_settings INTERFACE)
target_include_directories(daruma_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(daruma_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  -Wformat=2 -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wduplicated-cond -Wlogical-op -Werror
  -fno-omit-frame-pointer)
target_compile_definitions(daruma_settings INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY SPDLOG_FMT_EXTERNAL)
target_link_libraries(daruma_settings INTERFACE Threads::Threads)

if(DARUMA_SANITIZE)
  # Applied to every target, not only to tests: a sanitizer that sees half of the code proves half.
  # Line numbers are all that a report needs of the debug information, and much quicker to write.
  add_compile_options(-fsanitize=${DARUMA_SANITIZE} -fno-sanitize-recover=all -O1 -g1)
  add_link_options(-fsanitize=${DARUMA_SANITIZE})
  # GCC's own headers trip these two under sanitizer instrumentation.
  add_compile_options(-Wno-maybe-uninitialized -Wno-null-dereference -Wno-tsan)
endif()
