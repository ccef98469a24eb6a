//! Would the tests notice? Without the fence, or without unique keys, the tests that watch over them fail.

use std::process::Command;

/// A protection as `threadbridge::weakness` names it, and the test that watches over it.
const WATCHED: [(&str, &str); 2] = [
    ("fencing", "outbox::whoever_lost_the_lease_writes_nothing"),
    ("unique-keys", "records::a_repeated_event_changes_nothing"),
];

#[test]
#[cfg(debug_assertions)]
fn without_a_protection_the_test_that_watches_over_it_fails() {
    for (without, test) in WATCHED {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", test]).env("THREADBRIDGE_WITHOUT", without);
        let output = command.output().expect("the test runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("running 1 test"), "there is no test {test}");
        assert!(!output.status.success(), "without {without} {test} does not notice");
    }
}
