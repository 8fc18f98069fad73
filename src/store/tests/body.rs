use std::{io, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;

use super::{entry, pattern};
use crate::store::{Budget, SEGMENT, SegmentWriter, StoredBody, allocation};

fn joined(chunks: impl Iterator<Item = io::Result<Bytes>>) -> Vec<u8> {
    chunks.flat_map(|chunk| Vec::from(chunk.unwrap())).collect()
}

#[test]
fn a_small_body_of_one_frame_is_one_exact_segment() {
    let budget = Budget::new(1 << 20);
    let mut writer = SegmentWriter::new(&budget, None);
    writer.push(&pattern(200));
    let body = writer.finish();
    assert_eq!(body.segments().len(), 1);
    assert_eq!(body.segments()[0], pattern(200));
    assert_eq!((body.counted_bytes(), budget.resident()), (0, 0), "its entry counts it");
}

#[test]
fn a_body_is_counted_by_itself_or_by_its_entry_and_never_by_both() {
    let budget = Budget::new(1 << 20);
    for len in [0, 1, 4096, 4097, SEGMENT, SEGMENT + 1] {
        let body = StoredBody::copy_of(&budget, &pattern(len));
        assert_eq!(body.counted_bytes(), budget.resident(), "{len}");
        assert_eq!(body.counted_bytes() >= len as u64, body.small().is_none() || len == 0, "{len}");
        let entry = entry(&budget, "a", 1, &pattern(len));
        assert!(entry.resident_bytes() >= len as u64, "{len}");
        drop(body);
        assert_eq!(entry.resident_bytes(), budget.resident(), "{len}");
    }
}

#[test]
fn a_large_body_has_full_segments_and_an_exact_tail() {
    let budget = Budget::new(1 << 20);
    let bytes = pattern(3 * SEGMENT + 1000);
    let mut writer = SegmentWriter::new(&budget, None);
    bytes.chunks(16 * 1024 + 7).for_each(|frame| writer.push(frame));
    let body = writer.finish();
    let lengths: Vec<_> = body.segments().iter().map(Bytes::len).collect();
    assert_eq!(lengths, [SEGMENT, SEGMENT, SEGMENT, 1000]);
    assert_eq!(joined(body.chunks(0..u64::MAX)), bytes);
    assert_eq!(body.len(), bytes.len() as u64);
}

#[test]
fn a_stored_body_does_not_keep_the_callers_buffer() {
    let budget = Budget::new(1 << 20);
    let buffer = Bytes::from(pattern(8192));
    let mut writer = SegmentWriter::new(&budget, None);
    writer.push(&buffer.slice(100..300));
    let body = writer.finish();
    assert!(buffer.is_unique());
    assert_eq!(joined(body.chunks(0..1000)), pattern(8192)[100..300]);
}

#[test]
fn small_chunks_cost_no_more_than_their_segments() {
    let budget = Budget::new(8 << 20);
    let bytes = pattern(1 << 20);
    let mut writer = SegmentWriter::new(&budget, None);
    let mut most = 0;
    for chunk in bytes.chunks(100) {
        writer.push(chunk);
        most = most.max(budget.resident());
    }
    assert!(most < (1 << 20) + 3 * allocation(SEGMENT), "{most}");
    let body = writer.finish();
    assert!(budget.resident() < (1 << 20) + 4096, "{}", budget.resident());
    assert_eq!(joined(body.chunks(0..u64::MAX)), bytes);
}

#[test]
fn an_eager_reader_of_small_chunks_makes_few_pieces() {
    let budget = Budget::new(8 << 20);
    let bytes = pattern(SEGMENT - 1);
    let mut writer = SegmentWriter::new(&budget, None);
    let mut read = Vec::new();
    let mut distinct = Vec::new();
    for chunk in bytes.chunks(10) {
        writer.push(chunk);
        while let Some(chunk) = writer.chunk_at(read.len() as u64) {
            read.extend_from_slice(&chunk);
            distinct.push(chunk);
        }
    }
    assert_eq!(read, bytes);
    // All kept, they would be as large as what they say; what the writer holds is bounded by the doubling.
    assert!(budget.resident() < 3 * allocation(SEGMENT), "{}", budget.resident());
}

#[test]
fn memory_stays_counted_until_the_last_reader_is_gone() {
    let budget = Budget::new(1 << 20);
    let body = StoredBody::copy_of(&budget, &pattern(100_000));
    let shared = body.clone();
    let counted = budget.resident();
    let chunks = body.chunks(0..10);
    drop((body, shared));
    assert_eq!(budget.resident(), counted);
    drop(chunks);
    assert_eq!(budget.resident(), 0);
}

#[test]
fn a_budget_is_over_above_a_tenth_more_than_its_capacity() {
    let budget = Budget::new(1000);
    let mut charge = budget.charge(1100);
    assert!(!budget.is_over());
    charge.set(1101);
    assert!(budget.is_over());
    drop(charge);
    assert_eq!(budget.resident(), 0);
}

#[test]
fn an_empty_body_has_no_chunks() {
    let budget: Arc<Budget> = Budget::new(1000);
    let body = StoredBody::empty(&budget);
    assert!(body.is_empty());
    assert_eq!(body.chunks(0..u64::MAX).count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ranges_are_those_of_the_plain_bytes(
        frames in prop::collection::vec(1usize..40_000, 1..12),
        expected in prop::option::of(0u64..300_000),
        start in 0u64..300_000,
        len in 0u64..300_000,
        eager in any::<bool>(),
    ) {
        let budget = Budget::new(1 << 30);
        let bytes = pattern(frames.iter().sum());
        let mut writer = SegmentWriter::new(&budget, expected);
        let (mut at, mut read) = (0, Vec::new());
        for frame in frames {
            writer.push(&bytes[at..at + frame]);
            at += frame;
            while eager && let Some(chunk) = writer.chunk_at(read.len() as u64) {
                read.extend_from_slice(&chunk);
            }
        }
        prop_assert!(!eager || read == bytes);
        let body = writer.finish();
        prop_assert_eq!(joined(body.chunks(0..u64::MAX)), bytes.clone());
        let clip = |at: u64| usize::try_from(at).unwrap().min(bytes.len());
        prop_assert_eq!(joined(body.chunks(start..start + len)), &bytes[clip(start)..clip(start + len)]);
        prop_assert!(body.segments().iter().rev().skip(1).all(|segment| segment.len() == SEGMENT));
        drop(body);
        prop_assert_eq!(budget.resident(), 0);
    }
}
