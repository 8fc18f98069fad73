//! A head for the strict front: shared by the benches that time its scan and that count its instructions.

use plimsoll::wire::Limits;

/// As a browser asks an API, with twelve fields.
pub(crate) const REQUEST: &[u8] = b"GET /product/1234?language=french&utm_source=newsletter HTTP/1.1\r\n\
    Host: api.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Accept-Language: fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://shop.example.com/products\r\n\
    Origin: https://shop.example.com\r\n\
    Connection: keep-alive\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Site: same-site\r\n\
    If-None-Match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\n\r\n";

pub(crate) const LIMITS: Limits = Limits { head: 64 * 1024, fields: 100, target: 8 * 1024 };
