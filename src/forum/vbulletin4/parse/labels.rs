//! The labels of a member's figures, beside a post and on the member's own page, in the languages of the
//! boards that we know. What a label says decides what the value behind it is; other rows are passed over.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::Words;
use super::{count, counts};

/// What a row of figures tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Joined,
    LastActive,
    Location,
    Posts,
    BlogEntries,
    /// Thanks that the member gave.
    Given,
    /// Thanks that the member received.
    Received,
}

/// Lower case, parted by bars.
const LABELS: [(Label, &str); 7] = [
    (
        Label::Joined,
        "join date|joined|registriert seit|registriert|registrierungsdatum|mitglied seit|dabei seit|reg.-datum|\
         date d'inscription|inscription|inscrit|fecha de ingreso|ingreso|registrado|data registrazione|\
         registrato dal|data di registrazione|data de ingresso|data de registo|registo|cadastro|lid sinds|\
         geregistreerd|medlem siden|reg.datum|registrerad|tham gia|tham gia ngày|ngày tham gia|ngày gia nhập|\
         gia nhập|регистрация|дата регистрации|dołączył|data rejestracji|üyelik tarihi|tarih|registrace|\
         datum registrace|csatlakozott|data înscrierii|liittynyt|ημερομηνία εγγραφής|تاريخ التسجيل|تاریخ عضویت|عضویت|\
         注册日期|加入日期|member since|registered|tilmeldt|δημιουργία|\
         date of registration|miembro desde|fecha de registro|iscritto dal|katılım tarihi|kayıt tarihi|data de inscrição|\
         registreringsdatum|εγγραφή|注冊日期|註冊日期|注册时间|登録日|가입일|תאריך הצטרפות|הצטרף|ble medlem|registreret|csatlakozás dátuma|\
         дата на регистрация|регистриран на|реєстрація|дата реєстрації|datum registracije|učlanjen|učlanjen(a)|pridružen|\
         วันที่สมัคร|tanggal gabung|data d'ingrés|تاريخ عضويت|تاریخ ثبت نام",
    ),
    (
        Label::LastActive,
        "last activity|letzte aktivität|dernière activité|última actividad|ultima attività|última atividade|\
         laatste activiteit|hoạt động cuối|последняя активность|ostatnia aktywność|son aktivite|\
         poslední aktivita|آخر نشاط",
    ),
    (
        Label::Location,
        "location|ort|wohnort|standort|localisation|lieu|ville|ubicación|localización|località|residenza|\
         localização|localidade|locatie|woonplaats|lokalitet|plats|ort:|đến từ|nơi ở|nơi cư ngụ|адрес|откуда|\
         местоположение|skąd|lokalizacja|konum|nereden|nerden|bydliště|hely|locație|sijainti|paikkakunta|\
         περιοχή|τοποθεσία|الدولة|محل سكونت|محل سکونت|from|sted|geo|\
         lugar|provenienza|residência|bulunduğu yer|yer|şehir|lokation|bosted|miasto|místo|bydlisko|hol|lokacija|grad|\
         місце проживання|звідки|المكان|الاقامة|الإقامة|שם העיר|מיקום|מקום מגורים|来自|來自|位置|地址|住址|所在地|居住地|지역|사는곳|ที่อยู่|lokasi|ubicació",
    ),
    (
        Label::Posts,
        "posts|beiträge|messages|mensajes|messaggi|mensagens|berichten|inlägg|indlæg|innlegg|bài viết|bài gởi|\
         bài gửi|số bài|số bài viết|сообщений|сообщения|posty|postów|mesajlar|mesaj|příspěvky|hozzászólások|\
         mesaje|viestejä|viestit|μηνύματα|δημοσιεύσεις|المشاركات|مشاركات|نوشته ها|نوشته|ارسال ها|پست|帖子|post|total posts|\
         beiträge gesamt|total des messages|total mensajes|totale messaggi|tổng số bài gửi|tổng số bài viết|\
         всего сообщений|# of posts|posted|beans|post count|number of posts|\
         i̇letiler|iletiler|ileti|mesaj sayısı|הודעות|投稿|投稿数|文章|帖子数|發表文章|게시물|글|мнения|постове|повідомлень|повідомлення|\
         postovi|postova|poruke|poruka|prispevki|pranešimai|โพสต์|kiriman|missatges|عدد المشاركات|ارسالها|نوشته هاي|postagens|posty celkem",
    ),
    (
        Label::BlogEntries,
        "blog entries|blog-einträge|blogeinträge|blog|entrées de blog|articles de blog|billets dans le blog|\
         entradas de blog|inserimenti nel blog|entradas no blog|blogs|записей в дневнике|bài blog|\
         entradas del blog|записи в блоге|записей в блоге|wpisów na blogu|wpisy na blogu|wpisy bloga|blogberichten|\
         blog başlıkları|blog mesajları|blog yazıları|blogginlägg|blogindlæg|blogginnlegg|blogimerkinnät|postagens de blog|\
         日志|博客文章|網誌文章|ブログ記事|مقالات المدونة|نوشته های وبلاگ",
    ),
    (
        Label::Given,
        "thanks|thank post|thanks given|thanks (given)|total thanks|danke|danke gegeben|abgegebene danke|bedankt|\
         bedankungen|merci|remerciements|remercié|gracias|agradecido|grazie|obrigado|agradeceu|cảm ơn|\
         спасибо|сказал спасибо|podziękował|podziękowania|teşekkür|شكراً|سپاس|صلوات ارسال شده|تشکر کرده|likes given|likes (given)|\
         bedankjes|dank|agradecimientos|agradecimentos|ringraziamenti|ettiği teşekkür|verdiği teşekkür|\
         сказал(а) спасибо|спасибо сказал|поблагодарил(а)|поблагодарил|podziękował(a)|poděkoval|תודות|متشکر|شكر",
    ),
    (
        Label::Received,
        "thanked|thanks received|صلوات دریافت شده|تشکر شده|thanks (received)|erhaltene danke|danke erhalten|được cảm ơn|\
         remerciements reçus|gracias recibidas|благодарностей|спасибо получил|likes received|\
         likes (received)|otrzymane podziękowania|agradecimientos recibidos|agradecimentos recebidos|\
         ringraziamenti ricevuti|aldığı teşekkür|получено благодарностей|спасибо получено",
    ),
];

/// Words of thanks, by which "Thanked 12 Times in 7 Posts" is known though it has no label.
const THANKFUL: &str = "thank|danke|bedank|merci|reçu|cảm ơn|gracias|agrade|obrigad|grazie|ringrazia|спасибо|поблагодар|podzięk|\
     teşekkür|شكر|سپاس|likes|liked|صلوات";

pub fn label(text: &str) -> Option<Label> {
    let key = text.trim_matches([':', '：', ' ', '\u{a0}', '»', '•']).to_lowercase();
    let key = if key.is_ascii() { key } else { key.replace('’', "'").replace('\u{200c}', " ") };
    // A page asks for hundreds of them. The first that is listed counts.
    static KNOWN: LazyLock<HashMap<&str, Label>> = LazyLock::new(|| {
        let words =
            LABELS.iter().rev().flat_map(|(label, words)| words.split('|').map(|word| (word, *label)));
        words.collect()
    });
    KNOWN.get(key.as_str()).copied()
}

/// "Thanked 1,860 Times in 1,154 Posts": how often, and in how many posts. Some languages name the posts first, which
/// are never more.
pub fn thanked(text: &str) -> Option<(u64, u64)> {
    let [one, other] = counts(text).try_into().ok()?;
    let (times, posts) = if one < other { (other, one) } else { (one, other) };
    static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new(THANKFUL));
    WORDS.any_in(&text.to_lowercase()).then_some((times, posts))
}

/// The number that a row's value is or begins with.
pub fn number(value: &str) -> Option<u64> {
    let plain = value.chars().all(|c| c.is_ascii_digit() || " ,.'’\u{a0}\u{202f}".contains(c));
    if plain { count(value) } else { counts(value).first().copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_known_by_their_labels() {
        for (text, expected) in [
            ("Join Date", Some(Label::Joined)),
            ("Registriert seit", Some(Label::Joined)),
            ("Tham Gia:", Some(Label::Joined)),
            ("Location: ", Some(Label::Location)),
            ("Thank Post", Some(Label::Given)),
            ("Messages", Some(Label::Posts)),
            ("Posts Per Day", None),
            ("Mentioned", None),
            ("", None),
        ] {
            assert_eq!(label(text), expected, "{text}");
        }
    }

    #[test]
    fn thanks_are_counted_in_any_writing() {
        for (text, expected) in [
            ("Thanked 1,860 Times in 1,154 Posts", Some((1860, 1154))),
            ("1.927.581 danke in 13.586 Posts", Some((1_927_581, 13_586))),
            ("Remercié 1 234 fois dans 56 messages", Some((1234, 56))),
            ("Thanked 9 in 4 P", Some((9, 4))),
            ("Được cảm ơn 7 lần trong 5 bài viết", Some((7, 5))),
            ("345 mesajına 1.234 teşekkür edildi", Some((1234, 345))),
            ("Posts 12 of 30", None),
            ("Thanked 12 Times", None),
        ] {
            assert_eq!(thanked(text), expected, "{text}");
        }
        assert_eq!(
            [number("13.635"), number("5 913"), number("0 Post(s)"), number("-")],
            [Some(13_635), Some(5_913), Some(0), None]
        );
    }
}
