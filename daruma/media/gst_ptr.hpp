#pragma once

#include <memory>

#include <gst/gst.h>
#include <gst/sdp/sdp.h>

namespace daruma::media {

/// Owners of one reference each.
struct GObjectUnref {
  template <class T>
  void operator()(T* object) const {
    g_object_unref(object);
  }
};
template <class T>
using GObjectPtr = std::unique_ptr<T, GObjectUnref>;

struct GstUnref {
  template <class T>
  void operator()(T* object) const {
    gst_object_unref(object);
  }
};
template <class T>
using GstPtr = std::unique_ptr<T, GstUnref>;

struct SdpFree {
  void operator()(GstSDPMessage* message) const { gst_sdp_message_free(message); }
};
using SdpPtr = std::unique_ptr<GstSDPMessage, SdpFree>;

struct PromiseUnref {
  void operator()(GstPromise* promise) const { gst_promise_unref(promise); }
};
using PromisePtr = std::unique_ptr<GstPromise, PromiseUnref>;

struct GErrorFree {
  void operator()(GError* error) const { g_error_free(error); }
};
using GErrorPtr = std::unique_ptr<GError, GErrorFree>;

}  // namespace daruma::media
