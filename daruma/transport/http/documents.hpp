#pragma once

#include <string>

namespace daruma::http {

/// /openapi.json, from the route table. Any thread.
std::string openapi_document();
/// /docs: the same as a page, complete in itself. Any thread.
std::string docs_page();

}  // namespace daruma::http
