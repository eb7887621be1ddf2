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
        ("wasi:sockets/tcp@0.3.0", "unknown-import"),
        ("wasi:http/handler@0.3.0", "unknown-import"),
        ("wasi:nn/graph@0.2.0-rc", "unknown-import"),
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

/// Two components fused into one: the engine itself makes an adapter between their two memories.
const FUSED: &str = r#"(component
  (component $inner
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 16)
      (func (export "length") (param i32 i32) (result i32) local.get 1))
    (core instance $i (instantiate $m))
    (func (export "length") (param "text" string) (result u32)
      (canon lift (core func $i "length") (memory $i "memory") (realloc (func $i "realloc")))))
  (component $outer
    (import "length" (func $length (param "text" string) (result u32)))
    (core module $libc (memory (export "memory") 1))
    (core instance $libc (instantiate $libc))
    (core func $length (canon lower (func $length) (memory $libc "memory")))
    (core module $m
      (import "" "length" (func $length (param i32 i32) (result i32)))
      (func (export "measure") (result i32) (call $length (i32.const 8) (i32.const 5))))
    (core instance $i (instantiate $m (with "" (instance (export "length" (func $length))))))
    (func (export "measure") (result u32) (canon lift (core func $i "measure"))))
  (instance $inner (instantiate $inner))
  (instance $outer (instantiate $outer (with "length" (func $inner "length"))))
  (export "measure" (func $outer "measure")))"#;

#[tokio::test]
async fn fused_components_are_compiled_and_run_and_guests_stay_without_multi_memory() {
    let lab = Lab::new();
    let component = binary(FUSED);
    // It is compiled, and lacks only the contract's export.
    assert_eq!(lab.load(&component).unwrap_err().code(), "missing-export");
    let engine = lab.sandbox.engine();
    let component = wasmtime::component::Component::new(engine, &component).unwrap();
    let mut store = wasmtime::Store::new(engine, ());
    store.set_epoch_deadline(1_000_000);
    let linker = wasmtime::component::Linker::new(engine);
    let instance = linker.instantiate_async(&mut store, &component).await.unwrap();
    let measure = instance.get_typed_func::<(), (u32,)>(&mut store, "measure").unwrap();
    assert_eq!(measure.call_async(&mut store, ()).await.unwrap(), (5,));

    let by_a_guest = FUSED.replace(
        "(memory (export \"memory\") 1)\n      (func",
        "(memory (export \"memory\") 1) (memory 1)\n      (func",
    );
    assert_ne!(by_a_guest, FUSED);
    assert_eq!(lab.load(&binary(&by_a_guest)).unwrap_err().code(), "invalid-component");
}

#[tokio::test]
async fn sockets_and_http_are_linked_and_every_call_is_refused() {
    let lab = Lab::new();
    let socket = Core {
        head: "(import \"wasi:sockets/tcp-create-socket@0.2.6\" \"create-tcp-socket\" (func $create (param i32 i32)))"
            .to_owned(),
        // An error, and of its kinds `access-denied`.
        run: format!(
            "(call $create (i32.const 0) (i32.const 2048))
             (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 1)) (then unreachable))
             (if (i32.ne (i32.load8_u (i32.const 2052)) (i32.const 1)) (then unreachable))
             (i32.const {})",
            openanalyst_guest_fixtures::RESULT
        ),
        ..Core::default()
    };
    let skill = lab.load(&socket.networked()).unwrap();
    let invocation = lab.attack(&skill, crate::lab::call(crate::lab::small()), &serde_json::Value::Null).await;
    invocation.result.as_ref().unwrap();
    assert!(invocation.logs.iter().any(|line| line.message.contains("no network")), "{:?}", invocation.logs);

    // One that can give no error ends the call, in words that say why.
    let headers = Core {
        head: "(import \"wasi:http/types@0.2.6\" \"[constructor]fields\" (func $fields (result i32)))
               (import \"wasi:http/types@0.2.6\" \"[method]fields.has\" (func $has (param i32 i32 i32) (result i32)))"
            .to_owned(),
        run: "(call $has (call $fields) (i32.const 0) (i32.const 4))".to_owned(),
        ..Core::default()
    };
    let skill = lab.load(&headers.networked()).unwrap();
    let invocation = lab.attack(&skill, crate::lab::call(crate::lab::small()), &serde_json::Value::Null).await;
    let (code, said) = crate::lab::failure(&invocation);
    assert!(code == "denied" && said.contains("fields.has") && said.contains("`http` interface"), "{said}");
}

#[test]
fn exports_of_another_type_are_refused_and_the_difference_is_named() {
    const PLAN: &str = "plan: func(request: request, context: context) -> result<planned, failure>;";
    const HANDLER: &str = "openanalyst:skill/handler@0.1.0#";
    let lab = Lab::new();
    let core = Core::default();
    let plan_takes = |from: &str, to: &str| {
        let (from, to) = (format!("{HANDLER}plan\") {from}"), format!("{HANDLER}plan\") {to}"));
        move |text: String| {
            assert!(text.contains(&from), "{text}");
            text.replace(&from, &to)
        }
    };
    let plan_is = |other: &'static str| {
        move |contract: String| {
            assert!(contract.contains(PLAN));
            contract.replace(PLAN, other)
        }
    };
    let without = |field: &'static str| {
        move |contract: String| {
            assert!(contract.contains(field), "{field}");
            contract.replacen(field, "", 1)
        }
    };
    let same = |text: String| text;
    let cases: Vec<(&str, Vec<u8>, &str, &[&str])> = vec![
        (
            "another result",
            core.changed(plan_takes("(param i32) (result i32)", "(result i32)"), plan_is("plan: func() -> u32;")),
            "wrong-export-type",
            &["`plan`", "expected"],
        ),
        (
            "a record with a field less",
            core.changed(same, without("        summary: option<string>,\n")),
            "wrong-export-type",
            &["`run`", "expected", "field"],
        ),
        (
            "a function less",
            core.changed(|text| text.replace(&format!("(export \"{HANDLER}plan\")"), ""), plan_is("")),
            "missing-export",
            &["`plan`", "`run`", "`reply`"],
        ),
    ];
    for (case, component, code, says) in cases {
        let error = lab.load(&component).unwrap_err();
        assert_eq!(error.code(), code, "{case}: {error}");
        for said in says {
            assert!(error.to_string().contains(said), "{case} lacks {said}: {error}");
        }
    }
    lab.load(&core.changed(same, same)).unwrap();
}
