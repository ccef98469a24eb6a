//! Most of it without waiting: the state is asked at moments of our choosing, against a small model of
//! Discord's fixed windows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;

use super::state::{Next, Sent, State};
use super::{Answer, Hidden, Pacer, Priority, Route, Share};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::fence::{Fence, Moment, Proof};

fn route(channel: u64) -> Route {
    Route { method: Method::POST, template: "/channels/{}/messages", major: channel, hidden: None }
}

fn ok(limit: u32, remaining: u32, reset_after: f64) -> Answer {
    Answer {
        status: 200,
        bucket: Some("abc".into()),
        limit: Some(limit),
        remaining: Some(remaining),
        reset_after: Some(Duration::from_secs_f64(reset_after)),
        ..Answer::default()
    }
}

fn too_many(retry_after: f64) -> Answer {
    Answer { status: 429, retry_after: Some(Duration::from_secs_f64(retry_after)), ..Answer::default() }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A state, and a clock that is a number.
struct Bench {
    state: State,
    start: Instant,
    at: Duration,
}

impl Bench {
    fn new() -> Self {
        let start = ManualClock::new(Timestamp::UNIX_EPOCH).monotonic();
        Self { state: State::new(start), start, at: Duration::ZERO }
    }

    fn now(&self) -> Instant {
        self.start + self.at
    }

    fn ask(&mut self, route: &Route) -> Next {
        self.state.next(route, Priority::Live, false, self.now())
    }

    fn go(&mut self, route: &Route) -> Sent {
        match self.ask(route) {
            Next::Go(sent) => sent,
            Next::At(at, why) => panic!("must wait {:?}: {why}", at - self.now()),
            Next::Changed(_) => panic!("must wait for an answer"),
        }
    }

    fn wait(&mut self, route: &Route) -> Duration {
        match self.ask(route) {
            Next::At(at, _) => at - self.now(),
            Next::Go(_) => panic!("need not wait"),
            Next::Changed(_) => panic!("waits for an answer"),
        }
    }

    fn send(&mut self, route: &Route, answer: &Answer) {
        let key = self.go(route);
        self.state.answered(route, &key, answer, self.now());
    }
}

#[test]
fn one_request_finds_out_then_the_rest_of_the_window_may_go_at_once() {
    let mut bench = Bench::new();
    let key = bench.go(&route(1));
    assert!(matches!(bench.ask(&route(1)), Next::Changed(_)));
    let now = bench.now();
    bench.state.answered(&route(1), &key, &ok(5, 4, 2.0), now);
    for _ in 0..4 {
        bench.go(&route(1));
    }
    assert!(bench.wait(&route(1)) >= ms(2000));
    bench.at = ms(2010);
    // Those four may yet count towards the new window.
    bench.go(&route(1));
    assert!(matches!(bench.ask(&route(1)), Next::Changed(_)));
}

#[test]
fn answers_that_overtake_each_other_do_not_add_requests() {
    let mut bench = Bench::new();
    bench.send(&route(1), &ok(5, 4, 2.0));
    let (a, b) = (bench.go(&route(1)), bench.go(&route(1)));
    let now = bench.now();
    bench.state.answered(&route(1), &b, &ok(5, 2, 2.0), now);
    bench.state.answered(&route(1), &a, &ok(5, 3, 2.0), now);
    bench.go(&route(1));
    bench.go(&route(1));
    bench.wait(&route(1));
}

#[test]
fn a_cold_channel_never_waits_for_a_hot_one() {
    let mut bench = Bench::new();
    bench.send(&route(1), &ok(1, 0, 60.0));
    bench.wait(&route(1));
    bench.go(&route(2));
    // Not even when the hot one is refused over and over.
    bench.at = ms(61_000);
    for _ in 0..3 {
        bench.send(&route(1), &too_many(1.0));
        let wait = bench.wait(&route(1));
        bench.at += wait;
    }
    bench.go(&route(3));
}

#[test]
fn a_429_is_waited_out_even_while_requests_remain() {
    let mut bench = Bench::new();
    let mut hidden = ok(5, 4, 1.0);
    hidden.status = 429;
    hidden.retry_after = Some(Duration::from_secs(580));
    bench.send(&route(1), &hidden);
    assert!(bench.wait(&route(1)) >= Duration::from_secs(580));
}

#[test]
fn a_retry_after_of_nothing_is_no_storm() {
    let mut bench = Bench::new();
    let mut sent = 0;
    while bench.at < Duration::from_secs(600) {
        match bench.ask(&route(1)) {
            Next::At(at, _) => bench.at = at - bench.start,
            Next::Changed(_) => panic!("nothing is under way"),
            Next::Go(key) => {
                sent += 1;
                let now = bench.now();
                bench.state.answered(&route(1), &key, &too_many(0.0), now);
            }
        }
    }
    assert!(sent < 20, "{sent} refused requests in ten minutes");
}

#[test]
fn a_global_429_stops_everyone_and_only_then() {
    let mut bench = Bench::new();
    let mut everyone = too_many(3.0);
    everyone.global = true;
    bench.send(&route(1), &everyone);
    assert!(bench.wait(&route(2)) >= Duration::from_secs(3));
    bench.at = ms(3010);
    bench.go(&route(2));
}

#[test]
fn methods_and_resources_are_told_apart_and_buckets_shared_by_name() {
    let mut bench = Bench::new();
    let edit = Route { method: Method::PATCH, ..route(1) };
    bench.send(&route(1), &ok(1, 0, 5.0));
    bench.send(&edit, &ok(1, 0, 5.0));
    // The same name: what one used up, the other lacks.
    bench.wait(&edit);
    bench.at = ms(5010);
    bench.send(&edit, &ok(1, 0, 5.0));
    bench.wait(&route(1));
    // The name does not hold the channel.
    bench.go(&route(2));
}

#[test]
fn without_headers_nothing_is_held_back() {
    let mut bench = Bench::new();
    bench.send(&route(1), &Answer { status: 200, ..Answer::default() });
    for _ in 0..20 {
        bench.go(&route(1));
    }
}

#[test]
fn replicas_share_what_the_bot_may_send() {
    let mut bench = Bench::new();
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    // A route without limits of its own, so that only the bot's counts.
    let answer = Answer { status: 200, ..Answer::default() };
    bench.send(&route(1), &answer);
    let may_send = |bench: &mut Bench| {
        bench.at += Duration::from_secs(10);
        let mut sent = 0;
        while let Next::Go(key) = bench.ask(&route(1)) {
            let now = bench.now();
            bench.state.answered(&route(1), &key, &answer, now);
            sent += 1;
        }
        sent
    };
    assert_eq!(may_send(&mut bench), 50);
    bench.state.share = Share::Nothing;
    assert_eq!(may_send(&mut bench), 0);
    let proof = Proof::Lease { name: "replica:a".into(), holder: "a".into(), epoch: 1 };
    let lasts = Duration::from_secs(9);
    let fence = Fence::new(proof, clock.clone(), Moment::now(&*clock), lasts);
    bench.state.share = Share::Part { among: 2, while_held: fence.clone() };
    assert_eq!(may_send(&mut bench), 25);
    bench.state.share = Share::Part { among: 4, while_held: fence };
    assert_eq!(may_send(&mut bench), 12);
    clock.advance(lasts);
    assert_eq!(may_send(&mut bench), 0, "the others may not count on us any more");
    bench.state.share = Share::Whole;
    bench.state.allowance = 100;
    assert_eq!(may_send(&mut bench), 100);
}

#[test]
fn a_lost_answer_frees_its_place() {
    let mut bench = Bench::new();
    let key = bench.go(&route(1));
    bench.state.lost(&route(1), &key);
    bench.send(&route(1), &ok(2, 1, 1.0));
    let key = bench.go(&route(1));
    bench.at = ms(1010);
    bench.state.lost(&route(1), &key);
    bench.go(&route(1));
    bench.go(&route(1));
}

#[test]
fn fifty_a_second_with_room_kept_for_what_is_live() {
    let mut bench = Bench::new();
    // None of these is asked for the first time.
    for channel in (0..110).chain([200]) {
        bench.send(&route(channel), &ok(5, 4, 2.0));
        bench.at += ms(100);
    }
    bench.at += Duration::from_secs(3);
    let began = bench.at;
    for channel in 0.. {
        let now = bench.now();
        match bench.state.next(&route(channel), Priority::Backfill, false, now) {
            Next::Go(_) => {}
            _ => {
                assert_eq!(channel, 45);
                break;
            }
        }
    }
    for channel in 100..105 {
        bench.go(&route(channel));
    }
    assert!(bench.wait(&route(200)) > Duration::from_secs(1));
    // As long as none of them is answered, they may have been long on their way.
    bench.at = began + ms(1030);
    bench.wait(&route(200));
    bench.at = began + ms(1280);
    bench.go(&route(200));
}

#[test]
fn the_second_begins_when_the_last_request_may_have_arrived() {
    let mut bench = Bench::new();
    let answer = Answer { status: 200, ..Answer::default() };
    bench.send(&route(1), &answer);
    bench.at = Duration::from_secs(5);
    let sent: Vec<Sent> = (0..50).map(|_| bench.go(&route(1))).collect();
    bench.wait(&route(1));
    // Ten came back at once; forty may have taken a tenth of a second longer to get there.
    for (number, sent) in sent.iter().enumerate() {
        bench.at = Duration::from_secs(5) + ms(if number < 10 { 0 } else { 100 });
        let now = bench.now();
        bench.state.answered(&route(1), sent, &answer, now);
    }
    bench.at = Duration::from_secs(6) + ms(30);
    for _ in 0..10 {
        bench.go(&route(1));
    }
    assert!(bench.wait(&route(1)) > ms(80));
    bench.at += ms(100);
    for _ in 0..40 {
        bench.go(&route(1));
    }
    bench.wait(&route(1));
}

fn hidden(id: u64) -> Route {
    let hidden = Hidden { name: "webhook messages", id, limit: 3, window: Duration::from_secs(60) };
    Route { hidden: Some(hidden), ..route(id) }
}

#[test]
fn a_hidden_limit_is_kept_everywhere_once_it_was_met() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.send(&hidden(1), &ok(5, 4, 0.0));
        bench.at += ms(100);
    }
    // A window of 6 s, where 60 were expected at most.
    bench.send(&hidden(1), &Answer { retry_after: Some(ms(5700)), status: 429, ..ok(5, 4, 0.0) });
    assert!(bench.wait(&hidden(1)) >= ms(5700));
    // Other requests on the same bucket go on.
    bench.send(&route(1), &ok(5, 4, 0.0));
    for _ in 0..3 {
        bench.send(&hidden(2), &ok(5, 4, 0.0));
        bench.at += ms(100);
    }
    let wait = bench.wait(&hidden(2));
    assert!(wait > ms(5600) && wait < ms(5800), "{wait:?}");
}

#[test]
fn a_hidden_limit_of_unknown_length_is_taken_at_its_longest() {
    let mut bench = Bench::new();
    bench.send(&hidden(1), &Answer { retry_after: Some(ms(500)), status: 429, ..ok(5, 4, 0.0) });
    bench.at += ms(600);
    for _ in 0..2 {
        bench.send(&hidden(1), &ok(5, 4, 0.0));
    }
    assert!(bench.wait(&hidden(1)) > Duration::from_secs(59));
}

#[test]
fn a_hidden_limit_that_answers_nothing_is_no_storm() {
    let mut bench = Bench::new();
    let mut sent = 0;
    while bench.at < Duration::from_secs(600) {
        match bench.ask(&hidden(1)) {
            Next::At(at, _) => bench.at = at - bench.start,
            Next::Changed(_) => panic!("nothing is under way"),
            Next::Go(key) => {
                sent += 1;
                let now = bench.now();
                bench.state.answered(&hidden(1), &key, &too_many(0.0), now);
            }
        }
    }
    assert!(sent < 60, "{sent} refused requests in ten minutes");
}

#[test]
fn refusals_slow_a_channel_down_and_many_stop_all_that_is_not_proven() {
    let mut bench = Bench::new();
    bench.send(&route(9000), &ok(5, 4, 2.0));
    let forbidden = Answer { status: 403, ..Answer::default() };
    for _ in 0..3 {
        bench.send(&route(1), &forbidden);
    }
    assert!(bench.wait(&route(1)) >= Duration::from_secs(10));
    let mut sent = 3;
    for channel in 2..2000 {
        bench.at += ms(50);
        bench.send(&route(9001), &ok(50, 49, 2.0));
        match bench.ask(&route(channel)) {
            Next::Go(key) => {
                let now = bench.now();
                bench.state.answered(&route(channel), &key, &forbidden, now);
                sent += 1;
            }
            _ => break,
        }
    }
    assert!(sent < 10, "{sent} invalid requests");
    assert!(bench.wait(&route(5000)) > Duration::from_secs(50));
    // What Discord has taken goes on.
    bench.send(&route(9000), &ok(5, 4, 2.0));
    // Those that are under way count as if they were refused.
    bench.at += Duration::from_secs(61);
    let mut under_way = 0;
    while let Next::Go(_) = bench.ask(&route(6000 + under_way)) {
        under_way += 1;
    }
    assert!(under_way < 10, "{under_way} at once");
}

#[test]
fn a_shared_limit_is_not_our_fault() {
    let mut bench = Bench::new();
    let shared = Answer { shared: true, ..too_many(0.1) };
    for channel in 0..1000 {
        bench.at += ms(60);
        bench.send(&route(channel), &shared);
        bench.send(&route(5000), &ok(50, 49, 1.0));
    }
    bench.go(&route(6000));
}

fn other(channel: u64) -> Route {
    Route { template: "/channels/{}", method: Method::GET, ..route(channel) }
}

/// How often is asked in a minute where everything is answered so, and how long until the first asks again after it.
fn in_vain(answer: &Answer, routes: &[Route]) -> (usize, Duration) {
    let mut bench = Bench::new();
    for route in routes {
        bench.send(route, &ok(50, 49, 0.1));
    }
    bench.at += Duration::from_secs(10);
    let over = bench.at + Duration::from_secs(60);
    let mut asked = 0;
    while bench.at < over {
        for route in routes {
            if let Next::Go(sent) = bench.ask(route) {
                asked += 1;
                let now = bench.now();
                bench.state.answered(route, &sent, answer, now);
            }
        }
        bench.at += ms(10);
    }
    let mut late = Duration::ZERO;
    while !routes.iter().any(|route| matches!(bench.ask(route), Next::Go(_))) {
        late += ms(100);
        bench.at += ms(100);
    }
    (asked, late)
}

#[test]
fn what_is_refused_again_and_again_is_asked_for_rarely_whatever_the_reason() {
    let many: Vec<Route> = (0..20).flat_map(|channel| [route(channel), other(channel)]).collect();
    for status in [401, 403, 429, 500, 502, 503] {
        for routes in [&many[..], &many[..1], &many[..2]] {
            let (asked, late) = in_vain(&Answer { status, ..Answer::default() }, routes);
            assert!((3..10).contains(&asked), "{status} for {}: {asked} in a minute", routes.len());
            assert!(late < Duration::from_secs(60), "{status} for {}: again after {late:?}", routes.len());
        }
    }
    // What can't be written to; that something to be read is not there is an answer.
    for status in [400, 404] {
        let writes: Vec<Route> = (0..20).map(route).collect();
        let (asked, _) = in_vain(&Answer { status, ..Answer::default() }, &writes);
        assert!((3..10).contains(&asked), "{status}: {asked} in a minute");
        assert!(in_vain(&Answer { status, ..Answer::default() }, &[other(1)]).0 > 100);
    }
}

#[test]
fn where_others_fail_what_works_goes_on() {
    let mut bench = Bench::new();
    bench.send(&route(100), &ok(5, 4, 1.0));
    let broken = Answer { status: 500, ..Answer::default() };
    // One channel by itself says nothing of others.
    for wait in [0, 0, 0, 16, 16] {
        bench.at += Duration::from_secs(wait);
        bench.send(&route(1), &broken);
    }
    bench.wait(&route(1));
    bench.send(&route(2), &broken);
    // Of several, one that was taken before goes at once; what comes of it tells the others.
    bench.wait(&route(3));
    let sent = bench.go(&route(100));
    assert!(matches!(bench.ask(&route(3)), Next::Changed(_)));
    let now = bench.now();
    bench.state.answered(&route(100), &sent, &ok(5, 4, 1.0), now);
    bench.go(&route(3));
}

#[test]
fn idle_buckets_are_forgotten() {
    let mut bench = Bench::new();
    for channel in 0..1000 {
        bench.at += ms(30);
        bench.send(&route(channel), &ok(5, 4, 2.0));
    }
    assert!(bench.state.buckets() > 900);
    bench.at += Duration::from_secs(200);
    bench.send(&route(1), &ok(5, 4, 2.0));
    assert!(bench.state.buckets() <= 2, "{} buckets", bench.state.buckets());
}

/// Many lanes, each one request at a time, against fixed windows of 5 in 2 s: no 429 at all, and little
/// more time than the limits themselves ask for.
#[test]
fn a_backlog_meets_no_429_and_wastes_little_time() {
    const TRIP: Duration = Duration::from_millis(40);
    let (channels, each) = (16u64, 40usize);
    let mut bench = Bench::new();
    let mut windows: HashMap<u64, (Duration, u32)> = HashMap::new();
    let mut left: HashMap<u64, usize> = (0..channels).map(|channel| (channel, each)).collect();
    // When each lane acts next, and the request it has under way.
    let mut lanes: Vec<(Duration, u64, Option<Sent>)> =
        (0..channels).map(|channel| (Duration::ZERO, channel, None)).collect();
    let mut refused = 0;
    let mut arrivals = Vec::new();
    while !lanes.is_empty() {
        lanes.sort_by_key(|(at, channel, _)| (*at, *channel));
        let (at, channel, under_way) = lanes.remove(0);
        bench.at = at;
        let now = bench.now();
        if let Some(key) = under_way {
            // It arrived half a trip ago.
            let arrived = at - TRIP / 2;
            arrivals.push(arrived);
            let window = windows.entry(channel).or_insert((arrived, 0));
            if arrived >= window.0 + Duration::from_secs(2) {
                *window = (arrived, 0);
            }
            window.1 += 1;
            let reset = (window.0 + Duration::from_secs(2) - arrived).as_secs_f64();
            let answer = if window.1 > 5 {
                refused += 1;
                too_many(reset)
            } else {
                *left.get_mut(&channel).unwrap() -= 1;
                ok(5, 5 - window.1, reset)
            };
            bench.state.answered(&route(channel), &key, &answer, now);
        }
        if left[&channel] == 0 {
            continue;
        }
        match bench.ask(&route(channel)) {
            Next::Go(key) => lanes.push((at + TRIP, channel, Some(key))),
            Next::At(when, _) => lanes.push((when - bench.start, channel, None)),
            // Only so many lanes at once ask for the first time.
            Next::Changed(_) => lanes.push((at + ms(1), channel, None)),
        }
    }
    assert_eq!(refused, 0);
    arrivals.sort();
    let most = arrivals.windows(51).map(|some| some[50] - some[0]).min().unwrap();
    assert!(most >= Duration::from_secs(1), "51 requests within {most:?}");
    let bound = Duration::from_secs(2) * (each as u32 / 5 - 1);
    assert!(bench.at < bound.mul_f64(1.2), "{:?} for a bound of {bound:?}", bench.at);
}

#[test]
fn headers_are_believed_as_far_as_they_make_sense() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-ratelimit-limit", "5"),
        ("x-ratelimit-remaining", "-1"),
        ("x-ratelimit-reset-after", "NaN"),
        ("x-ratelimit-bucket", ""),
        ("x-ratelimit-scope", "shared"),
        ("retry-after", "65"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let answer = Answer::read(429, &headers, br#"{"retry_after": 64.57, "global": false}"#);
    assert_eq!((answer.limit, answer.remaining, answer.reset_after), (Some(5), None, None));
    assert_eq!(answer.bucket, None);
    assert_eq!(answer.retry_after, Some(Duration::from_secs_f64(64.57)));
    assert!(answer.shared && !answer.global && !answer.invalid());
    assert_eq!(Answer::read(429, &headers, b"<html>").retry_after, Some(Duration::from_secs(65)));
    let wall = Answer::read(429, &HeaderMap::new(), b"<html>");
    assert!(wall.global && wall.invalid());
    let endless = Answer::read(429, &HeaderMap::new(), br#"{"retry_after": 1e300, "global": true}"#);
    assert!(endless.retry_after.is_none_or(|wait| wait <= Duration::from_secs(86_400)));
    assert!(endless.global && endless.invalid());
}

#[tokio::test]
async fn those_who_wait_go_in_the_order_they_came() {
    let pacer = Pacer::new(Arc::new(SystemClock));
    let first = pacer.admit(&route(1), Priority::Live, pacer.deadline()).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for n in 0..6 {
        let (pacer, order) = (pacer.clone(), order.clone());
        waiting.push(tokio::spawn(async move {
            let permit = pacer.admit(&route(1), Priority::Live, pacer.deadline()).await.unwrap();
            order.lock().unwrap().push(n);
            permit.answered(&ok(2, 1, 0.02));
        }));
        // Lets it take its place in the line.
        tokio::task::yield_now().await;
    }
    first.answered(&ok(2, 1, 0.02));
    for task in waiting {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(pacer.buckets(), 1);
}

#[tokio::test]
async fn a_long_wait_is_handed_back_at_once() {
    let pacer = Pacer::new(Arc::new(SystemClock));
    let permit = pacer.admit(&route(1), Priority::Live, pacer.deadline()).await.unwrap();
    permit.answered(&too_many(600.0));
    let hold = pacer.admit(&route(1), Priority::Live, pacer.deadline()).await.err().unwrap();
    assert!(hold.after > Duration::from_secs(590), "{hold:?}");
}

#[tokio::test]
async fn a_dropped_request_lets_the_next_one_go() {
    let pacer = Pacer::new(Arc::new(SystemClock));
    let permit = pacer.admit(&route(1), Priority::Live, pacer.deadline()).await.unwrap();
    let next = tokio::spawn({
        let pacer = pacer.clone();
        async move { pacer.admit(&route(1), Priority::Live, pacer.deadline()).await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(permit);
    assert!(next.await.unwrap());
}

#[tokio::test]
async fn what_is_live_goes_before_history_of_the_same_channel() {
    let pacer = Pacer::new(Arc::new(SystemClock));
    let first = pacer.admit(&route(1), Priority::Live, pacer.deadline()).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for (name, priority) in [("history", Priority::Backfill), ("live", Priority::Live)] {
        let (pacer, order) = (pacer.clone(), order.clone());
        waiting.push(tokio::spawn(async move {
            let permit = pacer.admit(&route(1), priority, pacer.deadline()).await.unwrap();
            order.lock().unwrap().push(name);
            permit.answered(&ok(1, 0, 0.02));
        }));
        tokio::task::yield_now().await;
    }
    first.answered(&ok(1, 0, 0.02));
    for task in waiting {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["live", "history"]);
}
