//! Which rules of HTML's tree construction an element falls under.
//! <https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inbody>

/// Elements that are treated alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// `span` and every name that HTML gives no rule to.
    Plain,
    Formatting,
    Link,
    /// `div` and `address`: blocks through which an open item of a list can still be seen.
    Frame,
    Block,
    Paragraph,
    Preformatted,
    Heading,
    Item,
    Definition,
    Form,
    Button,
    /// With a list of formatting elements of its own.
    Object,
    Void,
    Rule,
    /// Text up to its end tag, as it stands.
    Raw,
    /// The same, but with character references.
    Rcdata,
    Select,
    Option,
    Choices,
    Table,
    TableSection,
    Row,
    Cell,
    Html,
    Head,
    Body,
    /// With rules that are not followed here.
    Odd,
}

/// The group of a name in lower case.
pub fn group(name: &str) -> Group {
    match name {
        "div" | "address" => Group::Frame,
        "a" => Group::Link,
        "b" | "big" | "code" | "em" | "font" | "i" | "s" | "small" | "strike" | "strong" | "tt" | "u" => {
            Group::Formatting
        }
        "li" => Group::Item,
        "dd" | "dt" => Group::Definition,
        "p" => Group::Paragraph,
        "area" | "base" | "basefont" | "bgsound" | "br" | "embed" | "img" | "input" | "keygen" | "link"
        | "meta" | "param" | "source" | "track" | "wbr" => Group::Void,
        "article" | "aside" | "blockquote" | "center" | "details" | "dir" | "dl" | "fieldset"
        | "figcaption" | "figure" | "footer" | "header" | "hgroup" | "main" | "menu" | "nav" | "ol"
        | "section" | "summary" | "ul" => Group::Block,
        "pre" | "listing" => Group::Preformatted,
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Group::Heading,
        "form" => Group::Form,
        "button" => Group::Button,
        "applet" | "marquee" | "object" => Group::Object,
        "hr" => Group::Rule,
        "script" | "style" | "iframe" | "noembed" | "noframes" | "noscript" => Group::Raw,
        "title" | "textarea" => Group::Rcdata,
        "select" => Group::Select,
        "option" => Group::Option,
        "optgroup" => Group::Choices,
        "table" => Group::Table,
        "tbody" | "tfoot" | "thead" => Group::TableSection,
        "tr" => Group::Row,
        "td" | "th" => Group::Cell,
        "html" => Group::Html,
        "head" => Group::Head,
        "body" => Group::Body,
        "caption" | "col" | "colgroup" | "dialog" | "frame" | "frameset" | "image" | "isindex" | "math"
        | "nobr" | "plaintext" | "rb" | "rp" | "rt" | "rtc" | "search" | "selectedcontent" | "svg"
        | "template" | "xmp" => Group::Odd,
        _ => Group::Plain,
    }
}

impl Group {
    /// Whether an end tag of an element around it ends it too.
    pub fn ends_by_itself(self) -> bool {
        matches!(self, Self::Item | Self::Definition | Self::Option | Self::Choices | Self::Paragraph)
    }

    /// Whether nothing but parts of a table may stand directly in it.
    pub fn holds_rows(self) -> bool {
        matches!(self, Self::Table | Self::TableSection | Self::Row)
    }

    /// Whether an open paragraph around it is out of reach for what is within.
    pub fn hides_paragraphs(self) -> bool {
        matches!(self, Self::Table | Self::Cell | Self::Object | Self::Select | Self::Button | Self::Html)
    }

    /// Whether an item of a list around it is out of reach for an item within.
    pub fn hides_items(self) -> bool {
        !matches!(
            self,
            Self::Plain
                | Self::Formatting
                | Self::Link
                | Self::Frame
                | Self::Paragraph
                | Self::Option
                | Self::Choices
        )
    }
}
