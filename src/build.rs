//! Asks the linker for packed relative relocations, where the system's loader knows them: the table of plain ones is
//! over 2 MB, is read whole at every start, and stays in the memory of a bridge that does nothing.

use std::process::Command;

/// The first glibc whose loader reads them. A program needs the glibc that it was built with anyway.
/// <https://sourceware.org/glibc/wiki/Release/2.36>
const GLIBC: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    let here = of("HOST") == of("TARGET");
    if here
        && of("CARGO_CFG_TARGET_OS") == "linux"
        && of("CARGO_CFG_TARGET_ENV") == "gnu"
        && glibc() >= Some(GLIBC)
    {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this system's C library: `glibc 2.41`.
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = told.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
