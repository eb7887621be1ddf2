//! The brain: it takes a request from its acceptance to its answer.
//!
//! | role | module | does |
//! |---|---|---|
//! | the front | `brain`, `at_work`, `follow`, `take_over`, `parked` | accepts, lists, awaits, cancels, answers, follows tasks; works on them session by session; takes up what others left |
//! | coordinator | `work`, `prepare`, `context`, `split`, `parts` | builds the context, asks the router, calls the skill's plan and reply |
//! | planner | `plan` | which plans are accepted, and how arguments take up earlier results |
//! | replay | [`replay`] | a finished task as a file, and running it again |
//! | researcher | `research` | looks up how it is done right, once the retries are used up |
//! | executor | `steps`, `jobs`, `asked` | runs steps as jobs, skill calls or the skill's own code; journals each attempt before it begins; asks, and heeds the answer |
//! | evaluator | `expect`, `checker` | compares results with expectations: what is cheap here, and the rest in the sandbox |
//! | supply | `supply` | gives skills memory, the workflow engine, each other and progress, under the user's name |
//! | people | `me`, `past`, `people` | what users tell of themselves, their memory, conversations and history; sign-up with a workspace |
//! | upkeep | `upkeep`, `erasure`, `usage` | removes what is not kept any more, and all data of who asks for it; shows what is kept and used |
//! | history | `record`, `end` | keeps what was done until it is written under the task's lease; writes a task's end, its answer and its history in one transaction |
//!
//! The brain knows no HTTP and no SQL. Whose data it touches is always the [`Owner`](openanalyst_domain::Owner) that the caller proved; nothing in a
//! request can change that. Whatever it says has happened is committed.
//!
//! Begin at [`Brain`], then `work`.

mod accept;
pub mod api;
mod asked;
mod at_work;
mod brain;
mod bus;
mod checker;
mod clarify;
mod context;
mod correction;
mod detach;
mod end;
mod erasure;
mod expect;
mod follow;
mod instead;
mod jobs;
mod ledger;
mod loading;
mod me;
mod numbers;
mod parked;
mod parts;
mod past;
mod people;
mod plan;
mod prepare;
mod record;
pub mod replay;
mod research;
mod retry;
mod sessions;
mod settings;
mod split;
mod steps;
mod supply;
mod take_over;

mod told;
mod upkeep;
mod usage;
mod view;
mod work;

pub use api::{
    Acceptance, Answer, Attachment, BrainError, MAX_ATTACHMENTS, MAX_ATTACHMENTS_BYTES, MAX_CONTENT_BYTES,
    MAX_IDEMPOTENCY_KEY_CHARS, MAX_PAGE, NewRequest, Notice, Question, TaskFailure, TaskMetadata, TaskPage,
    TaskReceipt, TaskView, Understood,
};
pub use brain::{Brain, BrainOptions};
pub use checker::{Checker, self_check};
pub use context::known_time_zone;
pub use me::{MAX_INSTRUCTIONS_BYTES, MAX_PREFERENCES_BYTES, MemoryView, UserContext};
pub use openanalyst_router::{Decision, Route};
pub use openanalyst_store::Page;
pub use openanalyst_store::conversations::{ConversationRow, MessageRow};
pub use openanalyst_store::deletion::{Deletion, Subject};
pub use openanalyst_store::history::{EntryFilter, EntryRow};
pub use openanalyst_store::users::UserRow;
pub use past::HISTORY_KINDS;
pub use people::{NewUser, template_names};
pub use settings::BrainSettings;
pub use usage::{DayUsage, KindUsage, MAX_USAGE_DAYS, UsageView};
