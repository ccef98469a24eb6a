//! A small community to look at: invented people who keep schools' computers running, in our own
//! words. Its long thread ends on a page that shows everything a thread page can: thanks with dates, a
//! quote with its link, a mention, similar threads, tags.

use jiff::{SignedDuration, Timestamp};

use super::state::{File, NewMember, Past};
use super::{Face, Forum, Unknown, discourse, nodebb};

/// Where the interesting things are.
#[derive(Debug, Clone, Default)]
pub struct Community {
    pub boards: Vec<u64>,
    /// In the order of [`PEOPLE`]; the first is staff.
    pub members: Vec<u64>,
    pub threads: Vec<u64>,
    /// Three pages at 15 posts each, 32 posts.
    pub long_thread: u64,
    pub closed_thread: u64,
    pub sticky_thread: u64,
    pub staff: u64,
}

struct Person {
    name: &'static str,
    title: &'static str,
    location: &'static str,
    joined: (i16, i8, i8),
    colour: &'static str,
    past: Past,
}

const fn past(posts: u64, given: u64, times: u64, thanked: u64, blog: u64, rep: u64) -> Past {
    Past {
        posts,
        thanks_given: given,
        thanked_times: times,
        thanked_posts: thanked,
        blog_entries: blog,
        rep_power: rep,
    }
}

const fn person(
    name: &'static str,
    title: &'static str,
    location: &'static str,
    joined: (i16, i8, i8),
    colour: &'static str,
    past: Past,
) -> Person {
    Person { name, title, location, joined, colour, past }
}

/// Who lives here.
const PEOPLE: [Person; 8] = [
    person("Marrow", "Moderator", "Leeds", (2005, 6, 11), "#7a3b69", past(3841, 412, 1980, 1203, 4, 88)),
    person(
        "patchpanel",
        "Network Manager",
        "Norwich",
        (2005, 11, 2),
        "#1f6f8b",
        past(2277, 640, 941, 652, 7, 52),
    ),
    person("Wren_IT", "IT Technician", "Bath", (2011, 9, 5), "#2e7d32", past(318, 205, 87, 61, 0, 11)),
    person(
        "oldtoner",
        "Print Whisperer",
        "Gateshead",
        (2007, 1, 20),
        "#8d5524",
        past(1502, 98, 377, 290, 1, 33),
    ),
    person("Isla K", "Data Manager", "Stirling", (2012, 3, 14), "#b23a48", past(144, 310, 52, 40, 0, 8)),
    person(
        "server_sid",
        "Senior Technician",
        "Croydon",
        (2009, 8, 30),
        "#37474f",
        past(987, 144, 260, 201, 0, 27),
    ),
    person("Tamsin", "Digital Lead", "Truro", (2010, 4, 1), "#5e35b1", past(420, 377, 133, 99, 2, 15)),
    person("bytesize", "Apprentice", "Derby", (2013, 9, 9), "#ef6c00", past(36, 61, 4, 4, 0, 2)),
];

/// The long thread after its first post: who (index into [`PEOPLE`]) and what.
const CAREERS: [(usize, &str); 29] = [
    (5, "Followed. I get asked this at every review and never have a good answer."),
    (
        0,
        "Depends what you enjoy. If it is the people, look at training. If it is the kit, look at infrastructure.",
    ),
    (3, "I moved sideways into print management. Nobody plans that :D but the hours are kind."),
    (6, "Digital lead here. Half of my day is still *listening*, and that is the half I was hired for."),
    (1, "Write down everything you fixed this year. It is a longer list than you think."),
    (7, "New apprentice checking in. Is it normal to be asked to mend the kettle?"),
    (3, "Perfectly normal. So is the hall projector, five minutes before assembly ;)"),
    (
        4,
        "[QUOTE=bytesize]Is it normal to be asked to mend the kettle?[/QUOTE]\nLast week it was a glockenspiel.",
    ),
    (2, "Has anyone here gone from a school to a trust's central team?"),
    (5, "I did, for a year. Better pay, fewer faces. I came back."),
    (0, "Keep an eye on the training board; two of the vendors pay for the exams."),
    (
        1,
        "What I would learn first:\n[LIST=1]\n[*]One scripting language, properly\n[*]How your switches really work\n\
         [*]How to say no in writing\n[/LIST]",
    ),
    (6, "Number three should be number one."),
    (7, "What does 'how to say no in writing' look like? Asking for a friend."),
    (1, "'We can do that after half term, if this other thing waits.' Then stop typing."),
    (4, "Data is a way out too. Most of us began by fixing somebody's spreadsheet."),
    (2, "I have an interview at a college next week. [B]Any tips[/B] would be welcome."),
    (0, "Ask what happened to the last person. The pause before the answer tells you most of it."),
    (3, "Bring a story about something that went wrong and what you changed afterwards."),
    (
        5,
        "A spoiler for the usual technical question:\n[SPOILER=Do not peek]It is DNS. Say so, then show how you would \
         check.[/SPOILER]",
    ),
    (2, "Thank you all. I shall report back."),
    (6, "How did it go?"),
    (2, "They offered! Senior technician, from September :)"),
    (7, "Brilliant news!"),
    (0, "Well earned. You will be the one mending their kettle now."),
    (3, "And when you are in charge of printing, remember your friends."),
    (4, "Congratulations. Keep the spreadsheet skills warm."),
    (
        5,
        "Before we drift: what *is* a leadership team for? People talk of joining one as if it were a prize, and I am not \
         sure that we all mean the same thing by it. @Marrow had thoughts on the phone, but the line was poor.",
    ),
    (
        1,
        "Good question. I always took it as the people who answer for the whole school, not for one corridor of it.",
    ),
];

/// A thread: board, author, title, tags, first text, replies.
type Talk =
    (usize, usize, &'static str, &'static [&'static str], &'static str, &'static [(usize, &'static str)]);

const TALKS: [Talk; 9] = [
    (
        0,
        0,
        "Welcome: read this first",
        &["welcome"],
        "Hello and come in. Three habits keep this place pleasant:\n[LIST]\n[*]search before you ask\n[*]say what you \
         already tried\n[*]come back and tell us what fixed it\n[/LIST]\nNames of pupils never belong in a post.",
        &[(7, "Hello all! First day here and first job in IT.")],
    ),
    (
        1,
        1,
        "Script: find logon shares that nobody uses",
        &["powershell", "storage"],
        "Sharing this in case it saves someone an evening. It only reads.\n[CODE]Get-ChildItem \\\\files\\home -Directory |\n  \
         Where-Object { $_.LastWriteTime -lt (Get-Date).AddDays(-365) } |\n  Select-Object Name, LastWriteTime[/CODE]\nRun \
         it out of hours: it is slow over the wire.",
        &[
            (2, "Found 212 folders of people who left before I was born. Thank you!"),
            (5, "Mind the roaming profiles; they touch files that nobody opened."),
        ],
    ),
    (
        1,
        3,
        "Which multifunction printer for a busy staff room?",
        &["printing"],
        "Ours has died for the third time. What I measured so far:\n[TABLE][TR][TH]Model[/TH][TH]Pages a week[/TH][TH]Jams[/TH][/TR]\
         [TR][TD]Old one[/TD][TD]4,100[/TD][TD]31[/TD][/TR][TR][TD]Loan unit[/TD][TD]3,950[/TD][TD]2[/TD][/TR][/TABLE]\
         What do you run?",
        &[
            (6, "Whatever you buy, buy the service with it. The paper tray is the enemy :rolleyes:"),
            (1, "Second that."),
        ],
    ),
    (
        1,
        5,
        "Wireless drops at 10:50 every day",
        &["wireless", "solved"],
        "Every day at break the whole science block loses wireless for about [I]four minutes[/I]. Nothing in the logs.",
        &[
            (1, "What shares the frequency? Four minutes sounds like a meal."),
            (
                5,
                "[QUOTE=patchpanel]What shares the frequency?[/QUOTE]\nIt was the microwave in the prep room :o Solved.",
            ),
            (7, "I will never doubt the microwave again."),
        ],
    ),
    (
        1,
        4,
        "Timetable export to CSV, and the comma in room names",
        &["data", "csv"],
        "Room \"Hall, upper\" breaks our import. The vendor's own sample does it too:\n[HTML]<room name=\"Hall, upper\" />[/HTML]\nDo \
         you quote, escape or rename the room?",
        &[
            (2, "Rename the room. Buildings are easier to change than vendors."),
            (
                1,
                "[PHP]$row = str_getcsv($line, ',', '\"');[/PHP]\nQuoting works if both ends agree that it does.",
            ),
        ],
    ),
    (
        2,
        4,
        "Vacancy: IT technician, two days a week",
        &["jobs"],
        "A friendly primary near Stirling looks for a technician for two days a week. Closing date is the end of the month; \
         details at [URL=https://jobs.example/primary-technician]the council's page[/URL].",
        &[(7, "Could one do this beside college?"), (4, "I should think so. Ask them!")],
    ),
    (
        2,
        6,
        "Career day: who would talk to year ten about IT?",
        &["careers"],
        "Twenty minutes, a kind audience, free biscuits. [COLOR=red]Please[/COLOR] tell me that someone is free in March.",
        &[(2, "I could, if somebody covers my tickets."), (0, "I will cover them. Go.")],
    ),
    (
        2,
        5,
        "How I became a senior tech, and what I would do otherwise",
        &["careers"],
        "Short version: I stayed when others left. Long version on request.",
        &[(7, "Long version, please.")],
    ),
    (
        0,
        3,
        "Old machines for the museum corner",
        &[],
        "We clear the loft on Friday. Two beige towers and a plotter want a home.",
        &[(6, "The plotter is ours! Collecting on Thursday."), (3, "Gone, thank you all. Closing this.")],
    ),
];

const LAST_BUT_ONE: &str = "Eight years as a technician in a secondary school, then web development in a firm of five. The school gave \
    me the room to try things, and *every* odd job taught me something that I use now.\n\nMy advice to anyone who starts: do \
    what you keep drifting towards, and let somebody see it. I never planned the move; I only kept a list of what I had built.";

fn last_post(quoted: u64) -> String {
    format!(
        "[QUOTE=server_sid;{quoted}]Before we drift: what *is* a leadership team for? People talk of joining one as if it were a \
         prize, and I am not sure that we all mean the same thing by it. @Marrow had thoughts on the phone, but the line was \
         poor.[/QUOTE]\nLate to this, so let me say it more clearly than I did on the phone.\n\n[B]School A[/B]\nA wide team: \
         fifteen people with a title, everyone in the room, nobody sure who decides.\n\n[B]School B[/B]\nA small team of five, and \
         strong middle leaders who meet each other without being told to. IT sits with whoever answers for the building.\n\nBoth can \
         work. What fails is the gap in between: groups that never overlap, each mending its own fence. So, [I]before[/I] you \
         ask to join one, ask who it listens to.\n\nIt comes down to the right person at the right time, and to saying plainly \
         who answers for what."
    )
}

/// Fills an empty forum. Everything happened in the weeks before now, so that the newest posts are
/// recent and the dates believable.
///
/// # Errors
/// Never on an empty forum; an id that is unknown would be a fault in this file.
pub fn seed_community(forum: &Forum) -> Result<Community, Unknown> {
    let now = forum.now();
    let ago =
        |hours: i64| now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::UNIX_EPOCH);
    let boards: Vec<u64> = [
        ("General Chat", "The staff room: tea, careers and everything else."),
        ("Technical", "Networks, printers, scripts, and the things that hum."),
        ("Jobs and Training", "Vacancies, courses, and how people got where they are."),
    ]
    .iter()
    .map(|(name, about)| {
        let board = forum.add_board(name);
        forum.describe_board(board, about).map(|()| board)
    })
    .collect::<Result<_, _>>()?;
    let members: Vec<u64> =
        PEOPLE.iter().enumerate().map(|(at, person)| forum.register(new_member(person, at == 0))).collect();
    let mut seeded = Community { staff: members[0], boards, members, ..Community::default() };

    for (at, (board, author, title, tags, text, replies)) in TALKS.iter().enumerate() {
        let began = 24 * 5 * (TALKS.len() - at) as i64 + 7;
        let (thread, first) =
            forum.open_thread_at(seeded.boards[*board], seeded.members[*author], title, text, ago(began))?;
        forum.set_tags(thread, tags)?;
        for (reply, (who, text)) in replies.iter().enumerate() {
            forum.reply_at(thread, seeded.members[*who], text, ago(began - 3 - 2 * reply as i64))?;
            forum.thank_at(first, seeded.members[*who], ago(began - 4 - 2 * reply as i64))?;
        }
        seeded.threads.push(thread);
    }
    seeded.sticky_thread = seeded.threads[0];
    forum.stick(seeded.sticky_thread)?;
    seeded.closed_thread = seeded.threads[TALKS.len() - 1];
    forum.close(seeded.closed_thread)?;
    forum.set_prefix(seeded.threads[5], Some("[Vacancy]"))?;

    seeded.long_thread = long_thread(forum, &seeded, ago)?;
    seeded.threads.push(seeded.long_thread);
    let translated: fn(&str) -> String = match forum.options().face {
        Face::Vbulletin4 | Face::Feed(_) => return Ok(seeded),
        Face::Discourse => discourse::from_bbcode,
        Face::Nodebb => nodebb::from_bbcode,
    };
    forum.with(|state| {
        state.posts.values_mut().for_each(|post| post.text = translated(&post.text));
        state.touched();
    });
    Ok(seeded)
}

fn long_thread(forum: &Forum, seeded: &Community, ago: impl Fn(i64) -> Timestamp) -> Result<u64, Unknown> {
    let members = &seeded.members;
    let opening = "I have been an IT technician for three years and like it. What comes next, if I want to stay near \
                   schools? Where did the rest of you go, and would you do it again?";
    let title = "Career opportunities after being an IT technician?";
    let (thread, first) = forum.open_thread_at(seeded.boards[0], members[2], title, opening, ago(700))?;
    forum.set_tags(thread, &["careers", "technician", "leadership"])?;
    forum.thank_at(first, members[7], ago(690))?;
    let mut asked = first;
    for (at, (who, text)) in CAREERS.iter().enumerate() {
        let post = forum.reply_at(thread, members[*who], text, ago(695 - 20 * at as i64))?;
        if text.contains("what *is* a leadership team") {
            asked = post;
        }
        if at % 4 == 0 {
            let fan = members[(who + 3) % members.len()];
            forum.thank_at(post, fan, ago(690 - 20 * at as i64))?;
        }
    }
    forum.reply_at(thread, members[6], LAST_BUT_ONE, ago(70))?;
    let last = forum.reply_at(thread, members[0], &last_post(asked), ago(50))?;
    for (who, hours) in [(5, 49), (1, 48), (4, 47)] {
        forum.thank_at(last, members[who], ago(hours))?;
    }
    Ok(thread)
}

fn new_member(person: &Person, staff: bool) -> NewMember {
    let (year, month, day) = person.joined;
    NewMember {
        name: person.name.to_owned(),
        title: person.title.to_owned(),
        location: Some(person.location.to_owned()),
        joined: jiff::civil::Date::new(year, month, day).ok(),
        avatar: Some(avatar(person)),
        staff,
        past: person.past,
        ..NewMember::default()
    }
}

/// The member's initial on a coloured square.
fn avatar(person: &Person) -> File {
    let initial: String = person.name.chars().take(1).flat_map(char::to_uppercase).collect();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"80\" viewBox=\"0 0 80 80\"><rect width=\"80\" \
         height=\"80\" rx=\"10\" fill=\"{}\"/><circle cx=\"62\" cy=\"16\" r=\"22\" fill=\"#fff\" opacity=\".15\"/><text x=\"40\" \
         y=\"54\" font-family=\"sans-serif\" font-size=\"40\" font-weight=\"700\" text-anchor=\"middle\" \
         fill=\"#fff\">{initial}</text></svg>",
        person.colour
    );
    File { name: format!("{}.svg", person.name), content_type: "image/svg+xml", bytes: svg.into_bytes() }
}
