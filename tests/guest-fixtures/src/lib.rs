//! Guests for the tests of the sandbox.
//!
//! For tests only; no crate of the product depends on it. [`PROBE`] is a skill in Rust that does what its arguments say. [`Core`] makes a
//! component around a core module in WebAssembly text, for what no compiler would ever write.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A skill that does what the member `do` of its arguments says; see `tests/guests/examples/probe.rs`.
pub const PROBE: &[u8] = include_bytes!(env!("PROBE_WASM"));

/// A third party's skill that does what the JSON in its request says; see `tests/guests/examples/courier.rs`.
pub const COURIER: &[u8] = include_bytes!(env!("COURIER_WASM"));

/// A skill whose plan and attempts stand in its request; see `tests/guests/examples/trier.rs`.
pub const TRIER: &[u8] = include_bytes!(env!("TRIER_WASM"));

/// A skill that puts load on its host in the way that its request says; see
/// `tests/guests/examples/neighbour.rs`.
pub const NEIGHBOUR: &[u8] = include_bytes!(env!("NEIGHBOUR_WASM"));

/// The address at which [`Core`]'s `run` returns its result: zeros, which is an output with an empty text.
pub const RESULT: u32 = 1024;
/// The first address that [`Core`]'s `cabi_realloc` hands out.
pub const HEAP: u32 = 4096;

/// What core modules may use besides the contract: the beginning of WASI, and a resource of the guest's own.
const WORLDS: &str = r#"
package test:guest@0.1.0;

interface things {
    resource thing { constructor(); }
}

world plain {
    include openanalyst:skill/skill@0.1.0;
    import wasi:clocks/monotonic-clock@0.2.6;
    import wasi:io/poll@0.2.6;
}

world with-things {
    include plain;
    export things;
}

world networked {
    include plain;
    import wasi:sockets/tcp-create-socket@0.2.6;
    import wasi:http/types@0.2.6;
}
"#;
/// The beginning of the sockets and of HTTP, as toolchains import them.
const WASI_SOCKETS: &str = r#"
package wasi:sockets@0.2.6;

interface network {
    enum error-code { unknown, access-denied, not-supported }
    enum ip-address-family { ipv4, ipv6 }
}

interface tcp {
    use wasi:io/poll@0.2.6.{pollable};
    resource tcp-socket { subscribe: func() -> pollable; }
}

interface tcp-create-socket {
    use network.{error-code, ip-address-family};
    use tcp.{tcp-socket};
    create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
}
"#;
const WASI_HTTP: &str = r#"
package wasi:http@0.2.6;

interface types {
    resource fields { constructor(); has: func(name: string) -> bool; }
}
"#;
const WASI_IO: &str = r#"
package wasi:io@0.2.6;

interface poll {
    resource pollable { ready: func() -> bool; block: func(); }
    poll: func(in: list<borrow<pollable>>) -> list<u32>;
}
"#;
const WASI_CLOCKS: &str = r#"
package wasi:clocks@0.2.6;

interface monotonic-clock {
    use wasi:io/poll@0.2.6.{pollable};
    subscribe-duration: func(when: u64) -> pollable;
}
"#;

/// A skill as a core module in text: whatever is not set is well-behaved.
#[derive(Debug, Clone)]
pub struct Core {
    /// Imports, types: what must stand first.
    pub head: String,
    /// Functions, globals, tables, data, a start: anything.
    pub body: String,
    /// The memory's limits, in pages.
    pub memory: String,
    /// Body of `run`: `$inputs` is the address of its parameters, the result is the address of its own result.
    pub run: String,
    /// Body of `cabi_realloc`: `$old`, `$old_size`, `$align`, `$size`.
    pub realloc: String,
    /// Body of `run`'s post-return, if there is one: `$result`.
    pub post_return: Option<String>,
    /// Body of the destructor (`$thing`) of the guest's own resource, if it has one. `$thing_new` and `$thing_drop` make and drop a handle.
    pub destructor: Option<String>,
}

impl Default for Core {
    fn default() -> Self {
        Self {
            head: String::new(),
            body: String::new(),
            memory: "2".to_owned(),
            run: format!("i32.const {RESULT}"),
            realloc: BUMP.to_owned(),
            post_return: None,
            destructor: None,
        }
    }
}

/// A bump allocator that grows its memory.
const BUMP: &str = "
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
                            (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
      (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16))))))
    (local.get $at)";

impl Core {
    /// A skill with this body of `run`.
    #[must_use]
    pub fn run(body: impl Into<String>) -> Self {
        Self { run: body.into(), ..Self::default() }
    }

    /// The module's text.
    #[must_use]
    pub fn text(&self) -> String {
        const HANDLER: &str = "openanalyst:skill/handler@0.1.0#";
        let Self { head, body, memory, run, realloc, post_return, destructor } = self;
        let post_return = post_return.as_ref().map_or_else(String::new, |body| {
            format!("(func (export \"cabi_post_{HANDLER}run\") (param $result i32) {body})")
        });
        let (things, destructor) = destructor.as_ref().map_or_else(Default::default, |body| {
            let imports = "(import \"[export]test:guest/things@0.1.0\" \"[resource-new]thing\" (func $thing_new (param i32) (result i32)))
                           (import \"[export]test:guest/things@0.1.0\" \"[resource-drop]thing\" (func $thing_drop (param i32)))";
            let exports = format!(
                "(func (export \"test:guest/things@0.1.0#[constructor]thing\") (result i32) (call $thing_new (i32.const 0)))
                 (func (export \"test:guest/things@0.1.0#[dtor]thing\") (param $thing i32) {body})"
            );
            (imports, exports)
        });
        format!(
            "(module
               {things}
               {head}
               (memory (export \"memory\") {memory})
               (global $heap (mut i32) (i32.const {HEAP}))
               {body}
               (func $realloc (export \"cabi_realloc\")
                 (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32) {realloc})
               (func (export \"{HANDLER}plan\") (param i32) (result i32) i32.const {RESULT})
               (func (export \"{HANDLER}reply\") (param i32) (result i32) i32.const {RESULT})
               (func (export \"{HANDLER}run\") (param $inputs i32) (result i32) {run})
               {post_return}
               {destructor}
             )"
        )
    }

    /// The component.
    ///
    /// # Panics
    /// The text is no valid module for the contract's world.
    #[must_use]
    pub fn component(&self) -> Vec<u8> {
        let world = if self.destructor.is_some() { "with-things" } else { "plain" };
        encode(&self.text(), &contract(), world)
    }

    /// The component, with the beginning of WASI's sockets and HTTP to import.
    ///
    /// # Panics
    /// See [`Self::component`].
    #[must_use]
    pub fn networked(&self) -> Vec<u8> {
        encode(&self.text(), &contract(), "networked")
    }

    /// The component with another text, and built against another contract.
    ///
    /// # Panics
    /// See [`Self::component`].
    #[must_use]
    pub fn changed(&self, text: impl FnOnce(String) -> String, of_contract: impl FnOnce(String) -> String) -> Vec<u8> {
        encode(&text(self.text()), &of_contract(contract()), "plain")
    }
}

/// The contract's files as one text.
fn contract() -> String {
    const PACKAGE: &str = "package openanalyst:skill@0.1.0;\n";
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/0.1.0");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the contract is in this repository")
        .map(|entry| entry.expect("its folder can be read").path())
        .collect();
    files.sort();
    let texts = files.iter().map(|path| std::fs::read_to_string(path).expect("its files can be read"));
    let interfaces: String = texts.map(|text| text.replacen(PACKAGE, "", 1)).collect();
    format!("{PACKAGE}{interfaces}")
}

fn encode(text: &str, contract: &str, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut resolve = Resolve::default();
    resolve.push_str("contract.wit", contract).expect("the contract parses");
    resolve.push_str("io.wit", WASI_IO).expect("the text above parses");
    resolve.push_str("clocks.wit", WASI_CLOCKS).expect("the text above parses");
    resolve.push_str("sockets.wit", WASI_SOCKETS).expect("the text above parses");
    resolve.push_str("http.wit", WASI_HTTP).expect("the text above parses");
    let package = resolve.push_str("worlds.wit", WORLDS).expect("the text above parses");
    let world = resolve.select_world(&[package], Some(world)).expect("the text above has the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the metadata fits");
    let encoder = ComponentEncoder::default().validate(false).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

/// WebAssembly text, a component or a module, as bytes.
///
/// # Panics
/// It is no valid text.
#[must_use]
pub fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
