//! The files in `config/`, and the one list of the keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::*;
use schema::{KEYS, Key, heading};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn load(name: &str) -> Loaded {
    Config::load(&file(name)).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The reference with everything in it that is commented out.
fn whole_reference() -> String {
    let text = std::fs::read_to_string(file("reference.toml")).unwrap();
    text.lines()
        .map(|line| if line.starts_with("# ") { "" } else { line.strip_prefix('#').unwrap_or(line) })
        .fold(String::new(), |text, line| text + line + "\n")
}

/// Every key of a document, dotted, with its value in one way of writing.
fn all_keys(text: &str) -> BTreeMap<String, String> {
    fn plain(value: &DeValue<'_>) -> String {
        match value {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Array(members) => {
                format!("[{}]", members.iter().map(|m| plain(m.get_ref())).collect::<Vec<_>>().join(", "))
            }
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Datetime(_) | DeValue::Table(_) => String::new(),
        }
    }
    fn walk(table: &DeTable<'_>, path: &str, keys: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            let path =
                if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
            keys.insert(path.clone(), plain(value.get_ref()));
            match value.get_ref() {
                DeValue::Table(table) => walk(table, &path, keys),
                DeValue::Array(members) => {
                    members
                        .iter()
                        .filter_map(|m| m.get_ref().as_table())
                        .for_each(|table| walk(table, &path, keys));
                }
                _ => {}
            }
        }
    }
    let mut keys = BTreeMap::new();
    walk(DeTable::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}")).get_ref(), "", &mut keys);
    keys
}

fn dotted(key: &Key) -> String {
    format!("{}.{}", key.section, key.name)
}

#[test]
fn the_files_that_come_along_are_right_and_without_a_warning() {
    for name in ["plimsoll.toml", "reference.toml", "rfc9111.toml", "load-test.toml"] {
        assert_eq!(load(name).warnings, [], "{name}");
    }
}

#[test]
fn the_reference_is_the_default() {
    let flags = Config::for_origin("http://127.0.0.1:3000", None).unwrap();
    assert_eq!(format!("{:?}", load("reference.toml").config), format!("{flags:?}"));
}

#[test]
fn the_reference_names_exactly_the_keys_that_there_are() {
    let mut written = all_keys(&whole_reference());
    written.retain(|key, _| key.contains('.'));
    let mut known: Vec<String> = KEYS.iter().map(dotted).collect();
    known.sort();
    assert_eq!(written.into_keys().collect::<Vec<_>>(), known);
}

#[test]
fn the_reference_has_the_default_and_the_line_of_each_key() {
    let written = all_keys(&whole_reference());
    let text = std::fs::read_to_string(file("reference.toml")).unwrap();
    for key in &KEYS {
        if let Some(default) = key.default {
            assert_eq!(written[&dotted(key)], all_keys(&format!("k = {default}"))["k"], "{}", dotted(key));
        }
        assert!(
            text.lines().any(|line| line.strip_prefix("# ") == Some(key.doc)),
            "{}: {}",
            dotted(key),
            key.doc
        );
    }
}

#[test]
fn the_defaults_of_the_list_are_those_of_the_code() {
    let mut text = String::new();
    for section in ["server", "admin", "origin", "cache", "identity", "route"] {
        text += &(heading(section) + "\n");
        text += match section {
            "origin" => "url = \"http://x\"\n",
            "route" => "path = \"/a\"\nstate = { query = [], headers = [] }\n",
            _ => "",
        };
        for key in KEYS.iter().filter(|key| key.section == section) {
            text += &key.default.map_or_else(String::new, |default| format!("{} = {default}\n", key.name));
        }
    }
    let bare = loaded(&with("[admin]\n[[route]]\npath = \"/a\"\n"));
    assert_eq!(format!("{:?}", loaded(&text).config), format!("{:?}", bare.config));
}

#[test]
fn the_whole_reference_is_right() {
    // A token is in the config or in a file.
    let loaded = loaded(&whole_reference().replace("token_file =", "#"));
    assert_eq!((loaded.config.routes.iter().len(), loaded.config.admin.is_some()), (1, true));
}

#[test]
fn the_sample_origin_has_a_route_for_each_of_its_systems() {
    let routes = load("plimsoll.toml").config.routes;
    let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
    for name in
        ["warehouse", "product", "product-text", "picture", "publicity", "my-cart", "cart", "random", "load"]
    {
        assert!(names.contains(&name), "{name}");
    }
}
