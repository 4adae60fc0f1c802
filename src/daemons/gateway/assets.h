// Assets: the page's files, the API's description and Swagger UI as bytes, plain and compressed.
// The values are written by cmake/WriteAssets.cmake while building.
#pragma once

#include <string_view>

namespace kpay::gateway::assets {

extern const std::string_view index_html, index_html_gz;
extern const std::string_view app_css, app_css_gz;
extern const std::string_view app_js, app_js_gz;
extern const std::string_view access_js, access_js_gz;
extern const std::string_view letters_js, letters_js_gz;
extern const std::string_view history_js, history_js_gz;
extern const std::string_view payments_js, payments_js_gz;
extern const std::string_view pipeline_js, pipeline_js_gz;
extern const std::string_view favicon_svg, favicon_svg_gz;
extern const std::string_view docs_html, docs_html_gz;
extern const std::string_view docs_css, docs_css_gz;
extern const std::string_view docs_js, docs_js_gz;
extern const std::string_view openapi_json, openapi_json_gz;
extern const std::string_view swagger_ui_css, swagger_ui_css_gz;
extern const std::string_view swagger_ui_bundle_js, swagger_ui_bundle_js_gz;
extern const std::string_view swagger_ui_bundle_js_LICENSE_txt, swagger_ui_bundle_js_LICENSE_txt_gz;

}  // namespace kpay::gateway::assets
