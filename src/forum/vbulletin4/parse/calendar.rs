//! The words that dates are written with, in the languages of the boards that we know: lower case, parted by
//! bars. Whole words, but for units, which are matched by their beginning.

/// From January on.
pub const MONTHS: [&str; 12] = [
    "january|januar|janvier|enero|gennaio|janeiro|januari|ocak|leden|ledna|stycznia|styczeń|января|январь|\
     січня|január|ianuarie|tammikuu|tammikuuta|ιανουαρίου|ιανουάριος|gener|jan|jän|janv|ene|gen|янв|sty|oca|\
     ian|ιαν|tammi|يناير|ژانویه|ינואר|בינואר|януари|sausio",
    "february|februar|février|fevrier|febrero|febbraio|fevereiro|februari|şubat|únor|února|lutego|luty|\
     февраля|февраль|лютого|február|februarie|helmikuu|helmikuuta|φεβρουαρίου|φεβρουάριος|febrer|feb|fév|\
     févr|fev|фев|lut|şub|φεβ|febr|helmi|فبراير|شباط|فوریه|פברואר|בפברואר|февр|февруари|vasario",
    "march|märz|mars|marzo|março|maart|mart|marts|březen|března|marca|marzec|марта|март|березня|március|\
     martie|maaliskuu|maaliskuuta|μαρτίου|μάρτιος|març|mar|mär|mrz|mrt|мар|μαρ|maret|maalis|مارس|آذار|מרץ|\
     במרץ|marec|kovo",
    "april|avril|abril|aprile|nisan|duben|dubna|kwietnia|kwiecień|апреля|апрель|квітня|április|aprilie|\
     huhtikuu|huhtikuuta|απριλίου|απρίλιος|apr|avr|abr|апр|kwi|nis|απρ|apríl|ápr|huhti|أبريل|ابريل|إبريل|\
     نيسان|آوریل|אפריל|באפריל|април|balandžio",
    "may|mai|mayo|maggio|maio|mei|maj|mayıs|květen|května|maja|мая|май|травня|május|toukokuu|toukokuuta|\
     μαΐου|μάιος|maig|mag|μαϊ|μαι|máj|touko|مايو|أيار|מאי|במאי|gegužės",
    "june|juni|juin|junio|giugno|junho|haziran|červen|června|czerwca|czerwiec|июня|июнь|червня|június|iunie|\
     kesäkuu|kesäkuuta|ιουνίου|ιούνιος|juny|jun|giu|июн|cze|haz|ιουν|jún|júna|kesä|يونيو|يونيه|حزيران|ژوئن|\
     יוני|ביוני|юни|birželio",
    "july|juli|juillet|julio|luglio|julho|temmuz|červenec|července|lipca|lipiec|июля|июль|липня|július|iulie|\
     heinäkuu|heinäkuuta|ιουλίου|ιούλιος|juliol|jul|juil|lug|июл|lip|tem|ιουλ|júl|júla|heinä|يوليو|يوليه|\
     تموز|ژوئیه|جولای|יולי|ביולי|юли|liepos",
    "august|août|aout|agosto|augustus|augusti|ağustos|srpen|srpna|sierpnia|sierpień|августа|август|серпня|\
     augusztus|elokuu|elokuuta|αυγούστου|αύγουστος|agost|aug|aoû|ago|авг|sie|ağu|αυγ|agustus|avgust|avg|elo|\
     أغسطس|اغسطس|آب|اوت|آگوست|אוגוסט|באוגוסט|rugpjūčio",
    "september|septembre|septiembre|settembre|setembro|eylül|září|września|wrzesień|сентября|сентябрь|\
     вересня|szeptember|septembrie|syyskuu|syyskuuta|σεπτεμβρίου|σεπτέμβριος|setembre|sep|sept|set|сен|сент|\
     wrz|eyl|σεπ|septembar|syys|szept|سبتمبر|أيلول|سپتامبر|ספטמבר|בספטמבר|септември|rugsėjo",
    "october|oktober|octobre|octubre|ottobre|outubro|ekim|říjen|října|października|październik|октября|\
     октябрь|жовтня|október|octombrie|lokakuu|lokakuuta|οκτωβρίου|οκτώβριος|oct|okt|out|ott|окт|paź|eki|οκτ|\
     oktobar|loka|أكتوبر|اكتوبر|اکتبر|אוקטובר|באוקטובר|октомври|spalio",
    "november|novembre|noviembre|novembro|kasım|listopad|listopadu|listopada|ноября|ноябрь|листопада|\
     noiembrie|marraskuu|marraskuuta|νοεμβρίου|νοέμβριος|nov|ноя|lis|kas|νοε|novembar|marras|نوفمبر|نوامبر|\
     נובמבר|בנובמבר|нояб|ноември|lapkričio",
    "december|dezember|décembre|decembre|diciembre|dicembre|dezembro|aralık|prosinec|prosince|grudnia|\
     grudzień|декабря|декабрь|грудня|desember|decembrie|joulukuu|joulukuuta|δεκεμβρίου|δεκέμβριος|desembre|\
     dec|dez|déc|dic|des|дек|gru|ara|δεκ|decembar|joulu|ديسمبر|دسامبر|דצמבר|בדצמבר|декември|gruodžio",
];

/// What tells the morning (`false`) from the afternoon in times of twelve hours.
pub const HALVES: [(&str, bool); 2] = [
    (
        "pm|p.m.|p.m|p. m.|ch|μμ|μ.μ.|م|مساء|مساءً|مساءا|بعد از ظهر|بعدازظهر|ب.ظ|ب ظ|عصر|ös|下午|午後|오후",
        true,
    ),
    ("am|a.m.|a.m|a. m.|sa|πμ|π.μ.|ص|صباحا|صباحًا|صباحاً|قبل از ظهر|ق.ظ|ق ظ|صبح|öö|上午|午前|오전", false),
];

pub const TODAY: &str = "today|heute|aujourd'hui|aujourd’hui|hoy|oggi|hoje|vandaag|idag|i dag|hôm nay|bugün|dnes|сегодня|\
     dzisiaj|dziś|сьогодні|днес|ma|tänään|azi|astăzi|σήμερα|danas|danes|avui|hari ini|šiandien|šodien|täna|היום|اليوم|امروز|今天|\
     今日|本日|오늘|วันนี้";

pub const YESTERDAY: &str = "yesterday|gestern|hier|ayer|ieri|ontem|gisteren|igår|i går|hôm qua|dün|včera|вчера|wczoraj|вчора|\
     tegnap|eilen|χθες|χτες|εχθές|εχθες|jučer|juče|včeraj|ahir|kemarin|vakar|eile|אתמול|أمس|الأمس|امس|يوم أمس|\
     البارحة|دیروز|ديروز|昨天|昨日|어제|เมื่อวาน";

/// Units of "N ... ago", with their length in seconds; the longest first, for one may begin like another.
pub const UNITS: [(&str, i64); 5] = [
    (
        "week|woche|semaine|semana|settiman|setman|tuần|hafta|недел|седмиц|тиж|tydzie|tygodn|týd|veck|uke|uge|\
         viikko|hét|het|săptămân|saptaman|εβδομάδ|أسبوع|أسابيع|هفته|שבוע|minggu|tjedn|週|周|주|สัปดาห์",
        604_800,
    ),
    (
        "day|tag|jour|día|dia|dies|giorn|dag|ngày|gün|дн|день|ден|dni|dzień|dny|den|dana|dan|päiv|nap|zile|zi|\
         ημέρ|μέρ|يوم|أيام|روز|יום|ימים|hari|天|일|วัน",
        86_400,
    ),
    (
        "hour|stunde|heure|hora|hores|ora|ore|óra|órá|uur|uren|giờ|saat|sati|sata|час|годин|godzin|hodin|timm|time|\
         tunti|tuntia|ώρ|ساعة|ساعات|ساعت|שעה|שעות|jam|小时|小時|時間|시간|ชั่วโมง",
        3_600,
    ),
    (
        "minut|minuut|minuu|min|menit|perc|phút|dakika|минут|хвилин|λεπτ|دقيقة|دقائق|دقيقت|دقیقه|דקה|דקות|分|분|นาที",
        60,
    ),
    ("second|sekund|seconde|segundo|giây|saniye|секунд|sekunt|ثانية|ثوان|ثانیه|שניות|detik|秒|초|วินาที", 1),
];

/// What makes a span of time one of the past.
pub const AGO: &str = "ago|vor|il y a|hace|fa|geleden|atrás|há|trước|önce|назад|преди|тому|temu|před|pred|prije|pre|sedan|siden|sitten|\
     acum|ezelőtt|πριν|قبل|منذ|پیش|לפני|lalu|前|전|ที่แล้ว|ที่ผ่านมา";
