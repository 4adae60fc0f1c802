#include "daemons/gateway/page.h"

#include "base/hash.h"
#include "daemons/gateway/assets.h"

namespace kpay::gateway {

namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::string_view kTrustedTypes = "; require-trusted-types-for 'script'";

const std::vector<Asset>& page_assets() {
  static const std::vector<Asset> assets{
      {"/", "text/html; charset=utf-8", assets::index_html, assets::index_html_gz},
      {"/app.css", "text/css; charset=utf-8", assets::app_css, assets::app_css_gz},
      {"/app.js", "text/javascript; charset=utf-8", assets::app_js, assets::app_js_gz},
      {"/access.js", "text/javascript; charset=utf-8", assets::access_js, assets::access_js_gz},
      {"/letters.js", "text/javascript; charset=utf-8", assets::letters_js, assets::letters_js_gz},
      {"/payments.js", "text/javascript; charset=utf-8", assets::payments_js,
       assets::payments_js_gz},
      {"/pipeline.js", "text/javascript; charset=utf-8", assets::pipeline_js,
       assets::pipeline_js_gz},
      {"/history.js", "text/javascript; charset=utf-8", assets::history_js, assets::history_js_gz},
      {"/favicon.svg", "image/svg+xml", assets::favicon_svg, assets::favicon_svg_gz},
      {"/docs", "text/html; charset=utf-8", assets::docs_html, assets::docs_html_gz, false},
      {"/docs.css", "text/css; charset=utf-8", assets::docs_css, assets::docs_css_gz},
      {"/docs.js", "text/javascript; charset=utf-8", assets::docs_js, assets::docs_js_gz},
      {"/swagger-ui.css", "text/css; charset=utf-8", assets::swagger_ui_css,
       assets::swagger_ui_css_gz},
      {"/swagger-ui-bundle.js", "text/javascript; charset=utf-8", assets::swagger_ui_bundle_js,
       assets::swagger_ui_bundle_js_gz},
      {"/swagger-ui-bundle.js.LICENSE.txt", "text/plain; charset=utf-8",
       assets::swagger_ui_bundle_js_LICENSE_txt, assets::swagger_ui_bundle_js_LICENSE_txt_gz},
  };
  return assets;
}

}  // namespace

const Asset& openapi_asset() {
  static const Asset asset{"/api/v1/openapi.json", "application/json", assets::openapi_json,
                           assets::openapi_json_gz};
  return asset;
}

http::Response serve_asset(const http::Request& request, const Asset& asset) {
  const bool zipped =
      http::Request::get(request.headers, "accept-encoding").find("gzip") != std::string_view::npos;
  const std::string tag =
      "\"" + to_string(hash128(as_bytes(asset.plain))).substr(0, 16) + (zipped ? "-gz\"" : "\"");
  http::Response response{.content_type = std::string(asset.content_type)};
  response.headers = {{"ETag", tag},
                      {"Cache-Control", "no-cache"},
                      {"Vary", "Accept-Encoding"},
                      {"Content-Security-Policy",
                       std::string(kPolicy).append(asset.trusted_types ? kTrustedTypes : "")},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (http::Request::get(request.headers, "if-none-match") == tag) {
    response.status = 304;
    return response;
  }
  if (zipped) {
    response.headers.emplace_back("Content-Encoding", "gzip");
  }
  response.body = zipped ? asset.gzip : asset.plain;
  return response;
}

void add_page(http::Router& router) {
  for (const Asset& asset : page_assets()) {
    router.add("GET", std::string(asset.path),
               [&asset](const http::Request& request) { return serve_asset(request, asset); });
  }
}

}  // namespace kpay::gateway
