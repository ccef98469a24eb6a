//! Would the tests notice? Each protection that "exactly once" rests on is left out in turn, and the test
//! that watches over it must fail, with the words in which it accuses, and pass with all in place.

use std::process::Command;

/// A protection as `threadbridge::weakness` names it, the test that watches over it, and its accusation.
const WATCHED: [(&str, &str, &str); 5] = [
    ("read-back", "faults::lost_answers_of_discord_double_nothing", "assertion"),
    ("reply-read-back", "unsure::a_reply_whose_answer_was_lost_is_there_once", "the reply is there 2 times"),
    ("nonce", "unsure::what_a_person_is_told_is_said_once", "the person was told 2 times"),
    ("unique-keys", "gateway::events_that_are_repeated_late_change_nothing", "panicked at"),
    ("watermark", "gateway::what_a_long_outage_hid_is_caught_up_with_from_the_watermark", "missed 129."),
];

/// Runs one test of this very program in a process of its own.
fn run(test: &str, without: Option<&str>) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture", "--test-threads", "1"]);
    command.env_remove("THREADBRIDGE_WITHOUT");
    if let Some(without) = without {
        command.env("THREADBRIDGE_WITHOUT", without);
    }
    let output = command.output().expect("the test runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("running 1 test"), "there is no test {test}");
    (output.status.success(), said)
}

#[test]
#[cfg(debug_assertions)]
fn without_a_protection_the_test_that_watches_over_it_fails() {
    let watched: Vec<_> = WATCHED
        .iter()
        .map(|(without, test, accusation)| {
            std::thread::spawn(move || {
                let (passed, said) = run(test, Some(without));
                assert!(!passed, "without {without} {test} does not notice");
                assert!(
                    said.contains(accusation),
                    "without {without} {test} fails for another reason:\n{said}"
                );
                println!("without {without}: {test} fails, as it should");
            })
        })
        .collect();
    for watch in watched {
        watch.join().expect("noticed");
    }
    // The store's own tests watch over the last, and do the same.
    let names = threadbridge::weakness::Weakness::ALL.map(|weakness| weakness.name());
    assert!(names.iter().all(|name| *name == "fencing" || WATCHED.iter().any(|(own, ..)| own == name)));
}
