// Assets: the page's files and the API's description as bytes, plain and compressed. The values are
// written by cmake/WriteAssets.cmake while building.
#pragma once

#include <string_view>

namespace kpay::gateway::assets {

extern const std::string_view index_html, index_html_gz;
extern const std::string_view app_css, app_css_gz;
extern const std::string_view app_js, app_js_gz;
extern const std::string_view access_js, access_js_gz;
extern const std::string_view history_js, history_js_gz;
extern const std::string_view favicon_svg, favicon_svg_gz;
extern const std::string_view openapi_json, openapi_json_gz;

}  // namespace kpay::gateway::assets
