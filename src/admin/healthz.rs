//! `GET /healthz`: whether the process is alive.

/// Whether the process is alive
///
/// It is, if it says so. Whether it can do its work is for /readyz.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "alive",
    responses((status = OK, description = "It is alive", body = str, content_type = "text/plain; charset=utf-8")),
    security(()),
)]
pub(super) async fn healthz() -> &'static str {
    "alive\n"
}
