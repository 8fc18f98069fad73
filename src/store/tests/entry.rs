use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::{again, entry, head, pattern};
use crate::store::{Budget, HeadBlock, Stamp};

#[test]
fn a_block_is_field_lines_as_on_the_wire() {
    let block = head(&[("content-type", "text/plain"), ("x-empty", ""), ("etag", "\"a: b\"")]);
    assert_eq!(
        block.as_bytes().as_ref(),
        b"content-type: text/plain\r\nx-empty: \r\netag: \"a: b\"\r\n".as_slice()
    );
    assert_eq!(block.len(), block.as_bytes().len());
    assert!(HeadBlock::default().is_empty());
}

#[test]
fn values_are_slices_of_the_block() {
    let block = head(&[("etag", "\"some validator that is long\"")]);
    let (_, value) = block.fields().next().unwrap();
    let block = block.as_bytes().as_ptr_range();
    assert!(block.contains(&value.as_bytes().as_ptr()));
}

#[test]
fn repeated_fields_keep_their_order() {
    let block = head(&[("link", "<a>"), ("via", "1.1 x"), ("link", "<b>"), ("link", "<a>")]);
    let map: HeaderMap = block.fields().collect();
    let links: Vec<_> = map.get_all("link").iter().collect();
    assert_eq!(links, ["<a>", "<b>", "<a>"]);
}

#[test]
fn a_freshened_entry_shares_the_body_and_its_count() {
    let budget = Budget::new(1 << 20);
    let old = entry(&budget, "a", 1, &pattern(50_000));
    let alone = budget.resident();
    let new = old.freshened(2, &old.head(), again(&old, Stamp(0)));
    assert!(budget.resident() < alone + 2000);
    assert_eq!(new.body().segments()[0].as_ptr(), old.body().segments()[0].as_ptr());
    drop(old);
    assert_eq!(budget.resident(), alone);
    assert_eq!(new.resident_bytes(), alone);
    drop(new);
    assert_eq!(budget.resident(), 0);
}

fn value() -> impl Strategy<Value = HeaderValue> {
    // All that a value may hold: visible characters, space, tab, and obs-text.
    let byte = prop_oneof![0x20u8..0x7f, Just(b'\t'), 0x80u8..=0xff, Just(b':'), Just(b' ')];
    prop::collection::vec(byte, 0..24).prop_map(|bytes| HeaderValue::from_bytes(&bytes).unwrap())
}

fn name() -> impl Strategy<Value = HeaderName> {
    "[a-z][a-z0-9!#$%&'*+.^_`|~-]{0,12}".prop_map(|name| name.parse().unwrap())
}

proptest! {
    #[test]
    fn what_goes_into_a_block_comes_out(fields in prop::collection::vec((name(), value()), 0..12)) {
        let block = HeadBlock::from_fields(fields.iter().map(|(name, value)| (name, value)));
        let back: Vec<_> = block.fields().collect();
        prop_assert_eq!(back, fields);
    }
}
