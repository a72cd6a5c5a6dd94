//! What programs of one machine remember of cards: any text is a book or is refused with a line of it; what was read reads the same.
#![no_main]

use card_core::tries::TriesBook;
use card_profiles::psams::PsamBook;
use card_profiles::ways::CardTypes;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(book) = CardTypes::parse(text) {
        assert_eq!(CardTypes::parse(&book.to_text()), Ok(book));
    }
    if let Ok(book) = TriesBook::parse(text) {
        assert_eq!(TriesBook::parse(&book.to_text()), Ok(book));
    }
    if let Ok(book) = PsamBook::parse(text) {
        assert_eq!(PsamBook::parse(&book.to_text()), Ok(book));
    }
});
