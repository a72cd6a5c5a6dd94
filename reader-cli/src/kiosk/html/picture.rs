//! Line drawings of the kiosk.
//!
//! Owns: their outlines, 24 units a side, in the colour of the text. Never: a state's emblem: the one in the head is a placeholder.

use maud::{Markup, html};

use super::drawn;

/// A drawing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Picture {
    Page,
    List,
    Person,
    Key,
    Umbrella,
    Card,
    Lock,
    Letter,
    Turn,
}

/// A drawing as SVG.
pub(super) fn picture(picture: Picture) -> Markup {
    let lines = match picture {
        Picture::Page => r#"<path d="M6 3h8l4 4v14H6z"/><path d="M14 3v4h4M9 12h6M9 16h6"/>"#,
        Picture::List => r#"<path d="M8 6h12M8 12h12M8 18h12"/><path d="M4 6h.01M4 12h.01M4 18h.01"/>"#,
        Picture::Person => r#"<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c1-4 4-6 7.5-6s6.500 2 7.500 6"/>"#,
        Picture::Key => r#"<circle cx="8" cy="14" r="4.500"/><path d="M11.500 11 20 3M16 7l3 3"/>"#,
        Picture::Umbrella => {
            r#"<path d="M3 12a9 9 0 0 1 18 0z"/><path d="M12 12v6.500a2.500 2.500 0 0 1-5 0M12 3v-1"/>"#
        }
        Picture::Card => r#"<rect x="3" y="5" width="18" height="14" rx="2"/><path d="M3 10h18M7 15h4"/>"#,
        Picture::Lock => {
            r#"<rect x="5" y="11" width="14" height="10" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3M12 15v2"/>"#
        }
        Picture::Letter => r#"<path d="M4 5h16v11H10l-5 4v-4H4z"/><path d="M8 9h8M8 12h5"/>"#,
        Picture::Turn => r#"<path d="M12 3a9 9 0 1 0 9 9"/>"#,
    };
    let class = if matches!(picture, Picture::Turn) { "turn" } else { "picture" };
    html! {
        svg class=(class) viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" { (drawn(lines)) }
    }
}

/// A card with its chip, half in the slot of a reader.
pub(super) fn slot() -> Markup {
    html! {
        svg.slot viewBox="0 0 240 150" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" {
            (drawn(r#"<path d="M20 112h200v22a8 8 0 0 1-8 8H28a8 8 0 0 1-8-8z" fill="currentColor" fill-opacity=".12"/><path d="M52 112h136" stroke-width="8"/><path d="M70 108V20a10 10 0 0 1 10-10h80a10 10 0 0 1 10 10v88"/><rect x="104" y="66" width="32" height="26" rx="5"/><path d="M104 79h32M120 66v26" stroke-width="3"/><path d="M88 30h36M88 44h24" stroke-width="3" opacity=".55"/>"#))
        }
    }
}

/// Where the service's emblem goes.
pub(super) fn emblem() -> Markup {
    html! {
        svg viewBox="0 0 48 48" aria-hidden="true" {
            (drawn(r#"<circle cx="24" cy="24" r="23" fill="currentColor"/><path d="M10 17h28v17a3 3 0 0 1-3 3H13a3 3 0 0 1-3-3z" fill="none" stroke="var(--card)" stroke-width="3"/><path d="M10 24h28" stroke="var(--card)" stroke-width="4"/><path d="M15 31h7" stroke="var(--card)" stroke-width="3"/><path d="M24 7v5" stroke="var(--card)" stroke-width="3"/>"#))
        }
    }
}
