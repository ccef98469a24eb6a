//! The few sentences of a thread page whose words matter, in the languages of the boards that we know. What is
//! written in none of them is not understood, and then the fact is absent.

/// What the button for replies says on a closed thread.
const CLOSED: &str = "closed|geschlossen|fermé|ferme|cerrado|cerrada|chiuso|chiusa|fechado|fechada|trancado|đã đóng|đóng|gesloten|\
     закрыт|закрита|zamknięt|uzamčen|zavřen|lukket|stängd|låst|suljettu|lezárt|lezárva|închis|kapalı|kapatıl|\
     κλειστ|tancat|zaključan|затворен|נעול|סגור|مغلق|بسته|关闭|關閉|終了|ロック|닫힌";

pub fn says_closed(text: &str) -> bool {
    let lower = text.to_lowercase();
    CLOSED.split('|').any(|word| lower.contains(word))
}

/// What a search that found nothing says.
const NO_MATCH: &str = "no matches|no new items|did not find any|keine ergebnisse|keine treffer|nichts gefunden|keine neuen|\
     aucun résultat|aucune correspondance|pas de résultat|sin resultados|no se encontr|no hay|nessun|geen resultaten|\
     niets gevonden|nenhum|không phù hợp|không tìm thấy|не найдено|не дал результат|brak wyników|nie znaleziono|\
     bulunamadı|ingen treff|inga träffar|ingen resultater|nincs találat|δεν βρέθηκ|لا توجد|نتیجه";

pub fn says_no_match(text: &str) -> bool {
    let lower = text.to_lowercase();
    NO_MATCH.split('|').any(|phrase| lower.contains(phrase))
}

/// The words by which a permission is denied, as whole words.
const DENIED: &str = "not|cannot|can't|no|nein|nicht|keine|ne|pas|non|não|nao|niet|geen|không|не|ні|нет|nie|ikke|ei|et|inte|ej|nu|\
     nelze|nesmíte|nemůžete|nem|nemožete|δεν|yok|yoktur|hayır|אינך|לא|לא יכול|لا|لايمكنك|نمی|نمیتوانید|نمي|ندارید|نداريد|不能|不可以|\
     不可|không được|できません|ません|없습니다";
const GRANTED: &str = "may|can|yes|ja|erlaubt|darfst|dürfen|oui|pouvez|sí|si|puedes|puede|puoi|sì|pode|sim|mag|kunt|mogen|được|có thể|\
     можете|вы можете|да|możesz|tak|kan|får|må|voit|smíte|můžete|ano|puteți|puteti|možete|μπορείτε|var|vardır|\
     yetkiniz var|evet|יכול|رשאי|يمكنك|تستطيع|می توانید|میتوانید|توانید|可以|可|できます|ます|있습니다";

/// Whether a line of the posting rules allows or denies: by its emphasised words and those before them, else by
/// the whole line.
pub fn allows(line: &str, emphasised: &str) -> Option<bool> {
    let says = |text: &str, words: &str| {
        let lower = text.to_lowercase();
        let parts: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').collect();
        words.split('|').any(|word| match word.contains(' ') || word.chars().any(is_unspaced) {
            true => lower.contains(word),
            false => parts.contains(&word),
        })
    };
    let end = line.find(emphasised).map_or(0, |at| at + emphasised.len());
    let denied = says(emphasised, DENIED) || says(&line[..end], DENIED);
    [emphasised, line].into_iter().find_map(|text| match denied || says(text, DENIED) {
        true => Some(false),
        false => says(text, GRANTED).then_some(true),
    })
}

/// Chinese, Japanese and Korean put no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// "By X in forum Y", its first word and its middle.
const BY_IN: [(&str, &str); 27] = [
    ("By ", " in forum "),
    ("Von ", " im Forum "),
    ("Par ", " dans le forum "),
    ("Por ", " en el foro "),
    ("Por ", " no fórum "),
    ("De ", " en el foro "),
    ("Da ", " nel forum "),
    ("Di ", " nel forum "),
    ("Por ", " no Fórum "),
    ("Door ", " in forum "),
    ("Bởi ", " trong diễn đàn "),
    ("от ", " в разделе "),
    ("От ", " в разделе "),
    ("Od ", " ve fóru "),
    ("Przez ", " w forum "),
    ("Af ", " i forum "),
    ("Av ", " i forum "),
    ("Av ", " i forumet "),
    ("Tarafından ", " forum "),
    ("Από ", " στο φόρουμ "),
    ("De ", " în forumul "),
    ("بواسطة ", " في المنتدى "),
    ("توسط ", " در انجمن "),
    ("От ", " във форум "),
    ("від ", " в розділі "),
    ("Od ", " u forumu "),
    ("על ידי ", " בפורום "),
];

/// Who opened a thread and in which board. The sentence is known in some languages; in others it is learned from
/// what all the sentences of a page have in common, if there are enough of them.
pub fn by_in(line: &str, all: &[String]) -> (Option<String>, Option<String>) {
    let known = BY_IN.iter().find_map(|(start, middle)| {
        let rest = strip_start(line, start)?;
        rest.split_once(middle)
    });
    let learned = || {
        let (start, middle) = common(all)?;
        line.strip_prefix(&start)?.split_once(&middle)
    };
    match known.or_else(learned) {
        Some((author, board)) => {
            let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
            (some(author), some(board))
        }
        None => (None, None),
    }
}

fn strip_start<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    let head = line.get(..start.len())?;
    (head.to_lowercase() == start.to_lowercase()).then(|| &line[start.len()..])
}

/// The words that all lines begin with, and the words that stand between other words in all of them.
fn common(all: &[String]) -> Option<(String, String)> {
    // Longer ones are no such sentences.
    if all.len() > 50 || all.iter().any(|line| line.len() > 300) {
        return None;
    }
    let lines: Vec<Vec<&str>> = all.iter().map(|line| line.split(' ').collect()).collect();
    let (first, others) = lines.split_first().filter(|(_, others)| others.len() >= 2)?;
    let begin =
        (0..first.len()).take_while(|at| others.iter().all(|line| line.get(*at) == first.get(*at))).count();
    let has = |run: &[&str]| {
        others
            .iter()
            .all(|line| line.get(begin + 1..).is_some_and(|rest| rest.windows(run.len()).any(|w| w == run)))
    };
    // The longest run of words that all lines share, with something on both sides.
    let mut best: &[&str] = &[];
    for from in begin + 1..first.len().saturating_sub(1) {
        for to in from + 1..first.len() {
            if to - from > best.len() && has(&first[from..to]) {
                best = &first[from..to];
            }
        }
    }
    (!best.is_empty()).then(|| {
        let mut start = first[..begin].join(" ");
        if begin > 0 {
            start.push(' ');
        }
        (start, format!(" {} ", best.join(" ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_understood_in_many_languages() {
        for (line, strong, expected) in [
            ("You may not post new threads", "may not", Some(false)),
            ("You may post new threads", "may", Some(true)),
            ("Neue Themen erstellen: Ja", "Ja", Some(true)),
            ("Neue Themen erstellen: Nein", "Nein", Some(false)),
            ("Es ist Ihnen nicht erlaubt, neue Themen zu verfassen.", "nicht erlaubt", Some(false)),
            ("Vous ne pouvez pas créer de nouvelles discussions", "ne pouvez pas", Some(false)),
            ("Vous pouvez créer de nouvelles discussions", "pouvez", Some(true)),
            ("No puedes crear nuevos temas", "No puedes", Some(false)),
            ("Bạn không được gửi bài mới", "không được", Some(false)),
            ("Bạn được gửi bài mới", "được", Some(true)),
            ("Konu Acma Yetkiniz Yok", "Yok", Some(false)),
            ("Вы не можете создавать новые темы", "не можете", Some(false)),
            ("لا تستطيع الرد", "تستطيع", Some(false)),
            ("تستطيع الرد", "تستطيع", Some(true)),
            ("您不能发布新主题", "不能", Some(false)),
            ("您可以发布新主题", "可以", Some(true)),
            ("Xyzzy plugh", "plugh", None),
        ] {
            assert_eq!(allows(line, strong), expected, "{line}");
        }
    }

    #[test]
    fn who_opened_a_thread_and_where() {
        let one = |line: &str| by_in(line, &[line.to_owned()]);
        let pair = |author: &str, board: &str| (Some(author.to_owned()), Some(board.to_owned()));
        assert_eq!(one("By Pottsey in forum Courses and Training"), pair("Pottsey", "Courses and Training"));
        assert_eq!(one("von Max im Forum Allerlei"), pair("Max", "Allerlei"));
        assert_eq!(one("Par almubedoja dans le forum Dépannage"), pair("almubedoja", "Dépannage"));
        assert_eq!(one("Bởi Bích Ly trong diễn đàn WINDOWS 7"), pair("Bích Ly", "WINDOWS 7"));
        assert_eq!(one("Ze Ann ub da Vorum Xo"), (None, None), "not guessed from a single sentence");
        let lines = ["Ze Ann ub da Vorum Xo", "Ze Ben B ub da Vorum Yo", "Ze Cy ub da Vorum Zo Zo"]
            .map(str::to_owned);
        assert_eq!(by_in(&lines[1], &lines), pair("Ben B", "Yo"));
        assert_eq!(by_in("", &[]), (None, None));
    }
}
