use std::task::Poll;

use proptest::prelude::*;

use super::{pattern, poll_once, read_whole};
use crate::store::{Budget, Fill, WHOLE};

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Poll(usize),
    Follow(u64, u64),
    Leave(usize),
    Outgrow,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop_oneof![1usize..300, 3_000usize..70_000].prop_map(Step::Push),
        8 => (0usize..8).prop_map(Step::Poll),
        2 => (0u64..150_000, prop_oneof![Just(u64::MAX / 2), 0u64..150_000]).prop_map(|(at, len)| Step::Follow(at, len)),
        1 => (0usize..8).prop_map(Step::Leave),
        1 => Just(Step::Outgrow),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_follower_reads_its_range_or_hears_an_error(
        steps in prop::collection::vec(step(), 1..60),
        expected in prop::option::of(0u64..200_000),
        whole in any::<bool>(),
    ) {
        let budget = Budget::new(1 << 30);
        let (mut writer, leader) = Fill::start(&budget, expected, WHOLE);
        // Each follower, the range it wants, and what it has read.
        let mut followers = vec![(leader, WHOLE, Vec::new(), true)];
        let (source, mut sent, mut outgrown) = (pattern(1 << 20), 0, false);
        for step in steps {
            match step {
                Step::Push(len) => {
                    let len = len.min(source.len() - sent);
                    writer.push(&source[sent..sent + len]);
                    sent += len;
                }
                Step::Poll(index) => {
                    let count = followers.len();
                    if let Some((follower, _, read, _)) = followers.get_mut(index % count.max(1))
                        && let Poll::Ready(Some(Ok(chunk))) = poll_once(follower)
                    {
                        prop_assert!(!chunk.is_empty());
                        read.extend_from_slice(&chunk);
                    }
                }
                Step::Follow(at, len) => {
                    let follower = writer.fill().follow(at..at + len);
                    prop_assert_eq!(follower.is_none(), outgrown);
                    followers.extend(follower.map(|follower| (follower, at..at + len, Vec::new(), false)));
                }
                Step::Leave(index) if index < followers.len() => {
                    followers.swap_remove(index);
                }
                Step::Leave(_) => {}
                Step::Outgrow => {
                    writer.outgrow();
                    outgrown = true;
                }
            }
            prop_assert_eq!(writer.bytes_so_far(), sent as u64);
        }
        if whole {
            prop_assert_eq!(writer.finish().map(|body| body.len()), (!outgrown).then_some(sent as u64));
        } else {
            writer.abort("as the test wants it");
        }
        for (mut follower, range, mut read, leader) in followers {
            let (rest, end) = read_whole(&mut follower);
            read.extend(rest);
            let clip = |at: u64| usize::try_from(at).unwrap().min(sent);
            let wanted = &source[clip(range.start)..clip(range.end)];
            let satisfied = read.len() as u64 == range.end - range.start;
            prop_assert_eq!(&read[..], &wanted[..read.len()]);
            prop_assert_eq!(end.is_ok(), satisfied || whole && (leader || !outgrown));
            prop_assert!(end.is_err() || read == wanted);
        }
        prop_assert_eq!(budget.resident(), 0);
    }
}
