//! A new step without its points, at which nothing would be killed, fails the build.

/// Calls that touch the outside or the database; each stands between its points.
const STEPS: [&str; 23] = [
    "engine.reply(",
    "engine.edit(",
    "engine.delete(",
    "engine.open_thread(",
    "engine.message_member(",
    "store.try_code(",
    "store.unlink(",
    "engine.thank(",
    "engine.withdraw_thanks(",
    "discord.send(",
    ".open_post(",
    "discord().open_thread(",
    "discord.edit(",
    "discord().delete(",
    "discord().webhook(",
    ".update_thread(",
    "discord.react(",
    "discord.unreact(",
    "discord.say(",
    "heart.apply(",
    "store.apply(",
    "settle(self.heart,",
    "settle(heart, claim,",
];

#[test]
fn every_step_stands_between_its_points() {
    const NEAR: usize = 24;
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bridge")];
    let (mut faults, mut found) = (Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a file");
            let lines: Vec<&str> = text.lines().collect();
            for (at, line) in lines.iter().enumerate() {
                if line.trim_start().starts_with("//") || !STEPS.iter().any(|step| line.contains(step)) {
                    continue;
                }
                // The one door to the store, through which those who have points go; and what is repeated at
                // every start until it is done.
                if line.contains("self.store.apply(once") || line.contains("Effect::Reexamine") {
                    continue;
                }
                found += 1;
                let before = lines[at.saturating_sub(NEAR)..at].iter().any(|l| l.contains("Point::Before"));
                let after =
                    lines[at..(at + NEAR).min(lines.len())].iter().any(|l| l.contains("Point::After"));
                if !(before && after) {
                    faults.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
                }
            }
        }
    }
    assert!(found >= 20, "only {found} steps were found; have they new names?");
    assert!(faults.is_empty(), "steps without points, at which nothing is killed:\n{}", faults.join("\n"));
}
