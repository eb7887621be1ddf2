//! What is refused before anything of it runs.

use openanalyst_domain::Digest;
use openanalyst_guest_fixtures::{Core, PROBE, binary};

use crate::lab::Lab;

#[test]
fn what_is_no_component_is_refused_by_name() {
    let lab = Lab::new();
    let component = Core::default().component();
    let elf = [b"\x7fELF".as_slice(), &[0; 100]].concat();
    let cases: [(&str, &[u8], &str); 8] = [
        ("nothing", b"", "not-a-component"),
        ("text", b"(component)", "not-a-component"),
        ("a script", b"#!/bin/sh\nrm -rf /", "not-a-component"),
        ("a core module", b"\0asm\x01\0\0\0", "core-module"),
        ("a compiled artifact", &elf, "compiled-component"),
        ("half a component", &component[..component.len() / 2], "invalid-component"),
        ("a component and something more", &[component.as_slice(), b"more"].concat(), "invalid-component"),
        ("an empty component", b"\0asm\x0d\0\x01\0", "missing-export"),
    ];
    for (case, bytes, code) in cases {
        let error = lab.load(bytes).unwrap_err();
        assert_eq!(error.code(), code, "{case}: {error}");
        assert!(error.to_string().len() < 2_000, "{case}");
    }
}

#[test]
fn every_single_byte_of_a_component_may_be_wrong() {
    let lab = Lab::new();
    let component = Core::default().component();
    // Whatever comes of it, nothing panics and nothing is loaded from a cache that is not the same component.
    for at in (0..component.len()).step_by(97) {
        let mut wrong = component.clone();
        wrong[at] ^= 0x55;
        if let Err(error) = lab.load(&wrong) {
            assert!(!error.code().is_empty());
        }
    }
    lab.load(&component).unwrap();
}

#[test]
fn what_is_too_large_is_refused_before_a_compiler_sees_it() {
    let lab = Lab::new();
    let compiled = lab.sandbox.stats().compiled;
    let big_function = format!("(func {})", "(drop (i32.const 1))".repeat(2_400_000));
    let types: String =
        (0..300_000).map(|n| format!("(type (func (param {})))", ["i32", "i64", "f32"][n % 3])).collect();
    let cases = [
        ("33 MiB", [b"\0asm\x0d\0\x01\0".as_slice(), &vec![0; 33 << 20]].concat(), "component-too-large"),
        ("a function of 7 MB", module(&big_function), "function-too-large"),
        ("50,000 locals", module(&format!("(func {})", "(local i32 i64)".repeat(25_000))), "too-many-locals"),
        ("a million types", module(&types), "too-many-types"),
        ("a hundred modules", binary(&format!("(component {})", "(core module)".repeat(100))), "too-many-modules"),
    ];
    for (case, bytes, code) in cases {
        let error = lab.load(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{case}: {error}");
    }
    assert_eq!(lab.sandbox.stats().compiled, compiled);
}

fn module(inside: &str) -> Vec<u8> {
    binary(&format!("(component (core module {inside}))"))
}

/// One small text for each proposal that is refused. (The engine's own tests show that it refuses them by itself.)
#[test]
fn forbidden_proposals_are_refused() {
    let lab = Lab::new();
    let cases = [
        ("memory64", "(memory i64 1)"),
        ("multi-memory", "(memory 1) (memory 1)"),
        ("threads: shared memory", "(memory 1 1 shared)"),
        ("threads: atomics", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))"),
        ("relaxed-simd", "(func (param v128) (drop (i32x4.relaxed_trunc_f32x4_s (local.get 0))))"),
        ("custom page sizes", "(memory 1 (pagesize 1))"),
        ("stack switching", "(type $f (func)) (type $c (cont $f)) (func (param (ref null $c)))"),
        ("gc: structs", "(type (struct (field i32)))"),
        ("gc: i31", "(func (drop (ref.i31 (i32.const 1))))"),
        ("function references", "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))"),
        ("exceptions", "(tag (param i32))"),
        ("exceptions: try", "(func (block (try_table (catch_all 0))))"),
        (
            "wide arithmetic",
            "(func (param i64) (i64.add128 (local.get 0) (local.get 0) (local.get 0) (local.get 0)) drop drop)",
        ),
    ];
    for (proposal, text) in cases {
        let error = lab.load(&module(text)).unwrap_err();
        assert_eq!(error.code(), "invalid-component", "{proposal}: {error}");
    }
}

#[test]
fn imports_that_are_not_linked_are_refused_by_name() {
    let lab = Lab::new();
    let import = |name: &str| binary(&format!("(component (import \"{name}\" (instance)))"));
    let cases = [
        ("wasi:sockets/tcp@0.2.6", "unknown-import"),
        ("wasi:http/outgoing-handler@0.2.6", "unknown-import"),
        ("wasi:filesystem/types@0.3.0", "unknown-import"),
        ("other:package/thing@1.0.0", "unknown-import"),
        ("openanalyst:script/host@0.1.0", "unknown-import"),
        ("openanalyst:skill/windmill@0.2.0", "unknown-version"),
        ("openanalyst:skill/windmill@0.1.1", "unknown-version"),
    ];
    for (name, code) in cases {
        let error = lab.load(&import(name)).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let missing = binary("(component (import \"openanalyst:skill/log@0.1.0\" (instance (export \"shout\" (func)))))");
    assert_eq!(lab.load(&missing).unwrap_err().code(), "unknown-import");
}

#[test]
fn a_component_of_a_stranger_is_compiled_once() {
    let lab = Lab::new();
    let before = lab.sandbox.stats();
    for _ in 0..3 {
        lab.sandbox.load_skill("probe", Digest::from_sha256([1; 32]), PROBE).unwrap();
    }
    let after = lab.sandbox.stats();
    assert_eq!((after.compiled - before.compiled, after.loaded - before.loaded, after.rejected), (1, 2, 0));
}
