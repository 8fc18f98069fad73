//! How a connection to the origin is made.

use std::{io, time::Duration};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::timeout;
use tower_service::Service as _;

use super::{Settings, UpstreamError, line::Line, pool::Connection};
use crate::{key::Scheme, wire::Limits};

/// Makes connections to one origin.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector>,
    origin: Uri,
    longest: Duration,
    limits: Limits,
}

impl Connector {
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        Self::over(trusted(settings.scheme)?, settings)
    }

    fn over(
        tls: HttpsConnectorBuilder<builderstates::WantsSchemes>,
        settings: &Settings,
    ) -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let https = tls.https_or_http().enable_http1().wrap_connector(http);
        let origin = Uri::builder()
            .scheme(settings.scheme.as_str())
            .authority(settings.authority.clone())
            .path_and_query("/")
            .build()
            .map_err(io::Error::other)?;
        let limits = Limits { head: settings.max_head, fields: settings.max_fields, target: 0 };
        Ok(Self { https, origin, longest: settings.connect_timeout, limits })
    }

    /// A new connection, TLS included.
    pub(super) async fn connect(&self) -> Result<Connection, UpstreamError> {
        let mut https = self.https.clone();
        let connecting = async {
            std::future::poll_fn(|cx| https.poll_ready(cx)).await?;
            https.call(self.origin.clone()).await
        };
        let stream = timeout(self.longest, connecting).await.map_err(|_| UpstreamError::Timeout)?;
        let stream = stream.map_err(UpstreamError::Connect)?;
        Ok(Box::new(Line::new(stream, self.limits)))
    }
}

/// The system's trust store, read only where it is needed.
fn trusted(scheme: Scheme) -> io::Result<HttpsConnectorBuilder<builderstates::WantsSchemes>> {
    let tls = HttpsConnectorBuilder::new();
    match scheme {
        Scheme::Https => tls.with_native_roots(),
        Scheme::Http => {
            let provider = rustls::crypto::ring::default_provider();
            let config = rustls::ClientConfig::builder_with_provider(provider.into())
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            Ok(tls.with_tls_config(config))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handshake_that_never_ends_takes_no_longer_than_connecting_may() {
        // The system accepts for it, and nobody ever answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = Settings {
            scheme: Scheme::Https,
            authority: silent.local_addr().unwrap().to_string().parse().unwrap(),
            connect_timeout: Duration::from_millis(50),
            response_timeout: Duration::from_secs(3600),
            body_timeout: Duration::from_secs(3600),
            total_timeout: Duration::from_secs(3600),
            idle_timeout: Duration::from_secs(3600),
            max_fetches: 1,
            max_queue: 1,
            queue_timeout: Duration::from_secs(3600),
            max_head: 1 << 16,
            max_fields: 100,
        };
        let trusts_nobody = trusted(Scheme::Http).unwrap();
        let connector = Connector::over(trusts_nobody, &settings).unwrap();
        assert!(matches!(connector.connect().await, Err(UpstreamError::Timeout)));
    }
}
