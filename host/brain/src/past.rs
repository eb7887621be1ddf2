//! The recorded past of a user: conversations and history, in pages.

use openanalyst_domain::{MessageId, Owner};
use openanalyst_store::Page;
use openanalyst_store::conversations::{ConversationRow, MessageRow};
use openanalyst_store::history::{EntryFilter, EntryRow};

use crate::api::BrainError;
use crate::brain::Brain;

/// The kinds of entries.
pub const HISTORY_KINDS: &[&str] = &["session", "learning", "success", "failure", "research", "activity"];

impl Brain {
    /// This user's conversations, the one that was changed last first. `before` is what the last page ended with.
    ///
    /// # Errors
    /// The database's.
    pub async fn conversations(
        &self,
        owner: &Owner,
        before: Option<(i64, MessageId)>,
        limit: u32,
    ) -> Result<Vec<ConversationRow>, BrainError> {
        Ok(self.inner.store.conversations(owner, before, limit).await?)
    }

    /// The messages of a conversation, oldest first.
    ///
    /// # Errors
    /// [`BrainError::NoSuchConversation`]; the database's.
    pub async fn messages(
        &self,
        owner: &Owner,
        conversation: MessageId,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Page<MessageRow>, BrainError> {
        let messages = self.inner.store.conversation_messages(owner, conversation, after, limit).await?;
        messages.ok_or_else(|| BrainError::NoSuchConversation(conversation.to_string()))
    }

    /// This user's history, newest first.
    ///
    /// # Errors
    /// [`BrainError::Invalid`] for a kind that there is not; the database's.
    pub async fn history(&self, owner: &Owner, filter: &EntryFilter, limit: u32) -> Result<Page<EntryRow>, BrainError> {
        if filter.kind.as_deref().is_some_and(|kind| !HISTORY_KINDS.contains(&kind)) {
            return Err(BrainError::Invalid(format!("`kind` must be one of {}", HISTORY_KINDS.join(", "))));
        }
        Ok(self.inner.store.search_history(owner, filter, limit).await?)
    }
}
