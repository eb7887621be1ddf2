//! TypeScript programs, their arguments, and what comes out of them.

use std::sync::Arc;

use super::{FakeHost, check, json, run_alone, run_on};

#[test]
fn programs_give_their_results() {
    for (source, arguments, expected) in [
        // Arguments reach parameters by name, in whatever order they come.
        (
            "export async function main(name: string, count = 1) { return `${name}:${count}` }",
            r#"{"count":3,"name":"Ada"}"#,
            r#""Ada:3""#,
        ),
        (
            "export async function main(name: string, count = 1) { return `${name}:${count}` }",
            r#"{"name":"Ada"}"#,
            r#""Ada:1""#,
        ),
        ("export function main(a: string, b?: {x: number}) { return [a, b] }", "{}", "[null,null]"),
        ("export function main(a: string | null = 'x') { return a }", r#"{"a":null}"#, "null"),
        ("export function main({ a, b = 2 }: {a: number, b?: number}) { return a + b }", r#"{"a":1}"#, "3"),
        (
            "export function main(first: number, ...rest: number[]) { return [first, rest] }",
            r#"{"first":1,"rest":[2,3]}"#,
            "[1,[2,3]]",
        ),
        ("export function main(constructor: any) { return typeof constructor }", "{}", r#""undefined""#),
        ("export const main = async (a: number): Promise<number> => a * 2", r#"{"a":21,"unknown":1}"#, "42"),
        ("async function run(a: number) { return a }\nexport { run as main }", r#"{"a":1}"#, "1"),
        // Results.
        ("export function main() {}", "{}", "null"),
        (
            "export function main() { return { a: undefined, d: new Date(0) } }",
            "{}",
            r#"{"d":"1970-01-01T00:00:00.000Z"}"#,
        ),
        ("export function main() { return { then(resolve: any) { resolve(5) } } }", "{}", "5"),
        ("export function main(t: string) { return t + '\\u{1F600}' }", r#"{"t":"ü"}"#, "\"ü😀\""),
        // TypeScript beyond plain types.
        (
            "enum Colour { Red = 'red', Blue = 'blue' }\nexport function main() { return Colour.Blue }",
            "{}",
            r#""blue""#,
        ),
        ("enum Size { S, M = S + 5, L }\nexport function main() { return [Size.L, Size[0]] }", "{}", r#"[6,"S"]"#),
        ("namespace N { export const a = 1 }\nexport function main() { return N.a }", "{}", "1"),
        (
            "class A { constructor(public a: number, private b = 2) {} sum(): number { return this.a + this.b } }\nexport function main() { return new A(1).sum() }",
            "{}",
            "3",
        ),
        (
            "interface A { a: number }\ntype B = A & { b: string };\nexport function main(x: B) { return (x as A).a satisfies number }",
            r#"{"x":{"a":1,"b":""}}"#,
            "1",
        ),
        ("function id<T>(x: T): T { return x! }\nexport function main() { return id<number>(7) }", "{}", "7"),
        (
            "abstract class S { abstract area(): number }\nclass Q extends S { #side = 2; area() { return this.#side ** 2 } }\nexport const main = () => new Q().area()",
            "{}",
            "4",
        ),
        // The language.
        ("const x = await Promise.resolve(4);\nexport function main() { return x }", "{}", "4"),
        (
            "export async function main() { const r: number[] = []; for await (const x of (async function* () { yield 1; yield 2 })()) r.push(x); return r }",
            "{}",
            "[1,2]",
        ),
        ("export function main() { return [...new Set([3, 1, 3])].toSorted().at(-1) }", "{}", "3"),
        (
            "export function main() { return 'a-b_c'.replaceAll(/[-_](?<l>\\w)/gu, (_, l) => l.toUpperCase()) }",
            "{}",
            r#""aBC""#,
        ),
        ("export function main(o?: any) { return o?.a?.b ?? 'none' }", "{}", r#""none""#),
        ("export function main() { return new Date('2026-11-24T09:00:00Z').getHours() }", "{}", "9"),
        ("export function main() { return new Date(2026, 0, 1).toISOString() }", "{}", r#""2026-01-01T00:00:00.000Z""#),
        ("export function main() { return 'Ä'.normalize('NFD').length + 'ß'.toUpperCase() }", "{}", r#""2SS""#),
        // Globals.
        (
            "export function main() { return [process.env.WM_WORKSPACE, process.env.WM_TOKEN, process.env.HOME] }",
            "{}",
            r#"["acme","",null]"#,
        ),
        (
            "export function main() { return new URL('/b?x=1', 'https://example.com/a').href }",
            "{}",
            r#""https://example.com/b?x=1""#,
        ),
        ("export function main() { return [...new TextEncoder().encode('é')] }", "{}", "[195,169]"),
        ("export function main() { return new TextDecoder().decode(new Uint8Array([195, 169])) }", "{}", "\"é\""),
        (
            "export function main() { const a = { b: [1] }; const c = structuredClone(a); a.b.push(2); return c }",
            "{}",
            r#"{"b":[1]}"#,
        ),
        ("export function main() { return atob(btoa('hello')) }", "{}", r#""hello""#),
        (
            "export function main() { return /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()) }",
            "{}",
            "true",
        ),
        (
            "export function main() { return [typeof fetch, typeof require, typeof Deno, typeof Bun] }",
            "{}",
            r#"["undefined","undefined","undefined","undefined"]"#,
        ),
        (
            "export function main() { const p = new URLSearchParams({ a: 'b c', 'ä': '&' }); p.append('a', '2'); p.set('x', '~'); return [p.toString(), p.get('a'), p.getAll('a'), p.get('no'), p.size] }",
            "{}",
            r#"["a=b+c&%C3%A4=%26&a=2&x=%7E","b c",["b c","2"],null,4]"#,
        ),
        (
            "export function main() { return Object.fromEntries(new URLSearchParams('?a=1%20+2&b&c=%zz')) }",
            "{}",
            r#"{"a":"1  2","b":"","c":"%zz"}"#,
        ),
        (
            "export function main() { const u = new URL('https://example.com/p?x=1#h'); u.searchParams.set('utm_source', 'a b'); u.searchParams.delete('x'); return [u.href, u.searchParams === u.searchParams, u.searchParams instanceof URLSearchParams] }",
            "{}",
            r#"["https://example.com/p?utm_source=a+b#h",true,true]"#,
        ),
        ("export function main() { return performance.now() >= 0 }", "{}", "true"),
        // The event loop.
        (
            "export async function main() { const r: string[] = []; setTimeout(() => r.push('timer'), 0); queueMicrotask(() => r.push('micro')); await new Promise(d => setTimeout(d, 2)); return r }",
            "{}",
            r#"["micro","timer"]"#,
        ),
        (
            "export async function main() { const r: number[] = []; await Promise.all([3, 1, 2].map(n => new Promise<void>(d => setTimeout(() => { r.push(n); d() }, n)))); return r }",
            "{}",
            "[1,2,3]",
        ),
        (
            "export async function main() { let n = 0; await new Promise<void>(d => { const t = setInterval(() => { if (++n === 3) { clearInterval(t); d() } }, 1) }); return n }",
            "{}",
            "3",
        ),
        (
            "export async function main() { setTimeout(() => { throw new Error('never reached') }, 60000); return 'done' }",
            "{}",
            r#""done""#,
        ),
        ("export async function main() { setInterval(() => {}, 60000); return 'done' }", "{}", r#""done""#),
    ] {
        assert_eq!(run_alone(source, arguments), Ok(json(expected)), "{source}");
    }
}

#[test]
fn failures_are_named_and_explained() {
    for (source, arguments, name, message) in [
        ("export function main() { throw new TypeError('wrong') }", "{}", "TypeError", "wrong"),
        ("export async function main() { await 1; throw new RangeError('late') }", "{}", "RangeError", "late"),
        (
            "class Mine extends Error { name = 'Mine' }\nexport function main() { throw new Mine('own') }",
            "{}",
            "Mine",
            "own",
        ),
        ("export function main() { throw 'text' }", "{}", "Error", "text"),
        ("export function main() { throw { code: 5 } }", "{}", "Error", "code"),
        ("export function main() { throw undefined }", "{}", "Error", "undefined"),
        ("export function main() { return (undefined as any).x }", "{}", "TypeError", "undefined"),
        ("throw new Error('at the top')\nexport function main() {}", "{}", "Error", "at the top"),
        ("export function main() { return nothing }", "{}", "ReferenceError", "nothing"),
        ("export async function main() { await new Promise(() => {}) }", "{}", "NeverSettled", "`main`"),
        ("await new Promise(() => {})\nexport function main() {}", "{}", "NeverSettled", "top level"),
        ("export function main() { return 1n }", "{}", "InvalidResult", "bigint"),
        ("export function main() { const a: any = {}; a.a = a; return a }", "{}", "InvalidResult", "cyclic"),
        ("export function main() {}", "[1]", "InvalidArguments", "object"),
        ("export function other() {}", "{}", "MissingMain", "f/test/folder/script"),
        ("export { main } from './other'", "{}", "MissingMain", "main"),
        ("export function main( {", "{}", "SyntaxError", "f/test/folder/script:1:"),
        ("export function main() { return eval('1') }", "{}", "EvalError", "not allowed"),
        ("export function main() { return new Function('return 1')() }", "{}", "EvalError", "not allowed"),
        ("import fs from 'node:fs'\nexport function main() { return fs }", "{}", "ImportError", "node:fs"),
        ("export async function main() { await import('axios') }", "{}", "ImportError", "axios"),
        (
            "export async function main() { await new Promise(d => setTimeout(d, 2_000_000_000)) }",
            "{}",
            "TimerTooLong",
            "600 seconds",
        ),
    ] {
        let error = run_alone(source, arguments).expect_err(source);
        assert_eq!(error.name, name, "{source}: {error}");
        assert!(error.message.contains(message), "{source}: {error}");
    }
}

#[test]
fn an_error_points_at_the_typescript_it_came_from() {
    let source = "interface Removed {\n  a: number;\n}\ntype Gone = string;\n\nfunction inner(x: Removed): never {\n  throw new Error('deep');\n}\n\nexport async function main(): Promise<void> {\n  inner({ a: 1 });\n}\n";
    let error = run_alone(source, "{}").unwrap_err();
    assert_eq!(error.line, Some(7), "{error:?}");
    let stack = error.stack.unwrap();
    let lines: Vec<&str> = stack.lines().collect();
    assert!(lines[0].starts_with("at inner (f/test/folder/script:7:"), "{stack}");
    assert!(lines[1].starts_with("at main (f/test/folder/script:11:"), "{stack}");

    let thrown_by_the_engine =
        run_alone("type A = 1;\n\nexport function main(a: any) {\n  return a.b.c;\n}", "{\"a\":{}}").unwrap_err();
    assert_eq!(thrown_by_the_engine.line, Some(4), "{thrown_by_the_engine:?}");

    let syntax = run_alone("const a = 1;\n\nconst = 2;", "{}").unwrap_err();
    assert_eq!(syntax.line, Some(3));
}

#[test]
fn console_writes_what_a_reader_of_the_log_wants_to_see() {
    for (call, expected) in [
        ("console.log('text', 5, true, null, undefined)", "text 5 true null undefined"),
        ("console.log({ a: { b: [1, 'x'] } }, [new Map([[1, 2]])])", r#"{"a":{"b":[1,"x"]}} [[[1,2]]]"#),
        (
            "console.log('%s has %d items, %i%%, %j', 'Ada', '5', 2.7, { a: 1 }, 'more')",
            r#"Ada has 5 items, 2%, {"a":1} more"#,
        ),
        ("console.log('100% sure')", "100% sure"),
        ("console.log('%s')", "%s"),
        ("console.log(new TypeError('wrong'), { e: new Error('in') })", r#"TypeError: wrong {"e":"Error: in"}"#),
        (
            "const a: any = { n: 1n }; a.self = a; a.again = [a]; console.log(a)",
            r#"{"n":"1","self":"[Circular]","again":["[Circular]"]}"#,
        ),
        ("const o = {}; console.log({ first: o, second: o })", r#"{"first":{},"second":{}}"#),
        ("console.log({ toJSON() { throw 1 } }, Symbol('s'), 1n)", "[object Object] Symbol(s) 1"),
        ("console.group(); console.log('in')", "  in"),
        ("console.assert(true, 'no'); console.assert(1 > 2, 'why', 3)", "Assertion failed: why 3"),
        ("console.time(); console.count()", "default: 1"),
    ] {
        let host = Arc::new(FakeHost::default());
        run_on(&host, &format!("export function main() {{ {call} }}"), "{}").expect(call);
        let logs = host.logs();
        assert_eq!(logs.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), [expected], "{call}");
    }
}

#[test]
fn a_global_that_is_read_late_is_the_same_at_every_read() {
    for (source, expected) in [
        ("export function main() { for (let i = 0; i < 3; i++) console.log(i); return console === console }", "true"),
        (
            "export function main() { let all = ''; for (const v of [1, 2, 3]) all += new URLSearchParams({ v: String(v) }); return all }",
            r#""v=1v=2v=3""#,
        ),
        (
            "export function main() { const seen = []; for (let i = 0; i < 3; i++) { seen.push(typeof console); globalThis.console = i as any } return [seen, console] }",
            r#"[["object","number","number"],2]"#,
        ),
    ] {
        assert_eq!(run_alone(source, "{}"), Ok(json(expected)), "{source}");
    }
}

#[test]
fn what_a_script_overdoes_is_an_error_of_the_script() {
    for source in [
        "export function main() { return '\\ud800' }",
        "export function main() { return { name: 'a\\udc00b' } }",
        "export function main() { return ['\\ud83d'] }",
    ] {
        let error = run_alone(source, "{}").unwrap_err();
        assert!(error.name == "InvalidResult" && error.message.contains("toWellFormed"), "{source}: {error}");
    }
    let whole = run_alone("export function main() { return '\\ud83d\\ude00' }", "{}").unwrap();
    assert_eq!(whole, json("\"😀\""), "a whole pair is a character");
    for nested in [format!("{}1", "1+".repeat(50_000)), format!("{}1{}", "(".repeat(50_000), ")".repeat(50_000))] {
        let source = format!("export function main() {{ return {nested} }}");
        for error in [run_alone(&source, "{}").unwrap_err(), check(super::PATH, &source).unwrap_err()] {
            assert!(error.message.contains("nested") || error.message.contains("stack"), "{error}");
            assert!(!error.message.contains("the host could not"), "{error}");
        }
    }
}

/// A failure of the store is never the script's: it cannot catch it, and its run has no outcome.
#[test]
fn a_record_that_cannot_be_reached_ends_the_run_without_an_outcome() {
    let host = Arc::new(FakeHost { interrupts: true, ..FakeHost::default() });
    let source = "import * as wmill from 'windmill-client';\n\
        export async function main() { try { return await wmill.getVariable('u/ada/x') } catch { return 'caught' } }";
    let script = super::call(&host, super::PATH, source, json("{}"));
    let ended = super::RUNTIME.block_on(super::sandbox().run_script(&super::RUNNER, script)).result;
    assert!(matches!(ended, Err(openanalyst_runtime::CallError::Interrupted(_))), "{ended:?}");
}
