//! What a config that is right means.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::level::{Level, Profile};
use crate::route::{ClientDirectives, Route, Treatment};

fn only_route(config: &Config) -> &Route {
    assert_eq!(config.routes.iter().len(), 1);
    config.routes.iter().next().unwrap()
}

#[test]
fn the_least_config_has_every_default() {
    let loaded = loaded(LEAST);
    assert_eq!(loaded.warnings, []);
    let flags = Config::for_origin("http://x", None).unwrap();
    assert_eq!(format!("{:?}", loaded.config), format!("{flags:?}"));
    assert!(flags.admin.is_none() && flags.routes.iter().len() == 0);
}

#[test]
fn what_clients_may_take_is_said_in_the_table_of_the_server() {
    let server = loaded(
        "[server]\nmax_connections = 7\nmax_head = \"1 KiB\"\nmax_fields = 9\nmax_target = \"64 B\"\nhead_timeout = \"1s\"\n\
         idle_timeout = \"2s\"\nbody_timeout = \"3s\"\nmin_body_rate = \"5 B\"\nwrite_timeout = \"4s\"\n[origin]\nurl = \"http://x\"\n",
    )
    .config
    .server;
    assert_eq!((server.max_connections, server.max_fields), (7, 9));
    assert_eq!((server.max_head, server.max_target), (ByteSize(1024), ByteSize(64)));
    assert_eq!(server.min_body_rate, ByteSize(5));
    let waits = [server.head_timeout, server.idle_timeout, server.body_timeout, server.write_timeout];
    assert_eq!(waits, [1, 2, 3, 4].map(Duration::from_secs));
}

#[test]
fn every_key_of_the_tables_counts() {
    let config = loaded(
        "[server]\nlisten = [\"[::1]:0\", \"unix:/run/p.sock\"]\nworkers = 3\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n\
         cache_status = \"off\"\ndrain_timeout = \"0s\"\n[admin]\nlisten = \"[::1]:9\"\n\
         [origin]\nurl = \"https://API:443/\"\nconnect_timeout = \"1s\"\nresponse_timeout = \"2s\"\nbody_timeout = \"3s\"\n\
         idle_timeout = \"4s\"\ntotal_timeout = \"5s\"\nqueue_timeout = \"6s\"\nmax_fetches = 7\nmax_queue = 0\n\
         max_head = \"8 KiB\"\nmax_fields = 9\n[cache]\ncapacity = \"8 MiB\"\nprofile = \"rfc9111\"\nuncacheable_memory = \"1m\"\n\
         max_query_content = \"0 B\"\nmax_variants = 1\n[identity]\nuser = [\"cookie:u\"]\nsession = []\nignore_cookies = [\"x*\"]\n",
    )
    .config;
    let server = config.server;
    assert_eq!(
        server.listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["[::1]:0", "unix:/run/p.sock"]
    );
    assert_eq!(
        (server.workers, server.cache_status, server.drain_timeout),
        (3, CacheStatus::Off, Duration::ZERO)
    );
    assert_eq!(
        server.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.0.0.0/8", "::1/128"]
    );
    assert_eq!(config.admin.unwrap().listen.to_string(), "[::1]:9");
    let origin = config.origin;
    assert_eq!((origin.url.to_string().as_str(), origin.host), ("https://api", OriginHost::Origin));
    let waits = [origin.connect_timeout, origin.response_timeout, origin.body_timeout, origin.idle_timeout];
    assert_eq!(waits, [1, 2, 3, 4].map(Duration::from_secs));
    assert_eq!([origin.total_timeout, origin.queue_timeout], [5, 6].map(Duration::from_secs));
    assert_eq!((origin.max_fetches, origin.max_queue), (7, 0));
    assert_eq!((origin.max_head, origin.max_fields), (ByteSize(8 << 10), 9));
    let cache = config.cache;
    assert_eq!(
        (cache.capacity, cache.max_object),
        (ByteSize(8 << 20), ByteSize(8 << 20)),
        "never more than all"
    );
    assert_eq!(
        (cache.profile, cache.max_query_content, cache.max_variants),
        (Profile::Rfc9111, ByteSize(0), 1)
    );
    assert_eq!(cache.uncacheable_memory, Duration::from_mins(1));
    let identity = config.identity;
    assert_eq!((identity.user.len(), identity.session.len(), identity.ignore_cookies.len()), (1, 0, 1));
}

#[test]
fn every_key_of_a_route_counts() {
    let loaded = loaded(&with(
        "[[route]]\nname = \"p\"\npath = \"/p/{id}\"\nhost = \"*.Example.com\"\nmethods = [\"GET\", \"QUERY\"]\n\
         with_query = [\"b\", \"a\"]\nlevel = 2\nttl = \"1s\"\nmin_ttl = \"2s\"\nmax_ttl = \"3s\"\nnegative_ttl = \"4s\"\n\
         jitter = \"10%\"\nstale_while_revalidate = \"5s\"\nstale_if_error = \"6s\"\n\
         state = { query = [\"b\", \"a\"], headers = [\"X-B\", { name = \"x-a\", choose = [\"en\", \"fr\"] }] }\n\
         client_directives = \"honour\"\ndeclare = true\ntags = [\"p:{id}\"]\n",
    ));
    assert_eq!(loaded.warnings, []);
    let route = only_route(&loaded.config);
    assert_eq!((route.name.as_str(), route.treatment), ("p", Treatment::Declared(Level::Changing)));
    assert_eq!(route.matches.path.to_string(), "/p/{id}");
    assert_eq!(
        (route.matches.methods.len(), route.matches.with_query.as_slice()),
        (2, ["a", "b"].map(String::from).as_slice())
    );
    let lifetime = route.lifetime;
    let seconds = |number| Some(Duration::from_secs(number));
    assert_eq!(
        (Some(lifetime.ttl), lifetime.min_ttl, lifetime.max_ttl),
        (seconds(1), seconds(2), seconds(3))
    );
    assert_eq!((Some(lifetime.negative_ttl), lifetime.jitter.to_string()), (seconds(4), "0.1".to_owned()));
    assert_eq!((lifetime.stale_while_revalidate, lifetime.stale_if_error), (seconds(5), seconds(6)));
    assert_eq!(route.state.query, ["a", "b"]);
    assert_eq!(route.state.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["x-a", "x-b"]);
    assert_eq!(route.state.fields[0].choose, ["en", "fr"]);
    assert_eq!((route.client_directives, route.declare), (ClientDirectives::Honour, true));
    assert_eq!(route.tags.len(), 1);
}

#[test]
fn levels_have_names_and_numbers() {
    for level in Level::ALL {
        for written in [format!("\"{}\"", level.name()), level.number().to_string()] {
            let config = loaded(&with(&format!("[[route]]\npath = \"/\"\nlevel = {written}\n"))).config;
            assert_eq!(only_route(&config).treatment, Treatment::Declared(level));
        }
    }
    let config = loaded(&with("[[route]]\npath = \"/\"\nlevel = \"origin\"\n")).config;
    assert_eq!(only_route(&config).treatment, Treatment::Origin);
}

#[test]
fn a_route_without_a_name_gets_one_from_its_path() {
    for (path, name) in
        [("/", "root"), ("/a/{id}/b.txt", "a-id-b-txt"), ("/default", "default-route"), ("/a_b", "a_b")]
    {
        let config = loaded(&with(&format!("[[route]]\npath = \"{path}\"\n"))).config;
        assert_eq!(only_route(&config).name, name);
    }
}

#[test]
fn dotted_keys_and_inline_tables_are_tables_too() {
    let config =
        loaded("origin.url = \"http://x\"\ncache = { capacity = \"1 GiB\" }\nroute = [{ path = \"/\" }]\n")
            .config;
    assert_eq!((config.cache.capacity, config.routes.iter().len()), (ByteSize(1 << 30), 1));
}

const FILES: [&str; 4] = [
    include_str!("../../../config/plimsoll.toml"),
    include_str!("../../../config/reference.toml"),
    include_str!("../../../config/rfc9111.toml"),
    include_str!("../../../config/load-test.toml"),
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        let _ = Config::parse("p", &text).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_text_that_looks_like_toml_makes_it_panic(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "[", "]", "[[route]]\n", "[cache]\n", "[origin]\n", "url", "path", "ttl", "level", "state", "headers",
                " = ", "\"", "'", "\"/{id}\"", "\"30s\"", "1", "-1.5", "{", "}", ",", "\n", "\r\n", "\t", "#", ".", "é",
                "\\u00e9", "\"\"\"", "true", "name", "choose", "query", "2020-01-01", "inf", "nan", "\u{feff}", "\0",
            ]),
            0..40,
        )
    ) {
        let _ = Config::parse("p", &parts.concat()).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_change_to_a_good_file_makes_it_panic(
        file in 0..FILES.len(), start: usize, length in 0..40usize, put in "(?s).{0,6}",
    ) {
        let mut text: Vec<char> = FILES[file].chars().collect();
        let start = start % text.len();
        let end = (start + length).min(text.len());
        text.splice(start..end, put.chars());
        let text: String = text.into_iter().collect();
        for text in [text.replace("\n#", "\n"), text.replace('\n', "\r\n"), text] {
            let _ = Config::parse("p", &text).map_err(|errors| errors.to_string());
        }
    }
}
