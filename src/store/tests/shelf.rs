use std::{
    io::{Read as _, Write as _},
    ops::Range,
    os::unix::{fs::MetadataExt as _, net::UnixStream},
    sync::Arc,
};

use super::{again, entry, key, pattern};
use crate::store::{
    Budget, Entry, EntryParts, SEGMENT, Stamp, StoredBody,
    memory_file::largest_page,
    shelf::{OFTEN, Shelf, Shelving},
};

/// These bytes as a body on the shelf.
fn shelved(shelf: &Shelf, budget: &Arc<Budget>, bytes: &[u8]) -> StoredBody {
    let body = StoredBody::copy_of(budget, bytes);
    let mut shelving = Shelving::of(&body, shelf, budget).expect("there is room for it");
    while !shelving.step().unwrap() {}
    shelving.finish()
}

fn read(body: &StoredBody, range: Range<u64>) -> Vec<u8> {
    body.chunks(range).flat_map(|chunk| chunk.unwrap().to_vec()).collect()
}

#[test]
fn a_large_body_is_the_same_on_the_shelf_whole_and_in_parts() {
    let (shelf, budget) = (Shelf::default(), Budget::new(1 << 30));
    for len in [SEGMENT, SEGMENT + 1, 8 * SEGMENT, 20 * SEGMENT + 777] {
        let bytes = pattern(len);
        let body = shelved(&shelf, &budget, &bytes);
        assert_eq!(body.len(), len as u64);
        for (start, end) in [(0, len), (1, len - 1), (SEGMENT - 1, SEGMENT + 1), (len - 1, len), (5, 5)] {
            let expected = bytes.get(start..end.min(len)).unwrap();
            assert_eq!(read(&body, start as u64..end as u64), expected, "{len}: {start} to {end}");
        }
        assert!(body.chunks(0..u64::MAX).all(|chunk| chunk.unwrap().len() <= SEGMENT));
    }
}

#[test]
fn what_is_not_large_stays_where_it_is() {
    let (shelf, budget) = (Shelf::default(), Budget::new(1 << 20));
    let body = StoredBody::copy_of(&budget, &pattern(SEGMENT - 1));
    assert!(Shelving::of(&body, &shelf, &budget).is_none());
    let body = shelved(&shelf, &budget, &pattern(SEGMENT));
    assert!(Shelving::of(&body, &shelf, &budget).is_none(), "it is there already");
}

#[test]
fn a_copy_that_would_not_fit_is_not_made() {
    let (shelf, budget) = (Shelf::default(), Budget::new(3 * SEGMENT as u64));
    let body = StoredBody::copy_of(&budget, &pattern(2 * SEGMENT));
    assert!(Shelving::of(&body, &shelf, &budget).is_none());
    assert_eq!(budget.resident(), body.counted_bytes());
}

#[test]
fn it_is_counted_and_its_memory_is_given_back_when_the_last_of_it_is_dropped() {
    let (shelf, budget) = (Shelf::default(), Budget::new(1 << 20));
    let body = shelved(&shelf, &budget, &pattern(2 * SEGMENT + 1));
    let blocks =
        |body: &StoredBody| body.chunks(0..1).in_file().unwrap().0.metadata().unwrap().blocks() * 512;
    let counted = body.counted_bytes();
    assert_eq!(counted, budget.resident());
    assert!(counted > blocks(&body) && counted < blocks(&body) + 512, "{counted}");

    let other = shelved(&shelf, &budget, &pattern(SEGMENT));
    let chunks = body.chunks(0..10);
    drop(body);
    assert_eq!(budget.resident(), counted + other.counted_bytes());
    drop(chunks);
    assert_eq!(budget.resident(), other.counted_bytes());
    assert_eq!(blocks(&other), SEGMENT as u64);
}

#[test]
fn what_is_given_up_half_way_leaves_nothing_behind() {
    let (shelf, budget) = (Shelf::default(), Budget::new(1 << 30));
    let body = StoredBody::copy_of(&budget, &pattern(20 * SEGMENT));
    let mut shelving = Shelving::of(&body, &shelf, &budget).unwrap();
    assert!(!shelving.step().unwrap());
    drop(shelving);
    assert_eq!(budget.resident(), body.counted_bytes());
    let other = shelved(&shelf, &budget, &pattern(SEGMENT));
    let file = other.chunks(0..1);
    assert_eq!(file.in_file().unwrap().0.metadata().unwrap().blocks() * 512, SEGMENT as u64);
}

#[test]
fn a_validation_shares_it() {
    let (shelf, budget) = (Shelf::default(), Budget::new(1 << 20));
    let small = entry(&budget, "a", 1, b"");
    let body = shelved(&shelf, &budget, &pattern(SEGMENT));
    let before = budget.resident();
    let parts =
        EntryParts { key: key("b"), meta: 1_u32, head: small.head(), body, stamped: again(&small, Stamp(0)) };
    let one = Entry::new(&budget, parts);
    let fresh = one.freshened(2, &one.head(), again(&one, Stamp(0)));
    assert!(budget.resident() < before + 2000);
    assert_eq!(read(&fresh.body(), 0..u64::MAX), pattern(SEGMENT));
    let place = |body: &StoredBody| body.chunks(0..1).in_file().unwrap().1;
    assert_eq!(place(&fresh.body()), place(&one.body()));
}

#[test]
fn a_large_body_is_wanted_there_once_it_was_a_hit_often() {
    let budget = Budget::new(1 << 20);
    let body = StoredBody::copy_of(&budget, &pattern(SEGMENT));
    let hits = |body: &StoredBody| (0..100).filter(|_| body.count_hit()).count();
    assert!(!(1..OFTEN).any(|_| body.count_hit()));
    assert!(body.clone().count_hit(), "all clones are one");
    assert_eq!(hits(&body), 0, "once is enough");
    body.count_anew();
    assert_eq!(hits(&body), 1);
    assert_eq!(hits(&StoredBody::copy_of(&budget, &pattern(SEGMENT - 1))), 0);
    assert_eq!(hits(&shelved(&Shelf::default(), &budget, &pattern(SEGMENT))), 0, "it is there");
}

/// Of a page that is partly another's, the system overwrites a part with zeros where it would give back the whole.
#[test]
fn no_two_bodies_share_a_page_however_large_pages_are() {
    let (shelf, budget) = (Shelf::default(), Budget::new(1 << 30));
    let bodies = [1, 40, 3].map(|segments| shelved(&shelf, &budget, &pattern(segments * SEGMENT)));
    let mut free_from = 0;
    for body in &bodies {
        let at = body.chunks(0..1).in_file().unwrap().1;
        assert_eq!(at % largest_page(), 0);
        assert!(at >= free_from);
        free_from = at + body.len();
    }
}

/// A cache that gave the place of an evicted body to another would send the other's bytes to who still reads the first.
#[test]
fn what_is_on_its_way_to_a_client_stays_what_it_was_whatever_takes_its_place() {
    let (shelf, budget) = (Shelf::default(), Budget::new(1 << 30));
    let ours = vec![b'a'; SEGMENT];
    let body = shelved(&shelf, &budget, &ours);
    let (mut client, server) = UnixStream::pair().unwrap();
    let sent = {
        let chunks = body.chunks(0..u64::MAX);
        let (file, mut at) = chunks.in_file().unwrap();
        rustix::fs::sendfile(&server, file, Some(&mut at), SEGMENT).unwrap()
    };
    drop(body);
    let others: Vec<_> = (0..32).map(|_| shelved(&shelf, &budget, &vec![b'b'; SEGMENT])).collect();
    (&server).write_all(b"end").unwrap();
    drop(server);
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received, [&ours[..sent], b"end"].concat());
    assert!(others.iter().all(|other| read(other, 0..u64::MAX) == vec![b'b'; SEGMENT]));
}
