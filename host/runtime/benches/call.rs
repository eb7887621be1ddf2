//! What the sandbox costs on top of the engine: `cargo bench -p openanalyst-runtime --bench call`.
//!
//! The same component does the same (a fresh instance, `run` with one host call) twice, in turns: through the sandbox with its budget, receipt, admission
//! and grant check; and on the bare engine, with the same pool, without any of them. Printed are the medians and their ratio; the goal is 1.3.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use openanalyst_domain::{Digest, Failure, Owner, TenantId, UserId};
use openanalyst_guest_fixtures::{Core, PROBE};
use openanalyst_runtime::capabilities::Memory;
use openanalyst_runtime::contract::memory::{Entry, Page, PutOptions, PutOutcome, Scope};
use openanalyst_runtime::contract::v0_1_0::SkillPre;
use openanalyst_runtime::contract::{self, Action, Attempt, Context, Inputs, Intent, Request, Step};
use openanalyst_runtime::{Call, Sandbox, SandboxOptions};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

const WARM_UP: usize = 2_000;
const ROUNDS: usize = 20_000;

/// Has nothing.
struct Empty;

#[async_trait]
impl Memory for Empty {
    async fn get(&self, _: Scope, _: &str) -> Result<Option<Entry>, Failure> {
        Ok(None)
    }

    async fn put(&self, _: Scope, _: &str, _: &str, _: PutOptions) -> Result<PutOutcome, Failure> {
        Ok(PutOutcome::Stored(1))
    }

    async fn delete(&self, _: Scope, _: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn list(&self, _: Scope, _: &str, _: u32, _: Option<&str>) -> Result<Page, Failure> {
        Ok(Page { entries: Vec::new(), cursor: None })
    }

    async fn search(&self, _: Scope, _: &str, _: u32) -> Result<Vec<Entry>, Failure> {
        Ok(Vec::new())
    }
}

struct Arguments {
    step: Step,
    inputs: Inputs,
    attempt: Attempt,
}

fn main() {
    let cache = tempfile::tempdir().expect("a temporary directory can be made");
    let began = Instant::now();
    let options = || SandboxOptions::new(cache.path().to_owned(), [1; 32]);
    drop(Sandbox::new(options()).expect("the sandbox starts").load_skill("probe", Digest::from_sha256([2; 32]), PROBE));
    let cold = began.elapsed();
    let began = Instant::now();
    let sandbox = Sandbox::new(options()).expect("the sandbox starts");
    let probe = sandbox.load_skill("probe", Digest::from_sha256([2; 32]), PROBE).expect("the probe loads");
    println!(
        "a sandbox and a skill of {} KiB: {:.1} ms with an empty cache, {:.1} ms with a warm one",
        PROBE.len() >> 10,
        cold.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64() * 1e3
    );
    if let Some(resident) = resident_kib() {
        println!("resident then: {:.1} MiB", resident as f64 / 1024.0);
    }
    drop(probe);
    let component = Core {
        head: r#"(import "openanalyst:skill/memory@0.1.0" "get" (func $get (param i32 i32 i32 i32)))"#.to_owned(),
        body: r#"(data (i32.const 2048) "preferences/name")"#.to_owned(),
        ..Core::run("(call $get (i32.const 0) (i32.const 2048) (i32.const 16) (i32.const 3072)) i32.const 1024")
    }
    .component();
    let skill = sandbox.load_skill("bench", Digest::from_sha256([1; 32]), &component).expect("the component loads");
    let mut call =
        Call::new(Owner::new(TenantId::parse("demo").expect("a name"), UserId::parse("demo").expect("a name")));
    call.grants = Arc::new(serde_json::from_str(r#"{ "memory": "user" }"#).expect("the grants are well formed"));
    call.capabilities.memory = Some(Arc::new(Empty));
    let engine = sandbox.engine();
    let bare = bare(engine, &component);
    let arguments = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let (mut ours, mut floor) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    runtime.block_on(async {
        for round in 0..WARM_UP + ROUNDS {
            let began = Instant::now();
            let Arguments { step, inputs, attempt } = &arguments;
            let invocation = sandbox.run(&skill, call.clone(), step, inputs, attempt).await;
            let took_ours = began.elapsed();
            assert!(invocation.result.is_ok() && invocation.receipt.host_calls == 1);
            let began = Instant::now();
            run_bare(engine, &bare, &arguments).await;
            let took_bare = began.elapsed();
            if round >= WARM_UP {
                ours.push(took_ours);
                floor.push(took_bare);
            }
        }
    });
    ours.sort_unstable();
    floor.sort_unstable();
    let at = |sorted: &[std::time::Duration], per_mille: usize| {
        sorted[sorted.len() * per_mille / 1000].as_nanos() as f64 / 1e3
    };
    println!("a call with one host call, {ROUNDS} rounds in turns, in microseconds:");
    println!("  floor (bare engine)  p50 {:7.2}  p99 {:7.2}", at(&floor, 500), at(&floor, 990));
    println!("  sandbox              p50 {:7.2}  p99 {:7.2}", at(&ours, 500), at(&ours, 990));
    println!("  ratio of the p50s    {:.2} (goal: at most 1.30)", at(&ours, 500) / at(&floor, 500));
}

/// The resident memory of this process, where the system says it.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

fn bare(engine: &Engine, component: &[u8]) -> SkillPre<()> {
    let component = Component::new(engine, component).expect("the component compiles");
    let mut linker = Linker::<()>::new(engine);
    let mut memory = linker.instance("openanalyst:skill/memory@0.1.0").expect("a fresh linker");
    memory
        .func_wrap_async("get", |_, (_, _): (Scope, String)| {
            Box::new(async { Ok((Ok::<Option<Entry>, contract::Failure>(None),)) })
        })
        .expect("a fresh linker");
    SkillPre::new(linker.instantiate_pre(&component).expect("the imports are linked")).expect("the handler is exported")
}

async fn run_bare(engine: &Engine, bare: &SkillPre<()>, arguments: &Arguments) {
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(1 << 40);
    let skill = bare.instantiate_async(&mut store).await.expect("an instance is free");
    let handler = skill.openanalyst_skill_handler();
    let result = handler.call_run(&mut store, &arguments.step, &arguments.inputs, &arguments.attempt).await;
    assert!(result.expect("the guest does not trap").is_ok());
}

fn arguments() -> Arguments {
    let request = Request {
        task_id: "0198c0de-0000-7000-8000-000000000000".to_owned(),
        session_id: "session".to_owned(),
        content: "Create a Twitter post about AI trends and schedule it for tomorrow".to_owned(),
        intent: Intent {
            actions: vec!["create".to_owned(), "schedule".to_owned()],
            confidence: 0.9,
            slots: Vec::new(),
        },
        attachments: Vec::new(),
        received_at_ms: 1,
        time_zone: "Europe/Berlin".to_owned(),
        user_folder: "u/demo".to_owned(),
        answers: Vec::new(),
    };
    let context = Context {
        now_ms: 1,
        display_name: None,
        preferences: Vec::new(),
        custom_instructions: None,
        messages: Vec::new(),
        recent_tasks: Vec::new(),
        learnings: Vec::new(),
        skills: Vec::new(),
        omitted: 0,
    };
    Arguments {
        step: Step {
            id: "a".to_owned(),
            title: "A step".to_owned(),
            action: Action::Run("{}".to_owned()),
            expects: Vec::new(),
        },
        inputs: Inputs { request, context, arguments: "{}".to_owned(), results: Vec::new() },
        attempt: Attempt { number: 1, max: 4, differences: Vec::new(), learning: None },
    }
}
