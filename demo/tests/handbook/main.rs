//! The handbook, typed as its reader would: every page, every command, in one shell and one folder, in both languages.

mod page;
mod shell;
mod story;
