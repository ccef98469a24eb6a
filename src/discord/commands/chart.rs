//! A bar chart as a picture, on a card of its own so that it reads in Discord's dark and light alike.
//! Its letters are Noto Sans (Latin, Greek, Cyrillic), compiled in: no font of the system is needed. What
//! it can't write it leaves out; the list beside it has every name.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, PremultipliedColorU8, Rect, Transform};

use super::asks::TopRow;

static FONT: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("font/noto-sans.ttf")).ok());

/// In pixels, at twice the size at which Discord shows it.
const WIDTH: u32 = 1100;
const MARGIN: f32 = 40.0;
const TITLE: f32 = 34.0;
const LETTERS: f32 = 28.0;
const ROW: f32 = 58.0;
const BAR: f32 = 34.0;
/// The column of names, and the room for the figure behind the longest bar.
const NAMES: f32 = 300.0;
const FIGURE: f32 = 110.0;

const CARD: (u8, u8, u8) = (0x23, 0x25, 0x2c);
const TRACK: (u8, u8, u8) = (0x33, 0x36, 0x40);
const BARS: (u8, u8, u8) = (0x7c, 0x8a, 0xff);
const BRIGHT: (u8, u8, u8) = (0xf4, 0xf5, 0xf8);
const MUTED: (u8, u8, u8) = (0xc2, 0xc6, 0xd2);

/// The rows as bars, as a PNG. `None` when there is nothing to draw.
pub fn bars(title: &str, rows: &[TopRow]) -> Option<Vec<u8>> {
    let most = rows.iter().map(|row| row.thanks).max().filter(|most| *most > 0)?;
    let font = FONT.as_ref()?;
    let top = MARGIN + TITLE + 30.0;
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "a few hundred pixels")]
    let height = (top + ROW * rows.len() as f32 + MARGIN - (ROW - BAR)).ceil() as u32;
    let mut picture = Pixmap::new(WIDTH, height)?;
    block(&mut picture, 0.0, 0.0, WIDTH as f32, height as f32, 24.0, CARD);
    write(
        &mut picture,
        font,
        title,
        MARGIN,
        MARGIN + TITLE * 0.8,
        TITLE,
        WIDTH as f32 - 2.0 * MARGIN,
        BRIGHT,
    );
    let left = MARGIN + NAMES + 20.0;
    let room = WIDTH as f32 - left - MARGIN - FIGURE;
    for (index, row) in rows.iter().enumerate() {
        let y = top + ROW * index as f32;
        let baseline = y + BAR / 2.0 + LETTERS * 0.35;
        write(&mut picture, font, &row.name, MARGIN, baseline, LETTERS, NAMES, BRIGHT);
        block(&mut picture, left, y, room, BAR, 8.0, TRACK);
        // Never so short that it can't be seen.
        let share = (row.thanks as f32 / most as f32 * room).max(BAR / 2.0);
        block(&mut picture, left, y, share, BAR, 8.0, BARS);
        let figure = row.thanks.to_string();
        write(&mut picture, font, &figure, left + room + 20.0, baseline, LETTERS, FIGURE, MUTED);
    }
    picture.encode_png().ok()
}

/// A rectangle with round corners.
fn block(picture: &mut Pixmap, x: f32, y: f32, width: f32, height: f32, round: f32, colour: (u8, u8, u8)) {
    let round = round.min(width / 2.0).min(height / 2.0);
    let (right, bottom) = (x + width, y + height);
    let mut path = PathBuilder::new();
    path.move_to(x + round, y);
    path.line_to(right - round, y);
    path.quad_to(right, y, right, y + round);
    path.line_to(right, bottom - round);
    path.quad_to(right, bottom, right - round, bottom);
    path.line_to(x + round, bottom);
    path.quad_to(x, bottom, x, bottom - round);
    path.line_to(x, y + round);
    path.quad_to(x, y, x + round, y);
    path.close();
    let mut paint = Paint::default();
    paint.set_color(Color::from_rgba8(colour.0, colour.1, colour.2, 255));
    if let Some(path) = path.finish() {
        picture.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
    } else if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        picture.fill_rect(rect, &paint, Transform::identity(), None);
    }
}

/// One line of text from `x` on its baseline, at most `room` wide.
#[expect(clippy::too_many_arguments, reason = "where, how large and in which colour")]
fn write(
    picture: &mut Pixmap,
    font: &FontRef<'_>,
    text: &str,
    x: f32,
    baseline: f32,
    size: f32,
    room: f32,
    colour: (u8, u8, u8),
) {
    let scaled = font.as_scaled(PxScale::from(size * 1.36));
    let known = |c: &char| font.glyph_id(*c).0 != 0;
    let advance = |c: char| scaled.h_advance(font.glyph_id(c));
    let letters: Vec<char> = text.chars().filter(known).collect();
    let width: f32 = letters.iter().map(|c| advance(*c)).sum();
    let more = if width > room { Some('…') } else { None };
    let room = room - more.map_or(0.0, advance);
    let mut pen = x;
    let mut fitting = Vec::new();
    for c in letters {
        if pen + advance(c) > x + room {
            break;
        }
        fitting.push((c, pen));
        pen += advance(c);
    }
    fitting.extend(more.map(|c| (c, pen)));
    for (c, at) in fitting {
        let glyph = font.glyph_id(c).with_scale_and_position(scaled.scale(), point(at, baseline));
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let bounds = outline.px_bounds();
        outline.draw(|dx, dy, cover| {
            blend(picture, bounds.min.x + dx as f32, bounds.min.y + dy as f32, cover, colour);
        });
    }
}

/// Lays a colour over a pixel of the card, which is opaque.
fn blend(picture: &mut Pixmap, x: f32, y: f32, cover: f32, colour: (u8, u8, u8)) {
    if x < 0.0 || y < 0.0 || x >= picture.width() as f32 || y >= picture.height() as f32 {
        return;
    }
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "within the picture")]
    let at = y as usize * picture.width() as usize + x as usize;
    let Some(pixel) = picture.pixels_mut().get_mut(at) else { return };
    let cover = cover.clamp(0.0, 1.0);
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "between two bytes")]
    let mix =
        |under: u8, over: u8| (f32::from(under) * (1.0 - cover) + f32::from(over) * cover).round() as u8;
    let (r, g, b) = (mix(pixel.red(), colour.0), mix(pixel.green(), colour.1), mix(pixel.blue(), colour.2));
    if let Some(mixed) = PremultipliedColorU8::from_rgba(r, g, b, 255).filter(|_| pixel.alpha() == 255) {
        *pixel = mixed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, thanks: u64) -> TopRow {
        TopRow { name: name.to_owned(), thanks }
    }

    /// The picture's pixels, decoded again.
    fn drawn(rows: &[TopRow]) -> Pixmap {
        Pixmap::decode_png(&bars("Most thanked", rows).expect("a picture")).expect("a PNG")
    }

    #[test]
    fn the_bars_are_as_long_as_their_figures() {
        let picture = drawn(&[row("Ann", 40), row("Bob", 20), row("Zoë", 10)]);
        let long = |index: usize| {
            let y = (MARGIN + TITLE + 30.0 + ROW * index as f32 + BAR / 2.0) as u32;
            (0..picture.width())
                .filter(|x| {
                    let pixel = picture.pixel(*x, y).unwrap();
                    (pixel.red(), pixel.green(), pixel.blue()) == BARS
                })
                .count()
        };
        let (ann, bob, zoe) = (long(0), long(1), long(2));
        assert!(ann > 500 && bob.abs_diff(ann / 2) <= 2 && zoe.abs_diff(ann / 4) <= 2, "{ann} {bob} {zoe}");
    }

    #[test]
    fn nothing_is_no_picture_and_any_name_is_drawn() {
        assert!(bars("Most thanked", &[]).is_none());
        assert!(bars("Most thanked", &[row("Ann", 0)]).is_none());
        drawn(&[row(&"Ж".repeat(200), u64::MAX), row("日本語", 1), row("", 1), row("👍🏽", 1)]);
    }

    /// Writes the picture where `THREADBRIDGE_CHART` names a file, to be looked at.
    #[test]
    fn a_whole_chart_fits_into_one_upload() {
        let names =
            ["Ephelyon", "Roberto", "witch", "Zoë Müller", "Дмитрий", "a very long name that does not fit"];
        let rows: Vec<_> = (1..).zip(names).map(|(n, name)| row(name, 128 / n)).collect();
        let png = bars("Most thanked on the forum in the last 30 days", &rows).expect("a picture");
        assert!(png.len() < 200_000, "{} bytes", png.len());
        if let Some(file) = std::env::var_os("THREADBRIDGE_CHART") {
            std::fs::write(file, png).expect("the file can be written");
        }
    }
}
