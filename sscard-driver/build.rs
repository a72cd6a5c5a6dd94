//! Link options of the C library.

fn main() {
    // A call on a reader that hangs is left to its thread: the code under that thread must stay when a program unloads us.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
