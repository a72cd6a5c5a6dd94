//! The way back: which page shows what stands at an address, or above it.
//!
//! Owns: the nearest page of each address. Never: carries a form out.

use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use maud::Markup;

use super::{HOME, Kind, ROUTES, Route, guarded};
use crate::console::Viewer;

/// Back to where the form was.
pub(super) fn back(viewer: &Viewer<'_>) -> Markup {
    maud::html! { p { a href=(viewer.place) { (viewer.say("返回", "Back")) } } }
}

/// The page at an address, or the nearest above it: an address that only takes a form shows nothing.
pub(super) fn page_at(address: &str) -> &str {
    let mut place = address;
    loop {
        if page_of(place).is_some() {
            return place;
        }
        match place.rsplit_once('/') {
            Some((above, _)) => place = above,
            None => return HOME,
        }
    }
}

/// The row of a page, and what stands in its address for `{number}` or `{name}`.
pub(super) fn page_of(address: &str) -> Option<(&'static Route, Option<&str>)> {
    let mut looks = ROUTES.iter().copied().flatten().filter(|route| route.kind == Kind::Looks);
    let route = looks.find(|route| is_at(route.path, address))?;
    let place = route.path.split('/').zip(address.split('/')).find(|(part, _)| part.starts_with('{'));
    Some((route, place.map(|(_, place)| place)))
}

/// Whether an address is one of this path, with its `{number}` or `{name}`.
fn is_at(path: &str, address: &str) -> bool {
    let mut places = address.split('/');
    let fits = path.split('/').all(|part| {
        places.next().is_some_and(|place| match part {
            "{number}" => !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit()),
            "{name}" => !place.is_empty(),
            part => part == place,
        })
    });
    fits && places.next().is_none()
}

/// A form's address that is opened like a page, by the arrow back or a change of language: to the page where the form is.
pub(super) async fn opened(request: Request) -> Response {
    guarded(Redirect::to(page_at(request.uri().path())).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_a_page_that_can_be_opened() {
        for (address, page) in [
            ("/console/people/5/photo/remove", "/console/people/5"),
            ("/console/people/find", "/console/people"),
            ("/console/people/found", "/console/people/found"),
            ("/console/stations/west/revoke", "/console/stations"),
            ("/console/requests/7/withdraw", "/console/requests"),
            ("/console/tickets/2/answer", "/console/tickets"),
            ("/console/cards/A00000001/move", "/console/cards/A00000001"),
            ("/console/nowhere", HOME),
            ("", HOME),
        ] {
            assert_eq!(page_at(address), page, "{address}");
        }
        // Every form leads somewhere.
        for route in ROUTES.iter().copied().flatten().filter(|route| route.kind == Kind::Acts) {
            let address = route.path.replace("{number}", "1").replace("{name}", "A00000001");
            assert_ne!(page_at(&address), HOME, "{address}");
        }
    }

    #[test]
    fn the_menu_offers_a_room_to_those_who_are_let_in() {
        let looks = || ROUTES.iter().copied().flatten().filter(|route| route.kind == Kind::Looks);
        for (room, _, _, command) in crate::console::ROOMS {
            let address = format!("/console/{room}");
            let route = looks().find(|route| route.path == address).expect("a page");
            assert_eq!(route.command, command, "{room}");
        }
    }
}
