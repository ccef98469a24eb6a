//! The words that dates are written with, in the languages of the boards that we know: lower case, parted by
//! bars. Whole words, but for units, which are matched by their beginning.

/// From January on.
pub const MONTHS: [&str; 12] = [
    "january|januar|janvier|enero|gennaio|janeiro|januari|ocak|leden|ledna|stycznia|styczeń|января|\
     январь|січня|január|ianuarie|tammikuu|tammikuuta|ιανουαρίου|ιανουάριος|gener|jan|jän|janv|ene|gen|\
     янв|sty|oca|ian|ιαν",
    "february|februar|février|fevrier|febrero|febbraio|fevereiro|februari|şubat|únor|února|lutego|luty|\
     февраля|февраль|лютого|február|februarie|helmikuu|helmikuuta|φεβρουαρίου|φεβρουάριος|febrer|feb|\
     fév|févr|fev|фев|lut|şub|φεβ",
    "march|märz|mars|marzo|março|maart|mart|marts|březen|března|marca|marzec|марта|март|березня|március|\
     martie|maaliskuu|maaliskuuta|μαρτίου|μάρτιος|març|mar|mär|mrz|mrt|мар|μαρ",
    "april|avril|abril|aprile|nisan|duben|dubna|kwietnia|kwiecień|апреля|апрель|квітня|április|aprilie|\
     huhtikuu|huhtikuuta|απριλίου|απρίλιος|apr|avr|abr|апр|kwi|nis|απρ",
    "may|mai|mayo|maggio|maio|mei|maj|mayıs|květen|května|maja|мая|май|травня|május|toukokuu|toukokuuta|\
     μαΐου|μάιος|maig|mag|μαϊ|μαι",
    "june|juni|juin|junio|giugno|junho|haziran|červen|června|czerwca|czerwiec|июня|июнь|червня|június|\
     iunie|kesäkuu|kesäkuuta|ιουνίου|ιούνιος|juny|jun|giu|июн|cze|haz|ιουν",
    "july|juli|juillet|julio|luglio|julho|temmuz|červenec|července|lipca|lipiec|июля|июль|липня|július|\
     iulie|heinäkuu|heinäkuuta|ιουλίου|ιούλιος|juliol|jul|juil|lug|июл|lip|tem|ιουλ",
    "august|août|aout|agosto|augustus|augusti|ağustos|srpen|srpna|sierpnia|sierpień|августа|август|\
     серпня|augusztus|elokuu|elokuuta|αυγούστου|αύγουστος|agost|aug|aoû|ago|авг|sie|ağu|αυγ",
    "september|septembre|septiembre|settembre|setembro|eylül|září|września|wrzesień|сентября|сентябрь|\
     вересня|szeptember|septembrie|syyskuu|syyskuuta|σεπτεμβρίου|σεπτέμβριος|setembre|sep|sept|set|сен|\
     сент|wrz|eyl|σεπ",
    "october|oktober|octobre|octubre|ottobre|outubro|ekim|říjen|října|października|październik|октября|\
     октябрь|жовтня|október|octombrie|lokakuu|lokakuuta|οκτωβρίου|οκτώβριος|oct|okt|out|ott|окт|paź|eki|\
     οκτ",
    "november|novembre|noviembre|novembro|kasım|listopad|listopadu|listopada|ноября|ноябрь|листопада|\
     noiembrie|marraskuu|marraskuuta|νοεμβρίου|νοέμβριος|nov|ноя|lis|kas|νοε",
    "december|dezember|décembre|decembre|diciembre|dicembre|dezembro|aralık|prosinec|prosince|grudnia|\
     grudzień|декабря|декабрь|грудня|desember|decembrie|joulukuu|joulukuuta|δεκεμβρίου|δεκέμβριος|\
     desembre|dec|dez|déc|dic|des|дек|gru|ara|δεκ",
];

pub const TODAY: &str = "today|heute|aujourd'hui|aujourd’hui|hoy|oggi|hoje|vandaag|idag|i dag|hôm nay|bugün|dnes|сегодня|\
     dzisiaj|dziś|сьогодні|днес|ma|tänään|azi|astăzi|σήμερα|danas|avui|hari ini|היום|اليوم|امروز|今天|今日|\
     오늘|วันนี้";

pub const YESTERDAY: &str = "yesterday|gestern|hier|ayer|ieri|ontem|gisteren|igår|i går|hôm qua|dün|včera|вчера|wczoraj|вчора|\
     tegnap|eilen|χθες|χτες|jučer|juče|ahir|kemarin|אתמול|أمس|الأمس|امس|يوم أمس|دیروز|ديروز|昨天|昨日|어제|\
     เมื่อวาน";

/// Units of "N ... ago", with their length in seconds.
pub const UNITS: [(&str, i64); 5] = [
    ("second|sekund|seconde|segundo|giây|saniye|секунд", 1),
    ("minut|minuut|min|phút|dakika|минут|хвилин|λεπτ|دقيقة|دقائق|دقیقه", 60),
    (
        "hour|stunde|heure|hora|ora|ore|uur|uren|giờ|saat|час|годин|godzin|hodin|timm|time|ώρ|ساعة|\
         ساعات|ساعت",
        3_600,
    ),
    ("day|tag|jour|día|dia|giorn|dag|ngày|gün|дн|день|dni|dzień|dny|den|ημέρ|يوم|أيام|روز", 86_400),
    ("week|woche|semaine|semana|settiman|tuần|hafta|недел|tydzie|tygodn|týd|veck|uge", 604_800),
];

/// What makes a span of time one of the past.
pub const AGO: &str =
    "ago|vor|il y a|hace|fa|geleden|atrás|há|trước|önce|назад|тому|temu|před|sedan|siden|πριν|قبل";
