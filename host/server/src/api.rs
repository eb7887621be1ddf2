//! All routes in one table: method, path, the scope that a token needs, and what the description says. The router, the check of scopes and `/openapi.json` are
//! made from it, so none of them can know a route that another does not.

use axum::routing::{MethodRouter, delete, get, post, put};
use openanalyst_brain::{
    ConversationRow, EntryRow, MemoryView, MessageRow, TaskPage, TaskView, UsageView, UserContext, UserRow,
};
use openanalyst_identity::Scope;
use openanalyst_registry::{InstalledSkill, SecretView, SkillLimits, TenantSettings, Uploaded};
use utoipa::openapi::{HttpMethod, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::app::App;
use crate::{
    audit, events, grants, health, hub, kept, me, openapi, past, people, requests, route, secrets, skills, tasks,
    tenant, usage,
};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, without a token.
    Public,
    /// Whoever holds a token with this scope.
    Needs(Scope),
    /// As [`Needs`](Self::Needs), and the handler checks it: a browser can only send the token of a WebSocket as a subprotocol.
    NeedsInHandshake(Scope),
}

/// A named schema with all that it refers to.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) schema: RefOr<Schema>,
    pub(crate) parts: Vec<(String, RefOr<Schema>)>,
}

impl Named {
    fn of<T: ToSchema + PartialSchema>() -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self { name: T::name().into_owned(), schema: T::schema(), parts }
    }
}

/// What a route takes as its body.
#[expect(clippy::large_enum_variant, reason = "one for each route, made once")]
pub(crate) enum Body {
    None,
    Json(Named),
    /// A `.skill` file.
    Package,
}

/// What it answers when all went well.
#[allow(clippy::large_enum_variant, reason = "one for each route, made once")]
pub(crate) enum Answer {
    /// One value.
    One(Named),
    /// A page of values, under this name, with `nextCursor`.
    Page(&'static str, Named),
    /// JSON that is described in words.
    Json(&'static str),
    /// Nothing.
    Empty,
    /// Server-sent events.
    Events,
    /// Another protocol.
    Upgrade,
}

/// One row of the table.
pub(crate) struct Operation {
    pub(crate) method: HttpMethod,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    /// Names of the query, each with what it means.
    pub(crate) query: &'static [(&'static str, &'static str)],
    pub(crate) body: Body,
    pub(crate) status: u16,
    pub(crate) answer: Answer,
    pub(crate) handler: MethodRouter<App>,
}

impl Operation {
    fn new(
        method: HttpMethod,
        path: &'static str,
        access: Access,
        id: &'static str,
        handler: MethodRouter<App>,
    ) -> Self {
        Self {
            method,
            path,
            access,
            id,
            summary: "",
            query: &[],
            body: Body::None,
            status: 200,
            answer: Answer::Json("a JSON object"),
            handler,
        }
    }

    fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }

    fn takes<T: ToSchema + PartialSchema>(mut self) -> Self {
        self.body = Body::Json(Named::of::<T>());
        self
    }

    fn gives<T: ToSchema + PartialSchema>(mut self) -> Self {
        self.answer = Answer::One(Named::of::<T>());
        self
    }

    fn pages<T: ToSchema + PartialSchema>(mut self, name: &'static str) -> Self {
        self.answer = Answer::Page(name, Named::of::<T>());
        self
    }

    fn answers(mut self, status: u16, answer: Answer) -> Self {
        self.status = status;
        self.answer = answer;
        self
    }
}

const PAGE: &[(&str, &str)] = &[("cursor", "`nextCursor` of the page before"), ("limit", "how many, 1 to 100")];

/// The table.
pub(crate) fn table() -> Vec<Operation> {
    use Access::{Needs, NeedsInHandshake, Public};
    use HttpMethod::{Delete, Get, Post, Put};
    let op = Operation::new;
    let requests_scope = Needs(Scope::Requests);
    let read = Needs(Scope::SkillsRead);
    let write = Needs(Scope::SkillsWrite);
    let admin = Needs(Scope::Admin);
    vec![
        op(Get, "/health", Public, "health", get(health::health)).says("The process lives"),
        op(Get, "/ready", Public, "ready", get(health::ready)).says("The host can do its work"),
        op(Get, "/openapi.json", Public, "openapi", get(openapi::document)).says("This description"),
        op(Get, "/v1/ws", NeedsInHandshake(Scope::Requests), "hub", get(hub::open))
            .says("The WebSocket hub: requests, progress and answers over one connection")
            .answers(101, Answer::Upgrade),
        op(Post, "/v1/requests", requests_scope, "createRequest", post(requests::create))
            .says("Accepts a request, and waits a while for its end: 202 where it goes on")
            .query(&[("wait", "how many seconds to wait for the end, 0 to 120; default 30")])
            .takes::<requests::Body>()
            .gives::<TaskView>(),
        op(Get, "/v1/tasks", requests_scope, "listTasks", get(tasks::list))
            .says("Your tasks, newest first")
            .query(&[("status", "only those in this state"), ("cursor", "`nextCursor` of the page before"), ("limit", "how many, 1 to 100")])
            .gives::<TaskPage>(),
        op(Get, "/v1/tasks/{id}", requests_scope, "showTask", get(tasks::show)).says("A task of yours").gives::<TaskView>(),
        op(Post, "/v1/tasks/{id}/cancel", requests_scope, "cancelTask", post(tasks::cancel))
            .says("Ends a task; reaches the skill and the job that run for it")
            .takes::<tasks::CancelBody>()
            .gives::<TaskView>(),
        op(Post, "/v1/tasks/{id}/answers", requests_scope, "answerTask", post(tasks::answer))
            .says("Answers what a task asked; it goes on from there")
            .query(&[("wait", "how many seconds to wait for the end, 0 to 120; default 30")])
            .takes::<tasks::AnswersBody>()
            .gives::<TaskView>(),
        op(Get, "/v1/tasks/{id}/recording", read, "taskRecording", get(tasks::recording))
            .says("A finished task as a file for `openanalyst replay`, without names, addresses and keys")
            .answers(200, Answer::Json("the recorded invocations of the skill, and its component in base64")),
        op(Get, "/v1/tasks/{id}/events", requests_scope, "taskEvents", get(events::stream))
            .says("A task's events as server-sent events, gapless; goes on after `Last-Event-ID`")
            .answers(200, Answer::Events),
        op(Post, "/v1/route", requests_scope, "route", post(route::route))
            .says("What the router would do with a text, and why; runs nothing")
            .takes::<route::Body>()
            .answers(200, Answer::Json("the decision, its reasons, the ranking, and what was read from the text")),
        op(Get, "/v1/skills", read, "listSkills", get(skills::list)).says("The tenant's skills, active or not").pages::<InstalledSkill>("skills"),
        op(Post, "/v1/skills", write, "uploadSkill", post(skills::upload))
            .says("Uploads a package: stored, compiled and ready, and not active. 422 with every finding at once if it is refused; 200 if this very package was there")
            .answers(201, Answer::One(Named::of::<Uploaded>()))
            .package(),
        op(Get, "/v1/skills/{name}", read, "showSkill", get(skills::show)).says("A skill").gives::<InstalledSkill>(),
        op(Delete, "/v1/skills/{name}", write, "removeSkill", delete(skills::remove))
            .says("Removes an uploaded skill with its versions, grants and secrets; what runs may end")
            .answers(204, Answer::Empty),
        op(Get, "/v1/skills/{name}/versions", read, "listVersions", get(skills::versions))
            .says("The versions of a skill, newest first")
            .answers(200, Answer::Json("name, and versions with digest, state, uploader and warnings")),
        op(Post, "/v1/skills/{name}/activate", write, "activateSkill", post(skills::activate))
            .says("Makes a version the active one; the same call rolls back")
            .takes::<skills::ActivateBody>()
            .gives::<InstalledSkill>(),
        op(Post, "/v1/skills/{name}/disable", write, "disableSkill", post(skills::disable))
            .says("Takes a skill out of use")
            .gives::<InstalledSkill>(),
        op(Get, "/v1/skills/{name}/grants", read, "showGrants", get(grants::show))
            .says("What a skill asks for, what is granted, and what it may use")
            .answers(200, Answer::Json("requested, granted and effective capabilities, in the form of SKILL.md")),
        op(Put, "/v1/skills/{name}/grants", write, "putGrants", put(grants::put))
            .says("Replaces what is granted; what the skill does not ask for is refused")
            .takes::<grants::GrantsBody>()
            .answers(200, Answer::Json("requested, granted and effective capabilities, in the form of SKILL.md")),
        op(Get, "/v1/skills/{name}/budget", read, "showBudget", get(usage::budget))
            .says("The limits of a skill, the operator's ceiling, and what was used today")
            .answers(200, Answer::Json("limits, ceiling and usedToday")),
        op(Put, "/v1/skills/{name}/budget", write, "putBudget", put(usage::put_budget))
            .says("Lowers the limits of a skill, and sets its daily quota")
            .takes::<SkillLimits>()
            .answers(200, Answer::Json("limits, ceiling and usedToday")),
        op(Get, "/v1/skills/{name}/secrets", write, "listSecrets", get(secrets::list))
            .says("The names of a skill's secrets; never their values")
            .pages::<SecretView>("secrets"),
        op(Put, "/v1/skills/{name}/secrets/{key}", write, "putSecret", put(secrets::put))
            .says("Sets a secret. The host puts it into requests to its audience; nobody reads it back")
            .takes::<secrets::SecretBody>()
            .gives::<SecretView>(),
        op(Delete, "/v1/skills/{name}/secrets/{key}", write, "removeSecret", delete(secrets::remove))
            .says("Removes a secret")
            .answers(204, Answer::Empty),
        op(Get, "/v1/skills/{name}/logs", write, "skillLogs", get(usage::logs))
            .says("What a skill logged, newest invocation first, for all users of the tenant")
            .query(PAGE)
            .answers(200, Answer::Json("invocations with their lines, and nextCursor")),
        op(Get, "/v1/skills/{name}/receipts", write, "skillReceipts", get(usage::receipts))
            .says("What a skill used, newest invocation first, for all users of the tenant")
            .query(PAGE)
            .answers(200, Answer::Json("receipts, usedToday and nextCursor")),
        op(Get, "/v1/users", Needs(Scope::UsersWrite), "listUsers", get(people::list))
            .says("The people of the tenant")
            .query(PAGE)
            .pages::<UserRow>("users"),
        op(Post, "/v1/users", Needs(Scope::UsersWrite), "createUser", post(people::create))
            .says("Sign-up: makes the user and, once, their workspace; 200 if they were there")
            .takes::<people::UserBody>()
            .answers(201, Answer::One(Named::of::<UserRow>())),
        op(Delete, "/v1/users", admin, "deleteUser", delete(kept::delete_user))
            .says("Deletes all data of a user and ends their tokens: 202 where it goes on in the background")
            .query(&[("user", "whose data goes"), ("confirm", "the user's name once more: this cannot be undone")])
            .answers(200, Answer::Json("`status`: `deleted`, or `deleting` while it goes on")),
        op(Delete, "/v1/me/data", requests_scope, "deleteOwnData", delete(kept::delete_own))
            .says("Deletes all your data and ends your tokens: 202 where it goes on in the background")
            .query(&[("confirm", "your own user name: this cannot be undone")])
            .answers(200, Answer::Json("`status`: `deleted`, or `deleting` while it goes on")),
        op(Get, "/v1/usage", requests_scope, "usage", get(kept::usage))
            .says("What you keep by kind with its limits, and what you used by day; of the whole tenant, or of another user, for administrators")
            .query(&[
                ("of", "`me`, which is the default, or `tenant`"),
                ("user", "another user of the tenant"),
                ("days", "how many days, 1 to 366; default 1, which is today"),
            ])
            .gives::<UsageView>(),
        op(Get, "/v1/me/context", requests_scope, "showContext", get(me::context))
            .says("What you told the host about yourself")
            .gives::<UserContext>(),
        op(Put, "/v1/me/context", requests_scope, "putContext", put(me::put_context))
            .says("Replaces it; `If-Match` with the version compares first")
            .takes::<me::ContextBody>()
            .gives::<UserContext>(),
        op(Get, "/v1/me/memory", requests_scope, "listMemory", get(me::list))
            .says("Your memory: by the beginning of the key, or by words, best first")
            .query(&[("prefix", "only keys that begin so"), ("query", "only values that hold all of these words"), ("cursor", "`nextCursor` of the page before"), ("limit", "how many, 1 to 100")])
            .pages::<MemoryView>("values"),
        op(Get, "/v1/me/memory/{*key}", requests_scope, "showMemory", get(me::show)).says("A value of your memory").gives::<MemoryView>(),
        op(Put, "/v1/me/memory/{*key}", requests_scope, "putMemory", put(me::put))
            .says("Puts a value; `If-Match` with the version, or `If-None-Match: *`, compares first")
            .takes::<me::MemoryBody>()
            .gives::<MemoryView>(),
        op(Delete, "/v1/me/memory/{*key}", requests_scope, "deleteMemory", delete(me::forget))
            .says("Removes a value")
            .answers(204, Answer::Empty),
        op(Get, "/v1/conversations", requests_scope, "listConversations", get(past::conversations))
            .says("Your conversations, the one that was changed last first")
            .query(PAGE)
            .pages::<ConversationRow>("conversations"),
        op(Get, "/v1/conversations/{id}/messages", requests_scope, "listMessages", get(past::messages))
            .says("The messages of a conversation of yours, oldest first")
            .query(PAGE)
            .pages::<MessageRow>("messages"),
        op(Get, "/v1/history", Needs(Scope::HistoryRead), "history", get(past::history))
            .says("What was learned, done and failed, newest first")
            .query(&[
                ("kind", "session, learning, success, failure, research or activity"),
                ("skill", "only of this skill"),
                ("query", "only with this text"),
                ("since", "not before this moment, UTC milliseconds"),
                ("until", "before this moment, UTC milliseconds"),
                ("cursor", "`nextCursor` of the page before"),
                ("limit", "how many, 1 to 100"),
            ])
            .pages::<EntryRow>("entries"),
        op(Get, "/v1/audit", admin, "audit", get(audit::list))
            .says("Who did what, newest first; each row carries the hash of the one before")
            .query(PAGE)
            .answers(200, Answer::Json("entries and nextCursor")),
        op(Get, "/v1/tenant/settings", admin, "showSettings", get(tenant::settings))
            .says("What the tenant decided for all its skills")
            .gives::<TenantSettings>(),
        op(Put, "/v1/tenant/settings", admin, "putSettings", put(tenant::put_settings))
            .says("Replaces it: required signatures, trusted publishers, limits, quotas, and how long things are kept")
            .takes::<TenantSettings>()
            .gives::<TenantSettings>(),
        op(Post, "/v1/tokens/revoke", admin, "revokeTokens", post(tenant::revoke))
            .says("Ends a token, or all tokens of a user, before their time; open connections end within 5 s")
            .takes::<tenant::RevokeBody>()
            .answers(204, Answer::Empty),
    ]
}

impl Operation {
    fn package(mut self) -> Self {
        self.body = Body::Package;
        self
    }
}
