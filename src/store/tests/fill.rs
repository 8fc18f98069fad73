use std::{
    panic,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use super::{block_on, pattern, poll_once, read_whole};
use crate::store::{Budget, Fill, FillError, FillWriter, LeaderGone, SEGMENT, WHOLE, allocation};

fn start() -> (Arc<Budget>, FillWriter, crate::store::Follower) {
    let budget = Budget::new(64 << 20);
    let (writer, leader) = Fill::start(&budget, None, WHOLE);
    (budget, writer, leader)
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_thousand_followers_read_everything_while_it_arrives() {
    let (budget, mut writer, leader) = start();
    let bytes = pattern(1 << 20);
    let fill = Arc::clone(writer.fill());
    let mut followers = vec![leader];
    followers.extend((1..1000).map(|_| fill.follow(WHOLE).unwrap()));
    assert_eq!(fill.follower_count(), 1000);
    thread::scope(|scope| {
        while !followers.is_empty() {
            let group = followers.split_off(followers.len().saturating_sub(125));
            scope.spawn(|| read_in_turns(group, &bytes));
        }
        bytes.chunks(4096).for_each(|frame| writer.push(frame));
        assert!(writer.finish().is_some());
    });
    assert_eq!(fill.follower_count(), 0);
    drop(fill);
    assert_eq!(budget.resident(), 0);
}

/// Polls each of `group` until all have ended, and compares what each one read.
fn read_in_turns(mut group: Vec<crate::store::Follower>, bytes: &[u8]) {
    let mut read = vec![0; group.len()];
    let mut ended = vec![false; group.len()];
    while !ended.iter().all(|ended| *ended) {
        block_on(|context| {
            let mut progress = false;
            for (index, follower) in group.iter_mut().enumerate() {
                if ended[index] {
                    continue;
                }
                match follower.poll_next(context) {
                    Poll::Ready(Some(Ok(chunk))) => {
                        assert_eq!(chunk, bytes[read[index]..read[index] + chunk.len()]);
                        read[index] += chunk.len();
                    }
                    Poll::Ready(Some(Err(error))) => panic!("{error}"),
                    Poll::Ready(None) => ended[index] = true,
                    Poll::Pending => continue,
                }
                progress = true;
            }
            if progress { Poll::Ready(()) } else { Poll::Pending }
        });
    }
    assert!(read.iter().all(|read| *read == bytes.len()));
}

#[test]
fn a_late_follower_catches_up() {
    let (_, mut writer, mut leader) = start();
    let bytes = pattern(200_000);
    writer.push(&bytes[..150_000]);
    let fill = Arc::clone(writer.fill());
    let mut during = fill.follow(WHOLE).unwrap();
    writer.push(&bytes[150_000..]);
    writer.finish();
    let mut after = fill.follow(WHOLE).unwrap();
    for follower in [&mut leader, &mut during, &mut after] {
        assert_eq!(read_whole(follower), (bytes.clone(), Ok(())));
    }
}

#[test]
fn bytes_are_visible_as_soon_as_they_arrive() {
    let (_, mut writer, mut leader) = start();
    assert!(poll_once(&mut leader).is_pending());
    for byte in 0..200 {
        writer.push(&[byte]);
        let Poll::Ready(Some(Ok(chunk))) = poll_once(&mut leader) else { panic!("nothing to read") };
        assert_eq!(chunk.as_ref(), [byte]);
        assert!(poll_once(&mut leader).is_pending());
    }
    assert_eq!(writer.bytes_so_far(), 200);
}

#[test]
fn a_range_is_read_while_it_arrives() {
    let budget = Budget::new(1 << 20);
    let (mut writer, mut leader) = Fill::start(&budget, Some(200_000), 70_000..140_000);
    let bytes = pattern(200_000);
    let mut beyond = writer.fill().follow(199_990..500_000).unwrap();
    let mut nothing = writer.fill().follow(300_000..500_000).unwrap();
    for frame in bytes.chunks(30_000) {
        writer.push(frame);
    }
    // The range is complete although the fill is not.
    assert_eq!(read_whole(&mut leader), (bytes[70_000..140_000].to_vec(), Ok(())));
    writer.finish();
    assert_eq!(read_whole(&mut beyond), (bytes[199_990..].to_vec(), Ok(())));
    assert_eq!(read_whole(&mut nothing), (Vec::new(), Ok(())));
}

#[test]
fn a_lost_writer_is_an_error_for_everybody() {
    let (budget, mut writer, mut leader) = start();
    let fill = Arc::clone(writer.fill());
    let mut behind = fill.follow(WHOLE).unwrap();
    writer.push(b"some");
    assert!(poll_once(&mut leader).is_ready());
    assert!(poll_once(&mut leader).is_pending());
    drop(writer);
    assert_eq!(read_whole(&mut leader), (Vec::new(), Err(FillError::WriterLost)));
    assert_eq!(read_whole(&mut behind), (b"some".to_vec(), Err(FillError::WriterLost)));
    // It stays an error, however often it is asked.
    assert!(matches!(poll_once(&mut behind), Poll::Ready(Some(Err(FillError::WriterLost)))));
    assert!(fill.follow(WHOLE).is_none());
    assert_eq!(fill.outcome(), Some(Err(FillError::WriterLost)));
    drop((leader, behind, fill));
    assert_eq!(budget.resident(), 0);
}

#[test]
fn a_panic_of_the_writer_is_an_error_for_everybody() {
    let (_, mut writer, mut leader) = start();
    let panicked = panic::catch_unwind(panic::AssertUnwindSafe(move || {
        writer.push(b"some");
        panic::resume_unwind(Box::new("as a bug would"));
    }));
    assert!(panicked.is_err());
    assert_eq!(read_whole(&mut leader), (b"some".to_vec(), Err(FillError::WriterLost)));
}

#[test]
fn a_sealed_fill_shows_no_end_until_it_is_complete() {
    let (_, mut writer, mut leader) = start();
    writer.push(b"whole");
    let sealed = writer.seal();
    assert_eq!(sealed.body().unwrap().len(), 5);
    assert!(poll_once(&mut leader).is_ready());
    assert!(poll_once(&mut leader).is_pending());
    sealed.complete();
    assert!(matches!(poll_once(&mut leader), Poll::Ready(None)));

    let (_, writer, mut leader) = start();
    drop(writer.seal());
    assert_eq!(read_whole(&mut leader), (Vec::new(), Err(FillError::WriterLost)));
}

#[test]
fn content_is_whole_at_once_when_its_end_is_visible_and_nothing_came_behind_it() {
    for trailers in [None, Some(http::HeaderMap::new())] {
        let (_, mut writer, leader) = start();
        writer.push(b"whole");
        let is_all = trailers.is_none();
        if let Some(trailers) = trailers {
            writer.set_trailers(trailers);
        }
        assert!(leader.whole().is_none());
        let sealed = writer.seal();
        assert!(leader.whole().is_none());
        sealed.complete();
        assert_eq!(leader.whole().map(|body| body.len()), is_all.then_some(5));
    }
    let (_, mut writer, leader) = start();
    writer.push(b"whole");
    writer.outgrow();
    writer.finish();
    assert!(leader.whole().is_none());
}

#[test]
fn an_abort_says_why() {
    let (_, writer, mut leader) = start();
    writer.abort("the origin closed the connection");
    let (_, end) = read_whole(&mut leader);
    assert_eq!(end, Err(FillError::Aborted("the origin closed the connection")));
    assert!(end.unwrap_err().to_string().ends_with("the origin closed the connection"));
}

#[test]
fn a_stalled_follower_stops_nobody() {
    let (_, mut writer, mut leader) = start();
    let stalled = writer.fill().follow(WHOLE).unwrap();
    let bytes = pattern(1 << 20);
    bytes.chunks(10_000).for_each(|frame| writer.push(frame));
    writer.finish();
    assert_eq!(read_whole(&mut leader), (bytes, Ok(())));
    drop(stalled);
}

#[test]
fn small_chunks_pin_little_memory_while_followed() {
    let (budget, mut writer, mut leader) = start();
    let bytes = pattern(1 << 20);
    for chunk in bytes.chunks(100) {
        writer.push(chunk);
        assert!(poll_once(&mut leader).is_ready());
    }
    assert!(budget.resident() < (1 << 20) + 3 * allocation(SEGMENT), "{}", budget.resident());
    let body = writer.finish().unwrap();
    assert!(budget.resident() < (1 << 20) + 4096, "{}", budget.resident());
    drop((body, leader));
    assert_eq!(budget.resident(), 0);
}

#[test]
fn an_evicted_body_stays_counted_while_a_follower_reads_it() {
    let (budget, mut writer, leader) = start();
    writer.push(&pattern(100_000));
    drop(writer.finish());
    assert!(budget.resident() >= 100_000);
    drop(leader);
    assert_eq!(budget.resident(), 0);
}

#[test]
fn polling_again_does_not_take_another_place() {
    let (_, mut writer, mut leader) = start();
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    for count in [&first, &first, &last] {
        let waker = Waker::from(Arc::clone(count));
        assert!(leader.poll_next(&mut Context::from_waker(&waker)).is_pending());
    }
    writer.push(b"x");
    assert_eq!((first.0.load(Ordering::Relaxed), last.0.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn a_follower_that_left_is_not_woken() {
    let (_, mut writer, leader) = start();
    let count = Arc::new(Count::default());
    for _ in 0..100 {
        let mut follower = writer.fill().follow(WHOLE).unwrap();
        let waker = Waker::from(Arc::clone(&count));
        assert!(follower.poll_next(&mut Context::from_waker(&waker)).is_pending());
    }
    writer.push(b"x");
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    assert_eq!(Arc::strong_count(&count), 1);
    assert_eq!(writer.fill().follower_count(), 1);
    drop(leader);
    assert_eq!(writer.fill().follower_count(), 0);
}

/// A task that is kept alive only by its waker, and that follows a fill.
struct Task(#[allow(dead_code)] Mutex<crate::store::Follower>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_task_that_ends_with_its_last_waker_may_be_a_follower_too() {
    let (_, mut writer, mut leader) = start();
    for _ in 0..2 {
        let task = Arc::new(Task(Mutex::new(writer.fill().follow(WHOLE).unwrap())));
        let waker = Waker::from(task);
        assert!(leader.poll_next(&mut Context::from_waker(&waker)).is_pending());
    }
    // The second took the place of the first, whose follower left with it.
    assert_eq!(writer.fill().follower_count(), 2);
    writer.push(b"x");
    assert_eq!(writer.fill().follower_count(), 1);
}

#[test]
fn an_outgrown_fill_waits_for_its_leader_and_keeps_nothing() {
    let (budget, mut writer, mut leader) = start();
    let bytes = pattern(8 << 20);
    let most = thread::scope(|scope| {
        let reader = scope.spawn(|| read_whole(&mut leader));
        let mut most = 0;
        for (index, frame) in bytes.chunks(10_000).enumerate() {
            if index == 20 {
                writer.outgrow();
            }
            block_on(|context| writer.poll_ready(context)).unwrap();
            writer.push(frame);
            most = most.max(budget.resident());
        }
        assert!(writer.is_outgrown());
        assert!(writer.finish().is_none());
        assert!(reader.join().unwrap() == (bytes.clone(), Ok(())));
        most
    });
    assert!(most < 500_000, "{most}");
    drop(leader);
    assert_eq!(budget.resident(), 0);
}

#[test]
fn outgrowing_holds_the_writer_until_the_leader_reads() {
    let (_, mut writer, mut leader) = start();
    writer.push(&pattern(150_000));
    writer.outgrow();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    assert!(writer.poll_ready(&mut Context::from_waker(&waker)).is_pending());
    let mut read = 0;
    while let Poll::Ready(Some(Ok(chunk))) = poll_once(&mut leader) {
        read += chunk.len();
    }
    assert_eq!(read, 150_000);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert!(writer.poll_ready(&mut Context::from_waker(&waker)).is_ready());
}

#[test]
fn outgrowing_turns_other_followers_away() {
    let (_, mut writer, mut leader) = start();
    let mut other = writer.fill().follow(WHOLE).unwrap();
    writer.push(b"some");
    writer.outgrow();
    assert_eq!(read_whole(&mut other), (Vec::new(), Err(FillError::Outgrown)));
    assert!(writer.fill().follow(WHOLE).is_none());
    writer.push(b" more");
    writer.finish();
    assert_eq!(read_whole(&mut leader), (b"some more".to_vec(), Ok(())));
}

#[test]
fn an_outgrown_fill_without_a_leader_says_so() {
    let (budget, mut writer, leader) = start();
    writer.push(&pattern(150_000));
    writer.outgrow();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    assert!(writer.poll_ready(&mut Context::from_waker(&waker)).is_pending());
    drop(leader);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    let ready = writer.poll_ready(&mut Context::from_waker(&waker));
    assert_eq!(ready, Poll::Ready(Err(LeaderGone)));
    writer.push(b"for nobody");
    assert_eq!(budget.resident(), 0);
}

#[test]
fn an_outgrown_leader_of_a_range_gets_just_that() {
    let budget = Budget::new(1 << 20);
    let (mut writer, mut leader) = Fill::start(&budget, None, 100_000..100_500);
    let bytes = pattern(200_000);
    writer.push(&bytes[..30_000]);
    writer.outgrow();
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_whole(&mut leader));
        for frame in bytes[30_000..].chunks(9_000) {
            if block_on(|context| writer.poll_ready(context)).is_err() {
                break;
            }
            writer.push(frame);
        }
        assert_eq!(reader.join().unwrap(), (bytes[100_000..100_500].to_vec(), Ok(())));
    });
}

#[test]
fn a_fill_that_is_passed_on_holds_its_window_where_there_is_room() {
    let budget = Budget::new(1 << 20);
    let (mut writer, mut leader) = Fill::pass_on(&budget, 256 << 10);
    let mut context = Context::from_waker(Waker::noop());
    let mut pushed = 0;
    while writer.poll_ready(&mut context).is_ready() {
        writer.push(&[7; 1 << 14]);
        pushed += 1 << 14;
    }
    assert!((256 << 10..=272 << 10).contains(&pushed), "{pushed}");
    assert!(matches!(poll_once(&mut leader), Poll::Ready(Some(Ok(_)))));
    assert!(writer.poll_ready(&mut context).is_ready(), "what was read has made room");

    let charge = budget.charge(1 << 20);
    assert!(writer.poll_ready(&mut context).is_pending(), "where there is none, little is held");
    while budget.resident() >= (1 << 20) + (64 << 10) {
        assert!(matches!(poll_once(&mut leader), Poll::Ready(Some(Ok(_)))));
    }
    assert!(writer.poll_ready(&mut context).is_ready());
    drop(charge);
    assert!(writer.finish().is_none(), "it is never stored");
    drop(leader);
    assert_eq!(budget.resident(), 0);
}

#[test]
fn a_writer_that_waits_for_the_origin_hears_that_its_leader_has_left() {
    let (mut writer, leader) = Fill::pass_on(&Budget::new(1 << 20), 1 << 20);
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    assert!(writer.poll_abandoned(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    drop(leader);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(writer.poll_abandoned(&mut Context::from_waker(&waker)), Poll::Ready(LeaderGone));
}
